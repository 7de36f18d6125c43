//! Ablation-CAM (Desai and Ramaswamy 2020): a channel weighs as much as the logit falls without it, as a share of the logit.

use super::look::{Chosen, Look};
use crate::error::{Error, Result};
use crate::nn::{Layer, Pass};
use crate::op::cam::perturbed::without;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What takes the place of a channel where 0 would not be the least: the minimum less this, as pytorch-grad-cam does (whose value falls
/// further from image to image of a batch).
const FAR: f32 = 1e7;

/// The weights `[N, C]` of the channels: one pass of the layers behind for each, `batch_size` at a time.
pub(super) fn weights(look: &Look) -> Result<Tensor> {
    let channels = look.activations.dim(3);
    let rest = Rest::of(look)?;
    let mut weights = Vec::new();
    for (image, &chosen) in look.chosen.iter().enumerate() {
        let activations = look.image(look.activations, image, 1)?;
        let least = activations.to_vec::<f32>()?.into_iter().fold(f32::INFINITY, f32::min);
        let value = if least == 0.0 { 0.0 } else { least - FAR };
        let score = chosen.score(&look.logits[image * look.classes..][..look.classes]);
        for (first, count) in look.batches(channels) {
            let scores = rest.scores(look, image, chosen, &without(&activations, first, count, value)?)?;
            weights.extend(scores.iter().map(|without| (score - without) / score));
        }
    }
    Tensor::from_slice(look.x.device(), [look.chosen.len(), channels], &weights)
}

/// What runs again: the chain of layers from the one on that is looked at, or that it lies in.
struct Rest<'a> {
    model: Box<dyn Layer + 'a>,
    /// What goes into it, of the batch that was seen.
    input: &'a Tensor,
    /// The layer that is looked at, by the name under which it runs.
    replaced: &'a str,
}

impl<'a> Rest<'a> {
    fn of(look: &'a Look) -> Result<Self> {
        let named = |name: &str| look.marks.iter().find(|(known, _)| known == name).map(|(_, output)| output);
        // A container's output is that of its last layer.
        let same = |output: &Tensor| output.id() == look.activations.id();
        let first = look.marks.iter().find(|(_, output)| same(output)).map_or(look.layer, |(name, _)| name);
        let Some(whole) = look.model.as_sequential() else {
            let what = "Ablation-CAM runs the layers behind again: the network has to be a Sequential; use gradcam";
            return Err(Error::usage(what));
        };
        let chain = whole.chain();
        let inside = |link: &str| first.strip_prefix(link).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let is_it = |(name, _): &(String, &dyn Layer)| named(name).is_some_and(same);
        let links = chain.links();
        let at = links.iter().position(is_it).or_else(|| links.iter().position(|(name, _)| inside(name))).unwrap_or(0);
        let before = at.checked_sub(1).and_then(|before| named(&links[before].0));
        let replaced = look.marks.iter().find(|(name, output)| *name == links[at].0 && same(output));
        let replaced = replaced.map_or(first, |(name, _)| name);
        let [_, rest] = chain.cut(at);
        Ok(Self { model: Box::new(rest), input: before.unwrap_or(look.x), replaced })
    }

    /// What is explained of `image`, once for each of `activations [count, H, W, C]` in the place of its own.
    fn scores(&self, look: &Look, image: usize, chosen: Chosen, activations: &Tensor) -> Result<Vec<f32>> {
        let mut tape = Tape::new();
        tape.mark_layers();
        let input = look.image(self.input, image, activations.dim(0))?;
        let pass = &mut Pass::inference(&mut tape).replacing(self.replaced, activations);
        let logits = self.model.forward(pass, &input)?.to_vec::<f32>()?;
        Ok(logits.chunks(look.classes).map(|logits| chosen.score(logits)).collect())
    }
}
