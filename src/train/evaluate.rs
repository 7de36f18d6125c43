//! Looking at a network without training it: accuracy on a set of images, and where bad numbers come from.

use std::path::Path;

use super::checkpoint::{Checkpoint, Meta};
use super::images::Resident;
use super::views::logits;
use crate::device::Device;
use crate::device::dry::Dry;
use crate::error::{Error, Result};
use crate::nn::{Layer, Sequential};
use crate::op::augment::{Augment, Channels};
use crate::op::cross_entropy::cross_entropy;
use crate::op::metrics::{Metrics, Totals};
use crate::op::random::Key;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Images in a batch of [`evaluate`].
pub const EVALUATION_BATCH: usize = 256;

/// Loss and accuracy of `model` on images `indices`, in inference mode, by the mean of the logits of all views. The "step" of a loss that is not finite is its batch; see
/// [`bad_batch`].
///
/// # Errors
/// No images; what the device says.
pub fn evaluate(
    model: &dyn Layer,
    images: &Resident,
    indices: &[u32],
    mean: [f32; 3],
    std: [f32; 3],
) -> Result<Metrics> {
    evaluate_each(model, images, indices, mean, std, &mut |_| Ok(()))
}

/// The same; `each` gets the logits `[B, K]` of each batch, in the order of the images.
///
/// # Errors
/// Those of [`evaluate`] and `each`.
pub fn evaluate_each(
    model: &dyn Layer,
    images: &Resident,
    indices: &[u32],
    mean: [f32; 3],
    std: [f32; 3],
    each: &mut dyn FnMut(&Tensor) -> Result<()>,
) -> Result<Metrics> {
    let channels = Channels { mean, std };
    let mut totals: Option<Totals> = None;
    let order = images.order(indices)?;
    for at in (0..indices.len()).step_by(EVALUATION_BATCH) {
        let batch = EVALUATION_BATCH.min(indices.len() - at);
        let (views, labels) = images.seen(&order, at, batch, &channels)?;
        let mut tape = Tape::new();
        let logits = logits(model, &mut tape, &views)?;
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0)?;
        if totals.is_none() {
            totals = Some(Totals::new(logits.device())?);
        }
        totals.as_ref().expect("set above").add(&loss, &logits, &labels, (at / EVALUATION_BATCH) as u32)?;
        each(&logits)?;
    }
    totals.ok_or_else(|| Error::usage("there are no images to evaluate on"))?.read()
}

/// Rebuilds the network of a checkpoint on `device`.
pub fn load_model(path: &Path, device: &Device) -> Result<(Sequential, Meta)> {
    let checkpoint = Checkpoint::load(path)?;
    let meta = &checkpoint.meta;
    // Without drawing anything: what a file says may not be possible.
    meta.network(&Device::new(Box::new(Dry::new(device.target()))), 0).map_err(|e| Error::file(path, e))?;
    let model = meta.network(device, 0)?;
    checkpoint.restore_model(&model)?;
    Ok((model, checkpoint.meta))
}

/// The network's input in batch `number` of [`evaluate`].
pub fn bad_batch(images: &Resident, indices: &[u32], number: u32, mean: [f32; 3], std: [f32; 3]) -> Result<Tensor> {
    let how = Augment::evaluation(mean, std);
    let at = number as usize * EVALUATION_BATCH;
    let batch = EVALUATION_BATCH.min(indices.len() - at);
    Ok(images.batch(&images.order(indices)?, at, batch, &how, Key { seed: 0, step: 0, stream: 0 })?.0)
}
