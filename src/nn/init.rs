//! Initialization. Numbers come from one seeded generator in the order in which a model is built, so a seed names a
//! model's first weights on every device.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::device::Device;
use crate::error::Result;
use crate::tensor::{Shape, Tensor};

/// Makes initialized tensors on a device.
pub struct Builder {
    /// Where the tensors live.
    pub device: Device,
    rng: ChaCha8Rng,
}

impl Builder {
    /// A builder whose numbers come from `seed`.
    pub fn new(device: &Device, seed: u64) -> Self {
        Self { device: device.clone(), rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Uniform in `[-bound, bound]`.
    pub fn uniform(&mut self, shape: impl Into<Shape>, bound: f32) -> Result<Tensor> {
        let shape = shape.into();
        let values: Vec<f32> = (0..shape.elements()).map(|_| (self.rng.random::<f32>() * 2.0 - 1.0) * bound).collect();
        Tensor::from_slice(&self.device, shape, &values)
    }

    /// Normal with mean 0 and the given standard deviation (Box–Muller).
    pub fn normal(&mut self, shape: impl Into<Shape>, deviation: f32) -> Result<Tensor> {
        let shape = shape.into();
        let values: Vec<f32> = (0..shape.elements())
            .map(|_| {
                let (u, v) = (1.0 - self.rng.random::<f64>(), self.rng.random::<f64>());
                ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32 * deviation
            })
            .collect();
        Tensor::from_slice(&self.device, shape, &values)
    }

    /// The bound of PyTorch's default for convolutions and linear layers, for weights and bias alike: Kaiming-uniform with
    /// a = √5 gives √(6 / ((1 + a²) · fan_in)) = 1 / √fan_in.
    pub fn default_bound(fan_in: usize) -> f32 {
        1.0 / (fan_in as f32).sqrt()
    }
}
