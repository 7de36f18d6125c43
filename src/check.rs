//! What "right" means: comparison against an f64 reference, tolerances, finite differences.
//!
//! Every op brings [`Case`]s: inputs, how to run it, and the same formula in f64 on the CPU. From them tests check the
//! forward pass against the reference and the backward pass against finite differences of the *reference*, which in f64
//! are exact to far below what f32 kernels can be.

use crate::device::Device;
use crate::error::Result;
use crate::tape::Tape;
use crate::tensor::{Shape, Tensor};

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
}

impl Input {
    /// An input of the given shape and kind.
    pub fn new(shape: impl Into<Shape>, values: Values) -> Self {
        Self { shape: shape.into(), values }
    }

    /// The values for `seed`, already rounded to what the device will hold.
    pub fn draw(&self, seed: u64) -> Vec<f64> {
        let n = self.shape.elements();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut values: Vec<f64> = match self.values {
            Values::Uniform => (0..n).map(|_| random.unit() * 2.0 - 1.0).collect(),
            Values::Range(low, high) => (0..n).map(|_| low + random.unit() * (high - low)).collect(),
            Values::Integers => (0..n).map(|_| (random.unit() * 7.0).floor() - 3.0).collect(),
            Values::AwayFromZero => (0..n)
                .map(|_| {
                    let magnitude = 0.1 + 0.9 * random.unit();
                    if random.unit() < 0.5 { -magnitude } else { magnitude }
                })
                .collect(),
            Values::Distinct => {
                let mut values: Vec<f64> = (0..n).map(|i| (i as f64 - n as f64 / 2.0) * 0.01).collect();
                (1..n).rev().for_each(|i| values.swap(i, (random.unit() * (i + 1) as f64) as usize));
                values
            }
            Values::Labels(k) => (0..n).map(|_| (random.unit() * k as f64).floor()).collect(),
        };
        values.iter_mut().for_each(|v| *v = *v as f32 as f64);
        values
    }

    /// Whether the input takes part in differentiation.
    pub fn differentiable(&self) -> bool {
        !matches!(self.values, Values::Labels(_))
    }

    /// The tensor that holds [`Input::draw`].
    pub(crate) fn tensor(&self, device: &Device, seed: u64) -> Result<Tensor> {
        self.upload(device, &self.draw(seed))
    }

    fn upload(&self, device: &Device, values: &[f64]) -> Result<Tensor> {
        if self.differentiable() {
            let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
            Tensor::from_slice(device, &self.shape, &values)
        } else {
            let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
            Tensor::from_slice(device, &self.shape, &values)
        }
    }
}

type Forward = Box<dyn Fn(&mut Tape, &[Tensor]) -> Result<Tensor> + Send + Sync>;
type Reference = Box<dyn Fn(&[Vec<f64>]) -> Vec<f64> + Send + Sync>;

/// One example of an op.
pub struct Case {
    /// Op and sizes, for messages.
    pub name: String,
    /// In the order in which the op and its reference take them.
    pub inputs: Vec<Input>,
    forward: Forward,
    reference: Reference,
    /// The longest sum behind one element of the output or of a gradient; see [`tolerance`].
    pub terms: usize,
    /// Whether there is a backward pass to check.
    pub differentiable: bool,
}

