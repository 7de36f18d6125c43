//! The largest classes of each row.

use crate::check::{Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::{Args, dimension, rows};
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Tensor};

pub(crate) const FILE: &str = "topk/warp_per_row.cu";

/// Its entry.
pub static OP: Op = Op { workloads, ..Op::named("topk") };

/// The most classes that [`topk`] finds: it walks the row once for each.
pub const MOST: usize = 32;

/// The `k` largest of each row of `logits [N, K]` in descending order: values (f32) and columns (i32), both `[N, k]`.
/// Equal values come in the order of their columns; NaN counts as the largest, as in PyTorch. For people to read, so
/// without a tape.
///
/// # Errors
/// Anything but a matrix of floats; `k` of 0, above [`MOST`] or above the number of columns.
pub fn topk(logits: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let (n, columns) = rows::logits("topk", logits)?;
    if k == 0 || k > MOST.min(columns) {
        return Err(Error::shape("topk", format!("the {k} largest of {columns} columns (at most {MOST})")));
    }
    let values = Tensor::empty(logits.device(), [n, k], DType::F32)?;
    let indices = Tensor::empty(logits.device(), [n, k], DType::I32)?;
    let sizes = [dimension(n)?, dimension(columns)?, dimension(k)?];
    let args = Args::of([&[values.arg(), indices.arg(), logits.arg()], &sizes[..]]);
    rows::launch(logits, FILE, "topk_forward", n, &args)?;
    Ok((values, indices))
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, columns, k]: [usize; 3], element: DType| {
        let [logits] = workload::tensors(device, &[Input::new([n, columns], Values::Uniform)], element)?;
        topk(&logits, k).map(drop)
    };
    vec![Workload::new("topk", ["n", "columns", "k"], [33, 50, 5], run)]
}
