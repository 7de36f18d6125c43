//! VGG (Simonyan and Zisserman 2014): stacks of 3×3 convolutions, halved by max-pooling, under linear layers.
//!
//! State-dict names are torchvision's `vgg11` … `vgg19` and `vgg11_bn` … `vgg19_bn`; with the ImageNet head the whole
//! network is torchvision's.

use super::Wanted;
use crate::error::Result;
use crate::nn::init::{Filters, Weights};
use crate::nn::{
    AdaptiveAvgPool, BatchNorm, Builder, Conv2d, Dropout, Flatten, GlobalAvgPool, Linear, MaxPool, Relu, Sequential,
};
use crate::op::conv2d::Conv2dParams;

/// Convolutions at each of the five resolutions: configurations A, B, D and E of the paper.
pub const A: [usize; 5] = [1, 1, 2, 2, 2];
/// See [`A`].
pub const B: [usize; 5] = [2, 2, 2, 2, 2];
/// See [`A`].
pub const D: [usize; 5] = [2, 2, 3, 3, 3];
/// See [`A`].
pub const E: [usize; 5] = [2, 2, 4, 4, 4];

const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

/// Options: `head`: `cifar` (three linear layers of 512), `linear` (one), `imagenet` (torchvision's, of 4096, on 7×7
/// bins); `dropout`: in the head, 0.2 under `cifar` and 0.5 under `imagenet` unless given; `init`: `default` (PyTorch's of
/// each layer) or `xavier` (filters Xavier-normal, linear weights N(0, 0.01), biases 0), which starts more slowly. For
/// images of at least 32 × 32.
pub fn build(builder: &mut Builder, wanted: &mut Wanted, depths: [usize; 5], norm: bool) -> Result<Sequential> {
    if wanted.choice("init", &["default", "xavier"])? == "xavier" {
        builder.filters = Filters::XavierNormal;
        builder.weights = Weights::Normal(0.01);
    }
    let head = wanted.choice("head", &["cifar", "linear", "imagenet"])?;
    // Each of the five resolutions is half the one before.
    wanted.input_after(32, |side| side / 32)?;
    let mut features = Sequential::new();
    let mut channels = 3;
    for (depth, width) in depths.into_iter().zip(WIDTHS) {
        for _ in 0..depth {
            features = features.then(Conv2d::new(builder, channels, width, 3, Conv2dParams::new(1, 1), true)?);
            if norm {
                features = features.then(BatchNorm::new(builder, width)?);
            }
            features = features.then(Relu);
            channels = width;
        }
        features = features.then(MaxPool::halving(2));
    }
    let net = Sequential::new().with("features", features);
    if head == "linear" {
        let classifier = Linear::new(builder, channels, wanted.classes)?;
        return Ok(net.with("avgpool", GlobalAvgPool).with("classifier", classifier));
    }
    let (net, first, width, dropout) = if head == "imagenet" {
        let first = Linear::after_flatten(builder, [7, 7, channels], 4096)?;
        (net.with("avgpool", AdaptiveAvgPool(7)).with("flatten", Flatten), first, 4096, wanted.share("dropout", 0.5)?)
    } else {
        let first = Linear::new(builder, channels, 512)?;
        (net.with("avgpool", GlobalAvgPool), first, 512, wanted.share("dropout", 0.2)?)
    };
    let classifier = Sequential::new()
        .then(first)
        .then(Relu)
        .then(Dropout(dropout))
        .then(Linear::new(builder, width, width)?)
        .then(Relu)
        .then(Dropout(dropout))
        .then(Linear::new(builder, width, wanted.classes)?);
    Ok(net.with("classifier", classifier))
}
