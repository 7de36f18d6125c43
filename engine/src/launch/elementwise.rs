//! Launching kernels that treat all elements alike (`kernels/prelude/elementwise.cuh`).

use super::{Args, Variant, dimension, element};
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::tensor::{DType, Tensor};

/// Vectors' width, vectors per thread, threads per block: a GPU wants four 16-byte accesses in each of 256 threads, a CPU one
/// thread that walks a few pages of memory.
pub(crate) fn numbers(target: Target) -> [usize; 3] {
    match target {
        Target::Cuda => [4, 4, 256],
        Target::Host { lanes } => [lanes, 8192 / lanes, 1],
    }
}

/// The constants of an elementwise kernel.
pub(crate) fn defines(target: Target) -> Defines {
    let [vec, items, threads] = numbers(target);
    Defines::of([("VEC", vec), ("ITEMS", items), ("THREADS", threads)])
}

/// Threads of a block.
pub(crate) fn threads(target: Target) -> usize {
    numbers(target)[2]
}

/// Elements that a block takes.
pub(crate) fn block(target: Target) -> usize {
    numbers(target).into_iter().product()
}

/// An uninitialized tensor of the same shape and type on the same device.
///
/// # Errors
/// An `x` that is not of floats: a kernel would take its bits for some.
pub(crate) fn like(x: &Tensor) -> Result<Tensor> {
    let element = element("elementwise", [x])?;
    Tensor::empty(x.device(), x.shape(), element)
}

/// Refuses, for `op`, what is not f32 where nothing else is taken.
pub(crate) fn check_f32(op: &'static str, x: &Tensor) -> Result<()> {
    if x.dtype() == DType::F32 {
        return Ok(());
    }
    Err(Error::shape(op, format!("{} {} is not f32", x.dtype(), x.shape())))
}

/// Launches `entry` over `n` elements of the type of `out` with the arguments `out`, `inputs…`, `n`, `scalars…`.
pub(crate) fn launch(
    file: &'static str,
    entry: &str,
    n: usize,
    out: &Tensor,
    inputs: &[Arg],
    scalars: &[Arg],
) -> Result<()> {
    let variant = Variant::new(file, defines(out.device().target()), out.dtype());
    launch_variant(&variant, entry, n, out, inputs, scalars)
}

/// The same for a kernel whose constants are given.
pub(crate) fn launch_variant(
    variant: &Variant,
    entry: &str,
    n: usize,
    out: &Tensor,
    inputs: &[Arg],
    scalars: &[Arg],
) -> Result<()> {
    let target = out.device().target();
    let geometry = Geometry::linear(n.div_ceil(block(target)), threads(target));
    let args = Args::of([&[out.arg()], inputs, &[dimension(n)?], scalars]);
    super::launch(out.device(), variant, entry, geometry, &args)
}

/// The kernel of [`sum`].
const SUM: &str = "add/vectorized.cu";

/// `a + b`, of one shape and type, in the shape of `a`: how the tape adds gradients up.
pub(crate) fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let y = like(a)?;
    launch(SUM, "add_forward", a.elements(), &y, &[a.arg(), b.arg()], &[])?;
    Ok(y)
}
