//! y = a + b.
use crate::error::Result;
use crate::tensor::Tensor;
pub(crate) fn sum(_a: &Tensor, _b: &Tensor) -> Result<Tensor> {
    todo!()
}
