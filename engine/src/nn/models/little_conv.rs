//! little-conv, the four-layer net: 4 × [conv 3×3 → batchnorm → ReLU → max-pool 2], global average pool, linear.

use super::Wanted;
use crate::error::Result;
use crate::nn::{BatchNorm, Builder, Conv2d, Dropout, GlobalAvgPool, Linear, MaxPool, Relu, Sequential};
use crate::op::conv2d::Conv2dParams;

const WIDTHS: [usize; 4] = [32, 64, 128, 256];

/// For images of at least 16 × 16. The convolutions have no bias: batch normalization would subtract it again. Option `dropout`:
/// before the linear layer; none unless given.
pub fn build(builder: &mut Builder, wanted: &mut Wanted) -> Result<Sequential> {
    let dropout = wanted.share("dropout", 0.0)?;
    wanted.input_after(16, |side| side / 16)?;
    let mut features = Sequential::new();
    let mut channels = 3;
    for width in WIDTHS {
        features = features
            .then(Conv2d::new(builder, channels, width, 3, Conv2dParams::new(1, 1), false)?)
            .then(BatchNorm::new(builder, width)?)
            .then(Relu)
            .then(MaxPool::halving(2));
        channels = width;
    }
    let mut net = Sequential::new().with("features", features).with("avgpool", GlobalAvgPool);
    if dropout > 0.0 {
        net = net.with("dropout", Dropout(dropout));
    }
    Ok(net.with("fc", Linear::new(builder, channels, wanted.classes)?))
}
