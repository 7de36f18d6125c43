use super::{Builder, Layer, Layout, Pass, State};
use crate::error::Result;
use crate::op::linear::linear;
use crate::tensor::Tensor;

/// `x · Wᵀ + b` with weights `[out, in]` and bias `[out]`.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// From `inputs` to `outputs` features, initialized as PyTorch does.
    pub fn new(builder: &mut Builder, inputs: usize, outputs: usize) -> Result<Self> {
        let bound = Builder::default_bound(inputs);
        Ok(Self { weight: builder.uniform([outputs, inputs], bound)?, bias: builder.uniform([outputs], bound)? })
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        linear(pass.tape, x, &self.weight, &self.bias)
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Parameter(&self.weight, Layout::Same));
        visitor(format!("{path}bias"), State::Parameter(&self.bias, Layout::Same));
    }
}
