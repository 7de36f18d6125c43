//! Two-dimensional convolution (cross-correlation, as in every deep-learning library).
//!
//! `y[n,p,q,k] = bias[k] + Σ_{r,s,c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k,r,s,c]`
//!
//! With g the gradient of y: dx gathers g through the filters turned around, df correlates g with x, and the gradient
//! of the bias is the sum of g over all pixels. Each is one implicit matrix product; see the kernels.

use crate::device::{Arg, Geometry, Target};
use crate::error::{Error, Result};
use crate::op::tile::{Tile, access, access_whole};
use crate::op::{Variant, conv2d_cases, dimension, launch, reduce};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FORWARD: &str = "conv2d/forward/5_vectorized.cu";
const INPUT_GRADIENT: &str = "conv2d/input_gradient/5_vectorized.cu";
const FILTER_GRADIENT: &str = "conv2d/filter_gradient/6_split_k.cu";

/// How the filter moves over the image: `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Input pixels from one output pixel to the next; at least 1.
    pub stride: [usize; 2],
    /// Pixels of zeros on either side of the image.
    pub padding: [usize; 2],
    /// Input pixels from one filter tap to the next; 1 is a filter without gaps.
    pub dilation: [usize; 2],
}

impl Steps {
    /// Equal steps in both directions, no dilation.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2] }
    }
}

/// Convolves `x [N, H, W, C]` with `filters [K, R, S, C]` and adds `bias [K]`: `[N, P, Q, K]` with
/// `P = ⌊(H + 2·padding − dilation·(R − 1) − 1) / stride⌋ + 1`, `Q` likewise.
///
/// # Errors
/// Ranks other than 4, channel counts that differ, a stride or dilation of 0, a filter larger than the padded image.
pub fn conv2d(tape: &mut Tape, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>, steps: Steps) -> Result<Tensor> {
    let sizes = Sizes::of(x, filters, bias, steps)?;
    let y = forward(&sizes, x, filters, bias)?;
    let (input, weights, offset) = (x.clone(), filters.clone(), bias.cloned());
    let inputs: Vec<&Tensor> = [x, filters].into_iter().chain(bias).collect();
    tape.record(&inputs, &y, move |dy, gradients| {
        if gradients.needs(&input) {
            gradients.add(&input, input_gradient(&sizes, dy, &weights)?)?;
        }
        if gradients.needs(&weights) {
            gradients.add(&weights, filter_gradient(&sizes, dy, &input)?)?;
        }
        match &offset {
            Some(bias) if gradients.needs(bias) => {
                gradients.add(bias, reduce::column_sums(dy, sizes.pixels(), sizes.k)?)
            }
            _ => Ok(()),
        }
    });
    Ok(y)
}

/// The sizes of one convolution (`Conv` in kernels/prelude/conv.cuh).
#[derive(Clone, Copy)]
struct Sizes {
    n: usize,
    h: usize,
    w: usize,
    c: usize,
    k: usize,
    r: usize,
    s: usize,
    p: usize,
    q: usize,
    steps: Steps,
}

impl Sizes {
    fn of(x: &Tensor, filters: &Tensor, bias: Option<&Tensor>, steps: Steps) -> Result<Self> {
        let fail =
            |what: &str| Error::shape("conv2d", format!("input {}, filters {}: {what}", x.shape(), filters.shape()));
        let (&[n, h, w, c], &[k, r, s, filter_c]) = (x.shape().dims(), filters.shape().dims()) else {
            return Err(fail("want [N, H, W, C] and [K, R, S, C]"));
        };
        if c != filter_c {
            return Err(fail("channels differ"));
        }
        if [n, h, w, c, k, r, s].contains(&0) || steps.stride.contains(&0) || steps.dilation.contains(&0) {
            return Err(fail("sizes, strides and dilations must be at least 1"));
        }
        if bias.is_some_and(|b| b.elements() != k) {
            return Err(fail("the bias needs one element per filter"));
        }
        let extent = |size: usize, taps: usize, d: usize| {
            let room = (size + 2 * steps.padding[d]).checked_sub(steps.dilation[d] * (taps - 1) + 1);
            room.map(|room| room / steps.stride[d] + 1)
                .ok_or_else(|| fail("the filter is larger than the padded image"))
        };
        let (p, q) = (extent(h, r, 0)?, extent(w, s, 1)?);
        dimension(n * h * w)?;
        dimension(n * p * q)?;
        dimension(k * r * s * c)?;
        Ok(Self { n, h, w, c, k, r, s, p, q, steps })
    }

