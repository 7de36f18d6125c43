//! Class activation maps from the activations `a [N, H, W, C]` of a layer and the gradient g of a logit there.
//!
//! - `mean_weights`:   w\[n, c\] = Σ_p g / (H W), of Grad-CAM (Selvaraju et al. 2017)
//! - `plus_plus_weights`: w\[n, c\] = Σ_p max(g, 0) · g² / (2 g² + g³ Σ_p a + 1e-6), of Grad-CAM++ (Chattopadhyay et al.
//!   2018) in pytorch-grad-cam's form
//! - `share_weights`: w\[n, c\] = Σ_p g · a / (Σ_p a + 1e-7), of XGrad-CAM (Fu et al. 2020) in its form
//! - `positive`: max(g, 0), the weights of each element in Layer-CAM (Jiang et al. 2021)
//! - `weighted_sum`:   map\[n, p\] = Σ_c w\[n, c\] · a\[n, p, c\], or w\[n, p, c\] where each element has its own
//! - [`perturbed`]: what methods without a gradient show the network
//!
//! For people to look at, so without a tape.

pub mod perturbed;

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device};
use crate::error::{Error, Result};
use crate::launch::columns::Columns;
use crate::launch::{Args, Variant, dimension, elementwise, launch, rows};
use crate::op::workload::{self, Workload};
use crate::op::{Op, relu};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const WEIGHTS: &str = "cam/weights.cu";
const MAP: &str = "cam/map.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, elements: &[DType::F32], ..Op::named("cam") };

/// The weights `[N, C]` of Grad-CAM: means of `gradient [N, H, W, C]` over the pixels of each image.
///
/// # Errors
/// Another rank or element type; images without pixels or channels.
pub fn mean_weights(gradient: &Tensor) -> Result<Tensor> {
    let [_, h, w, _] = image(gradient)?;
    sums(gradient, 1.0 / (h * w) as f32)
}

/// The weights `[N, C]` of Grad-CAM++, from the gradient and the activations, both `[N, H, W, C]`.
///
/// # Errors
/// As [`mean_weights`]; shapes that differ.
pub fn plus_plus_weights(gradient: &Tensor, activations: &Tensor) -> Result<Tensor> {
    same_shape(gradient, activations)?;
    let total = sums(activations, 1.0)?;
    of_images("cam_forward_weights", gradient, &[gradient, &total])
}

/// The weights `[N, C]` of XGrad-CAM, from the gradient and the activations, both `[N, H, W, C]`.
///
/// # Errors
/// As [`plus_plus_weights`].
pub fn share_weights(gradient: &Tensor, activations: &Tensor) -> Result<Tensor> {
    same_shape(gradient, activations)?;
    let total = sums(activations, 1.0)?;
    of_images("cam_forward_shares", gradient, &[gradient, activations, &total])
}

/// The weights `[N, H, W, C]` of Layer-CAM: the gradient where it is positive, 0 elsewhere. NaN stays NaN.
///
/// # Errors
/// As [`mean_weights`].
pub fn positive(gradient: &Tensor) -> Result<Tensor> {
    image(gradient)?;
    relu::positive(gradient)
}

/// The map `[N, H, W]` of `activations [N, H, W, C]` under `weights`, `[N, C]` or one for each element, negative values cut off
/// if `relu`.
///
/// # Errors
/// As [`mean_weights`]; weights of another shape.
pub fn weighted_sum(activations: &Tensor, weights: &Tensor, relu: bool) -> Result<Tensor> {
    let [n, h, w, c] = image(activations)?;
    // Pixels that share a row of weights.
    let area = match weights.shape().dims() {
        dims if dims == [n, c] => h * w,
        dims if dims == [n, h, w, c] => 1,
        _ => 0,
    };
    if area == 0 || weights.dtype() != DType::F32 {
        let what = format!("weights for {0} are f32 [{n}, {c}] or {0}, not {1}", activations.shape(), weights.shape());
        return Err(Error::shape("cam", what));
    }
    let map = Tensor::empty(activations.device(), [n, h, w], DType::F32)?;
    let sizes = [dimension(n * h * w)?, dimension(c)?, dimension(area)?, i32::from(relu).into()];
    let args = Args::of([&[map.arg(), activations.arg(), weights.arg()], &sizes[..]]);
    rows::launch(activations, MAP, "cam_forward_map", n * h * w, &args)?;
    Ok(map)
}

/// `scale` times the sums over the pixels of each image: `[N, C]`.
fn sums(x: &Tensor, scale: f32) -> Result<Tensor> {
    let [n, _, _, c] = image(x)?;
    let cut = per_image(x)?;
    let y = Tensor::empty(x.device(), [n, c], DType::F32)?;
    let args = Args::of([&[y.arg(), x.arg()], &cut.args()?[..], &[scale.into()]]);
    let variant = Variant { file: WEIGHTS, defines: cut.defines() };
    launch(x.device(), &variant, "cam_forward_sums", cut.geometry(), &args)?;
    Ok(y)
}

fn same_shape(gradient: &Tensor, activations: &Tensor) -> Result<()> {
    if activations.shape() == gradient.shape() {
        return Ok(());
    }
    let what = format!("activations {} and gradient {} differ", activations.shape(), gradient.shape());
    Err(Error::shape("cam", what))
}

/// What kernel `entry` makes of each image and channel, `[N, C]`, from `inputs`, in the walk over `x [N, H, W, C]`.
fn of_images(entry: &str, x: &Tensor, inputs: &[&Tensor]) -> Result<Tensor> {
    let [n, _, _, c] = image(x)?;
    let cut = per_image(x)?;
    let weights = Tensor::empty(x.device(), [n, c], DType::F32)?;
    let inputs: Vec<Arg> = inputs.iter().map(|input| input.arg()).collect();
    let args = Args::of([&[weights.arg()], &inputs[..], &cut.args()?[..]]);
    let variant = Variant { file: WEIGHTS, defines: cut.defines() };
    launch(x.device(), &variant, entry, cut.geometry(), &args)?;
    Ok(weights)
}

