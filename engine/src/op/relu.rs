//! Rectified linear unit: y = max(x, 0); dx = 0 where y <= 0, else dy, so that a NaN keeps its gradient.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::elementwise;
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "relu/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("relu") };

/// `max(x, 0)`, any shape. NaN stays NaN.
pub fn relu(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let y = positive(x)?;
    let (input, output) = (x.clone(), y.clone());
    tape.record("relu", &[x], &y, move |dy, gradients| gradients.add(&input, gate(dy, &output)?));
    Ok(y)
}

/// The same, but of the gradient only what is above 0 goes back: guided backpropagation's (Springenberg et al., "Striving for
/// Simplicity", 2015, section 3.4). What arrives at the input is no gradient.
///
/// # Errors
/// An `x` that is not of floats.
pub fn guided_relu(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let y = positive(x)?;
    let (input, output) = (x.clone(), y.clone());
    tape.record("guided_relu", &[x], &y, move |dy, gradients| gradients.add(&input, gate(&positive(dy)?, &output)?));
    Ok(y)
}

/// The maximum alone.
pub(crate) fn positive(x: &Tensor) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    elementwise::launch(FILE, "relu_forward", x.elements(), &y, &[x.arg()], &[])?;
    Ok(y)
}

/// The gradient of x from those of y, and y.
pub(crate) fn gate(dy: &Tensor, y: &Tensor) -> Result<Tensor> {
    let dx = elementwise::like(dy)?;
    elementwise::launch(FILE, "relu_backward", dy.elements(), &dx, &[dy.arg(), y.arg()], &[])?;
    Ok(dx)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| relu(tape, x))
    };
    vec![Workload::new("relu", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    [1, 3, 17, 4096, 4099]
        .map(|n| {
            // Away from the kink at 0, where a finite difference means nothing.
            let x = Input::new([n], Values::AwayFromZero);
            Case::new(
                format!("relu {n}"),
                vec![x],
                |tape, x| relu(tape, &x[0]),
                |x| x[0].iter().map(|v| v.max(0.0)).collect(),
            )
        })
        .into()
}
