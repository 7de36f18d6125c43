//! The forward pass.

use super::{Sizes, cases};
use crate::check::{Input, Values};
use crate::device::{Arg, Device, Geometry, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, dimension, launch, workload};
use crate::tensor::{DType, Tensor};

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor, Option<&Tensor>) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> =
    Ladder { name: "conv2d_forward", rungs: &[Rung::new("conv2d/forward/5_vectorized.cu", tiled)], default: |_, _| 5 };

/// y from x, filters and bias.
pub(super) fn run(sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let rung = LADDER.pick(x.device(), sizes)?;
    (rung.run)(rung.file, sizes, x, filters, bias)
}

/// Implicit GEMM on a block tile of output pixels × filters.
fn tiled(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (device, target) = (x.device(), x.device().target());
    let tile = Tile::pick(target, sizes.pixels(), sizes.k, sizes.depth());
    let variant = variant(file, target, tile, sizes.c, sizes.k);
    let depth = sizes.depth();
    let transposed = Tensor::empty(device, [depth, sizes.k], DType::F32)?;
    let args = [transposed.arg(), filters.arg(), dimension(sizes.k)?, dimension(depth)?];
    launch(device, &variant, "filters_transpose", Geometry::linear(depth, tile.threads()), &args)?;
    let y = Tensor::empty(device, [sizes.n, sizes.p, sizes.q, sizes.k], DType::F32)?;
    let grid = Geometry::grid(sizes.pixels().div_ceil(tile.bm), sizes.k.div_ceil(tile.bn), 1, tile.threads());
    let bias = bias.map_or(Arg::Ptr(0), Tensor::arg);
    launch(device, &variant, "conv2d_forward", grid, &[y.arg(), x.arg(), transposed.arg(), bias, sizes.arg(0)])?;
    Ok(y)
}

fn variant(file: &'static str, target: Target, tile: Tile, c: usize, k: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, c)).with("BVEC", access(target, k));
    Variant { file, defines }
}

/// What a GPU compiles for `c` channels and `k` filters.
pub(super) fn variants(tile: Tile, c: usize, k: usize) -> Vec<Variant> {
    vec![variant("conv2d/forward/5_vectorized.cu", Target::Cuda, tile, c, k)]
}

/// Sets up a problem for benches.
pub(super) fn job(device: &Device, problem: &str) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let Sizes { n, h, w, c, k, r, s, .. } = sizes;
    let inputs = [Input::new([n, h, w, c], Values::Uniform), Input::new([k, r, s, c], Values::Uniform)];
    let [x, filters] = workload::tensors(device, &inputs)?;
    let (image, weights) = (x.to_vec::<f32>()?, filters.to_vec::<f32>()?);
    Ok(Job {
        flops: sizes.flops(),
        bytes: 4.0 * (sizes.input() + sizes.filters() + sizes.output()) as f64,
        terms: sizes.depth(),
        run: Box::new(move || run(&sizes, &x, &filters, None)),
        element: Box::new(move |at| cases::output(&sizes, &image, &weights, at)),
    })
}
