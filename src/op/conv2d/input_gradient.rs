//! The gradient of the input.

use super::launches::{self, Tiles};
use super::{Sizes, cases, im2col, winograd};
use crate::check::{Input, Values};
use crate::device::{Device, Geometry, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, launch, workload};
use crate::tensor::{DType, Tensor};

const ENTRY: &str = "conv2d_backward_input";

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: ENTRY,
    rungs: &[
        Rung::new("conv2d/input_gradient/1_direct.cu", direct),
        Rung::new("conv2d/input_gradient/2_col2im.cu", im2col::input_gradient),
        Rung::new("conv2d/input_gradient/3_implicit_gemm.cu", squares),
        Rung::new("conv2d/input_gradient/4_register_tile.cu", scalar),
        Rung::new("conv2d/input_gradient/5_vectorized.cu", vectors),
        Rung::new("conv2d/input_gradient/6_split_k.cu", split_k),
        Rung::new("conv2d/input_gradient/7_winograd_2x2.cu", winograd::input_gradient as Run).only(winograd::can),
        Rung::new("conv2d/input_gradient/8_winograd_4x4.cu", winograd::input_gradient as Run)
            .only(winograd::can)
            .rounding(winograd::ROUNDING),
        Rung::new("conv2d/input_gradient/9_by_residue.cu", by_residue as Run).only(|sizes| classes(sizes) > 1),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(if classes(sizes) > 1 { 9 } else { 5 }),
};

/// dx from dy and the filters.
pub(super) fn run(sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let rung = LADDER.pick(dy.device(), sizes)?;
    (rung.run)(rung.file, sizes, dy, filters)
}

fn shape(sizes: &Sizes) -> [usize; 4] {
    [sizes.n, sizes.h, sizes.w, sizes.c]
}

/// A thread for each element.
fn direct(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let dx = Tensor::empty(dy.device(), shape(sizes), DType::F32)?;
    let args = [dx.arg(), dy.arg(), filters.arg(), sizes.arg(0)];
    launches::each(dy.device(), file, ENTRY, dx.elements(), &args)?;
    Ok(dx)
}

/// Small tiles, a thread for each element.
fn squares(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let dx = Tensor::empty(dy.device(), shape(sizes), DType::F32)?;
    let args = [dx.arg(), dy.arg(), filters.arg(), sizes.arg(0)];
    launches::squares(dy.device(), file, ENTRY, [sizes.n * sizes.h * sizes.w, sizes.c], &args)?;
    Ok(dx)
}

/// Block tiles, fetched float by float.
fn scalar(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let tiles = tiles(sizes, dy.device().target());
    tiled(&tiles, &launches::scalar(file, tiles.tile), sizes, dy, filters)
}

/// Block tiles, fetched vector by vector.
fn vectors(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let target = dy.device().target();
    let tiles = tiles(sizes, target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.k, sizes.c), sizes, dy, filters)
}

/// The same, their depth split among blocks.
fn split_k(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let target = dy.device().target();
    let tiles = tiles(sizes, target).split(target);
    tiled(&tiles, &variant(file, target, tiles.tile, sizes.k, sizes.c), sizes, dy, filters)
}

/// Tiles of input pixels × channels.
fn tiles(sizes: &Sizes, target: Target) -> Tiles {
    let (rows, depth) = (sizes.n * sizes.h * sizes.w, sizes.r * sizes.s * sizes.k);
    let tile = Tile::pick(target, rows, sizes.c, depth);
    Tiles::new(tile, [rows.div_ceil(tile.bm), sizes.c.div_ceil(tile.bn)], depth)
}

fn tiled(tiles: &Tiles, variant: &Variant, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    tiles.run(dy.device(), variant, ENTRY, sizes, shape(sizes), &[dy.arg(), filters.arg()])
}

/// Residue classes of input pixels: blocks along the z axis, of which there are at most 65535.
fn classes(sizes: &Sizes) -> usize {
    let [vertical, horizontal] = sizes.steps.stride;
    if vertical.saturating_mul(horizontal) < 65536 { vertical * horizontal } else { 1 }
}

/// Block tiles of the input pixels of one residue class × channels.
fn by_residue(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let (device, target, steps) = (dy.device(), dy.device().target(), sizes.steps);
    // The largest class.
    let rows = sizes.n * sizes.h.div_ceil(steps.stride[0]) * sizes.w.div_ceil(steps.stride[1]);
    let taps = sizes.r.div_ceil(steps.stride[0]) * sizes.s.div_ceil(steps.stride[1]);
    let tile = Tile::pick(target, rows, sizes.c, taps * sizes.k);
    let variant = variant(file, target, tile, sizes.k, sizes.c);
    let dx = Tensor::empty(device, shape(sizes), DType::F32)?;
    let grid = Geometry::grid(rows.div_ceil(tile.bm), sizes.c.div_ceil(tile.bn), classes(sizes), tile.threads());
    launch(device, &variant, ENTRY, grid, &[dx.arg(), dy.arg(), filters.arg(), sizes.arg(0)])?;
    Ok(dx)
}

fn variant(file: &'static str, target: Target, tile: Tile, k: usize, c: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, k)).with("BVEC", access(target, c));
    Variant { file, defines }
}

/// What a GPU compiles on a tile for `k` filters and `c` channels.
pub(super) fn variants(tile: Tile, k: usize, c: usize) -> Vec<Variant> {
    let files = [
        "conv2d/input_gradient/5_vectorized.cu",
        "conv2d/input_gradient/6_split_k.cu",
        "conv2d/input_gradient/9_by_residue.cu",
    ];
    files.map(|file| variant(file, Target::Cuda, tile, k, c)).into()
}

/// Sets up a problem for benches.
pub(super) fn job(device: &Device, problem: &str) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let Sizes { n, c, k, r, s, p, q, .. } = sizes;
    let inputs = [Input::new([n, p, q, k], Values::Uniform), Input::new([k, r, s, c], Values::Uniform)];
    let [dy, filters] = workload::tensors(device, &inputs)?;
    let (upstream, weights) = (dy.to_vec::<f32>()?, filters.to_vec::<f32>()?);
    Ok(Job {
        flops: sizes.flops(),
        bytes: 4.0 * (sizes.input() + sizes.filters() + sizes.output()) as f64,
        terms: r * s * k,
        run: Box::new(move || run(&sizes, &dy, &filters)),
        element: Box::new(move |at| cases::of_input(&sizes, &upstream, &weights, at)),
    })
}
