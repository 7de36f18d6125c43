//! Tensor maps (5.5.8): how `cp.async.bulk.tensor` sees a tensor in global memory, and which of its elements go where in
//! shared memory.
//!
//! The driver makes maps of 128 bytes and says nothing of what they hold; these have an order of their own
//! ([`TensorMap::encode`]). Interleaved layouts, elements of less than a byte and swizzles of other units than 16 bytes are
//! refused.

mod check;
mod driver;
mod encode;
mod replace;
mod units;

pub use driver::{Encode, im2col, tiled};
pub use replace::{Field, replace};
pub use units::{Start, Unit};

use super::swizzle::Swizzle;
use crate::number::half::OUTSIDE;

/// A tensor's elements, in the order of the driver's `CUtensorMapDataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    U8,
    U16,
    U32,
    S32,
    U64,
    S64,
    F16,
    F32,
    F64,
    Bf16,
    F32Ftz,
    Tf32,
    Tf32Ftz,
}

impl Data {
    const ALL: [Data; 13] = [
        Data::U8,
        Data::U16,
        Data::U32,
        Data::S32,
        Data::U64,
        Data::S64,
        Data::F16,
        Data::F32,
        Data::F64,
        Data::Bf16,
        Data::F32Ftz,
        Data::Tf32,
        Data::Tf32Ftz,
    ];

    /// Bytes of an element.
    pub const fn size(self) -> u32 {
        match self {
            Data::U8 => 1,
            Data::U16 | Data::F16 | Data::Bf16 => 2,
            Data::U32 | Data::S32 | Data::F32 | Data::F32Ftz | Data::Tf32 | Data::Tf32Ftz => 4,
            Data::U64 | Data::S64 | Data::F64 => 8,
        }
    }

    pub const fn is_float(self) -> bool {
        !matches!(self, Data::U8 | Data::U16 | Data::U32 | Data::S32 | Data::U64 | Data::S64)
    }

    /// What a word read from the tensor becomes on its way to shared memory: `Ftz` takes zeros for subnormals, tf32 rounds to
    /// nearest even (5.5.1).
    pub fn loaded(self, word: u32) -> u32 {
        let flushed = if matches!(self, Data::F32Ftz | Data::Tf32Ftz) && word & 0x7f80_0000 == 0 {
            word & 0x8000_0000
        } else {
            word
        };
        match self {
            Data::Tf32 | Data::Tf32Ftz if f32::from_bits(word).is_finite() => {
                (flushed + 0xfff + (flushed >> 13 & 1)) & !0x1fff
            }
            _ => flushed,
        }
    }
}

/// Which part of the tensor a copy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A box of as many elements in each dimension, those between the traversal's steps included (5.5.3).
    Tiled { extent: [u32; 5] },
    /// Pixels one after the other within a bounding box of W, H, D that repeats in each image (5.5.4). Corners are in the
    /// order of dimensions: W first.
    Im2col { lower: [i32; 3], upper: [i32; 3], channels: u32, pixels: u32 },
}

/// A tensor in global memory and how it is copied. Dimension 0 is the one whose elements lie beside each other; what is
/// beyond the rank does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorMap {
    pub data: Data,
    /// 1 to 5.
    pub rank: usize,
    pub address: u64,
    /// Elements in each dimension.
    pub dimensions: [u64; 5],
    /// Bytes from one element to the next in dimension 1 and on.
    pub strides: [u64; 4],
    /// Steps of the traversal in each dimension; that of dimension 0 does not count.
    pub steps: [u32; 5],
    pub mode: Mode,
    pub swizzle: Swizzle,
    /// What lies outside the tensor is read as NaN, not as zero.
    pub fill_nan: bool,
}

impl TensorMap {
    /// Bytes of a row in shared memory that are copied: the box's dimension 0, or a pixel's channels.
    pub fn row_bytes(&self) -> u32 {
        self.data.size()
            * match self.mode {
                Mode::Tiled { extent } => extent[0],
                Mode::Im2col { channels, .. } => channels,
            }
    }

    /// Elements that a copy takes in each dimension from 1 on: the box's, as far as steps meet them.
    fn counts(&self) -> [u32; 4] {
        match self.mode {
            Mode::Tiled { extent } => std::array::from_fn(|index| match index + 1 < self.rank {
                true => extent[index + 1].div_ceil(self.steps[index + 1]),
                false => 1,
            }),
            Mode::Im2col { pixels, .. } => [pixels, 1, 1, 1],
        }
    }

    /// Rows in shared memory.
    pub fn rows(&self) -> u32 {
        self.counts().iter().product()
    }

    /// Bytes that a copy moves, those outside the tensor included: what an mbarrier counts.
    pub fn bytes(&self) -> u32 {
        self.rows() * self.row_bytes()
    }

    /// Bytes from one row in shared memory to the next: rows narrower than the swizzle take its full width (CUDA
    /// Programming Guide, "Swizzle modes").
    pub fn pitch(&self) -> u32 {
        match self.swizzle {
            Swizzle::None => self.row_bytes(),
            swizzle => 16 * swizzle.units(),
        }
    }

    /// 16 bytes of what is read outside the tensor: zeros, or NaN: of 16 bits [`OUTSIDE`], of others with all bits but the sign
    /// set (the manual does not say which its "OOB-NaN" is).
    pub fn fill(&self) -> [u8; 16] {
        let size = self.data.size() as usize;
        std::array::from_fn(|byte| match (self.fill_nan, byte % size == size - 1) {
            (false, _) => 0,
            (true, last) if size == 2 => OUTSIDE.to_le_bytes()[usize::from(last)],
            (true, true) => 0x7f,
            (true, false) => 0xff,
        })
    }
}
