//! Gaussian error linear unit, exact: y = x · Φ(x) with Φ(x) = (1 + erf(x / √2)) / 2; dx = dy · (Φ(x) + x · φ(x)) with
//! φ(x) = exp(−x² / 2) / √(2π). PyTorch's `gelu`, without an approximation (Hendrycks and Gimpel 2016).

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::elementwise;
use crate::op::Op;
use crate::op::add::add;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "gelu/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("gelu") };

/// `x · Φ(x)`, any shape. NaN stays NaN.
///
/// # Errors
/// An `x` that is not of floats.
pub fn gelu(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    elementwise::launch(FILE, "gelu_forward", x.elements(), &y, &[x.arg()], &[])?;
    let input = x.clone();
    tape.record("gelu", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(dy)?;
        elementwise::launch(FILE, "gelu_backward", dy.elements(), &dx, &[dy.arg(), input.arg()], &[])?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| gelu(tape, x))
    };
    vec![Workload::new("gelu", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let case = |n: usize| {
        let x = Input::new([n], Values::Range(-4.0, 4.0));
        Case::new(format!("gelu {n}"), vec![x], |tape, x| gelu(tape, &x[0]), |x| x[0].iter().map(exact).collect())
    };
    let nan = |tape: &mut Tape, x: &[Tensor]| {
        let nan = Tensor::from_numbers(x[0].device(), x[0].shape(), x[0].dtype(), &[f64::NAN])?;
        let sum = add(tape, &x[0], &nan)?;
        gelu(tape, &sum)
    };
    let of_nan = Case::new("gelu of NaN", vec![Input::new([1], Values::Uniform)], nan, |_| vec![f64::NAN]);
    // Of thousands of elements finite differences would take minutes.
    let long = case(4099).forward_only();
    [1, 3, 17, 515].map(case).into_iter().chain([long, of_nan]).collect()
}

fn exact(x: &f64) -> f64 {
    x * 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}

/// By a series of which all terms have the same sign, so that nothing cancels; for |x| up to 3.
fn erf(x: f64) -> f64 {
    let longer = |(term, sum): (f64, f64), n: i32| {
        let term = term * 2.0 * x * x / f64::from(2 * n + 1);
        (term, sum + term)
    };
    let (_, sum) = (1..80).fold((x, x), longer);
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}
