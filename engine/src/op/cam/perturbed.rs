//! What Score-CAM and Ablation-CAM show a network to see what its logits make of it: an image through each channel of a layer, and
//! a layer's output without each channel. Many at a time, of one image `[1, …]`; what is copied is made on the device.
//!
//! - `masked`: y\[b\] = x · (up(a)\[c\] − min) / (max − min + 1e-8), c = first + b, with up(a) enlarged bilinearly, corners on
//!   corners (Wang et al. 2020, in pytorch-grad-cam's form)
//! - `without`: y\[b\] = a with `value` all over channel first + b (Desai and Ramaswamy 2020)

use super::image;
use crate::check::{Case, Input, Values};
use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::tile::access;
use crate::launch::{Args, Variant, dimension, elementwise, launch};
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const MASKS: &str = "cam/masks.cu";
const WITHOUT: &str = "cam/without.cu";

/// The channels of a layer as masks of an image.
pub struct Masks {
    activations: Tensor,
    image: Tensor,
    low: Tensor,
    high: Tensor,
}

impl Masks {
    /// Those of `activations [1, h, w, C]` for `image [1, H, W, D]`.
    ///
    /// # Errors
    /// Other shapes or element types.
    pub fn new(image: &Tensor, activations: &Tensor) -> Result<Self> {
        let ([1, height, width, _], [1, h, w, channels]) = (super::image(image)?, super::image(activations)?) else {
            return Err(Error::shape(
                "cam",
                format!("{} and {} are not of one image", image.shape(), activations.shape()),
            ));
        };
        let device = activations.device();
        let [low, high] = [(); 2].map(|()| Tensor::empty(device, [channels], DType::F32));
        let masks = Self { activations: activations.clone(), image: image.clone(), low: low?, high: high? };
        // A thread walks all pixels, so there should be many: vectors and stretches are short.
        let (vec, threads) = match device.target() {
            Target::Cuda => (1, 32),
            Target::Host { lanes } => (lanes, 1),
        };
        let defines = Defines::of([("VEC", vec), ("ITEMS", 1), ("THREADS", threads)]);
        let geometry = Geometry::linear(channels.div_ceil(vec * threads), threads);
        let out = [masks.low.arg(), masks.high.arg(), activations.arg(), dimension(channels)?];
        let args = Args::of([&out[..], &enlarging([h, w], [height, width])?]);
        launch(device, &Variant { file: MASKS, defines }, "cam_forward_extremes", geometry, &args)?;
        Ok(masks)
    }

    /// The image through `count` of them from number `first`: `[count, H, W, D]`.
    ///
    /// # Errors
    /// Channels that there are not.
    pub fn masked(&self, first: usize, count: usize) -> Result<Tensor> {
        let ([_, height, width, depth], [_, h, w, channels]) = (image(&self.image)?, image(&self.activations)?);
        some(first, count, channels)?;
        let y = Tensor::empty(self.image.device(), [count, height, width, depth], DType::F32)?;
        let [items, threads] = match self.image.device().target() {
            Target::Cuda => [1, 256],
            Target::Host { .. } => [1024, 1],
        };
        let defines = Defines::of([("VEC", 1), ("ITEMS", items), ("THREADS", threads)]);
        let pixels = count * height * width;
        let geometry = Geometry::linear(pixels.div_ceil(items * threads), threads);
        let tensors = [&y, &self.image, &self.activations, &self.low, &self.high].map(Tensor::arg);
        let sizes = [dimension(pixels)?, dimension(first)?, dimension(channels)?, dimension(depth)?];
        let args = Args::of([&tensors[..], &sizes, &enlarging([h, w], [height, width])?]);
        launch(y.device(), &Variant { file: MASKS, defines }, "cam_forward_masked", geometry, &args)?;
        Ok(y)
    }
}

/// Copies of `activations [1, h, w, C]`: `count` of them, each of which has `value` in another channel from number `first` on.
///
/// # Errors
/// Another shape or element type; channels that there are not.
pub fn without(activations: &Tensor, first: usize, count: usize, value: f32) -> Result<Tensor> {
    let [1, h, w, channels] = image(activations)? else {
        return Err(Error::shape("cam", format!("{} is not of one image", activations.shape())));
    };
    some(first, count, channels)?;
    let y = Tensor::empty(activations.device(), [count, h, w, channels], DType::F32)?;
    let (target, length) = (y.device().target(), h * w * channels);
    let [_, items, threads] = elementwise::numbers(target);
    let vec = access(target, length);
    let defines = Defines::of([("VEC", vec), ("ITEMS", items), ("THREADS", threads)]);
    let geometry = Geometry::grid(count, length.div_ceil(vec * items * threads), 1, threads);
    let sizes = [dimension(first)?, dimension(channels)?, dimension(length)?, value.into()];
    let args = Args::of([&[y.arg(), activations.arg()], &sizes[..]]);
    launch(y.device(), &Variant { file: WITHOUT, defines }, "cam_forward_without", geometry, &args)?;
    Ok(y)
}

