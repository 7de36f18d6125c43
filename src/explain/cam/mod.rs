//! The one call that makes maps of a batch, and what is common to all methods: the pass, scaling, averaging, diagnosis.

mod ablation;
mod component;
pub(super) mod look;
pub(super) mod method;
mod pixels;
mod pooled;
mod score;
mod smooth;

use component::component;
use look::{Chosen, Look, Seeing, Seen, see};
use method::How;
pub use method::Method;

use super::{Diagnosis, diagnosis, scale};
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::nn::relevance::Composite;
use crate::op::cam::weighted_sum;
use crate::tensor::Tensor;

/// What is asked of [`cam`], in pytorch-grad-cam's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// How maps are made.
    pub method: Method,
    /// Names of the layers that are looked at; none is [`layers::default`](super::layers::default). Of several the mean of their
    /// maps is taken, each from 0 to 1 in the size of the input.
    pub target_layers: Vec<String>,
    /// What is explained, one for each image; none is the top class of each.
    pub targets: Vec<Target>,
    /// The mean map of the images and their mirror images, at 0.9, 1 and 1.1 times their values: six times the work.
    pub aug_smooth: bool,
    /// The first principal component of the weighted activations instead of their sum.
    pub eigen_smooth: bool,
    /// Images per pass where a method asks the network many times.
    pub batch_size: usize,
    /// The rules of LRP. Where it is known how pixels were normalized, [`Composite::of_pixels`] is the one to take.
    pub composite: Composite,
}

impl Request {
    /// The top class at the default layer, not smoothed; LRP by [`Composite::epsilon_plus_flat`], which needs no bounds of
    /// pixels.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            target_layers: Vec::new(),
            targets: Vec::new(),
            aug_smooth: false,
            eigen_smooth: false,
            batch_size: 32,
            composite: Composite::epsilon_plus_flat(),
        }
    }
}

/// Whose logit is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That of the class with the largest.
    Top,
    /// That of this class, an index.
    Class(usize),
    /// That of the first class minus that of the second: what tells one from the other.
    Difference(usize, usize),
}

/// The map of one image.
#[derive(Clone, Debug)]
pub struct Cam {
    /// How it was made.
    pub method: Method,
    /// The layer that was looked at; of several, their names with commas between; `input` of maps of the pixels.
    pub layer: String,
    /// Height and width of the raw map, and channels of the layer (of all together, if there are several).
    pub shape: [usize; 3],
    /// The class whose logit is explained.
    pub class: usize,
    /// The class whose logit is taken away from it, if any.
    pub minus: Option<usize>,
    /// All logits of the image.
    pub logits: Vec<f32>,
    /// The weighted sum of activations, row by row in the layer's resolution: not scaled, and signed, before ReLU. Of several
    /// layers the mean of their signed maps (see [`Cam::signed`]), in the input's.
    pub raw: Vec<f32>,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// The map from 0 to 1 in the input's resolution; see [`scale::scaled`].
    pub scaled: Vec<f32>,
    /// Whether this is the mean of several maps: of layers, or of an image in several views.
    pub averaged: bool,
    /// Why nothing is to be seen on `scaled`, if so.
    pub diagnosis: Option<Diagnosis>,
}

impl Cam {
    /// The signed map from −1 to 1 in the input's resolution: what speaks for the class and what against it.
    pub fn signed(&self) -> Vec<f32> {
        scale::signed(&self.raw, [self.shape[0], self.shape[1]], self.size)
    }

    /// What is explained: a logit, or the difference of two.
    pub fn score(&self) -> f32 {
        self.chosen().score(&self.logits)
    }

    /// That in a word.
    pub fn what(&self) -> &'static str {
        if self.minus.is_some() { "difference" } else { "logit" }
    }

    /// The name of what is explained: `cat`, or `cat - dog`.
    pub fn target(&self, name: impl Fn(usize) -> String) -> String {
        match self.minus {
            None => name(self.class),
            Some(minus) => format!("{} - {}", name(self.class), name(minus)),
        }
    }

    pub(in crate::explain) fn chosen(&self) -> Chosen {
        Chosen { class: self.class, minus: self.minus }
    }
}

/// The maps of a batch `x [N, H, W, C]`, one for each image, in inference mode.
///
/// The gradient reaches the layer because `x` is watched, so it does not matter which parameters are frozen.
///
/// # Errors
/// A layer that is unknown (with the nearest names) or whose output is no image; a number of targets other than N; a class that
/// the model does not have, or one minus itself; for CAM, a network that does not end in average pooling and a linear layer, or
/// another layer than what is pooled; for guided backpropagation and LRP a layer or eigen smoothing that is asked for, and layers
/// of the network that have no rule; a batch size of 0; device errors.
pub fn cam(model: &dyn Layer, x: &Tensor, request: &Request) -> Result<Vec<Cam>> {
    if request.batch_size == 0 {
        return Err(Error::usage("‹batch_size=0› holds no image; use 1 or more"));
    }
    let plain = match request.method.rule().how {
        How::Pixels { rules, shown } => pixels::maps(model, x, request, &rules(request), shown)?,
        _ => of_layers(model, x, request)?,
    };
    if request.aug_smooth { smooth::augmented(model, x, request, plain) } else { Ok(plain) }
}

