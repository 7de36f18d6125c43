//! Pooling of images `[N, H, W, C]` over windows of pixels.
//!
//! - `max_pool`: y = the maximum of the window; dx is dy at the window's first maximum, summed over windows
//! - `avg_pool`: y = Σ window / (taps of the window); dx = Σ dy / taps over the windows that cover a pixel
//! - `global_avg_pool`: the mean over all pixels
//!
//! The output has ⌊(H + 2 · padding − size) / stride⌋ + 1 rows. Padding is −∞ for the maximum and zeros for the average,
//! which counts them (PyTorch's `count_include_pad`). A NaN makes its windows NaN.

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::op::workload::{self, Workload};
use crate::op::{Variant, dimension, elementwise, launch};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "pool/2_vectorized.cu";

/// Which pixels are pooled together: rows, then columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Pixels from one window to the next; windows overlap where it is below the size.
    pub stride: [usize; 2],
    /// Pixels added on either side of the image, at most half the size: −∞ or zeros, as the op says.
    pub padding: [usize; 2],
}

/// The maximum of each window.
///
/// # Errors
/// Another rank than 4, a window that does not fit, padding over half of it, more than 256 taps.
pub fn max_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    let sizes = Sizes::of("max_pool", x, window)?;
    if window.size[0] * window.size[1] > 256 {
        // Which tap held the maximum is kept in a byte.
        return Err(Error::shape("max_pool", format!("a window of {:?} has more than 256 taps", window.size)));
    }
    let y = Tensor::empty(x.device(), sizes.output(), DType::F32)?;
    let taps = if tape.needs(x) { Some(Tensor::empty(x.device(), sizes.output(), DType::U8)?) } else { None };
    let taps_arg = taps.as_ref().map_or(Arg::Ptr(0), Tensor::arg);
    sizes.run(&y, "max_pool_forward", &[y.arg(), taps_arg, x.arg()], &[])?;
    if let Some(taps) = taps {
        let input = x.clone();
        tape.record(&[x], &y, move |dy, gradients| {
            let dx = elementwise::like(&input)?;
            sizes.run(&dx, "max_pool_backward", &[dx.arg(), dy.arg(), taps.arg()], &[])?;
            gradients.add(&input, dx)
        });
    }
    Ok(y)
}

