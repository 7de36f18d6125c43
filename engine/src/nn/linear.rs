use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::Result;
use crate::op::cast::cast;
use crate::op::linear::linear;
use crate::tensor::Tensor;

/// `x · Wᵀ + b` with weights `[out, in]` and bias `[out]`.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
    layout: Layout,
}

impl Linear {
    /// From `inputs` to `outputs` features, initialized as the builder says.
    pub fn new(builder: &mut Builder, inputs: usize, outputs: usize) -> Result<Self> {
        let (weight, bias) = builder.linear(inputs, outputs)?;
        Ok(Self { weight, bias, layout: Layout::Same })
    }

    /// From images `[H, W, C]` that a [`Flatten`](super::Flatten) made into rows. PyTorch flattens `[C, H, W]`, so the
    /// weights' columns have another order in files.
    pub fn after_flatten(builder: &mut Builder, image: [usize; 3], outputs: usize) -> Result<Self> {
        let [height, width, channels] = image;
        let layout = Layout::Flattened { pixels: height * width };
        Ok(Self { layout, ..Self::new(builder, height * width * channels, outputs)? })
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = [&self.weight, &self.bias].map(|state| cast(pass.tape, state, x.dtype()));
        linear(pass.tape, x, &weight?, &bias?)
    }

    fn describe(&self) -> String {
        format!("Linear {} → {}", self.weight.dim(1), self.weight.dim(0))
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Linear
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Parameter(&self.weight, self.layout));
        visitor(format!("{path}bias"), State::Parameter(&self.bias, Layout::Same));
    }
}
