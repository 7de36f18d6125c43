//! Rows by their numbers: y[i, …] = x[indices[first + i], …]. PyTorch's `index_select` along the first dimension.
//!
//! It puts batches together of what frozen layers have made of each image, so nothing needs its gradient.

use crate::check::{Case, Input, Values};
use crate::device::{Defines, Device, Geometry};
use crate::error::{Error, Result};
use crate::launch::tile::access;
use crate::launch::{Args, Variant, dimension, element, elementwise, launch};
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Shape, Tensor};

const FILE: &str = "index_select/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("index_select") };

/// The rows of `x [N, …]` that `indices[first..first + count]` (i32, one dimension) name: `[count, …]`. A number that names none
/// yields a row of NaN.
///
/// # Errors
/// An `x` that is not of floats or has no rows; indices of another type or shape, or fewer than asked for.
pub fn index_select(x: &Tensor, indices: &Tensor, first: usize, count: usize) -> Result<Tensor> {
    let element = element("index_select", [x])?;
    let (&[rows, ref rest @ ..], &[given]) = (x.shape().dims(), indices.shape().dims()) else {
        let what = format!("takes rows of [N, …] by indices [B], not {} by {}", x.shape(), indices.shape());
        return Err(Error::shape("index_select", what));
    };
    if indices.dtype() != DType::I32 || first.checked_add(count).is_none_or(|end| end > given) {
        let what = format!("{count} indices (i32) from number {first} on, of {} {given}", indices.dtype());
        return Err(Error::shape("index_select", what));
    }
    let length: usize = rest.iter().product();
    let shape = Shape::from([&[count], rest].concat().as_slice());
    let y = Tensor::empty(x.device(), shape, element)?;
    if y.elements() == 0 {
        return Ok(y);
    }
    let target = x.device().target();
    let [_, items, threads] = elementwise::numbers(target);
    let vec = access(target, length);
    let defines = Defines::of([("VEC", vec), ("ITEMS", items), ("THREADS", threads)]);
    let geometry = Geometry::grid(count, length.div_ceil(vec * items * threads), 1, threads);
    let scalars = [dimension(first)?, dimension(rows)?, dimension(length)?];
    let args = Args::of([&[y.arg(), x.arg(), indices.arg()], &scalars]);
    launch(x.device(), &Variant::new(FILE, defines, element), "index_select", geometry, &args)?;
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [count, length]: [usize; 2], element: DType| {
        let [x, indices] = workload::tensors(
            device,
            &[Input::new([count, length], Values::Uniform), Input::new([count], Values::Labels(count))],
            element,
        )?;
        index_select(&x, &indices, 0, count).map(drop)
    };
    vec![Workload::new("index_select", ["count", "length"], [67, 1023], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let case = |[rows, length]: [usize; 2], picked: &'static [i32]| {
        let x = Input::new([rows, length], Values::Uniform);
        let select = move |x: &Tensor| {
            let indices = Tensor::from_slice(x.device(), [picked.len()], picked)?;
            index_select(x, &indices, 1, picked.len() - 1)
        };
        let reference = move |x: &[Vec<f64>]| {
            let row = |&row: &i32| match usize::try_from(row).ok().filter(|&row| row < rows) {
                Some(row) => x[0][row * length..][..length].to_vec(),
                None => vec![f64::NAN; length],
            };
            picked[1..].iter().flat_map(row).collect()
        };
        let name = format!("index_select {rows}x{length} {picked:?}");
        Case::new(name, vec![x], move |_, x| select(&x[0]), reference).forward_only()
    };
    vec![
        case([1, 1], &[0, 0]),
        case([3, 17], &[9, 2, 0, 0, 1]),
        case([5, 4100], &[0, 4, 4, 3]),
        case([4, 33], &[0, 4, 1, -1, i32::MAX]),
    ]
}
