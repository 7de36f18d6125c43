//! Examples of convolutions: odd sizes, strides, padding, dilation, rectangular filters.

use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::op::conv2d::{Steps, conv2d};
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Kernels at work at any size. Filters of odd size are padded so that a stride of 1 keeps the image's size.
pub fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, h, w, c, k, r, s, stride]: [usize; 8]| {
        let steps = Steps { stride: [stride; 2], padding: [(r - 1) / 2, (s - 1) / 2], dilation: [1; 2] };
        let shapes = [vec![n, h, w, c], vec![k, r, s, c], vec![k]];
        let inputs = shapes.map(|shape| Input::new(shape, Values::Uniform));
        workload::both_ways(device, inputs, |tape, [x, filters, bias]| conv2d(tape, x, filters, Some(bias), steps))
    };
    vec![Workload::new("conv2d", ["n", "h", "w", "c", "k", "r", "s", "stride"], [2, 9, 7, 12, 36, 3, 3, 1], run)]
}

/// Examples for tests and benches.
pub fn cases() -> Vec<Case> {
    let plain = Steps::new(1, 1);
    let uneven = Steps { stride: [2, 1], padding: [0, 2], dilation: [1, 2] };
    let mut cases = Vec::new();
    //   input [n, h, w, c], filters k × r × s
    for (input, k, window, steps) in [
        ([1, 1, 1, 1], 1, [1, 1], Steps::new(1, 0)),
        ([2, 5, 4, 3], 5, [3, 3], plain),
        ([1, 7, 6, 4], 33, [3, 2], uneven),
        ([2, 6, 5, 16], 7, [3, 3], Steps::new(2, 1)),
        ([1, 9, 9, 2], 3, [5, 5], Steps::new(3, 2)),
        ([1, 4, 4, 35], 32, [1, 1], Steps::new(2, 0)),
        ([3, 3, 3, 8], 17, [3, 3], plain),
    ] {
        for values in [Values::Uniform, Values::Integers] {
            let name = format!("conv2d {input:?} * {k}x{window:?} {steps:?} {values:?}");
            let x = Input::new(input, values);
            let filters = Input::new([k, window[0], window[1], input[3]], values);
            let bias = Input::new([k], values);
            let run = move |tape: &mut Tape, x: &[Tensor]| conv2d(tape, &x[0], &x[1], Some(&x[2]), steps);
            let reference = move |x: &[Vec<f64>]| reference(input, k, window, steps, x);
            let terms = input[..3].iter().product::<usize>().max(window[0] * window[1] * input[3].max(k));
            cases.push(Case::new(name, vec![x, filters, bias], run, reference).terms(terms));
        }
    }
    cases
}

fn reference([n, h, w, c]: [usize; 4], k: usize, [r, s]: [usize; 2], steps: Steps, x: &[Vec<f64>]) -> Vec<f64> {
    let [image, filters, bias] = x else { unreachable!("a convolution has three inputs") };
    let extent = |size: usize, taps: usize, d: usize| {
        (size + 2 * steps.padding[d] - steps.dilation[d] * (taps - 1) - 1) / steps.stride[d] + 1
    };
    let (p, q) = (extent(h, r, 0), extent(w, s, 1));
    let mut y = Vec::with_capacity(n * p * q * k);
    for at in 0..n * p * q * k {
        let (filter, column, row, image_index) = (at % k, at / k % q, at / k / q % p, at / k / q / p);
        let mut sum = bias[filter];
        for tap in 0..r * s {
            let (tap_row, tap_column) = (tap / s, tap % s);
            let i = (row * steps.stride[0] + tap_row * steps.dilation[0]).wrapping_sub(steps.padding[0]);
            let j = (column * steps.stride[1] + tap_column * steps.dilation[1]).wrapping_sub(steps.padding[1]);
            if i < h && j < w {
                let pixel = &image[((image_index * h + i) * w + j) * c..][..c];
                let weights = &filters[((filter * r + tap_row) * s + tap_column) * c..][..c];
                sum += pixel.iter().zip(weights).map(|(a, b)| a * b).sum::<f64>();
            }
        }
        y.push(sum);
    }
    y
}
