//! MyNetPro: AlexNet's five convolutions (Krizhevsky 2014) with batch normalization, for images of 224 × 224 (other sizes
//! of at least 63 work, too).

use super::Wanted;
use crate::error::Result;
use crate::nn::{BatchNorm, Builder, Conv2d, Dropout, Flatten, Linear, MaxPool, Relu, Sequential};
use crate::op::conv2d::Conv2dParams;

/// Filters, their size, stride and padding, and whether a max-pool 3×3 with stride 2 follows.
const CONVOLUTIONS: [(usize, usize, usize, usize, bool); 5] =
    [(64, 11, 4, 2, true), (192, 5, 1, 2, true), (384, 3, 1, 1, false), (256, 3, 1, 1, false), (256, 3, 1, 1, true)];

/// Option `dropout`: before the first two linear layers, 0.3 unless given.
pub fn build(builder: &mut Builder, wanted: &mut Wanted) -> Result<Sequential> {
    let dropout = wanted.share("dropout", 0.3)?;
    let [height, width] = wanted.input_after(63, |side| {
        let pool = |side: usize| (side - 3) / 2 + 1;
        pool(pool(pool((side + 4 - 11) / 4 + 1)))
    })?;
    let (mut features, mut channels) = (Sequential::new(), 3);
    for (filters, size, stride, padding, pooled) in CONVOLUTIONS {
        features = features
            .then(Conv2d::new(builder, channels, filters, size, Conv2dParams::new(stride, padding), true)?)
            .then(BatchNorm::new(builder, filters)?)
            .then(Relu);
        if pooled {
            features = features.then(MaxPool::new(3, 2, 0));
        }
        channels = filters;
    }
    let classifier = Sequential::new()
        .then(Dropout(dropout))
        .then(Linear::after_flatten(builder, [height, width, channels], 4096)?)
        .then(Relu)
        .then(Dropout(dropout))
        .then(Linear::new(builder, 4096, 4096)?)
        .then(Relu)
        .then(Linear::new(builder, 4096, wanted.classes)?);
    Ok(Sequential::new().with("features", features).with("flatten", Flatten).with("classifier", classifier))
}
