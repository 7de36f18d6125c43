use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::{Error, Result};
use crate::op::cast::cast;
use crate::op::conv2d::{Conv2dParams, conv2d};
use crate::tensor::Tensor;

/// Convolution with filters `[K, R, S, C / groups]` and an optional bias `[K]`.
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    params: Conv2dParams,
}

impl Conv2d {
    /// `filters` square filters of `size` × `size` over `channels` channels, initialized as the builder says.
    ///
    /// # Errors
    /// Groups that do not divide channels and filters; what the device says.
    pub fn new(
        builder: &mut Builder,
        channels: usize,
        filters: usize,
        size: usize,
        params: Conv2dParams,
        bias: bool,
    ) -> Result<Self> {
        Self::rectangular(builder, channels, filters, [size; 2], params, bias)
    }

    /// `filters` filters of `size` (rows, columns) over `channels` channels, initialized likewise.
    ///
    /// # Errors
    /// As [`Conv2d::new`].
    pub fn rectangular(
        builder: &mut Builder,
        channels: usize,
        filters: usize,
        size: [usize; 2],
        params: Conv2dParams,
        bias: bool,
    ) -> Result<Self> {
        let groups = params.groups;
        if groups == 0 || !channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
            let what = format!("{groups} groups do not divide {channels} channels and {filters} filters");
            return Err(Error::usage(format!("convolution: {what}")));
        }
        let (weight, bias) = builder.convolution(channels / groups, filters, size, bias)?;
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
        let Conv2dParams { stride, padding, dilation, groups } = self.params;
        let [stride, padding, dilation] =
            [unless(1, "stride", stride), unless(0, "padding", padding), unless(1, "dilation", dilation)];
        let (c, groups) = (c * groups, if groups == 1 { String::new() } else { format!(", {groups} groups") });
        format!("Conv2d {c} → {k}, {r}×{s}{stride}{padding}{dilation}{groups}")
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

/// What `name` is in both directions, unless it is `usual`: `, stride 2`, `, stride 2×1`.
pub(super) fn unless(usual: usize, name: &str, of: [usize; 2]) -> String {
    match of {
        [a, b] if [a, b] == [usual; 2] => String::new(),
        [a, b] if a == b => format!(", {name} {a}"),
        [a, b] => format!(", {name} {a}×{b}"),
    }
}
