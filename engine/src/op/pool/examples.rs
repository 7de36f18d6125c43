//! Problems for benches, kernels at work, and examples for tests.

use super::{MAX_BACKWARD, MAX_FORWARD, Sizes, Window, avg_pool, avg_pool_inside, global_avg_pool, kernels, max_pool};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::Job;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Sets up a problem for benches.
pub(super) fn forward_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let [x] = workload::tensors(device, &[Input::new(sizes.input(), Values::Uniform)], element)?;
    let image = x.floats()?;
    let outputs: usize = sizes.output().iter().product();
    let taps = Tensor::empty(device, sizes.output(), DType::U8)?;
    Ok(Job {
        flops: 0.0,
        bytes: (x.bytes() + (element.bytes() + 1) * outputs) as f64,
        terms: 1,
        run: Box::new(move || {
            let y = Tensor::empty(x.device(), sizes.output(), element)?;
            kernels::max_pool(&MAX_FORWARD, &sizes, &y, &[y.arg(), taps.arg(), x.arg()])?;
            Ok(y)
        }),
        element: Box::new(move |at| {
            held(&image, &sizes, at).into_iter().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max)
        }),
    })
}

/// Sets up a problem for benches.
pub(super) fn backward_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let inputs = [Input::new(sizes.input(), Values::Uniform), Input::new(sizes.output(), Values::Uniform)];
    let [x, dy] = workload::tensors(device, &inputs, element)?;
    let taps = Tensor::empty(device, sizes.output(), DType::U8)?;
    let y = Tensor::empty(device, sizes.output(), element)?;
    kernels::max_pool(&MAX_FORWARD, &sizes, &y, &[y.arg(), taps.arg(), x.arg()])?;
    let (image, upstream) = (x.floats()?, dy.floats()?);
    Ok(Job {
        flops: 0.0,
        bytes: (x.bytes() + dy.bytes() + dy.elements()) as f64,
        terms: sizes.window.size.iter().product(),
        run: Box::new(move || {
            let dx = Tensor::empty(x.device(), sizes.input(), element)?;
            kernels::max_pool(&MAX_BACKWARD, &sizes, &dx, &[dx.arg(), dy.arg(), taps.arg()])?;
            Ok(dx)
        }),
        element: Box::new(move |at| of_input(&image, &upstream, &sizes, at)),
    })
}

type Pool = fn(&mut Tape, &Tensor, Window) -> Result<Tensor>;

/// Kernels at work at any size. Windows of odd size are padded so that a stride of 1 keeps the image's size.
pub(super) fn workloads() -> Vec<Workload> {
    fn run(device: &Device, [n, h, w, c, size, stride]: [usize; 6], element: DType, pool: Pool) -> Result<()> {
        let window = Window::new([size; 2], [stride; 2], [(size - 1) / 2; 2]);
        workload::both_ways(device, [Input::new([n, h, w, c], Values::Uniform)], element, |tape, [x]| {
            pool(tape, x, window)
        })
    }
    let (dims, default) = (["n", "h", "w", "c", "size", "stride"], [2, 11, 9, 20, 3, 2]);
    vec![
        Workload::new("max_pool", dims, default, |device, sizes, element| run(device, sizes, element, max_pool)),
        Workload::new("avg_pool", dims, default, |device, sizes, element| run(device, sizes, element, avg_pool)),
        Workload::new("avg_pool_inside", dims, default, |device, sizes, element| {
            run(device, sizes, element, avg_pool_inside)
        }),
        Workload::new("max_pool_dilated", dims, [2, 11, 9, 20, 3, 2], |device, sizes, element| {
            run(device, sizes, element, |tape, x, window| max_pool(tape, x, Window { dilation: [2; 2], ..window }))
        }),
    ]
}

