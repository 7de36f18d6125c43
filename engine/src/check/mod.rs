//! What "right" means: comparison against an f64 reference, tolerances, finite differences.
//!
//! Every op brings [`Case`]s: inputs, how to run it, and the same formula in f64 on the CPU. From them tests check the
//! forward pass against the reference and the backward pass against finite differences of the *reference*, which in f64
//! are exact to far below what f32 kernels can be.

mod compare;
mod input;

use crate::device::Device;
use crate::error::Result;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
use compare::Rounds;
pub use compare::{Found, compare, magnitude, stored, tolerance};
pub use input::{Input, Random, Values};

type Forward = Box<dyn Fn(&mut Tape, &[Tensor]) -> Result<Tensor> + Send + Sync>;
type OfInputs<T> = Box<dyn Fn(&[Vec<f64>]) -> T + Send + Sync>;

/// One example of an op.
pub struct Case {
    /// Op and sizes, for messages.
    pub name: String,
    /// In the order in which the op and its reference take them.
    pub inputs: Vec<Input>,
    forward: Forward,
    reference: OfInputs<Vec<f64>>,
    /// The longest sum behind one element of the output or of a gradient; see [`tolerance`].
    pub terms: usize,
    /// Whether there is a backward pass to check.
    pub differentiable: bool,
    usable: OfInputs<bool>,
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
        let (name, usable) = (name.into(), Box::new(|_: &[Vec<f64>]| true));
        Self { name, inputs, forward, reference, terms: 4, differentiable: true, usable }
    }

    /// States the length of the longest sum.
    pub fn terms(self, terms: usize) -> Self {
        Self { terms, ..self }
    }

    /// Says that the op has no backward pass.
    pub fn forward_only(self) -> Self {
        Self { differentiable: false, ..self }
    }

    /// Has inputs drawn again until they are usable: away from kinks whose place depends on several of them.
    pub fn only_if(self, usable: impl Fn(&[Vec<f64>]) -> bool + Send + Sync + 'static) -> Self {
        Self { usable: Box::new(usable), ..self }
    }

    /// Whether the result must agree exactly.
    pub fn exact(&self) -> bool {
        self.inputs.iter().all(|i| matches!(i.values, Values::Integers | Values::Labels(_)))
    }

    /// Inputs drawn from `seed` for type `element`.
    pub fn draw(&self, seed: u64, element: DType) -> Vec<Vec<f64>> {
        let input = |(i, input): (u64, &Input), seed| input.draw(seed ^ i << 32, element);
        let draw = |seed| (1u64..).zip(&self.inputs).map(move |one| input(one, seed)).collect();
        let mut drawn = (0u64..).map(|again| draw(seed ^ again << 16));
        drawn.find(|inputs: &Vec<Vec<f64>>| (self.usable)(inputs)).expect("endless")
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

    /// What the device computes in type `element`: the output and the gradient of each differentiable input.
    pub fn run(
        &self,
        device: &Device,
        element: DType,
        inputs: &[Vec<f64>],
        upstream: &[f64],
    ) -> Result<(Found, Vec<Found>)> {
        let mut tape = Tape::new();
        let upload = |(input, values): (&Input, &Vec<f64>)| input.upload(device, values, element);
        let tensors: Vec<Tensor> = self.inputs.iter().zip(inputs).map(upload).collect::<Result<_>>()?;
        if self.differentiable {
            self.inputs.iter().zip(&tensors).filter(|(i, _)| i.differentiable()).for_each(|(_, t)| tape.watch(t));
        }
        let output = (self.forward)(&mut tape, &tensors)?;
        let mut gradients = Vec::new();
        if self.differentiable {
            let upstream = Tensor::from_numbers(device, output.shape(), output.dtype(), upstream)?;
            let found = tape.backward_from(&output, upstream)?;
            for tensor in &tensors {
                gradients.push(match found.get(tensor) {
                    Some(gradient) => Found::of(&gradient)?,
                    // An input that nothing depends on has a gradient of zero; that of labels nobody looks at.
                    None => Found::zeros(tensor),
                });
            }
        }
        Ok((Found::of(&output)?, gradients))
    }
}

/// What a case should give, computed once without a device, so that many devices can be held against it.
pub struct Expectation {
    /// The type of the case's tensors, but for those that are f32 in any case.
    pub element: DType,
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
    /// The reference's results for inputs drawn from `seed` in type `element`.
    pub fn expectation(&self, seed: u64, element: DType) -> Expectation {
        let inputs = self.draw(seed, element);
        let output = self.expected(&inputs);
        let mut random = Random(0x5eed_5eed);
        let exact = self.exact();
        let draw = |r: &mut Random| if exact { (r.unit() * 5.0).floor() - 2.0 } else { r.unit() * 2.0 - 1.0 };
        let upstream: Vec<f64> = output.iter().map(|_| element.round(draw(&mut random))).collect();
        let mut gradients = if self.differentiable { self.expected_gradients(&inputs, &upstream) } else { Vec::new() };
        if exact {
            // Exact gradients are integers; what finite differences add to that is their own rounding.
            gradients.iter_mut().flatten().for_each(|g| *g = g.round());
        }
        Expectation { element, inputs, upstream, output, gradients }
    }

    /// Runs the case on `device` and compares output and gradients, then the sentinels around its buffers.
    ///
    /// # Errors
    /// One line about the first thing that is wrong.
    pub fn verify(&self, device: &Device, expected: &Expectation) -> Result<(), String> {
        let name = &match expected.element {
            DType::F32 => self.name.clone(),
            other => format!("{} in {other}", self.name),
        };
        let failed = |e: crate::Error| format!("{name}: {e}");
        device.choices().take_rounding();
        let run = self.run(device, expected.element, &expected.inputs, &expected.upstream);
        let (output, gradients) = run.map_err(failed)?;
        // Kernels that do not add up plain products (Winograd's) round more, integers too.
        let rounding = device.choices().take_rounding();
        let exact = self.exact() && rounding == 1.0;
        // Beside a gradient's rounding there is that of the finite difference.
        let rounds = |slack| Rounds { exact, terms: self.terms, rounding, slack };
        output.compare(name, &expected.output, rounds(0.0))?;
        for (i, (found, wanted)) in gradients.iter().zip(&expected.gradients).enumerate() {
            if self.inputs[i].differentiable() {
                found.compare(&format!("{name}, gradient of input {i}"), wanted, rounds(1e-8))?;
            }
        }
        device.check_guards().map_err(failed)
    }
}
