//! Problems for benches, kernels at work, and examples for tests: odd sizes, strides, padding, dilation, rectangular
//! filters, groups.

use super::direction::{Direction, compute};
use super::{Conv2dParams, Sizes, conv2d};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::ladder::Job;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Sets up a problem of one direction for benches.
pub(super) fn job(direction: Direction, device: &Device, problem: &str, element: DType) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let inputs = direction.operands(&sizes).map(|shape| Input::new(shape, Values::Uniform));
    let [left, right] = workload::tensors(device, &inputs, element)?;
    let (a, b) = (left.floats()?, right.floats()?);
    let of_result: fn(&Sizes, &[f32], &[f32], usize) -> f64 = match direction {
        Direction::Forward => output,
        Direction::Input => of_input,
        Direction::Filter => of_filters,
    };
    let [_, _, terms] = direction.product(&sizes);
    Ok(Job {
        flops: sizes.flops(),
        bytes: (element.bytes() * (sizes.input() + sizes.filters() + sizes.output())) as f64,
        terms,
        run: Box::new(move || compute(direction, &sizes, [&left, &right], None)),
        element: Box::new(move |at| of_result(&sizes, &a, &b, at)),
    })
}

/// Kernels at work at any size. Filters of odd size are padded so that a stride of 1 keeps the image's size.
pub(super) fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, h, w, c, k, r, s, stride]: [usize; 8], element: DType| {
        convolve(device, [n, h, w, c], [k, r, s], stride, 1, element)
    };
    let in_groups = |device: &Device, [n, h, w, c, k, r, s, stride, groups]: [usize; 9], element: DType| {
        convolve(device, [n, h, w, c], [k, r, s], stride, groups, element)
    };
    let dims = ["n", "h", "w", "c", "k", "r", "s", "stride"];
    let grouped = ["n", "h", "w", "c", "k", "r", "s", "stride", "groups"];
    vec![
        Workload::new("conv2d", dims, [2, 9, 7, 12, 36, 3, 3, 1], run),
        Workload::new("conv2d_strided", dims, [2, 9, 7, 12, 36, 3, 3, 2], run),
        Workload::new("conv2d_grouped", grouped, [2, 9, 7, 12, 36, 3, 3, 1, 4], in_groups),
    ]
}

fn convolve(
    device: &Device,
    input: [usize; 4],
    [k, r, s]: [usize; 3],
    stride: usize,
    groups: usize,
    element: DType,
) -> Result<()> {
    let params = Conv2dParams { padding: [(r - 1) / 2, (s - 1) / 2], groups, ..Conv2dParams::new(stride, 0) };
    let shapes = [input.to_vec(), vec![k, r, s, input[3] / groups.max(1)], vec![k]];
    let inputs = shapes.map(|shape| Input::new(shape, Values::Uniform));
    workload::both_ways(device, inputs, element, |tape, [x, filters, bias]| {
        conv2d(tape, x, filters, Some(bias), params)
    })
}

/// Examples for tests and benches.
pub(super) fn cases() -> Vec<Case> {
    let plain = Conv2dParams::new(1, 1);
    let uneven = Conv2dParams { stride: [2, 1], padding: [0, 2], dilation: [1, 2], groups: 1 };
    let in_groups = |groups: usize, params: Conv2dParams| Conv2dParams { groups, ..params };
    let mut cases = Vec::new();
    //   input [n, h, w, c], filters k × r × s
    for (input, k, window, params) in [
        ([1, 1, 1, 1], 1, [1, 1], Conv2dParams::new(1, 0)),
        ([2, 5, 4, 3], 5, [3, 3], plain),
        ([1, 7, 6, 4], 33, [3, 2], uneven),
        ([2, 6, 5, 16], 7, [3, 3], Conv2dParams::new(2, 1)),
        ([1, 9, 9, 2], 3, [5, 5], Conv2dParams::new(3, 2)),
        ([1, 4, 4, 35], 32, [1, 1], Conv2dParams::new(2, 0)),
        ([3, 3, 3, 8], 17, [3, 3], plain),
        ([2, 7, 5, 8], 20, [3, 3], plain),
        ([1, 6, 9, 4], 36, [3, 3], Conv2dParams { padding: [0, 2], ..plain }),
        // So deep that either product is split.
        ([1, 2, 2, 140], 2, [3, 3], plain),
        ([1, 2, 2, 2], 140, [3, 3], plain),
        // Depthwise, groups wider than a small tile, more filters than channels, ResNeXt's, and both with steps.
        ([2, 7, 6, 5], 5, [3, 3], in_groups(5, plain)),
        ([1, 4, 5, 40], 36, [3, 3], in_groups(2, plain)),
        ([1, 5, 6, 4], 12, [3, 2], in_groups(4, Conv2dParams::new(2, 1))),
        ([2, 6, 5, 8], 12, [3, 2], in_groups(2, uneven)),
        ([1, 7, 5, 6], 6, [3, 3], in_groups(6, Conv2dParams::new(2, 1))),
        ([2, 5, 4, 24], 16, [3, 3], in_groups(4, plain)),
    ] {
        for values in [Values::Uniform, Values::Integers] {
            let name = format!("conv2d {input:?} * {k}x{window:?} {params:?} {values:?}");
            let x = Input::new(input, values);
            let filters = Input::new([k, window[0], window[1], input[3] / params.groups], values);
            let bias = Input::new([k], values);
            let run = move |tape: &mut Tape, x: &[Tensor]| conv2d(tape, &x[0], &x[1], Some(&x[2]), params);
            let reference = move |x: &[Vec<f64>]| reference(input, k, window, params, x);
            let terms = input[..3].iter().product::<usize>().max(window[0] * window[1] * input[3].max(k));
            cases.push(Case::new(name, vec![x, filters, bias], run, reference).terms(terms));
        }
    }
    cases
}

