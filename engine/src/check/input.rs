//! What inputs of examples are drawn from.

use crate::device::Device;
use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};

/// How an input's values are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Uniform in [-1, 1].
    Uniform,
    /// Uniform in the given range.
    Range(f64, f64),
    /// Small integers in [-3, 3]: sums of their products are exact in f32, so kernels must agree to the last bit.
    Integers,
    /// Magnitude in [0.1, 1], either sign: for functions with a kink at zero.
    AwayFromZero,
    /// A random permutation of evenly spaced values, none closer than 1e-2: for maxima.
    Distinct,
    /// Class labels 0 … k − 1, stored as i32; never differentiated.
    Labels(usize),
}

/// One input of a case.
#[derive(Clone, Debug)]
pub struct Input {
    /// Shape of the tensor; values fill it in row-major order.
    pub shape: Shape,
    /// What the elements are drawn from.
    pub values: Values,
    /// Whether it is f32 in cases of every type.
    single: bool,
}

impl Input {
    /// An input of the given shape and kind.
    pub fn new(shape: impl Into<Shape>, values: Values) -> Self {
        Self { shape: shape.into(), values, single: false }
    }

    /// The same as f32 whatever the type of the case: of normalization's parameters, say.
    pub fn single(self) -> Self {
        Self { single: true, ..self }
    }

    /// Its type in a case of type `element`.
    pub(super) fn dtype(&self, element: DType) -> DType {
        match self.values {
            Values::Labels(_) => DType::I32,
            _ if self.single => DType::F32,
            _ => element,
        }
    }

    /// The values for `seed` in a case of type `element`, already rounded to what the device will hold.
    pub fn draw(&self, seed: u64, element: DType) -> Vec<f64> {
        let n = self.shape.elements();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut values: Vec<f64> = match self.values {
            Values::Uniform => (0..n).map(|_| random.unit() * 2.0 - 1.0).collect(),
            Values::Range(low, high) => (0..n).map(|_| low + random.unit() * (high - low)).collect(),
            Values::Integers => (0..n).map(|_| (random.unit() * 7.0).floor() - 3.0).collect(),
            Values::AwayFromZero => {
                let mut draw = || (0.1 + 0.9 * random.unit(), random.unit() < 0.5);
                (0..n).map(|_| draw()).map(|(magnitude, minus)| if minus { -magnitude } else { magnitude }).collect()
            }
            Values::Distinct => {
                let mut values: Vec<_> = (0..n).map(|i| distinct(i, n, element)).collect();
                (1..n).rev().for_each(|i| values.swap(i, (random.unit() * (i + 1) as f64) as usize));
                values
            }
            Values::Labels(k) => (0..n).map(|_| (random.unit() * k as f64).floor()).collect(),
        };
        let dtype = self.dtype(element);
        values.iter_mut().for_each(|v| *v = dtype.round(*v));
        values
    }

    /// Whether the input takes part in differentiation.
    pub fn differentiable(&self) -> bool {
        !matches!(self.values, Values::Labels(_))
    }

    /// The tensor that holds [`Input::draw`].
    pub(crate) fn tensor(&self, device: &Device, seed: u64, element: DType) -> Result<Tensor> {
        self.upload(device, &self.draw(seed, element), element)
    }

    pub(super) fn upload(&self, device: &Device, values: &[f64], element: DType) -> Result<Tensor> {
        Tensor::from_numbers(device, &self.shape, self.dtype(element), values)
    }
}

/// Number `i` of `n` that rise: 1e-2 apart, or, where that would be less than the type can tell apart, neighbours in it.
fn distinct(i: usize, n: usize, element: DType) -> f64 {
    let (size, positive) = if i < n / 2 { (n / 2 - i, false) } else { (i - n / 2, true) };
    let value = match element {
        DType::F16 => half::f16::from_bits(0x3000 + size as u16).into(),
        DType::BF16 => half::bf16::from_bits(0x3c80 + size as u16).into(),
        _ => return (i as f64 - n as f64 / 2.0) * 0.01,
    };
    if positive { value } else { -value }
}

/// xorshift64*: enough randomness for test inputs, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}
