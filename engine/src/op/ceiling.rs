//! What a device can do at the most, as kernels find it: bytes and multiply-adds in a second. Benches measure against it.

use crate::check::{Input, Values};
use crate::device::{Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Variant, dimension, elementwise, launch};
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Tensor};

const COPY: &str = "ceiling/copy.cu";
const MULTIPLY_ADD: &str = "ceiling/multiply_add.cu";

/// Its entry.
pub static OP: Op = Op { workloads, elements: &[DType::F32], ..Op::named("ceiling") };

/// Multiply-adds of an element in one pass.
pub const ROUNDS: usize = 8;

/// A copy of `x`, made by a kernel.
///
/// # Errors
/// An `x` that is not f32.
pub fn copy(x: &Tensor) -> Result<Tensor> {
    elementwise::check_f32("copy", x)?;
    let y = elementwise::like(x)?;
    elementwise::launch(COPY, "ceiling_copy", x.elements(), &y, &[x.arg()], &[])?;
    Ok(y)
}

/// Multiplies every element of `x` by `factor`, in place.
///
/// # Errors
/// An `x` that is not f32.
pub fn scale(x: &Tensor, factor: f32) -> Result<()> {
    elementwise::check_f32("scale", x)?;
    elementwise::launch(COPY, "ceiling_scale", x.elements(), x, &[], &[factor.into()])
}

/// `x` after `passes` · [`ROUNDS`] multiply-adds of every element, y ← y / 2 + 1: two FLOPs each, in registers.
///
/// # Errors
/// Elements that are not a multiple of [`group`], or not f32.
pub fn multiply_add(x: &Tensor, passes: usize) -> Result<Tensor> {
    elementwise::check_f32("multiply_add", x)?;
    let (y, group) = (elementwise::like(x)?, group(x.device().target()));
    if !x.elements().is_multiple_of(group) || x.elements() == 0 {
        return Err(Error::shape("multiply_add", format!("{} elements are no multiple of {group}", x.elements())));
    }
    let (variant, [.., threads]) = (variant(x.device().target()), numbers(x.device().target()));
    let geometry = Geometry::linear(x.elements() / group, threads);
    launch(x.device(), &variant, "ceiling_multiply_add", geometry, &[y.arg(), x.arg(), dimension(passes)?])?;
    Ok(y)
}

/// Elements that a block of [`multiply_add`] takes.
pub fn group(target: Target) -> usize {
    numbers(target).into_iter().product()
}

/// Vectors' width, chains of multiply-adds, threads. A GPU has a multiply-add's result after four cycles, a CPU with two units
/// that take four has eight under way; both get some more.
fn numbers(target: Target) -> [usize; 3] {
    match target {
        Target::Cuda => [1, 12, 256],
        Target::Host { lanes: lanes @ (4 | 8) } => [lanes, 8, 1],
        Target::Host { lanes } => [lanes, 12, 1],
    }
}

fn variant(target: Target) -> Variant {
    let [vec, chains, threads] = numbers(target);
    let defines = Defines::of([("VEC", vec), ("CHAINS", chains), ("ROUNDS", ROUNDS), ("THREADS", threads)]);
    Variant { file: MULTIPLY_ADD, defines }
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let copied = |device: &Device, [n]: [usize; 1], _: DType| {
        let [x] = workload::tensors(device, &[Input::new([n], Values::Uniform)], DType::F32)?;
        scale(&copy(&x)?, -1.0)
    };
    let computed = |device: &Device, [blocks, passes]: [usize; 2], _: DType| {
        let n = blocks.saturating_mul(group(device.target()));
        let [x] = workload::tensors(device, &[Input::new([n], Values::Uniform)], DType::F32)?;
        multiply_add(&x, passes).map(drop)
    };
    vec![
        Workload::new("copy", ["n"], [10_007], copied),
        Workload::new("multiply_add", ["blocks", "passes"], [2, 3], computed),
    ]
}
