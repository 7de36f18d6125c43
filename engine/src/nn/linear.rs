use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::Result;
use crate::op::cast::cast;
use crate::op::linear::linear;
use crate::tensor::Tensor;

/// `x · Wᵀ + b` with weights `[out, in]` and an optional bias `[out]`.
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    layout: Layout,
}

impl Linear {
    /// From `inputs` to `outputs` features, initialized as the builder says.
    pub fn new(builder: &mut Builder, inputs: usize, outputs: usize) -> Result<Self> {
        let (weight, bias) = builder.linear(inputs, outputs)?;
        Ok(Self { weight, bias: Some(bias), layout: Layout::Same })
    }

    /// From images `[H, W, C]` that a [`Flatten`](super::Flatten) made into rows. PyTorch flattens `[C, H, W]`, so the
    /// weights' columns have another order in files.
    pub fn after_flatten(builder: &mut Builder, image: [usize; 3], outputs: usize) -> Result<Self> {
        let [height, width, channels] = image;
        let layout = Layout::Flattened { pixels: height * width };
        Ok(Self { layout, ..Self::new(builder, height * width * channels, outputs)? })
    }

    /// The same without bias, with the weights that it would have beside one.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let weight = cast(pass.tape, &self.weight, x.dtype())?;
        let bias = self.bias.as_ref().map(|bias| cast(pass.tape, bias, x.dtype())).transpose()?;
        linear(pass.tape, x, &weight, bias.as_ref())
    }

    fn describe(&self) -> String {
        let without = if self.bias.is_some() { "" } else { ", no bias" };
        format!("Linear {} → {}{without}", self.weight.dim(1), self.weight.dim(0))
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Linear
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Parameter(&self.weight, self.layout));
        if let Some(bias) = &self.bias {
            visitor(format!("{path}bias"), State::Parameter(bias, Layout::Same));
        }
    }
}
