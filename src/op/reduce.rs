//! Sums: over everything, and over the rows of a matrix.
//!
//! - `sum`:      y = Σ x;          dx = dy everywhere
//! - `mean`:     y = Σ x / n;      dx = dy / n everywhere
//! - `sum_rows`: y\[c\] = Σᵣ x\[r, c\]; dx\[r, c\] = dy\[c\]

use crate::check::{Case, Input, Values};
use crate::device::{Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::op::columns::{Columns, cuda_defines};
use crate::op::workload::{self, Workload};
use crate::op::{Variant, dimension, elementwise, launch};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "reduce/3_vectorized.cu";

/// The sum of all elements, shape `[1]`.
pub fn sum(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    scaled_sum(tape, x, 1.0)
}

/// The mean of all elements, shape `[1]`.
///
/// # Errors
/// No elements.
pub fn mean(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    if x.elements() == 0 {
        return Err(Error::shape("mean", format!("{} has no elements", x.shape())));
    }
    scaled_sum(tape, x, 1.0 / x.elements() as f32)
}

fn scaled_sum(tape: &mut Tape, x: &Tensor, scale: f32) -> Result<Tensor> {
    elementwise::check_f32("sum", x)?;
    // Few enough parts that one block sums them in one go, each long enough to be worth a block.
    let parts = x.elements().div_ceil(32 * 1024).clamp(1, 1024);
    let partial = if parts > 1 { Some(add_up(x, parts, 1.0)?) } else { None };
    let y = add_up(partial.as_ref().unwrap_or(x), 1, scale)?;
    let (shape, input) = (x.shape().clone(), x.clone());
    tape.record(&[x], &y, move |dy, gradients| {
        let dx = Tensor::empty(dy.device(), shape, DType::F32)?;
        let n = dx.elements();
        let (variant, threads, span) = flat(&dx, n.div_ceil(32 * 1024).max(1));
        let args = [dx.arg(), dy.arg(), dimension(n)?, dimension(span)?, scale.into()];
        launch(dx.device(), &variant, "sum_backward", Geometry::linear(n.div_ceil(span), threads), &args)?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// `scale` times the sums of at most `parts` stretches of `x`.
fn add_up(x: &Tensor, parts: usize, scale: f32) -> Result<Tensor> {
    let (variant, threads, span) = flat(x, parts);
    let blocks = x.elements().div_ceil(span).max(1);
    let y = Tensor::empty(x.device(), [blocks], DType::F32)?;
    let args = [y.arg(), x.arg(), dimension(x.elements())?, dimension(span)?, scale.into()];
    launch(x.device(), &variant, "sum_forward", Geometry::linear(blocks, threads), &args)?;
    Ok(y)
}

/// The kernels for a tensor seen as one row: variant, threads and elements per block.
fn flat(x: &Tensor, parts: usize) -> (Variant, usize, usize) {
    let defines = match x.device().target() {
        Target::Cuda => cuda_defines()[0].clone(),
        target => Columns::whole(target, 1, 1).defines(),
    };
    let (vec, threads) = (defines.get("VEC"), defines.get("THREADS"));
    let span = x.elements().div_ceil(parts).next_multiple_of(vec).max(vec);
    (Variant { file: FILE, defines }, threads, span)
}

/// The sum of the rows of a matrix: `[rows, channels]` to `[channels]`.
///
/// # Errors
/// A tensor that is not a matrix.
pub fn sum_rows(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let &[rows, channels] = x.shape().dims() else {
        return Err(Error::shape("sum_rows", format!("{} is not a matrix", x.shape())));
    };
    let y = column_sums(x, rows, channels)?;
    let input = x.clone();
    tape.record(&[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        let cut = Columns::new(dx.device().target(), rows, channels);
        let variant = Variant { file: FILE, defines: cut.defines() };
        let args = [&[dx.arg(), dy.arg()], &cut.args()?[..]].concat();
        launch(dx.device(), &variant, "sum_rows_backward", cut.geometry(), &args)?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// The sums over `rows` of each of `channels` channels, whatever the shape of `x`: the gradient of a bias.
///
/// # Errors
/// A tensor without `rows · channels` elements.
pub fn column_sums(x: &Tensor, rows: usize, channels: usize) -> Result<Tensor> {
    elementwise::check_f32("sum_rows", x)?;
    if x.elements() != rows * channels {
        return Err(Error::shape("sum_rows", format!("{} is not {rows} rows of {channels}", x.shape())));
    }
    let target = x.device().target();
    let cut = Columns::new(target, rows, channels);
    if cut.slabs <= 1 {
        return sum_slabs(x, rows, channels);
    }
    sum_slabs(&launch_sum_rows(x, &cut)?, cut.slabs, channels)
}

/// The sums over few rows, by one launch: what finishes sums by slabs.
pub(crate) fn sum_slabs(partial: &Tensor, slabs: usize, channels: usize) -> Result<Tensor> {
    launch_sum_rows(partial, &Columns::whole(partial.device().target(), slabs, channels))
}

/// One row of sums for each slab of `cut`; plainly `[channels]` if there is one.
fn launch_sum_rows(x: &Tensor, cut: &Columns) -> Result<Tensor> {
    let y = Tensor::empty(x.device(), [cut.slabs * cut.channels], DType::F32)?;
    let variant = Variant { file: FILE, defines: cut.defines() };
    let args = [&[y.arg(), x.arg()], &cut.args()?[..]].concat();
    launch(x.device(), &variant, "sum_rows_forward", cut.geometry(), &args)?;
    Ok(y)
}

/// What a GPU runs.
pub fn variants() -> Vec<Variant> {
    cuda_defines().map(|defines| Variant { file: FILE, defines }).into()
}

/// Kernels at work at any size.
pub fn workloads() -> Vec<Workload> {
    let total = |device: &Device, [n]: [usize; 1]| {
        workload::both_ways(device, [Input::new([n], Values::Uniform)], |tape, [x]| sum(tape, x))
    };
    let by_rows = |device: &Device, [rows, columns]: [usize; 2]| {
        let x = Input::new([rows, columns], Values::Uniform);
        workload::both_ways(device, [x], |tape, [x]| sum_rows(tape, x))
    };
    vec![
        Workload::new("sum", ["n"], [40_009], total),
        Workload::new("sum_rows", ["rows", "columns"], [301, 36], by_rows),
    ]
}

/// Examples for tests and benches: sizes around a vector, a group of rows, a slab and a part.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [1, 3, 17, 511, 4099] {
        let (whole, real) = (Input::new([n], Values::Integers), Input::new([n], Values::Uniform));
        let total = |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>()];
        cases.push(Case::new(format!("sum {n}"), vec![whole], |tape, x| sum(tape, &x[0]), total).terms(n));
        let average = move |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>() / n as f64];
        cases.push(Case::new(format!("mean {n}"), vec![real], |tape, x| mean(tape, &x[0]), average).terms(n));
    }
    // Two launches, and too many elements for finite differences.
    for n in [32 * 1024 + 1, 300_007] {
        let x = Input::new([n], Values::Integers);
        let total = |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>()];
        cases.push(Case::new(format!("sum {n}"), vec![x], |tape, x| sum(tape, &x[0]), total).forward_only());
    }
    let add_rows = |columns: usize| {
        move |x: &[Vec<f64>]| (0..columns).map(|c| x[0].iter().skip(c).step_by(columns).sum()).collect()
    };
    for (rows, columns) in [(1, 1), (7, 3), (9, 16), (131, 5), (33, 36), (3, 131)] {
        let x = Input::new([rows, columns], Values::Integers);
        let name = format!("sum_rows {rows}x{columns}");
        cases.push(Case::new(name, vec![x], |tape, x| sum_rows(tape, &x[0]), add_rows(columns)).terms(rows));
    }
    for (rows, columns) in [(2049, 10), (4099, 1), (1100, 132)] {
        let x = Input::new([rows, columns], Values::Integers);
        let name = format!("sum_rows {rows}x{columns}");
        cases.push(Case::new(name, vec![x], |tape, x| sum_rows(tape, &x[0]), add_rows(columns)).forward_only());
    }
    cases
}
