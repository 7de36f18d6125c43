//! Sums: over everything, and over the rows of a matrix.
//!
//! - `sum`:      y = Σ x;          dx = dy everywhere
//! - `mean`:     y = Σ x / n;      dx = dy / n everywhere
//! - `sum_rows`: y\[c\] = Σᵣ x\[r, c\]; dx\[r, c\] = dy\[c\]

mod examples;
mod kernels;

use std::fmt;
use std::str::FromStr;

use crate::device::Geometry;
use crate::error::{Error, Result};
use crate::launch::columns::Columns;
use crate::launch::{Args, Variant, dimension, element, elementwise, launch};
use crate::op::Op;
use crate::tape::Tape;
use crate::tensor::Tensor;
use examples::{cases, sum_job, sum_rows_job, workloads};
pub(crate) use kernels::sum_slabs;
pub use kernels::{SUM, SUM_ROWS};

/// Its entry.
pub static OP: Op = Op {
    cases,
    workloads,
    ladders: || vec![SUM.summary("sum", sum_job), SUM_ROWS.summary("sum_rows", sum_rows_job)],
    ..Op::named("reduce")
};

/// Elements to add up. As text, `n1048576`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Count(pub usize);

/// A matrix whose rows are added up. As text, `r65536 c64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns: channels of an image.
    pub channels: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl FromStr for Count {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let count = text.strip_prefix('n').and_then(|n| n.parse().ok()).filter(|&n| n > 0);
        count.map(Self).ok_or_else(|| Error::usage(format!("sum '{text}': write n1048576")))
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{} c{}", self.rows, self.channels)
    }
}

impl FromStr for Matrix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let size = |word: &str, name: char| word.strip_prefix(name)?.parse().ok().filter(|&size: &usize| size > 0);
        let parts = || {
            let (rows, channels) = text.split_once(' ')?;
            Some(Self { rows: size(rows, 'r')?, channels: size(channels, 'c')? })
        };
        parts().ok_or_else(|| Error::usage(format!("sum of rows '{text}': write r65536 c64")))
    }
}

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
    let rung = SUM.pick(x.device(), &Count(x.elements()), element("sum", [x])?);
    let y = (rung.run)(rung.file, x, scale)?;
    let (shape, input) = (x.shape().clone(), x.clone());
    tape.record("sum", &[x], &y, move |dy, gradients| {
        let dx = Tensor::empty(dy.device(), shape, dy.dtype())?;
        let n = dx.elements();
        let (variant, threads, span) = kernels::flat(&dx, n.div_ceil(32 * 1024).max(1));
        let args = [dx.arg(), dy.arg(), dimension(n)?, dimension(span)?, scale.into()];
        launch(dx.device(), &variant, "sum_backward", Geometry::linear(n.div_ceil(span), threads), &args)?;
        gradients.add(&input, dx)
    });
    Ok(y)
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
    tape.record("sum_rows", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        let cut = Columns::new(dx.device().target(), rows, channels);
        let variant = Variant::new(kernels::VECTORIZED, cut.defines(), dx.dtype());
        let args = Args::of([&[dx.arg(), dy.arg()], &cut.args()?[..]]);
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
    let element = element("sum_rows", [x])?;
    if rows.checked_mul(channels) != Some(x.elements()) {
        return Err(Error::shape("sum_rows", format!("{} is not {rows} rows of {channels}", x.shape())));
    }
    let sizes = Matrix { rows, channels };
    let rung = SUM_ROWS.pick(x.device(), &sizes, element);
    (rung.run)(rung.file, x, &sizes)
}