/// The walk over pixels whose slabs are the images.
fn per_image(x: &Tensor) -> Result<Columns> {
    let [n, h, w, c] = image(x)?;
    let mut cut = Columns::whole(x.device().target(), n * h * w, c);
    (cut.slab, cut.slabs) = (h * w, n);
    Ok(cut)
}

fn image(x: &Tensor) -> Result<[usize; 4]> {
    elementwise::check_f32("cam", x)?;
    match x.shape().dims() {
        &[n, h, w, c] if n * h * w * c > 0 => Ok([n, h, w, c]),
        _ => Err(Error::shape("cam", format!("{} is not [N, H, W, C]", x.shape()))),
    }
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, h, w, c]: [usize; 4], _: DType| {
        let shape = [n, h, w, c];
        let inputs = [Input::new(shape, Values::Uniform), Input::new(shape, Values::Range(0.0, 1.0))];
        let [gradient, activations] = workload::tensors(device, &inputs, DType::F32)?;
        plus_plus_weights(&gradient, &activations)?;
        share_weights(&gradient, &activations)?;
        weighted_sum(&activations, &gradient, false)?;
        weighted_sum(&activations, &mean_weights(&gradient)?, true).map(drop)
    };
    let mut all = vec![Workload::new("cam", ["n", "h", "w", "c"], [3, 7, 9, 36], run)];
    all.extend(perturbed::workloads());
    all
}

/// Examples for tests and benches: one pixel, odd sizes, more pixels than threads, more channels than a warp has lanes.
fn cases() -> Vec<Case> {
    let sizes = [[1, 1, 1, 1], [2, 3, 5, 7], [3, 7, 7, 33], [1, 2, 2, 512], [2, 17, 16, 4], [1, 40, 41, 3]];
    let mut cases = Vec::new();
    for shape in sizes {
        let [n, h, w, c] = shape;
        let area = h * w;
        // The channel's values of image and channel i, seen as [N, C].
        let column = move |x: &[f64], i: usize| -> Vec<f64> {
            (0..area).map(|pixel| x[(i / c * area + pixel) * c + i % c]).collect()
        };
        let gradient = || Input::new(shape, Values::Uniform);
        let mean = move |x: &[Vec<f64>]| {
            (0..n * c).map(|i| column(&x[0], i).iter().sum::<f64>() / area as f64).collect::<Vec<_>>()
        };
        let run = |_: &mut Tape, x: &[Tensor]| mean_weights(&x[0]);
        cases.push(Case::new(format!("Grad-CAM weights {shape:?}"), vec![gradient()], run, mean).terms(area));
        // Activations as ReLU leaves them: with sums below zero denominators may vanish, which no tolerance covers.
        let activations = Input::new(shape, Values::Range(0.0, 1.0));
        let plus_plus = move |x: &[Vec<f64>]| {
            let weight = |i: usize| {
                let sum: f64 = column(&x[1], i).iter().sum();
                let term = |g: f64| g.max(0.0) * g.powi(2) / (2.0 * g.powi(2) + sum * g.powi(3) + 1e-6);
                column(&x[0], i).into_iter().map(term).sum()
            };
            (0..n * c).map(weight).collect()
        };
        let run = |_: &mut Tape, x: &[Tensor]| plus_plus_weights(&x[0], &x[1]);
        let inputs = vec![gradient(), activations.clone()];
        cases.push(Case::new(format!("Grad-CAM++ weights {shape:?}"), inputs, run, plus_plus).terms(area));
        let shares = move |x: &[Vec<f64>]| {
            let weight = |i: usize| {
                let of = column(&x[1], i);
                let sum: f64 = of.iter().sum();
                column(&x[0], i).iter().zip(&of).map(|(g, a)| g * a / (sum + 1e-7)).sum()
            };
            (0..n * c).map(weight).collect()
        };
        let run = |_: &mut Tape, x: &[Tensor]| share_weights(&x[0], &x[1]);
        let inputs = vec![gradient(), activations];
        cases.push(Case::new(format!("XGrad-CAM weights {shape:?}"), inputs, run, shares).terms(area));
        let run = |_: &mut Tape, x: &[Tensor]| weighted_sum(&x[0], &positive(&x[1])?, false);
        let elements = move |x: &[Vec<f64>]| {
            let at = |p: usize| (p * c..(p + 1) * c).map(|k| x[0][k] * x[1][k].max(0.0)).sum::<f64>();
            (0..n * area).map(at).collect()
        };
        let inputs = vec![Input::new(shape, Values::Integers), Input::new(shape, Values::Integers)];
        cases.push(Case::new(format!("Layer-CAM {shape:?}"), inputs, run, elements).terms(c));
        for relu in [false, true] {
            let inputs = vec![Input::new(shape, Values::Integers), Input::new([n, c], Values::Integers)];
            let map = move |x: &[Vec<f64>]| {
                let at = |p: usize| (0..c).map(|k| x[0][p * c + k] * x[1][p / area * c + k]).sum::<f64>();
                (0..n * area).map(|p| if relu { at(p).max(0.0) } else { at(p) }).collect()
            };
            let run = move |_: &mut Tape, x: &[Tensor]| weighted_sum(&x[0], &x[1], relu);
            cases.push(Case::new(format!("map {shape:?}, relu {relu}"), inputs, run, map).terms(c));
        }
    }
    cases.extend(perturbed::cases());
    cases.into_iter().map(Case::forward_only).collect()
}
