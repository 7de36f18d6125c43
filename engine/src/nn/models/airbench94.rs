//! airbench94's network (Jordan: "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024), as its script for SGD has it: a whitening
//! convolution 2×2, three groups of two convolutions 3×3, and a linear layer without bias whose logits are divided by 9.

use super::Wanted;
use crate::error::Result;
use crate::nn::init::Filters;
use crate::nn::{BatchNorm, Builder, Conv2d, Flatten, Gelu, Linear, MaxPool, Scale, Sequential, Whitening};
use crate::op::conv2d::Conv2dParams;

/// Filters of each group.
const WIDTHS: [usize; 3] = [64, 256, 256];

/// For images of at least 25 × 25; of 32 × 32 the last pooling leaves one pixel. Names are those of airbench's modules.
pub fn build(builder: &mut Builder, wanted: &mut Wanted) -> Result<Sequential> {
    let [height, width] = wanted.input_after(25, |side| (side - 1) / 8 / 3)?;
    builder.filters = Filters::Default;
    let whiten = Whitening::new(builder, 3, 2)?;
    builder.filters = Filters::Dirac;
    let (mut layers, mut channels) = (Sequential::new().then(Gelu), 24);
    for filters in WIDTHS {
        layers = layers.then(group(builder, channels, filters)?);
        channels = filters;
    }
    let head = Linear::after_flatten(builder, [height, width, channels], wanted.classes)?.without_bias();
    Ok(Sequential::new()
        .with("whiten", whiten)
        .with("layers", layers.then(MaxPool::halving(3)))
        .with("flatten", Flatten)
        .with("head", head)
        .with("scale", Scale(1.0 / 9.0)))
}

/// Two convolutions, of which the first is followed by a max-pool. Normalization has a shift that is learned, and scales of 1.
fn group(builder: &mut Builder, channels: usize, filters: usize) -> Result<Sequential> {
    let norm = |builder: &mut Builder| {
        BatchNorm::new(builder, filters)?.with_eps(1e-12)?.with_momentum(0.4).map(BatchNorm::with_fixed_weight)
    };
    let params = Conv2dParams::new(1, 1);
    Ok(Sequential::new()
        .with("conv1", Conv2d::new(builder, channels, filters, 3, params, false)?)
        .with("pool", MaxPool::halving(2))
        .with("norm1", norm(builder)?)
        .with("activ1", Gelu)
        .with("conv2", Conv2d::new(builder, filters, filters, 3, params, false)?)
        .with("norm2", norm(builder)?)
        .with("activ2", Gelu))
}