/// What kernels are told of enlarging `from` to `to`: `h, w, height, width`, and the steps down and along.
fn enlarging(from: [usize; 2], to: [usize; 2]) -> Result<[Arg; 6]> {
    let step = |side: usize| if to[side] > 1 { (from[side] - 1) as f64 / (to[side] - 1) as f64 } else { 0.0 } as f32;
    let [h, w, height, width] = [from[0], from[1], to[0], to[1]].map(dimension);
    Ok([h?, w?, height?, width?, step(0).into(), step(1).into()])
}

fn some(first: usize, count: usize, channels: usize) -> Result<()> {
    if count > 0 && first.checked_add(count).is_some_and(|end| end <= channels) {
        return Ok(());
    }
    Err(Error::shape("cam", format!("there are no {count} channels from number {first} on: there are {channels}")))
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [side, c, size]: [usize; 3], _: DType| {
        let inputs =
            [Input::new([1, size, size, 3], Values::Uniform), Input::new([1, side, side, c], Values::Range(0.0, 1.0))];
        let [image, activations] = workload::tensors(device, &inputs, DType::F32)?;
        Masks::new(&image, &activations)?.masked(0, c.min(32))?;
        without(&activations, 0, c.min(32), 0.0).map(drop)
    };
    vec![Workload::new("cam_perturbed", ["side", "c", "size"], [5, 36, 17], run)]
}

/// Examples for tests and benches: one pixel, odd sizes, channels beyond a vector, an image smaller than the layer.
pub(super) fn cases() -> Vec<Case> {
    let sizes =
        [([1, 1, 3], [4, 5]), ([3, 2, 5], [7, 9]), ([7, 7, 33], [32, 30]), ([4, 4, 132], [1, 17]), ([6, 5, 4], [3, 3])];
    let mut cases = Vec::new();
    for ([h, w, c], [height, width]) in sizes {
        let (first, count) = (c / 3, c - c / 3);
        let enlarged = move |a: &[f64], channel: usize| -> Vec<f64> {
            let place = |i: usize, from: usize, to: usize| {
                let at = if to > 1 { (i * (from - 1)) as f64 / (to - 1) as f64 } else { 0.0 };
                (at as usize, (at as usize + 1).min(from - 1), at.fract())
            };
            let pixel = |p: usize| {
                let (top, below, down) = place(p / width, h, height);
                let (left, right, along) = place(p % width, w, width);
                let of = |row: usize, column: usize| a[(row * w + column) * c + channel];
                let across = |row: usize| of(row, left) * (1.0 - along) + of(row, right) * along;
                across(top) * (1.0 - down) + across(below) * down
            };
            (0..height * width).map(pixel).collect()
        };
        let range = |values: &[f64]| {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            (low, high - low)
        };
        let masked = move |x: &[Vec<f64>]| {
            let of = |channel: usize| {
                let mask = enlarged(&x[1], channel);
                let (low, range) = range(&mask);
                let masked = |i: usize| x[0][i] * (mask[i / 3] - low) / (range + 1e-8);
                (0..3 * height * width).map(masked).collect::<Vec<f64>>()
            };
            (first..first + count).flat_map(of).collect()
        };
        let run = move |_: &mut Tape, x: &[Tensor]| Masks::new(&x[0], &x[1])?.masked(first, count);
        let inputs =
            vec![Input::new([1, height, width, 3], Values::Uniform), Input::new([1, h, w, c], Values::Range(0.0, 1.0))];
        let name = format!("Score-CAM's masks {h}x{w}x{c} for {height}x{width}");
        // A channel that is nearly even is divided by nearly nothing.
        let wide = move |x: &[Vec<f64>]| h * w == 1 || (0..c).all(|channel| range(&enlarged(&x[1], channel)).1 > 0.1);
        cases.push(Case::new(name, inputs, run, masked).terms(40).only_if(wide));
        let gone = move |x: &[Vec<f64>]| {
            let of = |b: usize| {
                let at = move |i: usize| if i % c == first + b { -4.0 } else { x[0][i] };
                (0..h * w * c).map(at).collect::<Vec<f64>>()
            };
            (0..count).flat_map(of).collect()
        };
        let run = move |_: &mut Tape, x: &[Tensor]| without(&x[0], first, count, -4.0);
        let inputs = vec![Input::new([1, h, w, c], Values::Integers)];
        cases.push(Case::new(format!("Ablation-CAM's copies {h}x{w}x{c}"), inputs, run, gone));
    }
    cases
}
