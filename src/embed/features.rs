//! The output of a layer for each picture of a set.

use super::Points;
use crate::data::Images;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::explain::layers;
use crate::nn::{Layer, Pass};
use crate::op::augment::Augment;
use crate::op::random::Key;
use crate::tape::Tape;
use crate::tensor::{Shape, Tensor};
use crate::train::checkpoint::Meta;
use crate::train::images::Resident;

/// Pictures per pass: all layers' outputs are kept in it.
const BATCH: usize = 32;

/// What a layer makes of pictures.
#[derive(Clone, Debug)]
pub struct Features {
    /// The layer.
    pub layer: String,
    /// The shape of its output without the batch.
    pub shape: String,
    /// A point for each picture: the output, of an image the mean over its pixels.
    pub points: Points,
    /// The class with the largest logit.
    pub predicted: Vec<usize>,
}

impl Features {
    /// The output of layer `layer` (none: of [`default`]) of `model` for each of `images`, computed in f32 in inference mode.
    ///
    /// # Errors
    /// No images; an unknown layer; an output that is neither a vector nor an image, or holds numbers that are not finite; device
    /// errors.
    pub fn of(model: &dyn Layer, device: &Device, images: &Images, meta: &Meta, layer: Option<&str>) -> Result<Self> {
        let resident = Resident::new(device, images)?;
        let how = Augment::evaluation(meta.mean, meta.std);
        let all: Vec<u32> = (0..images.len() as u32).collect();
        let order = resident.order(&all)?;
        let (mut values, mut predicted, mut found) = (Vec::new(), Vec::new(), None);
        for at in (0..all.len()).step_by(BATCH) {
            let count = BATCH.min(all.len() - at);
            let (x, _) = resident.batch(&order, at, count, &how, Key { seed: 0, step: 0, stream: 0 })?;
            let mut tape = Tape::new();
            tape.mark_layers();
            let logits = model.forward(&mut Pass::inference(&mut tape), &x)?;
            let (name, output) = match layer {
                Some(name) => layers::named(tape.marks(), name, |_| true)?,
                None => default(tape.marks())?,
            };
            values.extend(means(&name, &output)?);
            let classes = logits.shape().last();
            let top = |row: &[f32]| (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
            predicted.extend(logits.to_vec::<f32>()?.chunks_exact(classes).map(top));
            found = Some((name, layers::shape(output.shape()), output.shape().last()));
        }
        let (layer, shape, dimension) = found.ok_or_else(|| Error::usage("there are no pictures to embed"))?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let what = format!("layer '{layer}' makes numbers that are not finite of picture {}", at / dimension);
            return Err(Error::usage(format!("{what}: choose another epoch or a layer further to the front")));
        }
        Ok(Self { layer, shape, points: Points::new(dimension, values), predicted })
    }
}

/// What the last layer gets: the mean over pixels in most networks (`avgpool`), the last hidden layer's output in VGG.
///
/// # Errors
/// A model of one layer.
pub fn default(marks: &[(String, Tensor)]) -> Result<(String, Tensor)> {
    let distinct = layers::distinct(marks);
    let Some((name, output)) = distinct.len().checked_sub(2).map(|at| distinct[at]) else {
        return Err(Error::usage("this network has but one layer: there is nothing before its logits"));
    };
    Ok((name.to_owned(), output.clone()))
}

/// Names and output shapes of all layers of `model`, in the order in which they run, with input `x`; and the name of the default.
///
/// # Errors
/// Those of the forward pass, and of [`default`].
pub fn list(model: &dyn Layer, x: &Tensor) -> Result<(Vec<(String, Shape)>, String)> {
    let mut tape = Tape::new();
    tape.mark_layers();
    model.forward(&mut Pass::inference(&mut tape), x)?;
    let chosen = default(tape.marks())?.0;
    Ok((tape.marks().iter().map(|(name, output)| (name.clone(), output.shape().clone())).collect(), chosen))
}

/// A row for each picture: vectors `[N, D]` as they are, images `[N, H, W, C]` as the means of their channels.
fn means(layer: &str, output: &Tensor) -> Result<Vec<f64>> {
    let (pixels, channels) = match *output.shape().dims() {
        [_, h, w, c] => (h * w, c),
        [_, d] => (1, d),
        _ => {
            let what = format!("the output of layer '{layer}' is {}", layers::shape(output.shape()));
            return Err(Error::usage(format!("{what}, neither a vector nor an image; ‹list_layers› shows all")));
        }
    };
    let mean = |image: &[f32]| -> Vec<f64> {
        let sum = |channel: usize| -> f64 {
            image.iter().skip(channel).step_by(channels).map(|&value| f64::from(value)).sum()
        };
        (0..channels).map(|channel| sum(channel) / pixels as f64).collect()
    };
    Ok(output.floats()?.chunks_exact(pixels * channels).flat_map(mean).collect())
}
