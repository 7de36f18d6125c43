//! Rung 2: convolutions as matrix products whose operand or result is written out, a few images at a time.

use super::direction::Pass;
use super::{Sizes, launches};
use crate::error::Result;
use crate::launch::elementwise;
use crate::op::cast::converted;
use crate::op::matmul::{Form, product};
use crate::tensor::{DType, Rows, Tensor};

/// Floats that the columns may take at a time (64 MiB), if a single image does not take more.
const MOST: usize = 1 << 24;

/// Consecutive images: a convolution of their own.
struct Part {
    sizes: Sizes,
    first: usize,
}

/// The batch in parts whose columns fit.
fn parts(sizes: &Sizes) -> impl Iterator<Item = Part> {
    let sizes = *sizes;
    let images = (MOST / (sizes.p * sizes.q * sizes.depth())).max(1);
    let of = move |first| Part { sizes: Sizes { n: images.min(sizes.n - first), ..sizes }, first };
    (0..sizes.n).step_by(images).map(of)
}

impl Part {
    /// Its images of `tensor [images, …]`.
    fn of<'a>(&self, tensor: &'a Tensor) -> Result<Rows<'a>> {
        tensor.rows(self.first, self.sizes.n)
    }

    /// Its pixels of `dy` as a matrix.
    fn rows(&self, dy: &Tensor) -> Result<Tensor> {
        let shape = [self.sizes.pixels(), self.sizes.k];
        if self.sizes.n == dy.dim(0) {
            return dy.reshape(shape);
        }
        self.of(dy)?.duplicate(shape)
    }

    /// The patches of its images.
    fn columns(&self, file: &'static str, x: &Tensor) -> Result<Tensor> {
        let columns = Tensor::empty(x.device(), [self.sizes.pixels(), self.sizes.depth()], x.dtype())?;
        let args = [columns.arg(), self.of(x)?.arg(), self.sizes.arg(0)];
        launches::each(&columns, columns.elements(), file, "conv2d_im2col", &self.sizes, &args)?;
        Ok(columns)
    }
}

/// y = columns · fᵀ + bias
pub(super) fn forward(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [x, filters], bias, .. } = pass;
    let y = pass.result()?;
    let filters = filters.reshape([sizes.k, sizes.depth()])?;
    for part in parts(sizes) {
        let rows = product(Form::NT, &part.columns(file, x)?, &filters, bias, pass.element())?;
        if part.sizes.n == sizes.n {
            return rows.reshape(y.shape().clone());
        }
        part.of(&y)?.copy_from(&rows)?;
    }
    Ok(y)
}

/// dx from columns = dy · f, which are f32: several of them are added up
pub(super) fn input_gradient(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [dy, filters], .. } = pass;
    let dx = pass.result()?;
    let filters = filters.reshape([sizes.k, sizes.depth()])?;
    for part in parts(sizes) {
        let columns = product(Form::NN, &part.rows(dy)?, &filters, None, DType::F32)?;
        let args = [part.of(&dx)?.arg(), columns.arg(), part.sizes.arg(0)];
        launches::each(&dx, part.sizes.input(), file, "conv2d_col2im", sizes, &args)?;
    }
    Ok(dx)
}

/// df = dyᵀ · columns, one part after the other, added up in f32
pub(super) fn filter_gradient(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [dy, x], .. } = pass;
    let mut sum: Option<Tensor> = None;
    for part in parts(sizes) {
        let of_part = product(Form::TN, &part.rows(dy)?, &part.columns(file, x)?, None, DType::F32)?;
        sum = Some(match sum {
            Some(sum) => elementwise::sum(&sum, &of_part)?,
            None => of_part,
        });
    }
    let df = converted(&sum.expect("a batch has images"), pass.element())?;
    df.reshape([sizes.k, sizes.r, sizes.s, sizes.c])
}
