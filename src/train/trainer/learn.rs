//! The second half of a step: from the loss to moved parameters.

use crate::error::Result;
use crate::optim::Optimizer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use crate::train::precision::Scaling;

/// Walks `tape` back from `loss` and lets `optimizer` move the parameters; under `scaling`, unless a gradient of the scaled loss
/// overflowed.
///
/// # Errors
/// Those of [`Scaling::update`]; what the device says.
pub(super) fn learn(
    optimizer: &mut Optimizer,
    scaling: Option<&mut Scaling>,
    tape: Tape,
    loss: &Tensor,
    lr: f32,
) -> Result<()> {
    let Some(scaling) = scaling else { return optimizer.step(&tape.backward(loss)?, lr) };
    let scaled = Tensor::full(loss.device(), loss.shape(), scaling.factor)?;
    let gradients = tape.backward_from(loss, scaled)?;
    let finite = optimizer.unscale(&gradients, scaling.factor)?;
    scaling.update(finite)?;
    if finite { optimizer.step(&gradients, lr) } else { Ok(()) }
}
