//! Winograd's convolution: the launches of rungs 7 and 8 of all three ladders (`kernels/conv2d/winograd.cuh`).
//!
//! Images are worked off part by part, so that what lies between the steps stays in a cache, and bounded.

use super::direction::Pass;
use super::launches::split;
use super::{Conv2dParams, Sizes};
use crate::device::{Arg, Device, Geometry, Target};
use crate::error::Result;
use crate::launch::tile::{Tile, access};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::{DType, Tensor};

/// How much more than a plain sum F(4×4, 3×3) rounds; F(2×2, 3×3) is as good as one.
pub(super) const ROUNDING: f64 = 4.0;

/// Whether it can do the problem: 3 × 3 filters, stride 1, whole vectors of channels, all in one group.
pub(super) fn can(sizes: &Sizes) -> bool {
    let Sizes { r, s, c, k, params, .. } = *sizes;
    let plain = (r, s) == (3, 3) && params.stride == [1, 1] && params.dilation == [1, 1] && params.groups == 1;
    plain && params.padding.iter().all(|&padding| padding <= 2) && c.is_multiple_of(4) && k.is_multiple_of(4)
}

/// The rung with the fewest multiplications, if that is one of Winograd's. Both are measured to be faster than implicit
/// GEMM on a CPU from 12 channels on, wherever their tiles are not mostly outside the image.
pub(super) fn best(sizes: &Sizes) -> Option<u32> {
    let tiles = |output: usize| sizes.p.div_ceil(output) * sizes.q.div_ceil(output);
    let rungs = [(8, 36 * tiles(4)), (7, 16 * tiles(2))];
    let (rung, products) = rungs.into_iter().min_by_key(|&(_, products)| products)?;
    // With few tiles, transforming the filters costs more than it saves.
    (can(sizes) && products < 9 * sizes.p * sizes.q && sizes.n * tiles(4) >= 16).then_some(rung)
}

/// Outputs of a tile along one axis: the last digit of the file's name.
fn output(file: &str) -> usize {
    if file.ends_with("4x4.cu") { 4 } else { 2 }
}

/// The forward pass.
pub(super) fn forward(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [x, filters], bias, .. } = pass;
    let (c, k) = (sizes.c, sizes.k);
    let taps = super::launches::transposed(sizes, filters)?;
    convolve(file, sizes, x, Taps { values: &taps, row_stride: k, tap_stride: c * k, turned: false }, bias)
}

/// The gradient of the input: a convolution of dy.
pub(super) fn input_gradient(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [dy, filters], .. } = pass;
    let &Sizes { h, w, c, k, p, q, params, .. } = sizes;
    let params = Conv2dParams { padding: params.padding.map(|padding| 2 - padding), ..params };
    let turned = Sizes { h: p, w: q, c: k, k: c, p: h, q: w, params, ..*sizes };
    convolve(file, &turned, dy, Taps { values: filters, row_stride: 9 * c, tap_stride: c, turned: true }, None)
}

/// Where the taps of the filters lie: for each, a matrix with a row per channel of the input.
struct Taps<'a> {
    values: &'a Tensor,
    row_stride: usize,
    tap_stride: usize,
    turned: bool,
}

fn convolve(file: &'static str, sizes: &Sizes, x: &Tensor, taps: Taps, bias: Option<&Tensor>) -> Result<Tensor> {
    let device = x.device();
    let plan = Plan::new(file, device, sizes, sizes.c + sizes.k, 0);
    let &Sizes { n, c, k, p, q, .. } = sizes;
    let tile = Tile::pick(device.target(), plan.tiles, k, c);
    let variant = variant(file, x, tile, [c, k, k]);
    let u = Tensor::empty(device, [plan.points, c, k], DType::F32)?;
    let turned = Arg::I32(taps.turned.into());
    let strides = [dimension(taps.row_stride)?, dimension(taps.tap_stride)?];
    let args = [u.arg(), taps.values.arg(), dimension(c)?, dimension(k)?, strides[0], strides[1], turned];
    plan.transform(device, &variant, "winograd_filters", [c, k], &args)?;
    let y = Tensor::empty(device, [n, p, q, k], x.dtype())?;
    let [v, m] = [c, k].map(|channels| Tensor::empty(device, [plan.points, plan.tiles, channels], DType::F32));
    let (v, m) = (v?, m?);
    for first in (0..n).step_by(plan.images) {
        let (part, tiles) = plan.part(sizes, first);
        let first = dimension(first)?;
        plan.transform(device, &variant, "winograd_pixels", [tiles, c], &[v.arg(), x.arg(), part.arg(0), first])?;
        let grid = Geometry::grid(k.div_ceil(tile.bn), tiles.div_ceil(tile.bm), plan.points, tile.threads());
        let args = [m.arg(), v.arg(), u.arg(), dimension(tiles)?, dimension(k)?, dimension(c)?];
        launch(device, &variant, "winograd_multiply", grid, &args)?;
        let bias = bias.map_or(Arg::Ptr(0), Tensor::arg);
        plan.transform(
            device,
            &variant,
            "winograd_outputs",
            [tiles, k],
            &[y.arg(), m.arg(), bias, part.arg(0), first],
        )?;
    }
    Ok(y)
}

