//! Another element type: y = x, rounded where the type of y is the narrower one; dx = dy, likewise.
//!
//! What is learned stays in f32, and layers cast it to the type of their input on every step (the master weights of
//! Micikevicius et al., "Mixed precision training", 2018): gradients arrive in f32 through the backward pass.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::{Variant, element, elementwise};
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "cast/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("cast") };

/// `x` in type `to`; `x` itself if it is of that type.
///
/// # Errors
/// An `x` or a type `to` that is not of floats.
pub fn cast(tape: &mut Tape, x: &Tensor, to: DType) -> Result<Tensor> {
    let y = converted(x, to)?;
    if x.dtype() != to {
        let input = x.clone();
        tape.record("cast", &[x], &y, move |dy, gradients| gradients.add(&input, converted(dy, input.dtype())?));
    }
    Ok(y)
}

/// The same without a tape.
pub(crate) fn converted(x: &Tensor, to: DType) -> Result<Tensor> {
    let from = element("cast", [x])?;
    if from == to {
        return Ok(x.clone());
    }
    let y = Tensor::empty(x.device(), x.shape(), to)?;
    element("cast", [&y])?;
    let variant = Variant::new(FILE, elementwise::defines(x.device().target()), from).giving(to, from);
    elementwise::launch_variant(&variant, "cast_forward", x.elements(), &y, &[x.arg()], &[])?;
    Ok(y)
}

/// Kernels at work at any size: from f32 and from the given type to all others.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        for to in DType::FLOATS {
            workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| cast(tape, x, to))?;
        }
        Ok(())
    };
    vec![Workload::new("cast", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let case = |n: usize, to: DType, values: Values| {
        let x = vec![Input::new([n], values)];
        Case::new(format!("cast {n} to {to} {values:?}"), x, move |tape, x| cast(tape, &x[0], to), |x| x[0].clone())
    };
    let of_size = |n: usize| DType::FLOATS.into_iter().map(move |to| (n, to));
    let all = [1, 3, 17, 1025].into_iter().flat_map(of_size);
    // A gradient comes back through the narrower type, which integers pass unchanged.
    let both = |(n, to)| [case(n, to, Values::Integers), case(n, to, Values::Uniform).forward_only()];
    all.flat_map(both).collect()
}
