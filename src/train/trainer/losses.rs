//! The loss of each step, for whoever wants to see every one: kept on the device until training looks there.

use crate::device::Device;
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::train::logs::tensorboard::Taken;

/// The losses of the steps since the last look.
pub(super) struct Losses {
    /// One for each batch of each step. It does not grow: the peak of memory must not depend on when training was interrupted.
    losses: Tensor,
    batches: usize,
    /// Number and rate of each step.
    steps: Vec<(u64, f64)>,
}

impl Losses {
    /// Of at most `most` steps of so many `batches` each.
    ///
    /// # Errors
    /// A device without memory.
    pub fn new(device: &Device, most: usize, batches: usize) -> Result<Self> {
        Ok(Self { losses: Tensor::zeros(device, [most * batches], DType::F32)?, batches, steps: Vec::new() })
    }

    /// Notes `loss [1]` of batch `part` of the step under way, without waiting for it.
    ///
    /// # Errors
    /// A device that fails.
    pub fn add(&self, part: usize, loss: &Tensor) -> Result<()> {
        self.losses.copy_rows(self.steps.len() * self.batches + part, loss, 1)
    }

    /// That step was number `step`, and was taken with rate `lr`.
    pub fn taken(&mut self, step: u64, lr: f64) {
        self.steps.push((step, lr));
    }

    /// The steps since this was last asked; waits for the device.
    ///
    /// # Errors
    /// A device that fails.
    pub fn take(&mut self) -> Result<Vec<Taken>> {
        let losses = self.losses.to_vec::<f32>()?;
        let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
        let steps = self.steps.drain(..).zip(losses.chunks_exact(self.batches));
        Ok(steps.map(|((step, lr), losses)| Taken { step, loss: mean(losses), lr }).collect())
    }
}
