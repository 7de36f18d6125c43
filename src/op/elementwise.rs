//! Launching kernels that treat all elements alike (`kernels/prelude/elementwise.cuh`).

use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::op::{self, Variant, dimension};
use crate::tensor::{DType, Tensor};

/// The constants of an elementwise kernel: a GPU wants four 16-byte accesses in each of 256 threads, a CPU one thread
/// that walks a few pages of memory.
pub(crate) fn defines(target: Target) -> Defines {
    let (vec, items, threads) = match target {
        Target::Cuda => (4, 4, 256),
        Target::Host { lanes } => (lanes, 8192 / lanes, 1),
    };
    Defines::new().with("VEC", vec).with("ITEMS", items).with("THREADS", threads)
}

/// An uninitialized f32 tensor of the same shape on the same device.
///
/// # Errors
/// An `x` that is not f32 itself: a kernel would take its bits for floats.
pub(crate) fn like(x: &Tensor) -> Result<Tensor> {
    check_f32("elementwise", x)?;
    Tensor::empty(x.device(), x.shape(), DType::F32)
}

/// Refuses, for `op`, what a kernel would take for floats and is not.
pub(crate) fn check_f32(op: &'static str, x: &Tensor) -> Result<()> {
    if x.dtype() == DType::F32 {
        return Ok(());
    }
    Err(Error::shape(op, format!("{} {} is not f32", x.dtype(), x.shape())))
}

/// Launches `entry` over `n` elements with the arguments `out`, `inputs…`, `n`, `scalars…`.
pub(crate) fn launch(
    file: &'static str,
    entry: &str,
    n: usize,
    out: &Tensor,
    inputs: &[Arg],
    scalars: &[Arg],
) -> Result<()> {
    let device = out.device();
    let defines = defines(device.target());
    let [vec, items, threads] = ["VEC", "ITEMS", "THREADS"].map(|name| defines.get(name));
    let geometry = Geometry::linear(n.div_ceil(vec * items * threads), threads);
    let args = [&[out.arg()], inputs, &[dimension(n)?], scalars].concat();
    op::launch(device, &Variant { file, defines }, entry, geometry, &args)
}
