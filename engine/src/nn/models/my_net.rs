//! MyNet: two 5×5 convolutions and two linear layers, for images of 224 × 224 (other sizes of at least 16 work, too).

use super::Wanted;
use crate::error::Result;
use crate::nn::{Builder, Conv2d, Flatten, Linear, MaxPool, Relu, Sequential};
use crate::op::conv2d::Conv2dParams;

/// Conv 3 → 10, pool 2, conv 10 → 20, pool 2, ReLU, linear to 500, ReLU, linear to the classes.
pub fn build(builder: &mut Builder, wanted: &mut Wanted) -> Result<Sequential> {
    // Each stage takes 4 pixels off for the filter and halves the rest.
    let [height, width] = wanted.input_after(16, |side| ((side - 4) / 2 - 4) / 2)?;
    let features = Sequential::new()
        .then(Conv2d::new(builder, 3, 10, 5, Conv2dParams::new(1, 0), true)?)
        .then(MaxPool::halving(2))
        .then(Conv2d::new(builder, 10, 20, 5, Conv2dParams::new(1, 0), true)?)
        .then(MaxPool::halving(2))
        .then(Relu);
    let classifier = Sequential::new()
        .then(Linear::after_flatten(builder, [height, width, 20], 500)?)
        .then(Relu)
        .then(Linear::new(builder, 500, wanted.classes)?);
    Ok(Sequential::new().with("features", features).with("flatten", Flatten).with("classifier", classifier))
}
