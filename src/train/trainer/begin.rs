//! What a network begins with: weights of others, or where a checkpoint stands.

use std::path::Path;

use crate::data::Dataset;
use crate::data::record::{FILE, Record, Role};
use crate::error::{Error, Result};
use crate::nn::{Sequential, models};
use crate::optim::{Optimizer, Schedule};
use crate::train::checkpoint::{Checkpoint, Meta, Progress};
use crate::train::config::Config;
use crate::train::head::Head;
use crate::train::normalize::Normalize;
use crate::weights::{Options, Preparation, Weights, load_into, outputs};

/// The weights that a training began with.
#[derive(Default)]
pub(super) struct Begun {
    /// SHA-256 of their file; none where it began with drawn ones.
    pub hash: Option<String>,
    /// What is to be said of them.
    pub notes: Vec<String>,
    /// Where this training's pictures are others than theirs, and what of its settings changes nothing.
    pub doubts: Vec<String>,
    /// How pictures were prepared for them, if that is known.
    preparation: Option<Preparation>,
}

/// The weights that `config` names, unless it goes on `from` a checkpoint, which knows what they were.
///
/// # Errors
/// Those of [`Weights::open`].
pub(super) fn named(config: &Config, from: Option<&Checkpoint>) -> Result<Option<Weights>> {
    let file = config.weights.as_ref().filter(|_| from.is_none());
    file.map(|file| Weights::open(Path::new(file))).transpose()
}

/// Outputs of the network below a head that is added: those that `weights` have; or of the network of `from`, a checkpoint.
///
/// # Errors
/// Those of [`outputs`]; weights with an added head.
pub(super) fn below_head(
    config: &Config,
    input: [usize; 2],
    weights: Option<&Weights>,
    from: Option<&Checkpoint>,
) -> Result<Option<usize>> {
    if let Some(checkpoint) = from {
        return Ok(checkpoint.meta.outputs);
    }
    let Some(weights) = weights.filter(|_| config.head == Head::Add) else { return Ok(None) };
    // Not below a network whose own last layer is called so.
    models::check(&models::with_option(&config.model, "outputs=1"), 1, input)?;
    if weights.tensors().iter().any(|tensor| tensor.name == "head.weight") {
        let what = "has an added head already; ‹weights info› tells its name, for which ‹head=replace› makes a new one";
        return Err(Error::file(weights.path(), what));
    }
    outputs(weights, &config.model, input).map(Some)
}

/// Loads `weights` into `model`, or asks the checkpoint `from` what they were. Pictures of `data` judge the training, and those of its
/// training part that are `held` back.
///
/// # Errors
/// Those of [`load_into`].
pub(super) fn begun(
    config: &Config,
    model: &Sequential,
    weights: Option<&Weights>,
    from: Option<&Checkpoint>,
    data: &Dataset,
    held: &[u32],
) -> Result<Begun> {
    let Some(weights) = weights else {
        let before = from.and_then(|checkpoint| checkpoint.meta.config.weights.as_deref());
        let hash = before.and_then(|weights| weights.strip_prefix("sha256:")).map(str::to_owned);
        return Ok(Begun { hash, ..Begun::default() });
    };
    let hash = weights.sha256()?;
    let mut notes = load_into(model, weights, Options { ignore_head: config.head != Head::Keep })?;
    let preparation = weights.preparation(&hash);
    notes.extend(preparation.as_ref().map(|prepared| format!("for pictures as those of {prepared}")));
    let doubts = known(weights.path(), data, held)?.into_iter().collect();
    Ok(Begun { hash: Some(hash), notes, doubts, preparation })
}

impl Begun {
    /// Mean and deviation that the pictures of `data` are normalized with, which a run that goes on `from` a checkpoint keeps. Also
    /// sees where those pictures differ from what the weights were trained on.
    ///
    /// # Errors
    /// Those of [`Normalize::of`](crate::train::normalize::Normalize::of).
    pub fn channels(&mut self, config: &Config, data: &Dataset, from: Option<&Checkpoint>) -> Result<[[f32; 3]; 2]> {
        let images = &data.train;
        if let Some(Checkpoint { meta, .. }) = from.filter(|_| config.normalize != Normalize::Data) {
            return Ok([meta.mean, meta.std]);
        }
        let channels = config.normalize.of(images, self.preparation.as_ref())?;
        if let Some(prepared) = &self.preparation {
            let loaded = [images.height, images.width];
            self.doubts.extend(prepared.doubts(channels, loaded, images.input(), &data.classes));
            if config.head == Head::Keep && !prepared.classes.is_empty() && prepared.classes != data.classes {
                let [theirs, ours] = [&prepared.classes, &data.classes].map(|classes| shown(classes));
                let what = format!("the last layer knows the classes {theirs}, here they are {ours}");
                self.doubts.push(format!("{what}: ‹head=replace› gives it a new one"));
            }
        }
        Ok(channels)
    }
}

/// The first names of `classes`.
fn shown(classes: &[String]) -> String {
    let first: Vec<&str> = classes.iter().take(4).map(String::as_str).collect();
    first.join(", ") + if classes.len() > first.len() { ", …" } else { "" }
}

/// What to say if pictures that judge a training of `data`, the training pictures `held` back among them, are ones that the weights
/// in `file`, another run's, were trained on.
fn known(file: &Path, data: &Dataset, held: &[u32]) -> Result<Option<String>> {
    let Some(run) = file.parent().and_then(Path::parent) else { return Ok(None) };
    let Some(record) = Record::read(&run.join(FILE))? else { return Ok(None) };
    let held = held.iter().filter_map(|&at| data.train.origins.get(at as usize));
    let judges = [&data.val, &data.test].into_iter().flat_map(|part| &part.origins).chain(held);
    let trained = judges.clone().filter(|origin| record.role(origin.digest) == Some(Role::Train)).count();
    let what = "validation and test pictures are among those that these weights were trained on: accuracy here says little of others";
    Ok((trained > 0).then(|| format!("{trained} of {} {what}", judges.count())))
}

/// Brings network and optimizer to where `checkpoint` stands. Returns how far that is, and the schedule there.
pub(super) fn restored(
    checkpoint: &Checkpoint,
    config: &Config,
    model: &Sequential,
    optimizer: &mut Optimizer,
) -> Result<(Progress, Schedule)> {
    checkpoint.restore_model(model)?;
    checkpoint.restore_optimizer(optimizer, model)?;
    let Meta { progress, schedule, .. } = &checkpoint.meta;
    if progress.epoch > config.epochs {
        let what = format!("‹epochs={}›: the run has done {} already; ask for more", config.epochs, progress.epoch);
        return Err(Error::usage(what));
    }
    let mut schedule = schedule.clone();
    schedule.set_base(config.lr);
    Ok((progress.clone(), schedule))
}
