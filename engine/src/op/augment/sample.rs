//! Geometric transforms: pictures sampled where each image's map leads.

use super::geometry::{Size, Stage};
use super::problem::{Channels, Sizes};
use super::{check, threads};
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::{DType, Tensor};

const ENTRY: &str = "augment_forward_sample";

type Run = fn(&'static str, &Sizes, &Tensor, [&[Arg]; 3]) -> Result<()>;

/// The kernels of sampling.
pub static SAMPLE: Ladder<Sizes, Run> = Ladder {
    name: ENTRY,
    rungs: &[Rung::new("augment/sample/1_naive.cu", naive), Rung::new("augment/sample/2_by_pixel.cu", by_pixel)],
    default: |_, _| 2,
};

/// Tensors and place, sizes of the map, scales.
fn naive(file: &'static str, sizes: &Sizes, out: &Tensor, [first, middle, last]: [&[Arg]; 3]) -> Result<()> {
    let args = Args::of([first, &[dimension(sizes.b)?], middle, last]);
    let geometry = Geometry::linear(out.elements().div_ceil(256), 256);
    launch(out.device(), &Variant::new(file, Defines::new(), out.dtype()), ENTRY, geometry, &args)
}

fn by_pixel(file: &'static str, sizes: &Sizes, out: &Tensor, parts: [&[Arg]; 3]) -> Result<()> {
    let target = out.device().target();
    let threads = threads(target);
    let blocks = match target {
        Target::Cuda => (sizes.h * sizes.w).div_ceil(threads * 4), // each thread takes four pixels
        Target::Host { .. } => 1,
    };
    let variant = Variant::new(file, Defines::new().with("THREADS", threads), out.dtype());
    launch(out.device(), &variant, ENTRY, Geometry::grid(sizes.b, blocks, 1, threads), &Args::of(parts))
}

/// `[B, H, W, 3]` of type `to`: images `indices[offset]`, …, of `images [N, R, C, 3]` (u8), each through its own of the `B` maps
/// `stages` that lead to it from an image of `size` H × W, sampled bilinearly between pixels (which are not averaged where the map makes them smaller) in f32, never rounded
/// to bytes. An index outside `0 … N − 1` yields NaN.
///
/// # Errors
/// Other shapes or element types; fewer indices than maps; maps with other numbers of stages or edges than the first, or with
/// none, or more than 16; a standard deviation that is not positive.
pub fn sample(
    images: &Tensor,
    indices: &Tensor,
    offset: usize,
    size: Size,
    stages: &[Vec<Stage>],
    channels: &Channels,
    to: DType,
) -> Result<Tensor> {
    let (b, [h, w]) = (stages.len(), size);
    let (n, [rows, columns]) = check(images, size, indices, offset, b, to)?;
    let edges = |map: &[Stage]| map.iter().rev().fold(0, |all, stage| all << 2 | stage.edge as u32);
    let (k, edge) = (stages[0].len(), edges(&stages[0]));
    if k == 0 || k > 16 || stages.iter().any(|map| map.len() != k || edges(map) != edge) {
        return Err(Error::shape("augment", format!("all {b} maps need the same 1 to 16 stages with the same edges")));
    }
    let out = Tensor::empty(images.device(), [b, h, w, 3], to)?;
    let row = |stage: &Stage| stage.map.into_iter().chain(stage.window).map(|number| number as f32);
    let table: Vec<f32> = stages.iter().flatten().flat_map(row).collect();
    let table = Tensor::from_slice(images.device(), [b, k, 10], &table)?;
    let tensors = [out.arg(), images.arg(), indices.arg(), table.arg(), dimension(n)?, dimension(offset)?];
    let image = [dimension(rows)?, dimension(columns)?, dimension(h)?, dimension(w)?];
    let map = [&image[..], &[dimension(k)?, Arg::I32(edge as i32)]].concat();
    let sizes = Sizes { b, h, w, k };
    let rung = SAMPLE.pick(images.device(), &sizes, to);
    (rung.run)(rung.file, &sizes, &out, [&tensors, &map, &channels.args(255.0)?])?;
    Ok(out)
}
