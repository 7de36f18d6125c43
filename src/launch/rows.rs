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

/// Such a kernel with its constants.
pub(crate) fn variant(file: &'static str, target: Target) -> Variant {
    let [threads, lanes] = threads(target);
    Variant { file, defines: Defines::of([("THREADS", threads), ("LANES", lanes)]) }
}

/// Launches `entry` over `rows` rows.
pub(crate) fn launch(on: &Tensor, file: &'static str, entry: &str, rows: usize, args: &[Arg]) -> Result<()> {
    let target = on.device().target();
    let (variant, [threads, lanes]) = (variant(file, target), threads(target));
    super::launch(on.device(), &variant, entry, Geometry::linear(rows.div_ceil(threads / lanes), threads), args)
}

/// Rows and columns of `logits [N, K]`.
///
/// # Errors
/// Anything but a matrix of f32 with at least one row and one column.
pub(crate) fn logits(op: &'static str, logits: &Tensor) -> Result<(usize, usize)> {
    match logits.shape().dims() {
        &[n, k] if n > 0 && k > 0 && logits.dtype() == DType::F32 => Ok((n, k)),
        _ => Err(Error::shape(op, format!("logits are f32 [N, K], not {} {}", logits.dtype(), logits.shape()))),
    }
}

/// Checks that `labels` are i32 `[N]`.
pub(crate) fn labels(op: &'static str, labels: &Tensor, n: usize) -> Result<()> {
    if labels.shape().dims() == [n] && labels.dtype() == DType::I32 {
        return Ok(());
    }
    Err(Error::shape(op, format!("labels for {n} rows are i32 [{n}], not {} {}", labels.dtype(), labels.shape())))
}
