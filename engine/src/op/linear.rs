//! Linear layer: y = x · Wᵀ + b.
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

/// `x [M, in]` times `weight [out, in]` transposed, plus `bias [out]`: `[M, out]`.
///
/// # Errors
/// Inner dimensions that differ, a bias of another length.
pub fn linear(tape: &mut Tape, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let y = product(Form::NT, x, weight, Some(bias), x.dtype())?;
    let (input, weights, offset) = (x.clone(), weight.clone(), bias.clone());
    tape.record("linear", &[x, weight, bias], &y, move |g, gradients| {
        if gradients.needs(&input) {
            gradients.add(&input, product(Form::NN, g, &weights, None, g.dtype())?)?;
        }
        if gradients.needs(&weights) {
            gradients.add(&weights, product(Form::TN, g, &input, None, g.dtype())?)?;
        }
        if gradients.needs(&offset) {
            gradients.add(&offset, column_sums(g, g.dim(0), g.dim(1))?)?;
        }
        Ok(())
    });
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [m, inputs, outputs]: [usize; 3], element: DType| {
        let shapes = [vec![m, inputs], vec![outputs, inputs], vec![outputs]];
        let drawn = shapes.map(|shape| Input::new(shape, Values::Uniform));
        workload::both_ways(device, drawn, element, |tape, [x, weight, bias]| linear(tape, x, weight, bias))
    };
    vec![Workload::new("linear", ["m", "in", "out"], [35, 50, 70], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (m, inputs, outputs) in [(1, 1, 1), (5, 7, 3), (17, 32, 10)] {
        for values in [Values::Uniform, Values::Integers] {
            let shapes = [vec![m, inputs], vec![outputs, inputs], vec![outputs]];
            let drawn = shapes.map(|shape| Input::new(shape, values)).into();
            let run = |tape: &mut Tape, x: &[Tensor]| linear(tape, &x[0], &x[1], &x[2]);
            let reference = move |x: &[Vec<f64>]| {
                let dot = |i: usize, j: usize| -> f64 {
                    (0..inputs).map(|l| x[0][i * inputs + l] * x[1][j * inputs + l]).sum()
                };
                (0..m * outputs).map(|at| dot(at / outputs, at % outputs) + x[2][at % outputs]).collect()
            };
            let case = Case::new(format!("linear {m}x{inputs}->{outputs} {values:?}"), drawn, run, reference);
            cases.push(case.terms(m.max(inputs).max(outputs)));
        }
    }
    cases
}
