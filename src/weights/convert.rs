//! Pickled tensors, placed in their file; and the numbers that bytes are.

use std::fmt;

use half::{bf16, f16};

use super::state::Named;
use super::{Element, Tensor};
use crate::pickle::torch::Tensor as Pickled;

/// The tensors where `place` says that their storages begin.
pub(super) fn placed(tensors: Named, place: impl Fn(&Pickled) -> Result<u64, String>) -> Result<Vec<Tensor>, String> {
    let one = |(name, tensor): (String, Pickled)| {
        let at = place(&tensor).map_err(|what| format!("tensor '{name}': {what}"))? + tensor.start;
        let Pickled { start, end, element, shape, strides, .. } = tensor;
        let kind = element.to_string();
        Ok(Tensor { name, element: Some(element), kind, shape, strides, at, span: end - start })
    };
    tensors.into_iter().map(one).collect()
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Bool => "bool",
        })
    }
}

impl Element {
    /// Whether values are fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// The number that the first bytes of `bytes` are, of which there are enough.
    pub(super) fn number(self, bytes: &[u8], big_endian: bool) -> f64 {
        let size = self.size() as usize;
        let mut word = [0; 8];
        word[..size].copy_from_slice(&bytes[..size]);
        if big_endian {
            word[..size].reverse();
        }
        let [a, b, c, d, ..] = word;
        match self {
            Self::F64 => f64::from_le_bytes(word),
            Self::F32 => f32::from_le_bytes([a, b, c, d]).into(),
            Self::F16 => f16::from_le_bytes([a, b]).into(),
            Self::Bf16 => bf16::from_le_bytes([a, b]).into(),
            Self::I64 => i64::from_le_bytes(word) as f64,
            Self::I32 => i32::from_le_bytes([a, b, c, d]).into(),
            Self::I16 => i16::from_le_bytes([a, b]).into(),
            Self::I8 => (a as i8).into(),
            Self::U8 => a.into(),
            Self::Bool => f64::from(a != 0),
        }
    }
}
