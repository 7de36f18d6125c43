//! Launching kernels that give each row of a matrix to a group of threads (`kernels/prelude/rows.cuh`).

use super::Variant;
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::tensor::{DType, Tensor};

/// Threads of a block and of a row: a GPU has eight warps in a block and gives each a row, a CPU gives a row to a thread.
pub(crate) fn threads(target: Target) -> [usize; 2] {
    match target {
        Target::Cuda => [256, 32],
        Target::Host { .. } => [1, 1],
    }
}

/// Such a kernel with its constants, for logits of `element`.
pub(crate) fn variant(file: &'static str, target: Target, element: DType) -> Variant {
    let [threads, lanes] = threads(target);
    Variant::new(file, Defines::of([("THREADS", threads), ("LANES", lanes)]), element)
}

/// Launches `entry` over `rows` rows of `on`.
pub(crate) fn launch(on: &Tensor, file: &'static str, entry: &str, rows: usize, args: &[Arg]) -> Result<()> {
    launch_variant(on, &variant(file, on.device().target(), on.dtype()), entry, rows, args)
}

/// [`launch`] of a [`variant`] with more constants.
pub(crate) fn launch_variant(on: &Tensor, variant: &Variant, entry: &str, rows: usize, args: &[Arg]) -> Result<()> {
    let [threads, lanes] = threads(on.device().target());
    super::launch(on.device(), variant, entry, Geometry::linear(rows.div_ceil(threads / lanes), threads), args)
}

/// Rows and columns of `logits [N, K]`.
///
/// # Errors
/// Anything but a matrix of floats with at least one row and one column.
pub(crate) fn logits(op: &'static str, logits: &Tensor) -> Result<(usize, usize)> {
    match logits.shape().dims() {
        &[n, k] if n > 0 && k > 0 && logits.dtype().is_float() => Ok((n, k)),
        _ => Err(Error::shape(
            op,
            format!("logits are f32, f16 or bf16 [N, K], not {} {}", logits.dtype(), logits.shape()),
        )),
    }
}

/// Checks that `labels` are i32 `[N]`.
pub(crate) fn labels(op: &'static str, labels: &Tensor, n: usize) -> Result<()> {
    if labels.shape().dims() == [n] && labels.dtype() == DType::I32 {
        return Ok(());
    }
    Err(Error::shape(op, format!("labels for {n} rows are i32 [{n}], not {} {}", labels.dtype(), labels.shape())))
}