/// Examples for tests and benches: windows apart, touching, overlapping, padded, as large as the image, with gaps, ending behind
/// it.
pub(super) fn cases() -> Vec<Case> {
    let window = Window::new;
    let ceil = |size, stride, padding| Window { ceil: true, ..window(size, stride, padding) };
    let gaps = |dilation, window: Window| Window { dilation, ..window };
    let list = [
        ([1, 1, 1, 1], window([1, 1], [1, 1], [0, 0])),
        ([2, 4, 6, 3], window([2, 2], [2, 2], [0, 0])),
        ([1, 5, 7, 17], window([2, 2], [2, 2], [0, 0])),
        ([2, 5, 4, 4], window([3, 3], [1, 1], [1, 1])),
        ([1, 7, 5, 16], window([3, 3], [2, 2], [1, 1])),
        ([3, 7, 8, 2], window([2, 3], [3, 4], [0, 1])),
        ([1, 4, 3, 5], window([4, 3], [5, 1], [2, 1])),
        ([2, 3, 11, 1], window([3, 5], [1, 2], [0, 2])),
        ([1, 3, 3, 36], window([3, 3], [1, 1], [0, 0])),
        ([2, 5, 6, 4], ceil([2, 3], [2, 2], [0, 0])),
        ([1, 6, 7, 17], ceil([3, 3], [2, 3], [1, 1])),
        // A last window that would begin in the padding is none.
        ([1, 4, 5, 3], ceil([2, 2], [3, 3], [1, 1])),
        ([2, 7, 8, 5], gaps([2, 3], window([2, 2], [1, 1], [0, 0]))),
        ([1, 9, 6, 16], gaps([3, 2], window([3, 2], [2, 1], [1, 1]))),
        ([1, 8, 9, 4], gaps([2, 1], ceil([3, 3], [3, 2], [1, 0]))),
    ];
    let mut cases = Vec::new();
    for (shape, window) in list {
        let sizes = Sizes::new(shape, window, |what| Error::usage(what)).expect("sizes that fit").to_string();
        // Distinct values: at a tie the maximum has no derivative.
        let x = || Input::new(shape, Values::Distinct);
        let max = move |tape: &mut Tape, t: &[Tensor]| max_pool(tape, &t[0], window);
        let reduce = move |t: &[Vec<f64>]| reference(&t[0], shape, window, largest);
        cases.push(Case::new(format!("max_pool {sizes}"), vec![x()], max, reduce));
        let taps = window.size[0] * window.size[1];
        for counts in if window.dilation == [1, 1] { &[true, false][..] } else { &[] } {
            let (name, pool): (_, Pool) =
                if *counts { ("avg_pool", avg_pool) } else { ("avg_pool_inside", avg_pool_inside) };
            let average = move |tape: &mut Tape, t: &[Tensor]| pool(tape, &t[0], window);
            let reduce = move |t: &[Vec<f64>]| means(&t[0], shape, window, *counts);
            cases.push(Case::new(format!("{name} {sizes}"), vec![x()], average, reduce).terms(taps));
        }
        let global = move |tape: &mut Tape, t: &[Tensor]| global_avg_pool(tape, &t[0]);
        let [n, h, w, c] = shape;
        let mean = move |t: &[Vec<f64>]| {
            let at = |i: usize| (0..h * w).map(|pixel| t[0][(i / c * h * w + pixel) * c + i % c]).sum::<f64>();
            (0..n * c).map(|i| at(i) / (h * w) as f64).collect()
        };
        cases.push(Case::new(format!("global_avg_pool {shape:?}"), vec![x()], global, mean).terms(h * w));
    }
    cases
}

/// The mean of each window, of what it holds of the image or, if padding counts, of that as well.
fn means(x: &[f64], input: [usize; 4], window: Window, padding_counts: bool) -> Vec<f64> {
    let sizes = Sizes::new(input, window, |what| Error::usage(what)).expect("sizes that fit");
    let Window { size, stride, padding, .. } = window;
    // Of a window's `size` rows (or columns), those that are not behind the padding.
    let padded = |o: usize, length: usize, d: usize| size[d].min(length + 2 * padding[d] - o * stride[d]);
    let one = |at: usize| {
        let held = held(x, &sizes, at);
        let (column, row) = (at / sizes.c % sizes.q, at / sizes.c / sizes.q % sizes.p);
        let all = padded(row, sizes.h, 0) * padded(column, sizes.w, 1);
        let count = if padding_counts { all } else { held.len() };
        held.iter().map(|(_, value)| value).sum::<f64>() / count as f64
    };
    (0..sizes.output().iter().product()).map(one).collect()
}

/// `reduce` over what each window holds of the image.
fn reference(x: &[f64], input: [usize; 4], window: Window, reduce: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let sizes = Sizes::new(input, window, |what| Error::usage(what)).expect("sizes that fit");
    let one = |at: usize| reduce(&held(x, &sizes, at).into_iter().map(|(_, value)| value).collect::<Vec<_>>());
    (0..sizes.output().iter().product()).map(one).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// What the window of output element `at` holds of the image: places and values, tap by tap.
fn held<T: Copy + Into<f64>>(x: &[T], sizes: &Sizes, at: usize) -> Vec<(usize, f64)> {
    let &Sizes { h, w, c, p, q, window: Window { size, stride, padding, dilation, .. }, .. } = sizes;
    let (channel, column, row, image) = (at % c, at / c % q, at / c / q % p, at / c / q / p);
    let inside = |o: usize, tap: usize, d: usize, length: usize| {
        (o * stride[d] + tap * dilation[d]).checked_sub(padding[d]).filter(|&i| i < length)
    };
    let mut held = Vec::new();
    for (r, s) in (0..size[0]).flat_map(|r| (0..size[1]).map(move |s| (r, s))) {
        if let (Some(i), Some(j)) = (inside(row, r, 0, h), inside(column, s, 1, w)) {
            let place = ((image * h + i) * w + j) * c + channel;
            held.push((place, x[place].into()));
        }
    }
    held
}

/// Element `at` of the gradient of the image.
fn of_input(x: &[f32], dy: &[f32], sizes: &Sizes, at: usize) -> f64 {
    let &Sizes { h, w, c, p, q, window: Window { size, stride, padding, dilation, .. }, .. } = sizes;
    let (channel, column, row, image) = (at % c, at / c % w, at / c / w % h, at / c / w / h);
    // The windows that reach over a place of an axis.
    let over = |i: usize, d: usize, windows: usize| {
        let i = i + padding[d];
        let reach = (size[d] - 1) * dilation[d] + 1;
        let first = if i < reach { 0 } else { (i - reach) / stride[d] + 1 };
        first..(i / stride[d] + 1).min(windows)
    };
    let windows = over(row, 0, p).flat_map(|i| over(column, 1, q).map(move |j| (i, j)));
    let gradient = |(i, j)| {
        let out = ((image * p + i) * q + j) * c + channel;
        let first = held(x, sizes, out).into_iter().reduce(|best, one| if one.1 > best.1 { one } else { best });
        if first.is_some_and(|(place, _)| place == at) { f64::from(dy[out]) } else { 0.0 }
    };
    windows.map(gradient).sum()
}
