//! A tensor map in 128 bytes.
//!
//! | byte | what |
//! |---|---|
//! | 0 | `wt.tmap1`, so that other bytes are not taken for a map |
//! | 8 | mode, data, rank, swizzle, fill, five steps: a byte each |
//! | 18 | the box's five extents, or channels and pixels, 16 bits each |
//! | 28 | im2col's lower and upper corners, 16 bits each, W first |
//! | 40 | address |
//! | 48 | four strides |
//! | 80 | five dimensions |
//! | 120 | zeros |

use super::{Data, Mode, TensorMap};
use crate::tensor::swizzle::Swizzle;

const MAGIC: [u8; 8] = *b"wt.tmap1";

impl TensorMap {
    /// The map's bytes. Extents, corners and steps that no map can have lose bits.
    pub fn encode(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        bytes[..8].copy_from_slice(&MAGIC);
        let halves: Vec<u16> = match self.mode {
            Mode::Tiled { extent } => extent.iter().map(|size| *size as u16).collect(),
            Mode::Im2col { lower, upper, channels, pixels } => {
                bytes[8] = 1;
                let corners = lower.iter().chain(&upper).map(|corner| *corner as u16);
                [channels as u16, pixels as u16, 0, 0, 0].into_iter().chain(corners).collect()
            }
        };
        bytes[9] = self.data as u8;
        bytes[10] = self.rank as u8;
        bytes[11] = self.swizzle as u8;
        bytes[12] = self.fill_nan.into();
        bytes[13..18].copy_from_slice(&self.steps.map(|step| step as u8));
        for (half, bytes) in halves.iter().zip(bytes[18..40].chunks_exact_mut(2)) {
            bytes.copy_from_slice(&half.to_le_bytes());
        }
        let words = [self.address].into_iter().chain(self.strides).chain(self.dimensions);
        for (word, bytes) in words.zip(bytes[40..120].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The map that [`TensorMap::encode`] wrote. [`TensorMap::check`] tells whether it can be used.
    ///
    /// # Errors
    /// Bytes that are no map.
    pub fn decode(bytes: &[u8; 128]) -> Result<Self, String> {
        let wrong = || "these 128 bytes are no tensor map that this machine's driver made".to_owned();
        let half = |index: usize| u16::from_le_bytes([bytes[18 + 2 * index], bytes[19 + 2 * index]]);
        let corner = |index: usize| i32::from(half(index) as i16);
        let word = |index: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[40 + 8 * index + byte]));
        let mode = match bytes[8] {
            0 => Mode::Tiled { extent: std::array::from_fn(|index| half(index).into()) },
            1 => Mode::Im2col {
                lower: std::array::from_fn(|index| corner(5 + index)),
                upper: std::array::from_fn(|index| corner(8 + index)),
                channels: half(0).into(),
                pixels: half(1).into(),
            },
            _ => return Err(wrong()),
        };
        if bytes[..8] != MAGIC || bytes[120..] != [0; 8] || bytes[12] > 1 {
            return Err(wrong());
        }
        Ok(TensorMap {
            data: *Data::ALL.get(usize::from(bytes[9])).ok_or_else(wrong)?,
            rank: bytes[10].into(),
            address: word(0),
            dimensions: std::array::from_fn(|index| word(5 + index)),
            strides: std::array::from_fn(|index| word(1 + index)),
            steps: std::array::from_fn(|index| bytes[13 + index].into()),
            mode,
            swizzle: *Swizzle::ALL.get(usize::from(bytes[11])).ok_or_else(wrong)?,
            fill_nan: bytes[12] == 1,
        })
    }
}
