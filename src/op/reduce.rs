//! stand-in until reductions land
use crate::error::Result;
use crate::op::matmul::{Form, product};
use crate::tensor::Tensor;
pub(crate) fn column_sums(x: &Tensor, rows: usize, columns: usize) -> Result<Tensor> {
    let ones = Tensor::full(x.device(), [1, rows], 1.0)?;
    product(Form::NN, &ones, &x.reshape([rows, columns])?, None)
}