/// The mean of each window; padding counts as zeros.
///
/// # Errors
/// Another rank than 4, a window that does not fit, padding over half of it.
pub fn avg_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    let sizes = Sizes::of("avg_pool", x, window)?;
    let scale = 1.0 / (window.size[0] * window.size[1]) as f32;
    let y = Tensor::empty(x.device(), sizes.output(), DType::F32)?;
    sizes.run(&y, "avg_pool_forward", &[y.arg(), x.arg()], &[scale.into()])?;
    let input = x.clone();
    tape.record(&[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        sizes.run(&dx, "avg_pool_backward", &[dx.arg(), dy.arg()], &[scale.into()])?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// The mean over all pixels: `[N, H, W, C]` to `[N, C]`.
///
/// # Errors
/// Another rank than 4, an image without pixels.
pub fn global_avg_pool(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let &[n, h, w, c] = x.shape().dims() else {
        return Err(Error::shape("global_avg_pool", format!("{} is not [N, H, W, C]", x.shape())));
    };
    // One window, as large as the image.
    avg_pool(tape, x, Window { size: [h, w], stride: [1, 1], padding: [0, 0] })?.reshape([n, c])
}

/// The sizes of one pooling (`Pool` in the kernel file).
#[derive(Clone, Copy)]
struct Sizes {
    n: usize,
    h: usize,
    w: usize,
    c: usize,
    p: usize,
    q: usize,
    window: Window,
}

impl Sizes {
    fn of(op: &'static str, x: &Tensor, window: Window) -> Result<Self> {
        let Window { size, stride, padding } = window;
        let fail = |what: &str| {
            let window = format!("window {size:?}, stride {stride:?}, padding {padding:?}");
            Error::shape(op, format!("input {}, {window}: {what}", x.shape()))
        };
        let &[n, h, w, c] = x.shape().dims() else { return Err(fail("want [N, H, W, C]")) };
        elementwise::check_f32(op, x)?;
        if [n, h, w, c].contains(&0) || size.contains(&0) || stride.contains(&0) {
            return Err(fail("sizes and strides must be at least 1"));
        }
        if (0..2).any(|d| padding[d] > size[d] / 2) {
            return Err(fail("padding of more than half the window leaves windows without a pixel"));
        }
        let extent = |length: usize, d: usize| {
            let room = (length + 2 * padding[d]).checked_sub(size[d]);
            room.map(|room| room / stride[d] + 1).ok_or_else(|| fail("the window is larger than the padded image"))
        };
        let (p, q) = (extent(h, 0)?, extent(w, 1)?);
        // What the kernels hold in an int: pixels, and everything smaller. A stride longer than the image is as good as
        // any other that long.
        [n * h * w, n * p * q, c, stride[0], stride[1]].into_iter().try_for_each(|size| dimension(size).map(drop))?;
        Ok(Self { n, h, w, c, p, q, window })
    }

    fn output(&self) -> [usize; 4] {
        [self.n, self.p, self.q, self.c]
    }

    /// Launches `entry`, which writes the pixels of `to`, with `tensors…, sizes, scalars…`.
    fn run(&self, to: &Tensor, entry: &str, tensors: &[Arg], scalars: &[Arg]) -> Result<()> {
        let target = to.device().target();
        let defines = defines(target, self.c);
        let (vec, threads) = (defines.get("VEC"), defines.get("THREADS"));
        let width = self.c.div_ceil(vec).next_power_of_two().min(32).min(threads);
        let span = match target {
            // Two pixels per thread; a host thread writes about 32 KiB.
            Target::Cuda => 2 * threads / width,
            Target::Host { .. } => (8192 / self.c).max(1),
        };
        let pixels = to.elements() / self.c;
        let Window { size, stride, padding } = self.window;
        let sizes = [self.h, self.w, self.c, self.p, self.q, size[0], size[1], stride[0], stride[1]];
        let rest = [padding[0], padding[1], pixels, span, width];
        let mut ints = [0; 16];
        ints.iter_mut().zip(sizes.into_iter().chain(rest)).for_each(|(int, size)| *int = size as i32);
        let args = [tensors, &[Arg::Ints(ints)], scalars].concat();
        let geometry = Geometry::linear(pixels.div_ceil(span), threads);
        launch(to.device(), &Variant { file: FILE, defines }, entry, geometry, &args)
    }
}

/// The constants of a kernel that takes each pixel's `channels` in vectors.
pub(crate) fn defines(target: Target, channels: usize) -> Defines {
    let vec = match target {
        Target::Host { lanes } => lanes,
        Target::Cuda if channels.is_multiple_of(4) => 4,
        Target::Cuda => 1,
    };
    // The host does not mind unaligned vectors and takes any number of channels with one compilation.
    let (threads, whole) = if target == Target::Cuda { (256, 1) } else { (1, 0) };
    Defines::new().with("VEC", vec).with("WHOLE", whole).with("THREADS", threads)
}

/// What a GPU runs: channels in whole vectors, or any.
pub fn variants() -> Vec<Variant> {
    [4, 1].map(|channels| Variant { file: FILE, defines: defines(Target::Cuda, channels) }).into()
}

/// Kernels at work at any size. Windows of odd size are padded so that a stride of 1 keeps the image's size.
pub fn workloads() -> Vec<Workload> {
    type Pool = fn(&mut Tape, &Tensor, Window) -> Result<Tensor>;
    fn run(device: &Device, [n, h, w, c, size, stride]: [usize; 6], pool: Pool) -> Result<()> {
        let window = Window { size: [size; 2], stride: [stride; 2], padding: [(size - 1) / 2; 2] };
        workload::both_ways(device, [Input::new([n, h, w, c], Values::Uniform)], |tape, [x]| pool(tape, x, window))
    }
    let (dims, default) = (["n", "h", "w", "c", "size", "stride"], [2, 11, 9, 20, 3, 2]);
    vec![
        Workload::new("max_pool", dims, default, |device, sizes| run(device, sizes, max_pool)),
        Workload::new("avg_pool", dims, default, |device, sizes| run(device, sizes, avg_pool)),
    ]
}

/// Examples for tests and benches: windows apart, touching, overlapping, padded and as large as the image.
pub fn cases() -> Vec<Case> {
    let window = |size, stride, padding| Window { size, stride, padding };
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
    ];
    let mut cases = Vec::new();
    for (shape, window) in list {
        let sizes = format!("{shape:?} {:?} stride {:?} padding {:?}", window.size, window.stride, window.padding);
        // Distinct values: at a tie the maximum has no derivative.
        let x = || Input::new(shape, Values::Distinct);
        let max = move |tape: &mut Tape, t: &[Tensor]| max_pool(tape, &t[0], window);
        let largest = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let reduce = move |t: &[Vec<f64>]| reference(&t[0], shape, window, largest);
        cases.push(Case::new(format!("max_pool {sizes}"), vec![x()], max, reduce));
        let average = move |tape: &mut Tape, t: &[Tensor]| avg_pool(tape, &t[0], window);
        let taps = window.size[0] * window.size[1];
        let reduce =
            move |t: &[Vec<f64>]| reference(&t[0], shape, window, |v: &[f64]| v.iter().sum::<f64>() / taps as f64);
        cases.push(Case::new(format!("avg_pool {sizes}"), vec![x()], average, reduce).terms(taps));
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

/// `reduce` over what each window holds of the image.
fn reference(x: &[f64], [n, h, w, c]: [usize; 4], window: Window, reduce: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let Window { size, stride, padding } = window;
    let out = |length: usize, d: usize| (length + 2 * padding[d] - size[d]) / stride[d] + 1;
    let (p, q) = (out(h, 0), out(w, 1));
    let inside = |o: usize, tap: usize, d: usize, length: usize| {
        (o * stride[d] + tap).checked_sub(padding[d]).filter(|&i| i < length)
    };
    let one = |i: usize| {
        let (channel, column, row, image) = (i % c, i / c % q, i / c / q % p, i / c / q / p);
        let mut held = Vec::new();
        for (r, s) in (0..size[0]).flat_map(|r| (0..size[1]).map(move |s| (r, s))) {
            if let (Some(y), Some(x_)) = (inside(row, r, 0, h), inside(column, s, 1, w)) {
                held.push(x[((image * h + y) * w + x_) * c + channel]);
            }
        }
        reduce(&held)
    };
    (0..n * p * q * c).map(one).collect()
}
