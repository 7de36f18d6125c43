//! ResNet (He et al. 2015): four stages of residual blocks, each stage at half the resolution and twice the width.
//!
//! State-dict names, initialization and, with the ImageNet stem, the whole network are torchvision's (the stride of a
//! bottleneck lies in its 3×3 convolution, "ResNet v1.5").

use super::Wanted;
use crate::error::Result;
use crate::nn::init::Filters;
use crate::nn::{BatchNorm, Builder, Conv2d, GlobalAvgPool, Linear, MaxPool, Relu, Residual, Sequential};
use crate::op::conv2d::Conv2dParams;

/// What a residual block is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 and 1×1, the last four times as wide.
    Bottleneck,
}

/// Option `stem`: `cifar` (3×3, full resolution) or `imagenet` (7×7 with stride 2, then max-pool 3×3 with stride 2).
pub fn build(builder: &mut Builder, wanted: &mut Wanted, block: Block, depths: [usize; 4]) -> Result<Sequential> {
    builder.filters = Filters::KaimingNormal;
    let imagenet = wanted.choice("stem", &["cifar", "imagenet"])? == "imagenet";
    let (size, stride) = if imagenet { (7, 2) } else { (3, 1) };
    let mut net = Sequential::new()
        .with("conv1", Conv2d::new(builder, 3, 64, size, Conv2dParams::new(stride, size / 2), false)?)
        .with("bn1", BatchNorm::new(builder, 64)?)
        .with("relu", Relu);
    if imagenet {
        net = net.with("maxpool", MaxPool::new(3, 2, 1));
    }
    let mut channels = 64;
    for (stage, depth) in depths.into_iter().enumerate() {
        let width = 64 << stage;
        let mut blocks = Sequential::new();
        for number in 0..depth {
            let stride = if stage > 0 && number == 0 { 2 } else { 1 };
            blocks = blocks.then(residual(builder, block, channels, width, stride)?);
            channels = if block == Block::Basic { width } else { 4 * width };
        }
        net = net.with(format!("layer{}", stage + 1), blocks);
    }
    let fc = Linear::new(builder, channels, wanted.classes)?;
    Ok(net.with("avgpool", GlobalAvgPool).with("fc", fc))
}

fn residual(builder: &mut Builder, block: Block, channels: usize, width: usize, stride: usize) -> Result<Residual> {
    // Filter size, filters and stride of each convolution of the branch.
    let convolutions = match block {
        Block::Basic => vec![(3, width, stride), (3, width, 1)],
        Block::Bottleneck => vec![(1, width, 1), (3, width, stride), (1, 4 * width, 1)],
    };
    let (mut branch, mut inputs) = (Sequential::new(), channels);
    for (i, &(size, filters, stride)) in convolutions.iter().enumerate() {
        let number = i + 1;
        let conv = Conv2d::new(builder, inputs, filters, size, Conv2dParams::new(stride, size / 2), false)?;
        branch = branch.with(format!("conv{number}"), conv);
        branch = branch.with(format!("bn{number}"), BatchNorm::new(builder, filters)?);
        if number < convolutions.len() {
            branch = branch.with(format!("relu{number}"), Relu);
        }
        inputs = filters;
    }
    let downsample = if stride == 1 && channels == inputs {
        None
    } else {
        let conv = Conv2d::new(builder, channels, inputs, 1, Conv2dParams::new(stride, 0), false)?;
        Some(Sequential::new().then(conv).then(BatchNorm::new(builder, inputs)?))
    };
    Ok(Residual::new(branch, downsample))
}
