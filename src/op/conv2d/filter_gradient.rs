//! The gradient of the filters.

use super::launches::{self, Tiles};
use super::{Sizes, cases, im2col, winograd};
use crate::check::{Input, Values};
use crate::device::{Device, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, workload};
use crate::tensor::{DType, Tensor};

const ENTRY: &str = "conv2d_backward_filter";

pub(super) const SCALAR: &str = "conv2d/filter_gradient/4_register_tile.cu";
pub(super) const WINOGRAD: [&str; 2] =
    ["conv2d/filter_gradient/7_winograd_2x2.cu", "conv2d/filter_gradient/8_winograd_4x4.cu"];

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: ENTRY,
    rungs: &[
        Rung::new("conv2d/filter_gradient/1_direct.cu", direct),
        // The patches are the forward pass's.
        Rung::new("conv2d/forward/2_im2col.cu", im2col::filter_gradient),
        Rung::new("conv2d/filter_gradient/3_implicit_gemm.cu", squares),
        Rung::new(SCALAR, scalar),
        Rung::new("conv2d/filter_gradient/5_vectorized.cu", vectors),
        Rung::new("conv2d/filter_gradient/6_split_k.cu", split_k),
        Rung::new(WINOGRAD[0], winograd::filter_gradient as Run).only(winograd::can),
        Rung::new(WINOGRAD[1], winograd::filter_gradient as Run).only(winograd::can).rounding(winograd::ROUNDING),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(6),
};

/// df from dy and x.
pub(super) fn run(sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let rung = LADDER.pick(dy.device(), sizes)?;
    (rung.run)(rung.file, sizes, dy, x)
}

fn shape(sizes: &Sizes) -> [usize; 4] {
    [sizes.k, sizes.r, sizes.s, sizes.c]
}

/// A thread for each element.
fn direct(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let df = Tensor::empty(dy.device(), shape(sizes), DType::F32)?;
    let args = [df.arg(), dy.arg(), x.arg(), sizes.arg(0)];
    launches::each(dy.device(), file, ENTRY, df.elements(), &args)?;
    Ok(df)
}

/// Small tiles, a thread for each element.
fn squares(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let df = Tensor::empty(dy.device(), shape(sizes), DType::F32)?;
    let args = [df.arg(), dy.arg(), x.arg(), sizes.arg(0)];
    launches::squares(dy.device(), file, ENTRY, [sizes.depth(), sizes.k], &args)?;
    Ok(df)
}

/// Block tiles, fetched float by float.
fn scalar(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let tiles = tiles(sizes, dy.device().target());
    tiled(&tiles, &launches::scalar(file, tiles.tile), sizes, dy, x)
}

/// Block tiles, fetched vector by vector.
fn vectors(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let target = dy.device().target();
    let tiles = tiles(sizes, target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.k, sizes.c), sizes, dy, x)
}

/// The same, their depth, the pixels, split among blocks.
fn split_k(file: &'static str, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let target = dy.device().target();
    let tiles = tiles(sizes, target).split(target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.k, sizes.c), sizes, dy, x)
}

/// Tiles of filters × taps, the taps along the grid's x axis.
fn tiles(sizes: &Sizes, target: Target) -> Tiles {
    let tile = Tile::pick_for_filters(target, sizes.k, sizes.depth(), sizes.pixels());
    Tiles::new(tile, [sizes.depth().div_ceil(tile.bn), sizes.k.div_ceil(tile.bm)], sizes.pixels())
}

fn tiled(tiles: &Tiles, variant: &Variant, sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    tiles.run(dy.device(), variant, ENTRY, sizes, shape(sizes), &[dy.arg(), x.arg()])
}

fn variant(file: &'static str, target: Target, tile: Tile, k: usize, c: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access(target, k)).with("BVEC", access_whole(target, c));
    Variant { file, defines }
}

/// What a GPU compiles on a tile for `k` filters and `c` channels.
pub(super) fn variants(tile: Tile, k: usize, c: usize) -> Vec<Variant> {
    let files = ["conv2d/filter_gradient/5_vectorized.cu", "conv2d/filter_gradient/6_split_k.cu"];
    files.map(|file| variant(file, Target::Cuda, tile, k, c)).into()
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
