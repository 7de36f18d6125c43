//! A tensor times a number: y = factor · x; dx = factor · dy.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::elementwise;
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("scale") };

/// `factor · x`, any shape.
///
/// # Errors
/// An `x` that is not of floats.
pub fn scale(tape: &mut Tape, x: &Tensor, factor: f32) -> Result<Tensor> {
    let y = product(x, factor)?;
    let input = x.clone();
    tape.record("scale", &[x], &y, move |dy, gradients| gradients.add(&input, product(dy, factor)?));
    Ok(y)
}

/// The product alone.
fn product(x: &Tensor, factor: f32) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    elementwise::launch("scale/vectorized.cu", "scale_forward", x.elements(), &y, &[x.arg()], &[factor.into()])?;
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| scale(tape, x, 1.5))
    };
    vec![Workload::new("scale", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    // Whole numbers, of which nothing is rounded, and a factor of which something is.
    let case = |n: usize, values: Values, factor: f32| {
        let run = move |tape: &mut Tape, x: &[Tensor]| scale(tape, &x[0], factor);
        let exact = move |x: &[Vec<f64>]| x[0].iter().map(|v| f64::from(factor) * v).collect();
        Case::new(format!("scale {n} by {factor}"), vec![Input::new([n], values)], run, exact)
    };
    let whole = [(1, -3.0), (3, 0.0), (17, 4.0), (4099, 2.0)].map(|(n, factor)| case(n, Values::Integers, factor));
    whole.into_iter().chain([case(515, Values::Uniform, 1.0 / 9.0)]).collect()
}