/// The maps at the layers that are asked for.
fn of_layers(model: &dyn Layer, x: &Tensor, request: &Request) -> Result<Vec<Cam>> {
    let seen = see(model, x, request)?;
    let maps = seen.layers.iter().map(|layer| at(model, x, request, &seen, layer)).collect::<Result<Vec<_>>>()?;
    let of_image = |image: usize| together(maps.iter().map(|cams| cams[image].clone()).collect());
    Ok((0..seen.chosen.len()).map(of_image).collect())
}

/// The maps at one layer.
fn at(model: &dyn Layer, x: &Tensor, request: &Request, seen: &Seen, layer: &Seeing) -> Result<Vec<Cam>> {
    let Seeing { name, activations, gradient } = layer;
    let &[_, rows, columns, channels] = activations.shape().dims() else { unreachable!("checked by find") };
    let Seen { classes, ref logits, ref chosen, ref marks, size, .. } = *seen;
    let look =
        Look { model, x, classes, logits, chosen, marks, layer: name, activations, batch_size: request.batch_size };
    let mut cams = Vec::new();
    for (image, raw) in raw(&look, request, gradient.as_ref())?.chunks(rows * columns).enumerate() {
        let Chosen { class, minus } = chosen[image];
        let mut cam = Cam {
            method: request.method,
            layer: name.clone(),
            shape: [rows, columns, channels],
            class,
            minus,
            logits: logits[image * classes..][..classes].to_vec(),
            raw: raw.to_vec(),
            size,
            scaled: scale::scaled(raw, [rows, columns], size),
            averaged: false,
            diagnosis: None,
        };
        if scale::blank(&cam.scaled) {
            let evidence = diagnosis::Evidence { model, x, image, request, activations };
            cam.diagnosis = Some(evidence.diagnose(&cam, gradient.as_ref())?);
        }
        cams.push(cam);
    }
    Ok(cams)
}

/// The maps of all images at a layer, one after the other, before ReLU.
fn raw(look: &Look, request: &Request, gradient: Option<&Tensor>) -> Result<Vec<f32>> {
    let &[n, rows, columns, channels] = look.activations.shape().dims() else { unreachable!("checked by find") };
    let weights = match (request.method.rule().how, gradient) {
        (How::Gradient(weigh), Some(gradient)) => Some(weigh(look, gradient)?),
        // No path leads from the layer to the logits.
        (How::Gradient(_), None) => return Ok(vec![0.0; n * rows * columns]),
        (How::Weights(weigh), _) => Some(weigh(look)?),
        (How::Component, _) => None,
        (How::Pixels { .. }, _) => unreachable!("looks at no layer"),
    };
    if let Some(weights) = &weights
        && !request.eigen_smooth
    {
        return weighted_sum(look.activations, weights, false)?.to_vec::<f32>();
    }
    let mut values = look.activations.to_vec::<f32>()?;
    if let Some(weights) = weights {
        let of_channels = weights.shape().rank() == 2;
        let weights = weights.to_vec::<f32>()?;
        let row = |pixel: usize| if of_channels { pixel / (rows * columns) } else { pixel };
        for (pixel, values) in values.chunks_mut(channels).enumerate() {
            values.iter_mut().zip(&weights[row(pixel) * channels..]).for_each(|(value, weight)| *value *= weight);
        }
    }
    Ok(values.chunks(rows * columns * channels).flat_map(|image| component(image, channels)).collect())
}

/// The mean of the maps that several layers make of one image.
fn together(mut parts: Vec<Cam>) -> Cam {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let of = |map: fn(&Cam) -> Vec<f32>| {
        let maps: Vec<Vec<f32>> = parts.iter().map(map).collect();
        mean(&maps.iter().map(|map| &map[..]).collect::<Vec<_>>())
    };
    let scaled = scale::unit(of(|part| scale::positive(&part.raw, [part.shape[0], part.shape[1]], part.size)));
    let raw = of(Cam::signed);
    let [height, width] = parts[0].size;
    Cam {
        layer: parts.iter().map(|part| &*part.layer).collect::<Vec<_>>().join(", "),
        shape: [height, width, parts.iter().map(|part| part.shape[2]).sum()],
        // Nothing is to be seen where no layer shows anything: the first one's reason is as good as the others'.
        diagnosis: scale::blank(&scaled).then(|| parts.iter().find_map(|part| part.diagnosis.clone())).flatten(),
        scaled,
        raw,
        averaged: true,
        ..parts.swap_remove(0)
    }
}

/// Pixel by pixel.
fn mean(maps: &[&[f32]]) -> Vec<f32> {
    (0..maps[0].len()).map(|at| maps.iter().map(|map| map[at]).sum::<f32>() / maps.len() as f32).collect()
}
