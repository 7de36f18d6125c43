//! What a training will launch, found before it begins, so that all of it is compiled at once.

use super::checkpoint::Meta;
use super::evaluate::{EVALUATION_BATCH, evaluate};
use super::images::Resident;
use super::observer::Observer;
use crate::device::{Device, Source};
use crate::error::Result;
use crate::nn::{Layer, Pass, models, parameters};
use crate::op::augment::Channels;
use crate::op::cross_entropy::ClassWeights;
use crate::op::metrics::Totals;
use crate::op::random::Key;
use crate::optim::Optimizer;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Has all kernels ready on `device` that training the network of `meta` launches, evaluations on sets of `evaluated`
/// images among them.
///
/// # Errors
/// As [`models::build`] and [`Device::prepare`]; a `WARPTAPE_KERNEL` that makes no sense.
pub(super) fn prepare(meta: &Meta, evaluated: [usize; 3], device: &Device, observer: &mut dyn Observer) -> Result<()> {
    if meta.progress.epoch >= meta.config.epochs {
        return Ok(());
    }
    device.prepare(kernels(meta, evaluated, device)?, &mut |done, total| observer.compiling(done, total))
}

fn kernels(meta: &Meta, evaluated: [usize; 3], device: &Device) -> Result<Vec<Source>> {
    let config = &meta.config;
    device.rehearse(|device| {
        let model = models::build(&config.model, meta.classes.len(), meta.input, device, config.seed)?;
        let learned: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let batch = config.batch_size;
        let images =
            Resident::blank(device, batch.max(2 * EVALUATION_BATCH), &meta.images())?.giving(config.precision.dtype());
        let order: Vec<u32> = (0..images.len() as u32).collect();
        let channels = Channels { mean: meta.mean, std: meta.std };
        let key = Key { seed: config.seed, step: 0, stream: 0 };
        let drawn = images.augmented(&images.order(&order)?, 0, batch, &config.augmentation()?, &channels, key)?;
        let mut tape = Tape::new();
        learned.iter().for_each(|tensor| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, config.seed, 0), &drawn.x)?;
        // Which weights classes have makes no other kernels, whether they have any does.
        let weights = config.class_weights.of(&vec![1; meta.classes.len()]);
        let weights = weights.map(|weights| ClassWeights::new(device, &weights)).transpose()?;
        let loss = drawn.loss(&mut tape, &logits, config.label_smoothing, weights.as_ref())?;
        Totals::new(device)?.add(&loss, &logits, drawn.labels(), 0)?;
        let mut optimizer = Optimizer::new(&config.optimizer()?, learned)?;
        let gradients = tape.backward(&loss)?;
        if config.precision.scaling().is_some() {
            optimizer.unscale(&gradients, 1.0)?;
        }
        optimizer.step(&gradients, 0.0)?;
        // A set's batches are full ones, and a last one of what is left.
        let left = |&count: &usize| count.min(EVALUATION_BATCH + count % EVALUATION_BATCH);
        for count in evaluated.iter().map(left).filter(|&count| count > 0) {
            evaluate(&model, &images, &order[..count], meta.mean, meta.std)?;
        }
        Ok(())
    })
}
