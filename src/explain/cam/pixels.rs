//! Methods whose maps are of the pixels: the network's input is where others look at a layer.

use super::look::Chosen;
use super::{Cam, Request};
use crate::error::{Error, Result};
use crate::explain::relevance::{Attribution, attribute};
use crate::explain::{diagnosis, scale};
use crate::nn::Layer;
use crate::nn::relevance::Rules;
use crate::tensor::Tensor;

/// Of the channels of a pixel the largest magnitude, as gradients are drawn since Simonyan et al. (2013).
pub(super) fn largest(channels: &[f32]) -> f32 {
    // Not f32::max, which would drop a NaN.
    let larger = |most: f32, value: &f32| if value.abs() > most || value.is_nan() { value.abs() } else { most };
    channels.iter().fold(0.0, larger)
}

/// Their sum: relevance adds up.
pub(super) fn sum(channels: &[f32]) -> f32 {
    channels.iter().sum()
}

/// The maps of a batch: what arrives at the pixels by `rules`, of the channels of each what `shown` says.
pub(super) fn maps(
    model: &dyn Layer,
    x: &Tensor,
    request: &Request,
    rules: &Rules,
    shown: fn(&[f32]) -> f32,
) -> Result<Vec<Cam>> {
    let method = request.method;
    if !request.target_layers.is_empty() {
        let what =
            format!("{method} is of the pixels and looks at no layer: leave ‹layer› out, or use another ‹method›");
        return Err(Error::usage(what));
    }
    if request.eigen_smooth {
        return Err(Error::usage(format!("{method} has no channels to smooth: leave ‹eigen_smooth› out")));
    }
    let Attribution { pixels, logits, chosen } = attribute(model, x, &request.targets, rules)?;
    let &[images, rows, columns, channels] = pixels.shape().dims() else { unreachable!("images are checked") };
    let (values, classes) = (pixels.to_vec::<f32>()?, logits.len() / images);
    let mut cams = Vec::new();
    for (image, pixels) in values.chunks(rows * columns * channels).enumerate() {
        let raw: Vec<f32> = pixels.chunks(channels).map(shown).collect();
        let Chosen { class, minus } = chosen[image];
        let size = [rows, columns];
        let mut cam = Cam {
            method,
            layer: "input".into(),
            shape: [rows, columns, channels],
            class,
            minus,
            logits: logits[image * classes..][..classes].to_vec(),
            scaled: scale::scaled(&raw, size, size),
            raw,
            size,
            averaged: false,
            diagnosis: None,
        };
        if scale::blank(&cam.scaled) {
            let evidence = diagnosis::Evidence { model, x, image, request, activations: x };
            cam.diagnosis = Some(evidence.diagnose(&cam, None)?);
        }
        cams.push(cam);
    }
    Ok(cams)
}
