//! A batch of images to learn from, and its loss.

use crate::error::Result;
use crate::op::cross_entropy::{ClassWeights, Targets, cross_entropy_with};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// A batch to learn from.
pub struct Batch {
    /// The network's input `[B, H, W, 3]`.
    pub x: Tensor,
    /// The images' own labels `[B]`.
    pub own: Tensor,
    /// Of mixed images, the labels of the others, and the weight of the own ones.
    pub mixed: Option<(Tensor, f32)>,
}

impl Batch {
    /// The loss of `logits [B, K]`.
    ///
    /// # Errors
    /// As [`cross_entropy_with`].
    pub fn loss(
        &self,
        tape: &mut Tape,
        logits: &Tensor,
        smoothing: f32,
        classes: Option<&ClassWeights>,
    ) -> Result<Tensor> {
        let (others, weight) = self.mixed.as_ref().map_or((&self.own, 1.0), |(others, weight)| (others, *weight));
        let labels = [&self.own, others];
        cross_entropy_with(tape, logits, &Targets { labels, weight, classes, ..Targets::of(&self.own, smoothing) })
    }

    /// The labels that count as right: of two those with the larger weight.
    pub fn labels(&self) -> &Tensor {
        match &self.mixed {
            Some((others, weight)) if *weight < 0.5 => others,
            _ => &self.own,
        }
    }
}
