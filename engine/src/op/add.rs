//! Sum of two tensors of equal shape: y = a + b; da = db = dy.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::elementwise;
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("add") };

/// `a + b`, as at the end of a residual block.
///
/// # Errors
/// Shapes that differ (nothing is broadcast), or element types.
pub fn add(tape: &mut Tape, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() != b.shape() || a.dtype() != b.dtype() {
        let what = format!("{} {} and {} {} differ", a.dtype(), a.shape(), b.dtype(), b.shape());
        return Err(Error::shape("add", what));
    }
    let y = elementwise::sum(a, b)?;
    let (left, right) = (a.clone(), b.clone());
    tape.record("add", &[a, b], &y, move |dy, gradients| {
        // Both inputs share one gradient tensor; `Gradients::add` never writes into what it was given.
        gradients.add(&left, dy.clone())?;
        gradients.add(&right, dy.clone())
    });
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        let inputs = [Input::new([n], Values::Uniform), Input::new([n], Values::Uniform)];
        workload::both_ways(device, inputs, element, |tape, [a, b]| add(tape, a, b))
    };
    vec![Workload::new("add", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let add_all = |x: &[Vec<f64>]| x[0].iter().zip(&x[1]).map(|(a, b)| a + b).collect();
    let mut cases: Vec<Case> = [1, 3, 17, 4096, 4099]
        .into_iter()
        .map(|n| {
            let inputs = vec![Input::new([n], Values::Integers), Input::new([n], Values::Integers)];
            Case::new(format!("add {n}"), inputs, |tape, x| add(tape, &x[0], &x[1]), add_all)
        })
        .collect();
    // One value twice, and once more: its gradient arrives in three parts that the tape has to add up.
    cases.push(Case::new(
        "add x to itself twice",
        vec![Input::new([5, 7], Values::Integers)],
        |tape, x| {
            let twice = add(tape, &x[0], &x[0])?;
            add(tape, &twice, &x[0])
        },
        |x| x[0].iter().map(|v| 3.0 * v).collect(),
    ));
    cases
}
