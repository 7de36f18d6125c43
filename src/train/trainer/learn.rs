//! The second half of a step: from the loss to moved parameters.

use crate::error::Result;
use crate::optim::{Clip, Optimizer};
use crate::tape::{Gradients, Tape};
use crate::tensor::Tensor;
use crate::train::config::Config;
use crate::train::learning::Learning;
use crate::train::precision::Scaling;

/// What moves a network's parameters.
pub(in crate::train) struct Moving {
    pub optimizer: Optimizer,
    clip: Option<Clip>,
}

impl Moving {
    /// As `config` says, of what is ever learned.
    ///
    /// # Errors
    /// Those of [`Learning::optimizer`] and [`Clip::new`].
    pub fn new(config: &Config, learning: &Learning) -> Result<Self> {
        let optimizer = learning.optimizer(config)?;
        let clip =
            config.clip_norm.map(|most| Clip::new(most, optimizer.parameters().cloned().collect())).transpose()?;
        Ok(Self { optimizer, clip })
    }

    /// Lets the optimizer move the parameters by `gradients`, which are of a loss under `scaling`, unless one overflowed. Returns
    /// whether it did.
    ///
    /// # Errors
    /// Those of [`Scaling::update`]; what the device says.
    pub fn step(&mut self, scaling: Option<&mut Scaling>, gradients: &Gradients, lr: f32) -> Result<bool> {
        if let Some(scaling) = scaling {
            let finite = self.optimizer.unscale(gradients, scaling.factor)?;
            scaling.update(finite)?;
            if !finite {
                return Ok(false);
            }
        }
        if let Some(clip) = &mut self.clip {
            clip.apply(gradients)?;
        }
        self.optimizer.step(gradients, lr)?;
        Ok(true)
    }
}

/// Walks `tape` back from `loss`, that of one of so many `batches` of a step; under `scaling`, the loss is scaled.
///
/// # Errors
/// What the device says.
pub(in crate::train) fn gradients(
    scaling: Option<&Scaling>,
    tape: Tape,
    loss: &Tensor,
    batches: usize,
) -> Result<Gradients> {
    let factor = scaling.map_or(1.0, |scaling| scaling.factor) / batches as f32;
    tape.backward_from(loss, Tensor::full(loss.device(), loss.shape(), factor)?)
}
