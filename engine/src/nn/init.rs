//! Initialization. Numbers come from one seeded generator in the order in which a model is built, so a seed names a
//! model's first weights on every device.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::device::Device;
use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};

/// How filters are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filters {
    /// PyTorch's default: uniform within ±1 / √fan_in, biases likewise.
    Default,
    /// Normal with variance 2 / (fan_in + fan_out), biases 0 (Glorot and Bengio 2010).
    XavierNormal,
    /// As the default, but of the first filters, as many as there are channels, each passes its own channel on (PyTorch's `dirac_`).
    Dirac,
    /// Normal with variance 2 / fan_out, biases 0 (He et al. 2015; torchvision's ResNet).
    KaimingNormal,
}

/// How linear layers' weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weights {
    /// PyTorch's default: uniform within ±1 / √fan_in, biases likewise.
    Default,
    /// Normal with mean 0 and this standard deviation, biases 0.
    Normal(f32),
}

/// Makes initialized tensors on a device.
pub struct Builder {
    /// Where the tensors live.
    pub device: Device,
    /// How convolutions begin; a model sets it before it makes its layers.
    pub filters: Filters,
    /// How linear layers begin.
    pub weights: Weights,
    rng: ChaCha8Rng,
}

impl Builder {
    /// A builder whose numbers come from `seed`.
    pub fn new(device: &Device, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { device: device.clone(), filters: Filters::Default, weights: Weights::Default, rng }
    }

    /// Uniform in `[-bound, bound]`.
    pub fn uniform(&mut self, shape: impl Into<Shape>, bound: f32) -> Result<Tensor> {
        self.draw(shape, |rng| (rng.random::<f32>() * 2.0 - 1.0) * bound)
    }

    /// Normal with mean 0 and the given standard deviation (Box–Muller).
    pub fn normal(&mut self, shape: impl Into<Shape>, deviation: f32) -> Result<Tensor> {
        self.draw(shape, |rng| {
            let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
            ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32 * deviation
        })
    }

    fn draw(&mut self, shape: impl Into<Shape>, one: impl Fn(&mut ChaCha8Rng) -> f32) -> Result<Tensor> {
        let shape = shape.into();
        if self.device.is_dry() {
            return Tensor::zeros(&self.device, shape, DType::F32);
        }
        let values: Vec<f32> = (0..shape.elements()).map(|_| one(&mut self.rng)).collect();
        Tensor::from_slice(&self.device, shape, &values)
    }

    /// `count` filters `[count, rows, columns, channels]` and, if asked for, their biases.
    pub(super) fn convolution(
        &mut self,
        channels: usize,
        count: usize,
        [rows, columns]: [usize; 2],
        bias: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let (shape, taps) = ([count, rows, columns, channels], rows * columns);
        let (fan_in, fan_out) = ((channels * taps) as f32, (count * taps) as f32);
        let deviation = match self.filters {
            Filters::Default | Filters::Dirac => {
                let bound = Self::default_bound(channels * taps);
                let weight = self.uniform(shape, bound)?;
                if self.filters == Filters::Dirac {
                    pass_on(&weight)?;
                }
                return Ok((weight, if bias { Some(self.uniform([count], bound)?) } else { None }));
            }
            Filters::XavierNormal => (2.0 / (fan_in + fan_out)).sqrt(),
            Filters::KaimingNormal => (2.0 / fan_out).sqrt(),
        };
        let bias = if bias { Some(Tensor::zeros(&self.device, [count], DType::F32)?) } else { None };
        Ok((self.normal(shape, deviation)?, bias))
    }

    /// Weights `[outputs, inputs]` and biases of a linear layer.
    pub(super) fn linear(&mut self, inputs: usize, outputs: usize) -> Result<(Tensor, Tensor)> {
        match self.weights {
            Weights::Default => {
                let bound = Self::default_bound(inputs);
                Ok((self.uniform([outputs, inputs], bound)?, self.uniform([outputs], bound)?))
            }
            Weights::Normal(deviation) => {
                let bias = Tensor::zeros(&self.device, [outputs], DType::F32)?;
                Ok((self.normal([outputs, inputs], deviation)?, bias))
            }
        }
    }

    /// The bound of PyTorch's default for convolutions and linear layers, for weights and bias alike: Kaiming-uniform with
    /// a = √5 gives √(6 / ((1 + a²) · fan_in)) = 1 / √fan_in.
    fn default_bound(fan_in: usize) -> f32 {
        1.0 / (fan_in as f32).sqrt()
    }
}

/// Makes the first of the filters `weight [K, R, S, C]` pass on one channel each: 1 at its middle pixel, else 0.
fn pass_on(weight: &Tensor) -> Result<()> {
    if weight.device().is_dry() {
        return Ok(());
    }
    let &[filters, rows, columns, channels] = weight.shape().dims() else { unreachable!("filters are [K, R, S, C]") };
    let mut values = weight.to_vec::<f32>()?;
    let (size, middle) = (rows * columns * channels, (rows / 2 * columns + columns / 2) * channels);
    for (channel, filter) in values.chunks_mut(size).take(filters.min(channels)).enumerate() {
        filter.fill(0.0);
        filter[middle + channel] = 1.0;
    }
    weight.write(&values)
}
