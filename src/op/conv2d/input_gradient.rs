//! The gradient of the input.

use super::{Sizes, cases};
use crate::check::{Input, Values};
use crate::device::{Device, Geometry, Target};
use crate::error::Result;
use crate::op::ladder::{Job, Ladder, Rung};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, launch, workload};
use crate::tensor::{DType, Tensor};

type Run = fn(&'static str, &Sizes, &Tensor, &Tensor) -> Result<Tensor>;

/// Its kernels.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_input",
    rungs: &[Rung::new("conv2d/input_gradient/5_vectorized.cu", tiled)],
    default: |_, _| 5,
};

/// dx from dy and the filters.
pub(super) fn run(sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let rung = LADDER.pick(dy.device(), sizes)?;
    (rung.run)(rung.file, sizes, dy, filters)
}

/// Implicit GEMM on a block tile of input pixels × channels.
fn tiled(file: &'static str, sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let (device, target) = (dy.device(), dy.device().target());
    let rows = sizes.n * sizes.h * sizes.w;
    let tile = Tile::pick(target, rows, sizes.c, sizes.r * sizes.s * sizes.k);
    let variant = variant(file, target, tile, sizes.k, sizes.c, sizes.steps.stride == [1, 1]);
    let dx = Tensor::empty(device, [sizes.n, sizes.h, sizes.w, sizes.c], DType::F32)?;
    let grid = Geometry::grid(rows.div_ceil(tile.bm), sizes.c.div_ceil(tile.bn), 1, tile.threads());
    launch(device, &variant, "conv2d_backward_input", grid, &[dx.arg(), dy.arg(), filters.arg(), sizes.arg(0)])?;
    Ok(dx)
}

fn variant(file: &'static str, target: Target, tile: Tile, k: usize, c: usize, unit_stride: bool) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, k)).with("BVEC", access(target, c));
    Variant { file, defines: defines.with("UNIT_STRIDE", unit_stride as u8) }
}

/// What a GPU compiles for `k` filters and `c` channels.
pub(super) fn variants(tile: Tile, k: usize, c: usize) -> Vec<Variant> {
    [true, false].map(|unit| variant("conv2d/input_gradient/5_vectorized.cu", Target::Cuda, tile, k, c, unit)).into()
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
