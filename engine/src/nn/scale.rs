use super::{Layer, Operation, Pass};
use crate::error::Result;
use crate::op::scale::scale;
use crate::tensor::Tensor;

/// Times a number that is not learned.
pub struct Scale(pub f32);

impl Layer for Scale {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        scale(pass.tape, x, self.0)
    }

    fn describe(&self) -> String {
        format!("Scale {:.4}", self.0)
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Scale(self.0)
    }
}
