//! Which pixels a logit rests on, one by one: layer-wise relevance propagation (LRP) and guided backpropagation. The rules of
//! layers are [`nn::relevance`](crate::nn::relevance)'s; here a target's logit is where relevance begins.

use super::Target;
use super::cam::look::{Chosen, seed};
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::nn::relevance::{Composite, Rules, explain};
use crate::op::relevance::product;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// The relevance of each pixel of `x [N, H, W, C]` for the logits of `targets` (none: the top class of each image), by the rules
/// of `composite`: `[N, H, W, C]`, signed. Together they are the logit, but for what biases and stabilizers keep; of a
/// difference, that of the logits.
///
/// As Zennit's `Gradient` under the composite of the same name, begun with the logit where its examples begin with 1, so that the
/// relevance against a class is below 0.
///
/// # Errors
/// A layer that has no rule, by name; a number of targets other than N or none; a class that the model does not have; device
/// errors.
pub fn relevance(model: &dyn Layer, x: &Tensor, targets: &[Target], composite: &Composite) -> Result<Tensor> {
    attribute(model, x, targets, &Rules::Layerwise(composite.clone()))
}

/// The guided gradient of the logits of `targets` (none: the top class of each image) with respect to each pixel of `x [N, H, W,
/// C]`: `[N, H, W, C]`, signed. As pytorch-grad-cam's `GuidedBackpropReLUModel`; networks with other activation functions than
/// ReLU, of which that takes the plain gradient, are refused.
///
/// # Errors
/// Those of [`relevance`].
pub fn guided_backprop(model: &dyn Layer, x: &Tensor, targets: &[Target]) -> Result<Tensor> {
    attribute(model, x, targets, &Rules::Guided)
}

/// What arrives at the pixels of a batch, `[N, H, W, C]`.
fn attribute(model: &dyn Layer, x: &Tensor, targets: &[Target], rules: &Rules) -> Result<Tensor> {
    let mut tape = Tape::new();
    tape.watch(x);
    let output = explain(&mut tape, model, x, rules)?;
    let (&[images, ..], &[rows, classes]) = (x.shape().dims(), output.shape().dims()) else {
        let what = format!("want images [N, H, W, C] and logits [N, K], not {} and {}", x.shape(), output.shape());
        return Err(Error::shape("relevance", what));
    };
    if rows != images || !(targets.is_empty() || targets.len() == images) {
        let what = format!("{} targets and {rows} rows of logits for {images} images", targets.len());
        return Err(Error::shape("relevance", what));
    }
    let logits = output.to_vec::<f32>()?;
    let target = |image: usize| targets.get(image).copied().unwrap_or(Target::Top);
    let choose = |(image, row): (usize, &[f32])| target(image).chosen(row);
    let chosen = logits.chunks(classes).enumerate().map(choose).collect::<Result<Vec<Chosen>>>()?;
    let mut begin = seed(x, &chosen, classes)?;
    if let Rules::Layerwise(_) = rules {
        begin = product(&begin, &output, None)?;
    }
    let pixels = tape.backward_from(&output, begin)?.get(x);
    pixels.ok_or_else(|| Error::shape("relevance", "no path leads from the pixels to the logits"))
}
