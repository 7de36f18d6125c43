//! Layers without state.

use super::{Layer, Pass};
use crate::error::Result;
use crate::op::dropout::dropout;
use crate::op::pool::{Window, global_avg_pool, max_pool};
use crate::op::relu::relu;
use crate::tensor::Tensor;

/// `max(x, 0)`.
pub struct Relu;

impl Layer for Relu {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        relu(pass.tape, x)
    }
}

/// The maximum of each window.
pub struct MaxPool(pub Window);

impl MaxPool {
    /// Square windows of `size` without padding, `size` apart.
    pub fn halving(size: usize) -> Self {
        Self(Window { size: [size; 2], stride: [size; 2], padding: [0; 2] })
    }
}

impl Layer for MaxPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        max_pool(pass.tape, x, self.0)
    }
}

/// The mean over all pixels: `[N, H, W, C]` to `[N, C]`.
pub struct GlobalAvgPool;

impl Layer for GlobalAvgPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        global_avg_pool(pass.tape, x)
    }
}

/// In training, zeroes each element with the given probability and scales the others up to keep the mean.
pub struct Dropout(pub f32);

impl Layer for Dropout {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        if !pass.training {
            return Ok(x.clone());
        }
        let key = pass.next_key();
        dropout(pass.tape, x, self.0, key)
    }
}
