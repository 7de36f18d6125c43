//! The forward pass.

use super::launches::{self, Tiles};
use super::{Sizes, cases, im2col, winograd};
use crate::check::{Input, Values};
use crate::device::{Arg, Device, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, workload};
use crate::tensor::{DType, Tensor};

const ENTRY: &str = "conv2d_forward";

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor, Option<&Tensor>) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: ENTRY,
    rungs: &[
        Rung::new("conv2d/forward/1_direct.cu", direct),
        Rung::new("conv2d/forward/2_im2col.cu", im2col::forward),
        Rung::new("conv2d/forward/3_implicit_gemm.cu", squares),
        Rung::new("conv2d/forward/4_register_tile.cu", scalar),
        Rung::new("conv2d/forward/5_vectorized.cu", vectors),
        Rung::new("conv2d/forward/6_split_k.cu", split_k),
        Rung::new("conv2d/forward/7_winograd_2x2.cu", winograd::forward as Run).only(winograd::can),
        Rung::new("conv2d/forward/8_winograd_4x4.cu", winograd::forward as Run)
            .only(winograd::can)
            .rounding(winograd::ROUNDING),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(5),
};

/// y from x, filters and bias.
pub(super) fn run(sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let rung = LADDER.pick(x.device(), sizes)?;
    (rung.run)(rung.file, sizes, x, filters, bias)
}

fn shape(sizes: &Sizes) -> [usize; 4] {
    [sizes.n, sizes.p, sizes.q, sizes.k]
}

fn pointer(bias: Option<&Tensor>) -> Arg {
    bias.map_or(Arg::Ptr(0), Tensor::arg)
}

/// A thread for each element.
fn direct(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = Tensor::empty(x.device(), shape(sizes), DType::F32)?;
    let args = [y.arg(), x.arg(), filters.arg(), pointer(bias), sizes.arg(0)];
    launches::each(x.device(), file, ENTRY, y.elements(), &args)?;
    Ok(y)
}

/// Small tiles, a thread for each element.
fn squares(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (y, filters) = (Tensor::empty(x.device(), shape(sizes), DType::F32)?, launches::transposed(sizes, filters)?);
    let args = [y.arg(), x.arg(), filters.arg(), pointer(bias), sizes.arg(0)];
    launches::squares(x.device(), file, ENTRY, [sizes.pixels(), sizes.k], &args)?;
    Ok(y)
}

/// Block tiles, fetched float by float.
fn scalar(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let tiles = tiles(sizes, x.device().target());
    tiled(&tiles, &launches::scalar(file, tiles.tile), sizes, x, filters, bias)
}

/// Block tiles, fetched vector by vector.
fn vectors(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let target = x.device().target();
    let tiles = tiles(sizes, target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.c, sizes.k), sizes, x, filters, bias)
}

/// The same, their depth split among blocks.
fn split_k(file: &'static str, sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let target = x.device().target();
    let tiles = tiles(sizes, target).split(target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.c, sizes.k), sizes, x, filters, bias)
}

/// Tiles of output pixels × filters.
fn tiles(sizes: &Sizes, target: Target) -> Tiles {
    let tile = Tile::pick(target, sizes.pixels(), sizes.k, sizes.depth());
    Tiles::new(tile, [sizes.pixels().div_ceil(tile.bm), sizes.k.div_ceil(tile.bn)], sizes.depth())
}

fn tiled(
    tiles: &Tiles,
    variant: &Variant,
    sizes: &Sizes,
    x: &Tensor,
    filters: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let filters = launches::transposed(sizes, filters)?;
    let inputs = [x.arg(), filters.arg(), pointer(bias)];
    tiles.run(x.device(), variant, ENTRY, sizes, shape(sizes), &inputs)
}

fn variant(file: &'static str, target: Target, tile: Tile, c: usize, k: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, c)).with("BVEC", access(target, k));
    Variant { file, defines }
}

/// What a GPU compiles on a tile for `c` channels and `k` filters.
pub(super) fn variants(tile: Tile, c: usize, k: usize) -> Vec<Variant> {
    let files = ["conv2d/forward/5_vectorized.cu", "conv2d/forward/6_split_k.cu"];
    files.map(|file| variant(file, Target::Cuda, tile, c, k)).into()
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