/// The gradient of the filters.
pub(super) fn filter_gradient(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let &Pass { sizes, operands: [dy, x], .. } = pass;
    let device = dy.device();
    let &Sizes { n, c, k, .. } = sizes;
    let plan = Plan::new(file, device, sizes, c + k, k * c);
    let tile = Tile::pick_for_filters(device.target(), k, c, plan.tiles);
    let variant = variant(file, x, tile, [k, c, c]);
    let [dm, v] = [k, c].map(|channels| Tensor::empty(device, [plan.points, plan.tiles, channels], DType::F32));
    let (dm, v) = (dm?, v?);
    let (across, down) = (c.div_ceil(tile.bn), k.div_ceil(tile.bm));
    let split = split(device.target(), tile, across * down * plan.points, plan.tiles);
    let splits = |tiles: usize| tiles.div_ceil(split);
    let parts: usize = (0..n).step_by(plan.images).map(|first| splits(plan.part(sizes, first).1)).sum();
    let partial = Tensor::empty(device, [parts, plan.points, k, c], DType::F32)?;
    let mut done = 0;
    for first in (0..n).step_by(plan.images) {
        let (part, tiles) = plan.part(sizes, first);
        let from = dimension(first)?;
        plan.transform(device, &variant, "winograd_pixels", [tiles, c], &[v.arg(), x.arg(), part.arg(0), from])?;
        plan.transform(device, &variant, "winograd_upstream", [tiles, k], &[dm.arg(), dy.arg(), part.arg(0), from])?;
        let grid = Geometry::grid(across, down, plan.points * splits(tiles), tile.threads());
        let sizes = [dimension(tiles)?, dimension(k)?, dimension(c)?, dimension(split)?];
        let to = partial.rows(done, splits(tiles))?;
        let args = Args::of([&[to.arg(), dm.arg(), v.arg()], &sizes[..]]);
        launch(device, &variant, "winograd_correlate", grid, &args)?;
        done += splits(tiles);
    }
    let df = pass.result()?;
    let args = [df.arg(), partial.arg(), dimension(k)?, dimension(c)?, dimension(parts)?];
    plan.transform(device, &variant, "winograd_filters_gradient", [k, c], &args)?;
    Ok(df)
}

/// How the work is cut.
struct Plan {
    /// Outputs of a tile along one axis.
    output: usize,
    /// Points at which polynomials are evaluated: matrix products.
    points: usize,
    /// Images of one part, and the tiles that they have.
    images: usize,
    tiles: usize,
}

impl Plan {
    /// For tiles of which `channels` numbers are kept at each point, and results of `result` numbers at each.
    fn new(file: &str, device: &Device, sizes: &Sizes, channels: usize, result: usize) -> Self {
        let output = output(file);
        let points = (output + 2) * (output + 2);
        let per_image = sizes.p.div_ceil(output) * sizes.q.div_ceil(output);
        // What should stay in a cache: a CPU's second and third level; a GPU has rather few large launches.
        let floats = match device.target() {
            Target::Host { .. } => 1 << 20,
            Target::Cuda => 1 << 26,
        };
        let images = (floats.max(points * result) / (points * per_image * channels)).clamp(1, sizes.n);
        // Parts of equal size, as far as that goes.
        let images = sizes.n.div_ceil(sizes.n.div_ceil(images));
        Self { output, points, images, tiles: images * per_image }
    }

    /// The part that begins with image `first`: sizes with that part's number of images, and its tiles.
    fn part(&self, sizes: &Sizes, first: usize) -> (Sizes, usize) {
        let n = self.images.min(sizes.n - first);
        (Sizes { n, ..*sizes }, n * sizes.p.div_ceil(self.output) * sizes.q.div_ceil(self.output))
    }

    /// Launches a transform of `rows` rows of `channels` channels; the last argument, its span, is added.
    fn transform(
        &self,
        device: &Device,
        variant: &Variant,
        entry: &str,
        [rows, channels]: [usize; 2],
        args: &[Arg],
    ) -> Result<()> {
        let items = rows * channels.div_ceil(width(device.target(), self.output));
        // A GPU: an item for each thread of small blocks, which find room beside others. A CPU: items in a row.
        let (span, threads) = match device.target() {
            Target::Cuda => (64, 64),
            Target::Host { .. } => (64, 1),
        };
        let args = Args::of([args, &[dimension(span)?]]);
        launch(device, variant, entry, Geometry::linear(items.div_ceil(span), threads), &args)
    }
}

/// Channels per access of the transforms: what the registers hold of a tile.
fn width(target: Target, output: usize) -> usize {
    match target {
        Target::Host { lanes } => lanes,
        Target::Cuda => {
            if output == 2 {
                4
            } else {
                2
            }
        }
    }
}

/// For images like `x` and a product of whose matrices the rows have these lengths: A's, B's and the result's.
fn variant(file: &'static str, x: &Tensor, tile: Tile, lengths: [usize; 3]) -> Variant {
    let target = x.device().target();
    let [a, b, c] = lengths.map(|length| access(target, length));
    let defines = tile.defines().with("WIDTH", width(target, output(file)));
    Variant::new(file, defines.with("AVEC", a).with("BVEC", b).with("CVEC", c), x.dtype())
}
