use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::Result;
use crate::op::cast::cast;
use crate::op::conv2d::{Conv2dParams, conv2d};
use crate::tensor::Tensor;

/// Convolution with filters `[K, R, S, C]` and an optional bias `[K]`.
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    params: Conv2dParams,
}

impl Conv2d {
    /// `filters` square filters of `size` × `size` over `channels` channels, initialized as the builder says.
    pub fn new(
        builder: &mut Builder,
        channels: usize,
        filters: usize,
        size: usize,
        params: Conv2dParams,
        bias: bool,
    ) -> Result<Self> {
        let (weight, bias) = builder.convolution(channels, filters, size, bias)?;
        Ok(Self { weight, bias, params })
    }
}

impl Layer for Conv2d {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let weight = cast(pass.tape, &self.weight, x.dtype())?;
        let bias = self.bias.as_ref().map(|bias| cast(pass.tape, bias, x.dtype())).transpose()?;
        conv2d(pass.tape, x, &weight, bias.as_ref(), self.params)
    }

    fn describe(&self) -> String {
        let &[k, r, s, c] = self.weight.shape().dims() else { unreachable!("filters are [K, R, S, C]") };
        let Conv2dParams { stride, padding, .. } = self.params;
        let stride = if stride == [1, 1] { String::new() } else { format!(", stride {}", stride[0]) };
        let padding = if padding == [0, 0] { String::new() } else { format!(", padding {}", padding[0]) };
        format!("Conv2d {c} → {k}, {r}×{s}{stride}{padding}")
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Conv2d(self.params)
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Parameter(&self.weight, Layout::Filters));
        if let Some(bias) = &self.bias {
            visitor(format!("{path}bias"), State::Parameter(bias, Layout::Same));
        }
    }
}
