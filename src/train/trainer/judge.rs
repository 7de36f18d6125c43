//! An epoch's evaluation.

use super::Trainer;
use crate::error::Result;
use crate::nn::Pass;
use crate::nn::bad_values::first_bad_layer;
use crate::tape::Tape;
use crate::train::evaluate::{bad_batch, evaluate};
use crate::train::images::Resident;
use crate::train::logs::metrics::{Row, Split, Watch};

impl Trainer {
    /// The pictures for validation, and which of them: the data set's own, or training pictures that are held back, if there are any.
    pub(super) fn validation(&self) -> (&Resident, Vec<u32>) {
        match &self.val {
            Some(own) => (own, own.all()),
            None => (&self.images, self.held_back.clone()),
        }
    }

    /// Adds the rows of `epoch` on the validation and the test set to `rows`.
    pub(super) fn judge(&self, epoch: u32, lr: f64, rows: &mut Vec<Row>) -> Result<()> {
        let frozen = self.frozen.as_ref();
        let test = frozen.map_or(&self.test, |frozen| &frozen.test);
        let kept = frozen.and_then(|frozen| frozen.val.as_ref());
        let val = kept.map_or_else(|| self.validation(), |kept| (kept, kept.all()));
        let shown = match &self.average {
            Some(average) => average.network(&self.model)?,
            None => &self.model,
        };
        let [_, model] = shown.chain().cut(frozen.map_or(0, |frozen| frozen.layers));
        for (split, (images, indices)) in [(Split::Val, val), (Split::Test, (test, test.all()))] {
            if indices.is_empty() {
                continue;
            }
            let watch = Watch::start(&self.device);
            let sums = evaluate(&model, images, &indices, self.meta.mean, self.meta.std)?;
            if let Some(bad) = sums.first_bad_step {
                let x = bad_batch(images, &indices, bad, self.meta.mean, self.meta.std)?;
                let place = first_bad_layer(&model, &x, &mut Pass::inference(&mut Tape::new()));
                return Err(self.not_finite(&format!("on the {} set after epoch {epoch}", split.name()), &place));
            }
            rows.push(watch.row(epoch, split, &sums, lr, sums.count));
        }
        Ok(())
    }
}
