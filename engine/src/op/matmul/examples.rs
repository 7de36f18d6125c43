//! Problems for benches, kernels at work, and examples for tests.

use super::{Form, Sizes, matmul, product};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::ladder::Job;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Sets up a problem for benches.
pub(super) fn job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let Sizes { form, m, n, k } = sizes;
    let shapes = [if form == Form::TN { [k, m] } else { [m, k] }, if form == Form::NT { [n, k] } else { [k, n] }];
    let [a, b] = workload::tensors(device, &shapes.map(|shape| Input::new(shape, Values::Uniform)), element)?;
    let (left, right) = (a.floats()?, b.floats()?);
    Ok(Job {
        flops: 2.0 * (m * n * k) as f64,
        bytes: (element.bytes() * (m * k + k * n + m * n)) as f64,
        terms: k,
        run: Box::new(move || product(form, &a, &b, None, element)),
        element: Box::new(move |at| of_result(&sizes, &left, &right, at)),
    })
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [m, n, k]: [usize; 3], element: DType| {
        let inputs = [Input::new([m, k], Values::Uniform), Input::new([k, n], Values::Uniform)];
        workload::both_ways(device, inputs, element, |tape, [a, b]| matmul(tape, Form::NN, a, b))
    };
    vec![Workload::new("matmul", ["m", "n", "k"], [70, 52, 33], run)]
}

/// Examples for tests and benches: tiles of every device are larger and smaller than these sizes.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for form in [Form::NN, Form::NT, Form::TN] {
        for (m, n, k) in [(1, 1, 1), (7, 5, 3), (13, 33, 130), (65, 64, 17), (3, 131, 8)] {
            for values in [Values::Uniform, Values::Integers] {
                let a = Input::new(if form == Form::TN { [k, m] } else { [m, k] }, values);
                let b = Input::new(if form == Form::NT { [n, k] } else { [k, n] }, values);
                let name = format!("matmul {form:?} {m}x{n}x{k} {values:?}");
                let run = move |tape: &mut Tape, x: &[Tensor]| matmul(tape, form, &x[0], &x[1]);
                cases.push(
                    Case::new(name, vec![a, b], run, move |x| reference(&Sizes { form, m, n, k }, x))
                        .terms(m.max(n).max(k)),
                );
            }
        }
    }
    cases
}

fn reference(sizes: &Sizes, x: &[Vec<f64>]) -> Vec<f64> {
    (0..sizes.m * sizes.n).map(|at| of_result(sizes, &x[0], &x[1], at)).collect()
}

/// Element `at` of C.
fn of_result<T: Copy + Into<f64>>(sizes: &Sizes, a: &[T], b: &[T], at: usize) -> f64 {
    let &Sizes { form, m, n, k } = sizes;
    let (i, j) = (at / n, at % n);
    let left = |l: usize| a[if form == Form::TN { l * m + i } else { i * k + l }].into();
    let right = |l: usize| b[if form == Form::NT { j * k + l } else { l * n + j }].into();
    (0..k).map(|l| left(l) * right(l)).sum()
}
