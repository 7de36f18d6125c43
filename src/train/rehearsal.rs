//! What a training will launch, found before it begins, so that all of it is compiled at once.

use super::checkpoint::Meta;
use super::evaluate::{EVALUATION_BATCH, evaluate_each};
use super::images::Resident;
use super::learning::Learning;
use super::observer::Observer;
use super::trainer::{Averaged, Moving, gradients};
use crate::device::Device;
use crate::error::Result;
use crate::launch::choices::Table;
use crate::nn::{Layer, Pass};
use crate::op::augment::Channels;
use crate::op::cross_entropy::ClassWeights;
use crate::op::index_select::index_select;
use crate::op::metrics::Totals;
use crate::op::random::Key;
use crate::op::topk::topk;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Has all kernels ready on `device` that training the network of `meta` launches, evaluations on sets of `evaluated`
/// images among them.
///
/// # Errors
/// As [`Meta::network`] and [`Device::prepare`]; a `WARPTAPE_KERNEL` that makes no sense.
pub(super) fn prepare(meta: &Meta, evaluated: [usize; 3], device: &Device, observer: &mut dyn Observer) -> Result<()> {
    if meta.progress.epoch >= meta.config.epochs {
        return Ok(());
    }
    let kernels = device.rehearse(|dry| rehearse(meta, evaluated, dry))?;
    device.prepare(kernels, &mut |done, total| observer.compiling(done, total))
}

/// The choices that training the network of `meta` makes on `device`, as [`prepare`] finds them.
///
/// # Errors
/// Those of [`prepare`].
pub(super) fn choices(meta: &Meta, evaluated: [usize; 3], device: &Device) -> Result<Table> {
    let mut made = Table::new();
    device.rehearse(|dry| rehearse(meta, evaluated, dry).map(|()| made = dry.choices().made()))?;
    Ok(made)
}

fn rehearse(meta: &Meta, evaluated: [usize; 3], device: &Device) -> Result<()> {
    let config = &meta.config;
    let model = meta.network(device, config.seed)?;
    let learning = Learning::new(config, &model)?;
    let batch = config.batch_size;
    let images = Resident::blank(device, batch.max(2 * EVALUATION_BATCH), &meta.images())?
        .giving(config.precision.dtype())
        .viewed(config.tta);
    let order = images.all();
    let channels = Channels { mean: meta.mean, std: meta.std };
    let key = Key { seed: config.seed, step: 0, stream: 0 };
    let drawn = images.augmented(&images.order(&order)?, 0, batch, &config.augmentation()?, &channels, key)?;
    // Which weights classes have makes no other kernels, whether they have any does.
    let weights = config.class_weights.of(&vec![1; meta.classes.len()]);
    let weights = weights.map(|weights| ClassWeights::new(device, &weights)).transpose()?;
    let mut moving = Moving::new(config, &learning)?;
    let mut average = Averaged::of(meta, &model, None)?;
    for epoch in learning.stages(meta.progress.epoch + 1) {
        let (mut tape, fixed) = (Tape::new(), learning.fixed(epoch));
        learning.learned(epoch).for_each(|tensor| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, config.seed, 0).fixing(&fixed), &drawn.x)?;
        let loss = drawn.loss(&mut tape, &logits, config.label_smoothing, weights.as_ref())?;
        Totals::new(device)?.add(&loss, &logits, drawn.labels(), 0)?;
        let mut scaling = config.precision.scaling();
        let mut sum = gradients(scaling.as_ref(), tape, &loss, config.accumulate)?;
        if config.accumulate > 1 {
            let learned = || learning.learned(epoch).filter_map(|tensor| Some((tensor, sum.get(tensor)?)));
            let again: Vec<(Tensor, Tensor)> = learned().map(|(tensor, g)| (tensor.clone(), g)).collect();
            again.into_iter().try_for_each(|(tensor, g)| sum.add(&tensor, g))?;
        }
        moving.step(scaling.as_mut(), &sum, 0.0)?;
        // The first step copies.
        average.iter_mut().try_for_each(|average| average.step().and_then(|()| average.step()))?;
        let [first, _] = model.chain().cut(learning.frozen(&model, epoch));
        if !first.links().is_empty() {
            let made = first.forward(&mut Pass::inference(&mut Tape::new()), &drawn.x)?;
            index_select(&made, &Tensor::zeros(device, [1], DType::I32)?, 0, 1)?;
        }
    }
    // A set's batches are full ones, and a last one of what is left.
    let left = |&count: &usize| count.min(EVALUATION_BATCH + count % EVALUATION_BATCH);
    for count in evaluated.iter().map(left).filter(|&count| count > 0) {
        // The report wants to know what it says of each.
        let each = &mut |logits: &Tensor| topk(logits, 1).map(drop);
        evaluate_each(&model, &images, &order[..count], meta.mean, meta.std, each)?;
    }
    Ok(())
}
