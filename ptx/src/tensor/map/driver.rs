//! Tensor maps from the parameters of the driver's `cuTensorMapEncodeTiled` and `cuTensorMapEncodeIm2col`.

use super::{Data, Mode, TensorMap};
use crate::tensor::swizzle::Swizzle;

/// The parameters that both calls have, as the driver takes them: enumerations as numbers, arrays as long as the rank says
/// (`strides` one less).
#[derive(Clone, Copy, Debug)]
pub struct Encode<'a> {
    pub data: u32,
    pub rank: u32,
    pub address: u64,
    pub dimensions: &'a [u64],
    pub strides: &'a [u64],
    pub element_strides: &'a [u32],
    pub interleave: u32,
    pub swizzle: u32,
    pub l2_promotion: u32,
    pub oob_fill: u32,
}

impl Encode<'_> {
    /// The map without its mode.
    fn map(&self, mode: Mode) -> Result<TensorMap, String> {
        let Encode { data, interleave, swizzle, l2_promotion, oob_fill, .. } = *self;
        if !(1..=5).contains(&self.rank) {
            return Err(format!("tensorRank is {}, but must be 1 to 5", self.rank));
        }
        if interleave != 0 {
            return Err(format!(
                "interleave is {interleave}; layouts other than CU_TENSOR_MAP_INTERLEAVE_NONE are not there"
            ));
        }
        if l2_promotion > 3 {
            return Err(format!("l2Promotion {l2_promotion} is no CUtensorMapL2promotion"));
        }
        if oob_fill > 1 {
            return Err(format!("oobFill {oob_fill} is no CUtensorMapFloatOOBfill"));
        }
        Ok(TensorMap {
            data: *Data::ALL.get(data as usize).ok_or_else(|| format!("tensorDataType {data} is not one of sm_90"))?,
            rank: self.rank as usize,
            address: self.address,
            dimensions: padded(self.dimensions, 1),
            strides: padded(self.strides, 0),
            steps: padded(self.element_strides, 1),
            mode,
            swizzle: *Swizzle::ALL
                .get(swizzle as usize)
                .ok_or_else(|| format!("swizzle {swizzle} is not one of sm_90"))?,
            fill_nan: oob_fill == 1,
        })
    }
}

/// An array filled up.
fn padded<T: Copy, const N: usize>(values: &[T], rest: T) -> [T; N] {
    std::array::from_fn(|index| values.get(index).copied().unwrap_or(rest))
}

/// `cuTensorMapEncodeTiled`: `extent` is its `boxDim`.
///
/// # Errors
/// The rule of the driver's manual that a parameter breaks.
pub fn tiled(parameters: &Encode, extent: &[u32]) -> Result<TensorMap, String> {
    let map = parameters.map(Mode::Tiled { extent: padded(extent, 1) })?;
    map.check().map(|()| map)
}

/// `cuTensorMapEncodeIm2col`: corners as it takes them, the outermost dimension first.
///
/// # Errors
/// The rule of the driver's manual that a parameter breaks.
pub fn im2col(
    parameters: &Encode,
    lower: &[i32],
    upper: &[i32],
    channels: u32,
    pixels: u32,
) -> Result<TensorMap, String> {
    let inner_first = |corner: &[i32]| padded(&corner.iter().rev().copied().collect::<Vec<_>>(), 0);
    let map =
        parameters.map(Mode::Im2col { lower: inner_first(lower), upper: inner_first(upper), channels, pixels })?;
    map.check().map(|()| map)
}
