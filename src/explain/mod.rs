//! Class activation maps (CAM): which parts of a picture a network's logit rests on.
//!
//! Grad-CAM (Selvaraju et al. 2017) and Grad-CAM++ (Chattopadhyay et al. 2018) weigh the channels of a layer's
//! activations by the gradient of one logit there and add them up. The logit, not the probability: that of a sure network
//! has no gradient. Results are those of pytorch-grad-cam, and a map in which nothing is to be seen says why
//! ([`Diagnosis`]).

mod diagnosis;
pub mod drift;
pub mod gallery;
pub mod judged;
pub mod layers;
pub mod paint;
pub mod preview;
pub mod report;
pub mod scale;
pub mod sheet;

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::nn::{Layer, Pass};
use crate::op::cam::{mean_weights, plus_plus_weights, weighted_sum};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
pub use diagnosis::Diagnosis;

/// How the channels of a layer are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By the mean of the gradient over all pixels.
    GradCam,
    /// By positive gradients alone, each pixel's share by higher powers of it: several objects of a class all show.
    GradCamPlusPlus,
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "gradcam" => Ok(Self::GradCam),
            "gradcam++" => Ok(Self::GradCamPlusPlus),
            _ => Err(Error::usage(format!("unknown method '{name}': use gradcam or gradcam++"))),
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::GradCam => "gradcam",
            Self::GradCamPlusPlus => "gradcam++",
        })
    }
}

/// Whose logit is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That of the class with the largest.
    Top,
    /// That of this class, an index.
    Class(usize),
}

/// The map of one image.
#[derive(Clone, Debug)]
pub struct Cam {
    /// The layer that was looked at.
    pub layer: String,
    /// Height, width and channels of its output.
    pub shape: [usize; 3],
    /// The class whose logit is explained.
    pub class: usize,
    /// All logits of the image.
    pub logits: Vec<f32>,
    /// The weighted sum of activations, row by row in the layer's resolution: not scaled, and signed, before ReLU.
    pub raw: Vec<f32>,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// The map from 0 to 1 in the input's resolution; see [`scale::scaled`].
    pub scaled: Vec<f32>,
    /// Why nothing is to be seen on `scaled`, if so.
    pub diagnosis: Option<Diagnosis>,
}

impl Cam {
    /// The signed map from −1 to 1 in the input's resolution: what speaks for the class and what against it.
    pub fn signed(&self) -> Vec<f32> {
        scale::signed(&self.raw, [self.shape[0], self.shape[1]], self.size)
    }
}

/// The maps of a batch `x [N, H, W, C]`, one for each of `targets`, at layer `layer` of `model` (none: at
/// [`layers::default`]), in inference mode.
///
/// The gradient reaches the layer because `x` is watched, so it does not matter which parameters are frozen.
///
/// # Errors
/// A layer that is unknown (with the nearest names) or whose output is no image; a number of targets other than N; a
/// class that the model does not have; device errors.
pub fn cam(model: &dyn Layer, x: &Tensor, layer: Option<&str>, targets: &[Target], method: Method) -> Result<Vec<Cam>> {
    let mut tape = Tape::new();
    tape.watch(x);
    tape.mark_layers();
    let logits = model.forward(&mut Pass::inference(&mut tape), x)?;
    let (&[n, h, w, _], &[rows, classes]) = (x.shape().dims(), logits.shape().dims()) else {
        let what = format!("want images [N, H, W, C] and logits [N, K], not {} and {}", x.shape(), logits.shape());
        return Err(Error::shape("cam", what));
    };
    if rows != n || targets.len() != n {
        return Err(Error::shape("cam", format!("{} targets and {rows} rows of logits for {n} images", targets.len())));
    }
    let (name, activations) = match layer {
        Some(name) => layers::find(tape.marks(), name)?,
        None => layers::default(model, tape.marks())?,
    };
    let &[_, rows, columns, channels] = activations.shape().dims() else { unreachable!("checked by find") };

    let values = logits.to_vec::<f32>()?;
    let chosen: Vec<usize> = values.chunks(classes).zip(targets).map(|(row, &target)| class(row, target)).collect();
    if let Some(class) = chosen.iter().find(|&&class| class >= classes) {
        return Err(Error::usage(format!("there is no class {class}: the model has classes 0 to {}", classes - 1)));
    }
    tape.keep(&activations);
    let gradients = tape.backward_from(&logits, one_hot(x, &chosen, classes)?)?;
    let gradient = match gradients.get(&activations) {
        Some(gradient) => Some(gradient.reshape(activations.shape())?),
        None => None,
    };
    drop(gradients);
    let raw = match &gradient {
        Some(gradient) => {
            let weights = match method {
                Method::GradCam => mean_weights(gradient)?,
                Method::GradCamPlusPlus => plus_plus_weights(gradient, &activations)?,
            };
            weighted_sum(&activations, &weights, false)?
        }
        None => Tensor::zeros(x.device(), [n, rows, columns], DType::F32)?,
    };

    let mut cams = Vec::new();
    for (image, raw) in raw.to_vec::<f32>()?.chunks(rows * columns).enumerate() {
        let scaled = scale::scaled(raw, [rows, columns], [h, w]);
        let mut cam = Cam {
            layer: name.clone(),
            shape: [rows, columns, channels],
            class: chosen[image],
            logits: values[image * classes..][..classes].to_vec(),
            raw: raw.to_vec(),
            size: [h, w],
            scaled,
            diagnosis: None,
        };
        if scale::blank(&cam.scaled) {
            let evidence = diagnosis::Evidence { model, x, image, method, activations: &activations };
            cam.diagnosis = Some(evidence.diagnose(&cam, gradient.as_ref())?);
        }
        cams.push(cam);
    }
    Ok(cams)
}

/// The class that `target` means for an image with these logits.
fn class(logits: &[f32], target: Target) -> usize {
    match target {
        Target::Class(class) => class,
        Target::Top => (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0),
    }
}

/// The gradient of one logit per image with respect to all logits.
fn one_hot(x: &Tensor, chosen: &[usize], classes: usize) -> Result<Tensor> {
    let mut seed = vec![0.0f32; chosen.len() * classes];
    chosen.iter().enumerate().for_each(|(image, &class)| seed[image * classes + class] = 1.0);
    Tensor::from_slice(x.device(), [chosen.len(), classes], &seed)
}
