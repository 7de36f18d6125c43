//! Which pixels a logit rests on, one by one: layer-wise relevance propagation (LRP) and guided backpropagation. The rules of
//! layers are [`nn::relevance`](crate::nn::relevance)'s; here a target's logit is where relevance begins.

use super::Target;
use super::cam::look::{Chosen, choose, seed};
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
    Ok(attribute(model, x, targets, &Rules::Layerwise(composite.clone()))?.pixels)
}

/// The guided gradient of the logits of `targets` (none: the top class of each image) with respect to each pixel of `x [N, H, W,
/// C]`: `[N, H, W, C]`, signed. As pytorch-grad-cam's `GuidedBackpropReLUModel`; networks with other activation functions than
/// ReLU, of which that takes the plain gradient, are refused.
///
/// # Errors
/// Those of [`relevance`].
pub fn guided_backprop(model: &dyn Layer, x: &Tensor, targets: &[Target]) -> Result<Tensor> {
    Ok(attribute(model, x, targets, &Rules::Guided)?.pixels)
}

/// What arrives at the pixels of a batch.
pub(super) struct Attribution {
    /// `[N, H, W, C]`
    pub pixels: Tensor,
    /// `[N, K]`, row by row.
    pub logits: Vec<f32>,
    /// What is explained of each image.
    pub chosen: Vec<Chosen>,
}

pub(super) fn attribute(model: &dyn Layer, x: &Tensor, targets: &[Target], rules: &Rules) -> Result<Attribution> {
    let mut tape = Tape::new();
    tape.watch(x);
    let output = explain(&mut tape, model, x, rules)?;
    let (logits, chosen) = choose("relevance", x, &output, targets)?;
    let mut begin = seed(x, &chosen, output.dim(1))?;
    if let Rules::Layerwise(_) = rules {
        begin = product(&begin, &output, None)?;
    }
    let pixels = tape.backward_from(&output, begin)?.get(x);
    let pixels = pixels.ok_or_else(|| Error::shape("relevance", "no path leads from the pixels to the logits"))?;
    Ok(Attribution { pixels, logits, chosen })
}