fn reference(input: [usize; 4], k: usize, [r, s]: [usize; 2], params: Conv2dParams, x: &[Vec<f64>]) -> Vec<f64> {
    let [image, filters, bias] = x else { unreachable!("a convolution has three inputs") };
    let sizes = Sizes::new(input, [k, r, s], params).expect("sizes that fit");
    (0..sizes.output()).map(|at| output(&sizes, image, filters, at) + bias[at % k]).collect()
}

/// Which row (or column, for d = 1) of the input tap `tap` of the filter sees from output row `at`.
fn seen(params: &Conv2dParams, d: usize, at: usize, tap: usize) -> usize {
    (at * params.stride[d] + tap * params.dilation[d]).wrapping_sub(params.padding[d])
}

/// Element `at` of y, without bias.
fn output<T: Copy + Into<f64>>(sizes: &Sizes, x: &[T], filters: &[T], at: usize) -> f64 {
    let &Sizes { h, w, c, k, r, s, p, q, params, .. } = sizes;
    let (filter, column, row, image) = (at % k, at / k % q, at / k / q % p, at / k / q / p);
    let (channels, first) = (sizes.channels(), filter / sizes.group_filters() * sizes.channels());
    let mut sum = 0.0;
    for tap in 0..r * s {
        let (i, j) = (seen(&params, 0, row, tap / s), seen(&params, 1, column, tap % s));
        if i < h && j < w {
            let pixel = &x[((image * h + i) * w + j) * c + first..][..channels];
            sum += dot(pixel, &filters[(filter * r * s + tap) * channels..][..channels]);
        }
    }
    sum
}

/// Element `at` of the gradient of x.
fn of_input<T: Copy + Into<f64>>(sizes: &Sizes, dy: &[T], filters: &[T], at: usize) -> f64 {
    let &Sizes { h, w, c, k, r, s, p, q, params, .. } = sizes;
    let (channel, column, row, image) = (at % c, at / c % w, at / c / w % h, at / c / w / h);
    let (channels, count) = (sizes.channels(), sizes.group_filters());
    let first = channel / channels * count;
    let mut sum = 0.0;
    for tap in 0..r * s {
        let of = |d: usize, at: usize, tap: usize| {
            let from = (at + params.padding[d]).checked_sub(tap * params.dilation[d])?;
            (from % params.stride[d] == 0).then_some(from / params.stride[d])
        };
        if let (Some(i), Some(j)) = (of(0, row, tap / s).filter(|&i| i < p), of(1, column, tap % s).filter(|&j| j < q))
        {
            let of_group = &filters[(first * r * s + tap) * channels + channel % channels..];
            let weights = of_group.iter().step_by(r * s * channels);
            let pixel = &dy[((image * p + i) * q + j) * k + first..][..count];
            sum += pixel.iter().zip(weights).map(|(&a, &b)| a.into() * b.into()).sum::<f64>();
        }
    }
    sum
}

/// Element `at` of the gradient of the filters.
fn of_filters<T: Copy + Into<f64>>(sizes: &Sizes, dy: &[T], x: &[T], at: usize) -> f64 {
    let &Sizes { h, w, c, k, r, s, p, q, params, .. } = sizes;
    let channels = sizes.channels();
    let (tap, filter) = (at / channels % (r * s), at / channels / (r * s));
    let channel = filter / sizes.group_filters() * channels + at % channels;
    let mut sum = 0.0;
    for pixel in 0..sizes.pixels() {
        let (column, row, image) = (pixel % q, pixel / q % p, pixel / q / p);
        let (i, j) = (seen(&params, 0, row, tap / s), seen(&params, 1, column, tap % s));
        if i < h && j < w {
            sum += dy[pixel * k + filter].into() * x[((image * h + i) * w + j) * c + channel].into();
        }
    }
    sum
}

fn dot<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| a.into() * b.into()).sum()
}