    /// Output pixels of the whole batch.
    fn pixels(&self) -> usize {
        self.n * self.p * self.q
    }

    /// The kernels' `Conv`.
    fn arg(&self, split: usize) -> Arg {
        let Steps { stride, padding, dilation } = self.steps;
        let sizes = [self.n, self.h, self.w, self.c, self.k, self.r, self.s, self.p, self.q];
        let moves = [stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], split];
        let mut ints = [0; 16];
        ints.iter_mut().zip(sizes.into_iter().chain(moves)).for_each(|(int, size)| *int = size as i32);
        Arg::Ints(ints)
    }
}

fn forward(sizes: &Sizes, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (device, target) = (x.device(), x.device().target());
    let tile = Tile::pick(target, sizes.pixels(), sizes.k, sizes.r * sizes.s * sizes.c);
    let variant = forward_variant(target, tile, sizes.c, sizes.k);
    let depth = sizes.r * sizes.s * sizes.c;
    let transposed = Tensor::empty(device, [depth, sizes.k], DType::F32)?;
    let args = [transposed.arg(), filters.arg(), dimension(sizes.k)?, dimension(depth)?];
    launch(device, &variant, "filters_transpose", Geometry::linear(depth, tile.threads()), &args)?;
    let y = Tensor::empty(device, [sizes.n, sizes.p, sizes.q, sizes.k], DType::F32)?;
    let grid = Geometry::grid(sizes.pixels().div_ceil(tile.bm), sizes.k.div_ceil(tile.bn), 1, tile.threads());
    let bias = bias.map_or(Arg::Ptr(0), Tensor::arg);
    launch(device, &variant, "conv2d_forward", grid, &[y.arg(), x.arg(), transposed.arg(), bias, sizes.arg(0)])?;
    Ok(y)
}

fn input_gradient(sizes: &Sizes, dy: &Tensor, filters: &Tensor) -> Result<Tensor> {
    let (device, target) = (dy.device(), dy.device().target());
    let tile = Tile::pick(target, sizes.n * sizes.h * sizes.w, sizes.c, sizes.r * sizes.s * sizes.k);
    let variant = input_gradient_variant(target, tile, sizes.k, sizes.c, sizes.steps.stride == [1, 1]);
    let dx = Tensor::empty(device, [sizes.n, sizes.h, sizes.w, sizes.c], DType::F32)?;
    let rows = sizes.n * sizes.h * sizes.w;
    let grid = Geometry::grid(rows.div_ceil(tile.bm), sizes.c.div_ceil(tile.bn), 1, tile.threads());
    launch(device, &variant, "conv2d_backward_input", grid, &[dx.arg(), dy.arg(), filters.arg(), sizes.arg(0)])?;
    Ok(dx)
}

fn filter_gradient(sizes: &Sizes, dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    let (device, target) = (dy.device(), dy.device().target());
    let columns = sizes.r * sizes.s * sizes.c;
    let tile = Tile::pick(target, sizes.k, columns, sizes.pixels());
    let variant = filter_gradient_variant(target, tile, sizes.k, sizes.c);
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

fn forward_variant(target: Target, tile: Tile, c: usize, k: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, c)).with("BVEC", access(target, k));
    Variant { file: FORWARD, defines }
}

fn input_gradient_variant(target: Target, tile: Tile, k: usize, c: usize, unit_stride: bool) -> Variant {
    let defines = tile.defines().with("AVEC", access_whole(target, k)).with("BVEC", access(target, c));
    Variant { file: INPUT_GRADIENT, defines: defines.with("UNIT_STRIDE", unit_stride as u8) }
}

fn filter_gradient_variant(target: Target, tile: Tile, k: usize, c: usize) -> Variant {
    let defines = tile.defines().with("AVEC", access(target, k)).with("BVEC", access_whole(target, c));
    Variant { file: FILTER_GRADIENT, defines }
}

/// What a GPU compiles: every tile with whole and with single accesses.
pub fn variants() -> Vec<Variant> {
    let mut variants = Vec::new();
    for columns in [32, 64, 128] {
        let tile = Tile::pick(Target::Cuda, 128, columns, 128);
        for (even, other) in [(64, 64), (3, 64), (64, 3), (3, 3)] {
            variants.push(forward_variant(Target::Cuda, tile, even, other));
            variants.push(input_gradient_variant(Target::Cuda, tile, even, other, true));
            variants.push(input_gradient_variant(Target::Cuda, tile, even, other, false));
            variants.push(filter_gradient_variant(Target::Cuda, tile, even, other));
        }
    }
    variants
}

pub use conv2d_cases::{cases, workloads};
