//! What is done to all gradients before a step and to all parameters after one.

use super::steps::{Table, Update, blocks, over_parts};
use crate::device::Geometry;
use crate::error::Result;
use crate::launch::{Args, Variant, dimension, elementwise, launch};
use crate::tensor::{DType, Tensor};

const CLIP: &str = "optim/clip.cu";
const AVERAGE: &str = "optim/average.cu";

/// Scales what `updates` name as `w`, gradients, in place, so that their norm, of all together, is at most `most`. Returns the
/// norm before that, shape `[1]`, for which nothing waits.
///
/// # Errors
/// No updates; tensors of more than 2^31 - 1 elements; what the device says.
pub(crate) fn clip(updates: &[Update], table: &mut Table, most: f32) -> Result<Tensor> {
    let device = updates[0].w.device();
    let blocks = blocks(updates.iter().map(|update| &update.w));
    let sums = Tensor::empty(device, [blocks], DType::F32)?;
    let norm = Tensor::empty(device, [1], DType::F32)?;
    over_parts(CLIP, "square_sums", updates, table, [&[sums.arg()], &[]])?;
    let target = device.target();
    let variant = Variant { file: CLIP, defines: elementwise::defines(target) };
    let args = Args::of([&[norm.arg(), sums.arg(), dimension(blocks)?]]);
    launch(device, &variant, "total_norm", Geometry::linear(1, elementwise::threads(target)), &args)?;
    over_parts(CLIP, "clip", updates, table, [&[], &[norm.arg(), most.into()]])?;
    Ok(norm)
}

/// Moves what `updates` name as `w`, averages, towards what they name as `g`, parameters, by the share `rest` of the way.
///
/// # Errors
/// Tensors of more than 2^31 - 1 elements; what the device says.
pub(crate) fn average(updates: &[Update], table: &mut Table, rest: f32) -> Result<()> {
    over_parts(AVERAGE, "average", updates, table, [&[], &[rest.into()]])
}
