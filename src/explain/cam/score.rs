//! Score-CAM (Wang et al. 2020): a channel weighs as much as the logit of the image seen through it, softmax over channels.

use super::look::Look;
use crate::error::Result;
use crate::nn::Pass;
use crate::op::cam::perturbed::Masks;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// The weights `[N, C]` of the channels: one pass of the network for each, `batch_size` at a time.
pub(super) fn weights(look: &Look) -> Result<Tensor> {
    let channels = look.activations.dim(3);
    let mut weights = Vec::new();
    for (image, chosen) in look.chosen.iter().enumerate() {
        let masks = Masks::new(&look.image(look.x, image, 1)?, &look.image(look.activations, image, 1)?)?;
        let mut scores = Vec::new();
        for (first, count) in look.batches(channels) {
            let x = masks.masked(first, count)?;
            let logits = look.model.forward(&mut Pass::inference(&mut Tape::new()), &x)?.to_vec::<f32>()?;
            scores.extend(logits.chunks(look.classes).map(|logits| f64::from(chosen.score(logits))));
        }
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let sum: f64 = powers.iter().sum();
        weights.extend(powers.iter().map(|power| (power / sum) as f32));
    }
    Tensor::from_slice(look.x.device(), [look.chosen.len(), channels], &weights)
}
