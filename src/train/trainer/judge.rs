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
    /// Adds the rows of `epoch` on the validation and the test set to `rows`.
    pub(super) fn judge(&self, epoch: u32, lr: f64, rows: &mut Vec<Row>) -> Result<()> {
        let all = |images: &Resident| (0..images.len() as u32).collect::<Vec<_>>();
        let frozen = self.frozen.as_ref();
        let test = frozen.map_or(&self.test, |frozen| &frozen.test);
        let val = match frozen.map_or(self.val.as_ref(), |frozen| frozen.val.as_ref()) {
            Some(own) => (own, all(own)),
            None => (&self.images, self.held_back.clone()),
        };
        let [_, model] = self.model.chain().cut(frozen.map_or(0, |frozen| frozen.layers));
        for (split, (images, indices)) in [(Split::Val, val), (Split::Test, (test, all(test)))] {
            if indices.is_empty() {
                continue;
            }
            let watch = Watch::start(&self.device);
            let sums = evaluate(&model, images, &indices, self.meta.mean, self.meta.std)?.sums;
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
