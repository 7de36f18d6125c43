//! Linear layer: y = x · Wᵀ + b, or without b.
//!
//! With g the gradient of y: dx = g · W, dW = gᵀ · x, db = Σ over rows of g.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::op::Op;
use crate::op::matmul::{Form, product};
use crate::op::reduce::column_sums;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("linear") };

/// `x [M, in]` times `weight [out, in]` transposed, plus `bias [out]` if there is one: `[M, out]`.
///
/// # Errors
/// Inner dimensions that differ, a bias of another length.
pub fn linear(tape: &mut Tape, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = product(Form::NT, x, weight, bias, x.dtype())?;
    let (input, weights, offset) = (x.clone(), weight.clone(), bias.cloned());
    let inputs = [x, weight, bias.unwrap_or(x)];
    tape.record("linear", &inputs[..2 + usize::from(bias.is_some())], &y, move |g, gradients| {
        if gradients.needs(&input) {
            gradients.add(&input, product(Form::NN, g, &weights, None, g.dtype())?)?;
        }
        if gradients.needs(&weights) {
            gradients.add(&weights, product(Form::TN, g, &input, None, g.dtype())?)?;
        }
        match &offset {
            Some(bias) if gradients.needs(bias) => gradients.add(bias, column_sums(g, g.dim(0), g.dim(1))?),
            _ => Ok(()),
        }
    });
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [m, inputs, outputs]: [usize; 3], element: DType| {
        let shapes = [vec![m, inputs], vec![outputs, inputs], vec![outputs]];
        let drawn = shapes.map(|shape| Input::new(shape, Values::Uniform));
        workload::both_ways(device, drawn, element, |tape, [x, weight, bias]| linear(tape, x, weight, Some(bias)))
    };
    vec![Workload::new("linear", ["m", "in", "out"], [35, 50, 70], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (m, inputs, outputs) in [(1, 1, 1), (5, 7, 3), (17, 32, 10)] {
        for (values, bias) in [(Values::Uniform, true), (Values::Integers, true), (Values::Uniform, false)] {
            let shapes = [vec![m, inputs], vec![outputs, inputs], vec![outputs]];
            let drawn = shapes.map(|shape| Input::new(shape, values)).into_iter().take(2 + usize::from(bias)).collect();
            let run = |tape: &mut Tape, x: &[Tensor]| linear(tape, &x[0], &x[1], x.get(2));
            let reference = move |x: &[Vec<f64>]| {
                let dot = |i: usize, j: usize| -> f64 {
                    (0..inputs).map(|l| x[0][i * inputs + l] * x[1][j * inputs + l]).sum()
                };
                let offset = |j: usize| x.get(2).map_or(0.0, |bias| bias[j]);
                (0..m * outputs).map(|at| dot(at / outputs, at % outputs) + offset(at % outputs)).collect()
            };
            let without = if bias { "" } else { " without bias" };
            let name = format!("linear {m}x{inputs}->{outputs} {values:?}{without}");
            let case = Case::new(name, drawn, run, reference);
            cases.push(case.terms(m.max(inputs).max(outputs)));
        }
    }
    cases
}