impl Case {
    /// A case whose results are sums of few terms.
    pub fn new(
        name: impl Into<String>,
        inputs: Vec<Input>,
        forward: impl Fn(&mut Tape, &[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
        reference: impl Fn(&[Vec<f64>]) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        let (forward, reference) = (Box::new(forward), Box::new(reference));
        Self { name: name.into(), inputs, forward, reference, terms: 4, differentiable: true }
    }

    /// States the length of the longest sum.
    pub fn terms(mut self, terms: usize) -> Self {
        self.terms = terms;
        self
    }

    /// Says that the op has no backward pass.
    pub fn forward_only(mut self) -> Self {
        self.differentiable = false;
        self
    }

    /// Whether the result must agree exactly.
    pub fn exact(&self) -> bool {
        self.inputs.iter().all(|i| matches!(i.values, Values::Integers | Values::Labels(_)))
    }

    /// Inputs drawn from `seed`.
    pub fn draw(&self, seed: u64) -> Vec<Vec<f64>> {
        (0u64..).zip(&self.inputs).map(|(i, input)| input.draw(seed ^ (i + 1) << 32)).collect()
    }

    /// The f64 result.
    pub fn expected(&self, inputs: &[Vec<f64>]) -> Vec<f64> {
        (self.reference)(inputs)
    }

    /// Gradients of Σ upstreamᵢ · outputᵢ with respect to each differentiable input, by central differences of the f64
    /// reference (empty for the others).
    pub fn expected_gradients(&self, inputs: &[Vec<f64>], upstream: &[f64]) -> Vec<Vec<f64>> {
        let step = 1e-5;
        let objective = |x: &[Vec<f64>]| -> f64 { (self.reference)(x).iter().zip(upstream).map(|(y, g)| y * g).sum() };
        let mut x = inputs.to_vec();
        let mut gradients = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            let mut gradient = Vec::new();
            for j in 0..if input.differentiable() { x[i].len() } else { 0 } {
                let at = x[i][j];
                x[i][j] = at + step;
                let above = objective(&x);
                x[i][j] = at - step;
                let below = objective(&x);
                x[i][j] = at;
                gradient.push((above - below) / (2.0 * step));
            }
            gradients.push(gradient);
        }
        gradients
    }

    /// What the device computes: the output and the gradient of each differentiable input.
    pub fn run(&self, device: &Device, inputs: &[Vec<f64>], upstream: &[f64]) -> Result<(Vec<f32>, Vec<Vec<f32>>)> {
        let mut tape = Tape::new();
        let tensors: Vec<Tensor> =
            self.inputs.iter().zip(inputs).map(|(i, values)| i.upload(device, values)).collect::<Result<_>>()?;
        if self.differentiable {
            self.inputs.iter().zip(&tensors).filter(|(i, _)| i.differentiable()).for_each(|(_, t)| tape.watch(t));
        }
        let output = (self.forward)(&mut tape, &tensors)?;
        let mut gradients = Vec::new();
        if self.differentiable {
            let upstream: Vec<f32> = upstream.iter().map(|&g| g as f32).collect();
            let upstream = Tensor::from_slice(device, output.shape(), &upstream)?;
            let found = tape.backward_from(&output, upstream)?;
            for (input, tensor) in self.inputs.iter().zip(&tensors) {
                gradients.push(match found.get(tensor) {
                    Some(gradient) => gradient.to_vec::<f32>()?,
                    // An input that nothing depends on has a gradient of zero.
                    None if input.differentiable() => vec![0.0; tensor.elements()],
                    None => Vec::new(),
                });
            }
        }
        Ok((output.to_vec::<f32>()?, gradients))
    }
}

/// What a case should give, computed once without a device, so that many devices can be held against it.
pub struct Expectation {
    /// The values of each input, flat, already rounded to what the device will hold.
    pub inputs: Vec<Vec<f64>>,
    /// The gradient of the output: integers where everything must be exact, and never a constant.
    pub upstream: Vec<f64>,
    /// The f64 reference's output, flat.
    pub output: Vec<f64>,
    /// One per input, flat, by central differences; empty for an input without a gradient (labels). None at all if the
    /// case has no backward pass.
    pub gradients: Vec<Vec<f64>>,
}

impl Case {
    /// The reference's results for inputs drawn from `seed`.
    pub fn expectation(&self, seed: u64) -> Expectation {
        let inputs = self.draw(seed);
        let output = self.expected(&inputs);
        let mut random = Random(0x5eed_5eed);
        let exact = self.exact();
        let draw = |r: &mut Random| if exact { (r.unit() * 5.0).floor() - 2.0 } else { r.unit() * 2.0 - 1.0 };
        let upstream: Vec<f64> = output.iter().map(|_| draw(&mut random) as f32 as f64).collect();
        let mut gradients = if self.differentiable { self.expected_gradients(&inputs, &upstream) } else { Vec::new() };
        if exact {
            // Exact gradients are integers; what finite differences add to that is their own rounding.
            gradients.iter_mut().flatten().for_each(|g| *g = g.round());
        }
        Expectation { inputs, upstream, output, gradients }
    }

    /// Runs the case on `device` and compares output and gradients, then the sentinels around its buffers.
    ///
    /// # Errors
    /// One line about the first thing that is wrong.
    pub fn verify(&self, device: &Device, expected: &Expectation) -> Result<(), String> {
        let name = &self.name;
        let failed = |e: crate::Error| format!("{name}: {e}");
        device.choices().take_rounding();
        let (output, gradients) = self.run(device, &expected.inputs, &expected.upstream).map_err(failed)?;
        // Kernels that do not add up plain products (Winograd's) round more, integers too.
        let rounding = device.choices().take_rounding();
        let exact = self.exact() && rounding == 1.0;
        let within = |wanted: &[f64]| if exact { 0.0 } else { rounding * tolerance(self.terms, magnitude(wanted)) };
        compare(name, &output, &expected.output, within(&expected.output))?;
        for (i, (found, wanted)) in gradients.iter().zip(&expected.gradients).enumerate() {
            if self.inputs[i].differentiable() {
                // Beside the kernel's rounding there is that of the finite difference.
                let slack = if exact { 0.0 } else { 1e-8 };
                compare(&format!("{name}, gradient of input {i}"), found, wanted, within(wanted) + slack)?;
            }
        }
        device.check_guards().map_err(failed)
    }
}

/// The error that f32 arithmetic may make in a sum of `terms` terms of magnitude `scale`: each addition rounds once, and
/// rounding errors of random sign grow with the root of their number; 8 covers the tail.
pub fn tolerance(terms: usize, scale: f64) -> f64 {
    8.0 * f32::EPSILON as f64 * (terms as f64).sqrt() * scale.max(1.0)
}

/// Compares what a device computed with what was expected.
///
/// # Errors
/// One line naming the first element that differs by more than `tolerance` (its own absolute error), or that is not
/// finite where the expectation is, or another length.
pub fn compare(what: &str, got: &[f32], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{what}: {} elements, expected {}", got.len(), expected.len()));
    }
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let same_infinity = expected.is_infinite() && got as f64 == expected;
        let both_nan = expected.is_nan() && got.is_nan();
        // Written so that NaN fails: a comparison with NaN is never true.
        let close = (got as f64 - expected).abs() <= tolerance;
        if !(close || same_infinity || both_nan) {
            return Err(format!("{what}: element {i} is {got:e}, expected {expected:e} ± {tolerance:e}"));
        }
    }
    Ok(())
}

/// The largest magnitude in a slice (1 at least, so that tolerances never vanish).
pub fn magnitude(values: &[f64]) -> f64 {
    values.iter().fold(1.0, |m: f64, v| m.max(v.abs()))
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
