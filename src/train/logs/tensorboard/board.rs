//! A run in TensorBoard.
//!
//! Its plain charts join what has one tag in several runs, and a run is a folder with event files. So training, validation and test are
//! folders in the run's own, and `loss`, `top1` and `top5` have one chart each with a curve for each of them. (The plugin of custom
//! charts would join tags as well, but in a tab of its own, and only if one file of the log's folder says how.) The run's own
//! folder has the settings, of which TensorBoard keeps the first, those that the run began with; to the hparams plugin the folders
//! in it are groups of its metrics.

use std::path::Path;

use image::RgbImage;
use serde_json::{Map, Value};

use super::{Events, What};
use crate::error::Result;
use crate::op::metrics::Metrics;
use crate::train::logs::metrics::{Row, Split};

/// A step as it is told: its number from 1, the mean loss of its images, the rate that it was taken with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// Steps taken in all.
    pub step: u64,
    /// Mean loss of its images, before it.
    pub loss: f32,
    /// Learning rate.
    pub lr: f64,
}

/// The event files of a run.
pub struct Board {
    /// What the run was told; none once that is written.
    settings: Option<Map<String, Value>>,
    run: Events,
    parts: [(Split, Events); 3],
}

impl Board {
    /// Of the run in folder `run`, which was told `settings` and whose next step is number `next`.
    pub fn new(run: &Path, next: u64, settings: Map<String, Value>) -> Self {
        let part = |split: Split| (split, Events::new(&run.join(split.name()), next));
        let parts = [Split::Train, Split::Val, Split::Test].map(part);
        Self { settings: Some(settings), run: Events::new(run, next), parts }
    }

    fn of(&mut self, split: Split) -> &mut Events {
        &mut self.parts.iter_mut().find(|(of, _)| *of == split).expect("it has all").1
    }

    /// Adds steps: `step/loss` and `step/lr` of training.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn steps(&mut self, steps: &[Taken]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let said = |taken: &Taken| {
            let values = vec![("step/loss".into(), taken.loss), ("step/lr".into(), taken.lr as f32)];
            (taken.step, What::Scalars(values))
        };
        self.of(Split::Train).add(&steps.iter().map(said).collect::<Vec<_>>())
    }

    /// Adds an epoch, whose last step is number `step`: `loss`, `top1` and `top5` of each part, `lr`, `images_per_second` and
    /// `memory/peak_bytes` of training.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn epoch(&mut self, step: u64, rows: &[Row]) -> Result<()> {
        self.begin()?;
        for row in rows {
            let mut values = vec![("loss", row.loss), ("top1", row.top1), ("top5", row.top5)];
            if row.split == Split::Train {
                values.push(("lr", row.lr));
                values.push(("images_per_second", row.images_per_second));
                values.push(("memory/peak_bytes", row.peak_bytes as f64));
            }
            let values = values.into_iter().map(|(tag, value)| (tag.to_owned(), value as f32)).collect();
            self.of(row.split).scalars(step, values)?;
        }
        Ok(())
    }

    /// Ends the training after step number `step`: `report/loss`, `report/top1` and `report/top5` are of the checkpoint that its report
    /// is on, and `confusion` is that report's picture.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn report(&mut self, step: u64, sums: &Metrics, confusion: &RgbImage) -> Result<()> {
        self.begin()?;
        let values = [("loss", sums.loss), ("top1", sums.top1), ("top5", sums.top5)];
        let values = values.map(|(what, value)| (format!("report/{what}"), value as f32)).to_vec();
        self.of(Split::Test).image(step, "confusion", confusion)?;
        self.run.add(&[(step, What::Scalars(values)), (step, What::Done)])
    }

    /// Says what the run was told, before anything else.
    fn begin(&mut self) -> Result<()> {
        let settings = self.settings.take();
        settings.map_or(Ok(()), |settings| self.run.add(&[(0, What::Settings(settings))]))
    }
}
