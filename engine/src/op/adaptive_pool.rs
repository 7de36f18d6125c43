//! Adaptive average pooling of images `[N, H, W, C]`: the mean of each of P × Q bins that cover the image, of which bin i
//! holds rows ⌊i·H/P⌋ to ⌈(i+1)·H/P⌉ − 1 (PyTorch's `AdaptiveAvgPool2d`). dx = Σ dy / (pixels of the bin) over the bins that
//! hold a pixel.

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Variant, dimension, element, elementwise, launch};
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
    let &[n, h, w, c] = x.shape().dims() else {
        return Err(Error::shape("adaptive_avg_pool", format!("{} is not [N, H, W, C]", x.shape())));
    };
    if [h, w, c].contains(&0) || bins.contains(&0) {
        return Err(Error::shape("adaptive_avg_pool", format!("{} in bins {bins:?}: both need pixels", x.shape())));
    }
    let element = element("adaptive_avg_pool", [x])?;
    let y = Tensor::empty(x.device(), [n, bins[0], bins[1], c], element)?;
    let sizes = [x.elements(), y.elements(), (h + 1) * (bins[0] + 1), (w + 1) * (bins[1] + 1)];
    sizes.into_iter().try_for_each(|size| dimension(size).map(drop))?;
    let mut ints = [0; 16];
    ints.iter_mut().zip([n, h, w, c, bins[0], bins[1]]).for_each(|(int, size)| *int = size as i32);
    let sizes = Arg::Ints(ints);
    run(&y, "adaptive_avg_pool_forward", x, sizes, c)?;
    let input = x.clone();
    tape.record("adaptive_avg_pool", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        run(&dx, "adaptive_avg_pool_backward", dy, sizes, c)?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// Launches `entry`, which computes `to` from `from`.
fn run(to: &Tensor, entry: &str, from: &Tensor, sizes: Arg, channels: usize) -> Result<()> {
    let target = to.device().target();
    let defines = defines(target, channels);
    let (threads, vec) = (threads(target), vector(target, channels));
    // A host thread should have a few thousand elements; a GPU, no more blocks than run at once.
    let each = if target == Target::Cuda { vec } else { 4096 };
    let geometry = Geometry::linear(to.elements().div_ceil(each * threads).min(4096), threads);
    launch(to.device(), &Variant::new(FILE, defines, to.dtype()), entry, geometry, &[to.arg(), from.arg(), sizes])
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, h, w, c, p, q]: [usize; 6], element: DType| {
        workload::fits(&[n, p, q, c].into())?;
        let x = Input::new([n, h, w, c], Values::Uniform);
        workload::both_ways(device, [x], element, |tape, [x]| adaptive_avg_pool(tape, x, [p, q]))
    };
    vec![Workload::new("adaptive_avg_pool", ["n", "h", "w", "c", "p", "q"], [2, 9, 7, 20, 4, 3], run)]
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
    let case = |([n, h, w, c], [p, q]): ([usize; 4], [usize; 2])| {
        let x = Input::new([n, h, w, c], Values::Uniform);
        let forward = move |tape: &mut Tape, t: &[Tensor]| adaptive_avg_pool(tape, &t[0], [p, q]);
        let range = |i: usize, length: usize, bins: usize| i * length / bins..((i + 1) * length).div_ceil(bins);
        let reference = move |t: &[Vec<f64>]| {
            let one = |o: usize| {
                let (channel, j, i, image) = (o % c, o / c % q, o / c / q % p, o / c / q / p);
                let (rows, columns) = (range(i, h, p), range(j, w, q));
                let pixels = (rows.len() * columns.len()) as f64;
                let at = |r: usize, s: usize| t[0][((image * h + r) * w + s) * c + channel];
                rows.flat_map(|r| columns.clone().map(move |s| at(r, s))).sum::<f64>() / pixels
            };
            (0..n * p * q * c).map(one).collect()
        };
        Case::new(format!("adaptive_avg_pool [{n}, {h}, {w}, {c}] to {p}x{q}"), vec![x], forward, reference)
            .terms(h * w)
    };
    list.map(case).into()
}
