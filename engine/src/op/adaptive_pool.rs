//! Adaptive pooling of images `[N, H, W, C]`: the mean, or the maximum, of each of P × Q bins that cover the image, of which bin
//! i holds rows ⌊i·H/P⌋ to ⌈(i+1)·H/P⌉ − 1 (PyTorch's `AdaptiveAvgPool2d` and `AdaptiveMaxPool2d`).
//!
//! - mean: dx = Σ dy / (pixels of the bin) over the bins that hold a pixel
//! - maximum: dx = Σ dy over the bins whose first maximum a pixel is. A NaN makes its bins NaN.

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Args, Variant, dimension, element, elementwise, launch};
use crate::op::Op;
use crate::op::pool::{defines, threads, vector};
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "adaptive_pool/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("adaptive_pool") };

/// The means of `bins` (rows, columns) of each image: `[N, H, W, C]` to `[N, P, Q, C]`.
///
/// # Errors
/// Another rank than 4, no pixels, no bins.
pub fn adaptive_avg_pool(tape: &mut Tape, x: &Tensor, bins: [usize; 2]) -> Result<Tensor> {
    let (y, sizes) = binned("adaptive_avg_pool", x, bins)?;
    run(&y, "adaptive_avg_pool_forward", &[&y, x], sizes)?;
    let input = x.clone();
    tape.record("adaptive_avg_pool", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        run(&dx, "adaptive_avg_pool_backward", &[&dx, dy], sizes)?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// The maxima of `bins` (rows, columns) of each image: `[N, H, W, C]` to `[N, P, Q, C]`. With one bin it is the maximum of all
/// pixels.
///
/// # Errors
/// Another rank than 4, no pixels or more than 2^24 of an image, no bins.
pub fn adaptive_max_pool(tape: &mut Tape, x: &Tensor, bins: [usize; 2]) -> Result<Tensor> {
    let (y, sizes) = binned("adaptive_max_pool", x, bins)?;
    if x.dim(1) * x.dim(2) > 1 << 24 {
        let what = format!("{}: images have at most 2^24 pixels", x.shape());
        return Err(Error::shape("adaptive_max_pool", what));
    }
    let pixels = Tensor::empty(x.device(), y.shape().clone(), DType::F32)?;
    run(&y, "adaptive_max_pool_forward", &[&y, &pixels, x], sizes)?;
    let input = x.clone();
    tape.record("adaptive_max_pool", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        run(&dx, "adaptive_max_pool_backward", &[&dx, dy, &pixels], sizes)?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// The uninitialized result of `op`, and the kernels' `Bins`.
fn binned(op: &'static str, x: &Tensor, bins: [usize; 2]) -> Result<(Tensor, Arg)> {
    let &[n, h, w, c] = x.shape().dims() else {
        return Err(Error::shape(op, format!("{} is not [N, H, W, C]", x.shape())));
    };
    if [h, w, c].contains(&0) || bins.contains(&0) {
        return Err(Error::shape(op, format!("{} in bins {bins:?}: both need pixels", x.shape())));
    }
    let element = element(op, [x])?;
    let y = Tensor::empty(x.device(), [n, bins[0], bins[1], c], element)?;
    let sizes = [x.elements(), y.elements(), (h + 1) * (bins[0] + 1), (w + 1) * (bins[1] + 1)];
    sizes.into_iter().try_for_each(|size| dimension(size).map(drop))?;
    let mut ints = [0; 16];
    ints.iter_mut().zip([n, h, w, c, bins[0], bins[1]]).for_each(|(int, size)| *int = size as i32);
    Ok((y, Arg::Ints(ints)))
}

/// Launches `entry`, which writes `to`, with `tensors…, sizes`.
fn run(to: &Tensor, entry: &str, tensors: &[&Tensor], sizes: Arg) -> Result<()> {
    let (target, channels) = (to.device().target(), to.shape().last());
    let defines = defines(target, channels);
    let (threads, vec) = (threads(target), vector(target, channels));
    // A host thread should have a few thousand elements; a GPU, no more blocks than run at once.
    let each = if target == Target::Cuda { vec } else { 4096 };
    let geometry = Geometry::linear(to.elements().div_ceil(each * threads).min(4096), threads);
    let tensors: Vec<Arg> = tensors.iter().map(|tensor| tensor.arg()).collect();
    launch(to.device(), &Variant::new(FILE, defines, to.dtype()), entry, geometry, &Args::of([&tensors, &[sizes]]))
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    type Pool = fn(&mut Tape, &Tensor, [usize; 2]) -> Result<Tensor>;
    fn run(device: &Device, [n, h, w, c, p, q]: [usize; 6], element: DType, pool: Pool) -> Result<()> {
        workload::fits(&[n, p, q, c].into())?;
        let x = Input::new([n, h, w, c], Values::Uniform);
        workload::both_ways(device, [x], element, |tape, [x]| pool(tape, x, [p, q]))
    }
    let (dims, default) = (["n", "h", "w", "c", "p", "q"], [2, 9, 7, 20, 4, 3]);
    vec![
        Workload::new("adaptive_avg_pool", dims, default, |device, sizes, element| {
            run(device, sizes, element, adaptive_avg_pool)
        }),
        Workload::new("adaptive_max_pool", dims, default, |device, sizes, element| {
            run(device, sizes, element, adaptive_max_pool)
        }),
    ]
}

/// Examples for tests and benches: bins that divide the image, that overlap, and more bins than pixels.
fn cases() -> Vec<Case> {
    let list = [
        ([1, 1, 1, 1], [1, 1]),
        ([2, 4, 6, 3], [2, 3]),
        ([1, 7, 5, 17], [3, 2]),
        ([2, 5, 4, 4], [5, 4]),
        ([1, 2, 1, 36], [7, 7]),
        ([3, 8, 3, 16], [1, 5]),
    ];
    let mean = |([n, h, w, c], bins): ([usize; 4], [usize; 2])| {
        let x = Input::new([n, h, w, c], Values::Uniform);
        let forward = move |tape: &mut Tape, t: &[Tensor]| adaptive_avg_pool(tape, &t[0], bins);
        let reference = move |t: &[Vec<f64>]| {
            reference(&t[0], [n, h, w, c], bins, |values| values.iter().sum::<f64>() / values.len() as f64)
        };
        Case::new(format!("adaptive_avg_pool [{n}, {h}, {w}, {c}] to {bins:?}"), vec![x], forward, reference)
            .terms(h * w)
    };
    let largest = |(shape, bins): ([usize; 4], [usize; 2])| {
        // At a tie the maximum has no derivative.
        let x = Input::new(shape, Values::Distinct);
        let forward = move |tape: &mut Tape, t: &[Tensor]| adaptive_max_pool(tape, &t[0], bins);
        let reference = move |t: &[Vec<f64>]| {
            reference(&t[0], shape, bins, |values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        };
        Case::new(format!("adaptive_max_pool {shape:?} to {bins:?}"), vec![x], forward, reference).terms(16)
    };
    list.map(mean).into_iter().chain(list.map(largest)).collect()
}

/// What `reduce` makes of the pixels of each bin.
fn reference(x: &[f64], [n, h, w, c]: [usize; 4], [p, q]: [usize; 2], reduce: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let range = |i: usize, length: usize, bins: usize| i * length / bins..((i + 1) * length).div_ceil(bins);
    let one = |o: usize| {
        let (channel, j, i, image) = (o % c, o / c % q, o / c / q % p, o / c / q / p);
        let at = |r: usize, s: usize| x[((image * h + r) * w + s) * c + channel];
        let pixels = range(i, h, p).flat_map(|r| range(j, w, q).map(move |s| (r, s)));
        reduce(&pixels.map(|(r, s)| at(r, s)).collect::<Vec<_>>())
    };
    (0..n * p * q * c).map(one).collect()
}
