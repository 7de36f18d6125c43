//! The gradient of the filters.

use super::{Sizes, cases};
use crate::check::{Input, Values};
use crate::device::{Device, Geometry, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, dimension, launch, workload};
use crate::tensor::{DType, Tensor};

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_filter",
    rungs: &[Rung::new("conv2d/filter_gradient/6_split_k.cu", split_k)],
    default: |_, _| 6,
};

/// df from dy and x.
pub(super) fn run(sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let rung = LADDER.pick(dy.device(), sizes)?;
    (rung.run)(rung.file, sizes, dy, x)
}

/// Implicit GEMM on a block tile of filters × taps, its depth, the pixels, split among blocks.
fn split_k(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let (device, target) = (dy.device(), dy.device().target());
    let columns = sizes.depth();
    let tile = Tile::pick(target, sizes.k, columns, sizes.pixels());
    let variant = variant(file, target, tile, sizes.k, sizes.c);
    let (across, down) = (columns.div_ceil(tile.bn), sizes.k.div_ceil(tile.bm));
    // Enough blocks for every unit to have several, but not so many that adding the partial results costs more than
    // it saves: at least eight depth steps each.
    let wanted = (4 * device.info().units).div_ceil(across * down);
    let most = sizes.pixels().div_ceil(8 * tile.bk);
    let split = sizes.pixels().div_ceil(wanted.clamp(1, most)).next_multiple_of(tile.bk);
    let splits = sizes.pixels().div_ceil(split);
    let elements = sizes.k * columns;
    let partial = Tensor::empty(device, [splits, elements], DType::F32)?;
    let grid = Geometry::grid(across, down, splits, tile.threads());
    launch(device, &variant, "conv2d_backward_filter", grid, &[partial.arg(), dy.arg(), x.arg(), sizes.arg(split)])?;
    let df = Tensor::empty(device, [sizes.k, sizes.r, sizes.s, sizes.c], DType::F32)?;
    let blocks = elements.div_ceil(16 * tile.threads());
    let args = [df.arg(), partial.arg(), dimension(elements)?, dimension(splits)?];
    launch(device, &variant, "filters_reduce", Geometry::linear(blocks, tile.threads()), &args)?;
    Ok(df)
}

fn variant(file: &'static str, target: Target, tile: Tile, k: usize, c: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access(target, k)).with("BVEC", access_whole(target, c));
    Variant { file, defines }
}

/// What a GPU compiles for `k` filters and `c` channels.
pub(super) fn variants(tile: Tile, k: usize, c: usize) -> Vec<Variant> {
    vec![variant("conv2d/filter_gradient/6_split_k.cu", Target::Cuda, tile, k, c)]
}

/// Sets up a problem for benches.
pub(super) fn job(device: &Device, problem: &str) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let Sizes { n, h, w, c, k, p, q, .. } = sizes;
    let inputs = [Input::new([n, p, q, k], Values::Uniform), Input::new([n, h, w, c], Values::Uniform)];
    let [dy, x] = workload::tensors(device, &inputs)?;
    let (upstream, image) = (dy.to_vec::<f32>()?, x.to_vec::<f32>()?);
    Ok(Job {
        flops: sizes.flops(),
        bytes: 4.0 * (sizes.input() + sizes.filters() + sizes.output()) as f64,
        terms: sizes.pixels(),
        run: Box::new(move || run(&sizes, &dy, &x)),
        element: Box::new(move |at| cases::of_filters(&sizes, &upstream, &image, at)),
    })
}
