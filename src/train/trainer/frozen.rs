//! What frozen first layers make of each picture, computed once instead of in every epoch.
//!
//! It is what they make where augmentation changes no picture, one view of each is judged, and their statistics stand still, in batches of the same size,
//! so that training on it gives the same bits.

use super::Trainer;
use crate::data::read::share;
use crate::error::{Error, Result};
use crate::op::augment::{Augmentation, Channels};
use crate::train::evaluate::EVALUATION_BATCH;
use crate::train::images::Resident;
use crate::train::observer::Observer;
use crate::train::views::Views;

/// What the first layers of a network make of its pictures.
pub(super) struct Frozen {
    /// How many of the network's chain of layers.
    pub layers: usize,
    /// Of the pictures to train on, in the order of [`Trainer::chosen`].
    pub train: Resident,
    /// Of those for validation, if there are any.
    pub val: Option<Resident>,
    /// Of those of the test set.
    pub test: Resident,
}

impl Trainer {
    /// Sees to it that [`Trainer::frozen`] is that of `epoch`.
    pub(super) fn freeze(&mut self, epoch: u32, observer: &mut dyn Observer) -> Result<()> {
        let changing = self.config.augmentation()? != Augmentation::default() || self.config.tta != Views::None;
        let layers = if changing || !self.config.cache_frozen { 0 } else { self.learning.frozen(&self.model, epoch) };
        if self.frozen.as_ref().map_or(0, |frozen| frozen.layers) == layers || self.too_large == Some(layers) {
            return Ok(());
        }
        // What it holds goes first.
        self.frozen = None;
        if layers == 0 {
            return Ok(());
        }
        self.frozen = self.computed(layers)?;
        let names = self.model.chain().links()[layers - 1].0.clone();
        if let Some(Frozen { train, val, test, .. }) = &self.frozen {
            let bytes = train.bytes() + val.as_ref().map_or(0, Resident::bytes) + test.bytes();
            observer.note(&format!(
                "what the frozen layers up to {names} make of each picture is kept: {} MiB",
                bytes >> 20
            ));
        } else {
            self.too_large = Some(layers);
            let what = "is more than a quarter of the memory, and is computed in every epoch";
            observer.note(&format!("what the frozen layers up to {names} make of all pictures {what}"));
        }
        Ok(())
    }

    /// None if it takes more than its share of memory.
    fn computed(&self, layers: usize) -> Result<Option<Frozen>> {
        let [first, _] = self.model.chain().cut(layers);
        let channels = Channels { mean: self.meta.mean, std: self.meta.std };
        let mut left = usize::try_from(share()).unwrap_or(usize::MAX);
        let mut of = |images: &Resident, order: &[u32], batch: usize, filled: bool| {
            let kept = images.through(&first, order, &channels, [batch, left], filled)?;
            left -= kept.as_ref().map_or(0, Resident::bytes);
            Ok::<_, Error>(kept)
        };
        let Some(train) = of(&self.images, &self.chosen, self.config.batch_size, true)? else { return Ok(None) };
        let (images, order) = self.validation();
        let val = if order.is_empty() {
            None
        } else {
            let Some(kept) = of(images, &order, EVALUATION_BATCH, false)? else { return Ok(None) };
            Some(kept)
        };
        let Some(test) = of(&self.test, &self.test.all(), EVALUATION_BATCH, false)? else { return Ok(None) };
        Ok(Some(Frozen { layers, train, val, test }))
    }
}
