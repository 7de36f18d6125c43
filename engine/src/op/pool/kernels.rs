//! The kernels of pooling, and how each is launched.

use super::Sizes;
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::Result;
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{Args, Variant, launch};
use crate::tensor::Tensor;

const NAIVE: &str = "pool/1_naive.cu";
const VECTORIZED: &str = "pool/2_vectorized.cu";

type Run = fn(&Sizes, &Tensor, &'static str, &[Arg]) -> Result<()>;

/// The kernels of the maximum.
pub static MAX_FORWARD: Ladder<Sizes, Run> = Ladder { name: "max_pool_forward", rungs: RUNGS, default: |_, _| 2 };

/// The kernels of its gradient.
pub static MAX_BACKWARD: Ladder<Sizes, Run> = Ladder { name: "max_pool_backward", rungs: RUNGS, default: |_, _| 2 };

const RUNGS: &[Rung<Sizes, Run>] = &[
    Rung::new(NAIVE, naive),
    Rung::new(VECTORIZED, |sizes, to, entry, tensors| vectorized(sizes, to, entry, tensors, &[], None)),
];

/// Launches the kernel that `ladder` is named after; it writes `to`.
pub(super) fn max_pool(ladder: &Ladder<Sizes, Run>, sizes: &Sizes, to: &Tensor, tensors: &[Arg]) -> Result<()> {
    (ladder.pick(to.device(), sizes, to.dtype()).run)(sizes, to, ladder.name, tensors)
}

/// A thread for each element of `to`.
fn naive(sizes: &Sizes, to: &Tensor, entry: &'static str, tensors: &[Arg]) -> Result<()> {
    let variant = Variant::new(NAIVE, dilated(Defines::new(), sizes), to.dtype());
    let args = Args::of([tensors, &[sizes.arg(to.elements() / sizes.c, 0, 0)]]);
    launch(to.device(), &variant, entry, Geometry::linear(to.elements().div_ceil(256), 256), &args)
}

/// What tells kernels that taps are not neighbours.
fn dilated(defines: Defines, sizes: &Sizes) -> Defines {
    if sizes.window.dilation == [1, 1] { defines } else { defines.with("DILATED", 1) }
}

/// Launches `entry` of the mean, which writes `to`; sums are multiplied by `scale`, or by window, and then tell whether padding
/// counts.
pub(super) fn avg_pool(
    sizes: &Sizes,
    to: &Tensor,
    entry: &'static str,
    tensors: &[Arg],
    scale: f32,
    by_window: Option<bool>,
) -> Result<()> {
    vectorized(sizes, to, entry, tensors, &[scale.into()], by_window)
}

/// Launches `entry`, which writes the pixels of `to`, with `tensors…, sizes, scalars…`.
fn vectorized(
    sizes: &Sizes,
    to: &Tensor,
    entry: &'static str,
    tensors: &[Arg],
    scalars: &[Arg],
    by_window: Option<bool>,
) -> Result<()> {
    let target = to.device().target();
    let defines = dilated(defines(target, sizes.c), sizes);
    let defines = match by_window {
        Some(padding_counts) => defines.with("BY_WINDOW", usize::from(padding_counts)),
        None => defines,
    };
    let (vec, threads) = (vector(target, sizes.c), threads(target));
    let width = sizes.c.div_ceil(vec).next_power_of_two().min(32).min(threads);
    let span = match target {
        // Two pixels per thread; a host thread writes about 32 KiB.
        Target::Cuda => 2 * threads / width,
        Target::Host { .. } => (8192 / sizes.c).max(1),
    };
    let pixels = to.elements() / sizes.c;
    let args = Args::of([tensors, &[sizes.arg(pixels, span, width)], scalars]);
    let geometry = Geometry::linear(pixels.div_ceil(span), threads);
    launch(to.device(), &Variant::new(VECTORIZED, defines, to.dtype()), entry, geometry, &args)
}

/// How many of a pixel's `channels` are in a vector.
pub(crate) fn vector(target: Target, channels: usize) -> usize {
    match target {
        Target::Host { lanes } => lanes,
        Target::Cuda if channels.is_multiple_of(4) => 4,
        Target::Cuda => 1,
    }
}

/// Threads of a block.
pub(crate) fn threads(target: Target) -> usize {
    if target == Target::Cuda { 256 } else { 1 }
}

/// The constants of a kernel that takes each pixel's `channels` in vectors.
pub(crate) fn defines(target: Target, channels: usize) -> Defines {
    // The host does not mind unaligned vectors and takes any number of channels with one compilation.
    let whole = usize::from(target == Target::Cuda);
    Defines::of([("VEC", vector(target, channels)), ("WHOLE", whole), ("THREADS", threads(target))])
}
