//! Mixing the images of a batch: mixup and cutmix.

use super::geometry::Size;
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::Tensor;

/// How the images of a batch are mixed, each with the one before it in the batch and the first with the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Rows from the first to behind the last of the rectangle in which they are mixed.
    pub rows: [usize; 2],
    /// Columns likewise.
    pub columns: [usize; 2],
    /// The weight of an image itself inside the rectangle; outside it is 1.
    pub weight: f64,
    /// The weight of an image's own label; the other's is what lacks from 1.
    pub label: f64,
}

impl Mix {
    /// Mixup of images of `size`: weighted sums.
    pub fn blend(size: Size, weight: f64) -> Self {
        Self { rows: [0, size[0]], columns: [0, size[1]], weight, label: weight }
    }

    /// Cutmix of images of `size`: a rectangle of the other; labels weigh as much as areas.
    pub fn paste(size: Size, rows: [usize; 2], columns: [usize; 2]) -> Self {
        let area = |rows: [usize; 2], columns: [usize; 2]| ((rows[1] - rows[0]) * (columns[1] - columns[0])) as f64;
        let whole = area([0, size[0]], [0, size[1]]);
        Self { rows, columns, weight: 0.0, label: 1.0 - area(rows, columns) / whole }
    }
}

/// The images of `x [B, H, W, 3]`, mixed.
///
/// # Errors
/// Another shape, no floats, a rectangle that reaches out of the images.
pub fn mix(x: &Tensor, how: &Mix) -> Result<Tensor> {
    let &[b, h, w, 3] = x.shape().dims() else {
        return Err(Error::shape("augment", format!("a batch is [B, H, W, 3], not {}", x.shape())));
    };
    let inside = |[first, end]: [usize; 2], length: usize| first <= end && end <= length;
    if b == 0 || !x.dtype().is_float() || !inside(how.rows, h) || !inside(how.columns, w) {
        let what = format!("{} {} cannot be mixed in {:?} x {:?}", x.dtype(), x.shape(), how.rows, how.columns);
        return Err(Error::shape("augment", what));
    }
    dimension(3 * w)?;
    let out = Tensor::empty(x.device(), x.shape(), x.dtype())?;
    let threads = if x.device().target() == Target::Cuda { 128 } else { 1 };
    let sizes = [dimension(b)?, dimension(h)?, dimension(w)?];
    let rectangle = [how.columns[0], how.columns[1], how.rows[0], how.rows[1]].map(|end| Arg::I32(end as i32));
    let args = Args::of([&[out.arg(), x.arg()], &sizes, &rectangle, &[Arg::F32(how.weight as f32)]]);
    let variant = Variant::new("augment/mix.cu", Defines::new().with("THREADS", threads), x.dtype());
    launch(x.device(), &variant, "augment_forward_mix", Geometry::grid(b, h, 1, threads), &args)?;
    Ok(out)
}
