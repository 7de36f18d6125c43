//! What a training leaves behind: checkpoints, the report, and what going on with a run should know.

use std::collections::BTreeMap;

use super::average::Averaged;
use super::{KEPT, Trainer};
use crate::error::{Error, Result};
use crate::files::{unwritable, write_atomic};
use crate::launch::choices::Kernel;
use crate::nn::Layer;
use crate::train::checkpoint::{self, Meta, Progress};
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::judged::Part;
use crate::train::rehearsal;
use crate::train::report::predictions::predictions;
use crate::train::report::{Report, fit};
use crate::train::run_info::BITS;

impl Trainer {
    /// How many pictures each evaluation looks at: held back, the data set's own for validation, for the test.
    pub(super) fn evaluated(&self) -> [usize; 3] {
        [self.held_back.len(), self.val.as_ref().map_or(0, Resident::len), self.test.len()]
    }

    /// Of a run that goes on where `WARPTAPE_KERNEL` is set: which kernels take the place of those that ran before, a line
    /// for each ladder. Whoever asks for them by hand gets them, but the bits are others.
    ///
    /// # Errors
    /// Those of [`rehearsal::choices`].
    pub(super) fn wishes(&self) -> Result<Vec<String>> {
        let before = &self.own.info.kernels;
        let done = self.meta.progress.epoch >= self.config.epochs;
        if done || before.is_empty() || self.device.choices().wanted().is_empty() {
            return Ok(Vec::new());
        }
        let made = rehearsal::choices(&self.meta, self.evaluated(), &self.device)?;
        let other = |(ladder, problems): (&String, &BTreeMap<String, Kernel>)| {
            let was = |problem: &String| before.get(ladder)?.get(problem);
            let mut pairs = problems.iter().filter_map(|(problem, now)| Some((was(problem)?, now)));
            let (was, now) = pairs.find(|(was, now)| was != now)?;
            Some(format!("WARPTAPE_KERNEL puts {now} in the place of {was}, which this run ran before: {BITS}"))
        };
        Ok(made.iter().filter_map(other).collect())
    }

    /// What a resumed run should know: that its bits may differ from those of one that was never interrupted, and why.
    pub fn warnings(&self) -> &[String] {
        &self.own.warnings
    }

    /// What is frozen and how rates differ, in a line, if anything is or does.
    pub fn learning(&self) -> Option<String> {
        let line = Some(self.learning.to_string()).filter(|line| !line.is_empty())?;
        let drawn = self.config.weights.is_none() && self.learning.freezes();
        let doubt = "; what is frozen is as it was drawn: ‹weights› begins with what was learned";
        Some(line + if drawn { doubt } else { "" })
    }

    /// What is to be said of the weights of others that it began with just now.
    pub fn loaded(&self) -> &[String] {
        &self.own.begun.notes
    }

    /// Where its pictures are others than those of these weights, with what to do; and what of its settings changes nothing.
    pub fn doubts(&self) -> &[String] {
        &self.own.begun.doubts
    }

    /// What going on means for the learning rate, in lines for people.
    pub fn resumption(&self) -> Vec<String> {
        let Meta { progress, schedule, .. } = &self.meta;
        let mut lines = Vec::new();
        let info = &self.own.info;
        // Other versions have a warning of their own.
        let of_settings = info.changes.iter().filter(|change| !info.versions.contains_key(&change.setting));
        for change in of_settings.filter(|change| change.step == progress.step) {
            lines.push(format!(
                "{} is {} from here on, it was {}",
                change.setting.replace('_', "-"),
                change.to,
                change.from
            ));
        }
        let total = |epochs: u32| self.steps_per_epoch() as u64 * u64::from(epochs);
        let epochs =
            self.own.info.changes.iter().rfind(|change| change.setting == "epochs" && change.step == progress.step);
        if let Some(before) = epochs.and_then(|change| u32::try_from(change.from.as_u64()?).ok()) {
            let (then, now) =
                [before, self.config.epochs].map(|epochs| schedule.lr(progress.step, total(epochs))).into();
            if then != now {
                let what =
                    format!("the schedule {} is stretched over {} epochs", schedule.policy(), self.config.epochs);
                lines.push(format!("{what}: the learning rate goes on at {now:.3e}, not at {then:.3e}"));
            }
        }
        lines
    }

    /// Judges the best checkpoint (the latest where there is no validation split) on the test set, and leaves the report
    /// in the run directory.
    ///
    /// # Errors
    /// A run without a checkpoint; files that cannot be written.
    pub fn report(&mut self) -> Result<Report> {
        const BEST: &str = "checkpoints/best.safetensors";
        let (model, meta) = load_model(&self.own.run.file(BEST), &self.device)?;
        let (test, target) = (&self.test, self.device.target());
        let said = predictions(&model, test, &test.all(), meta.mean, meta.std)?;
        let (files, data) = (self.own.files.clone(), &self.own.data);
        let mut report = Report::new(&meta, target, said, files, data, Part::Test, BEST)?;
        report.fit = fit::note(self.own.logs.rows());
        let picture = report.picture()?;
        report.write(self.own.run.path(), &picture)?;
        self.own.logs.report(self.meta.progress.step, &report.sums, &picture)?;
        Ok(report)
    }

    /// Writes the epoch's checkpoint, `best` if it is the best so far, and `last`.
    pub(super) fn finish_epoch(&mut self, epoch: u32, judged: Option<f64>) -> Result<()> {
        let progress = &mut self.meta.progress;
        *progress = Progress { epoch, step_in_epoch: 0, sums: [0.0; 4], ..progress.clone() };
        // Without a validation split there is nothing to choose by (choosing on the test set would spoil it): the best
        // is then the latest.
        let best = match (judged, progress.best) {
            (Some(accuracy), Some((so_far, _))) => accuracy > so_far,
            _ => true,
        };
        if best {
            progress.best = judged.map(|accuracy| (accuracy, epoch));
        }
        let bytes = self.encode()?;
        write_atomic(&self.own.run.checkpoints().join(checkpoint::file(epoch)), &bytes)?;
        if best {
            write_atomic(&self.own.run.checkpoints().join("best.safetensors"), &bytes)?;
        }
        write_atomic(&self.own.run.checkpoints().join("last.safetensors"), &bytes)?;
        self.prune()
    }

    /// Removes checkpoints of epochs beyond those that are to be kept.
    pub(super) fn prune(&self) -> Result<()> {
        let folder = self.own.run.checkpoints();
        for epoch in checkpoint::superfluous(&checkpoint::epochs(&folder), self.config.keep.unwrap_or(KEPT) as usize) {
            let path = folder.join(checkpoint::file(epoch));
            std::fs::remove_file(&path).map_err(|e| unwritable(&path, &e))?;
        }
        Ok(())
    }

    /// The checkpoint's bytes. Before there is a checkpoint to go on from, `run.json` knows the kernels that led to it.
    fn encode(&mut self) -> Result<Vec<u8>> {
        let known = self.own.info.kernels.clone();
        for (ladder, problems) in self.device.choices().made() {
            self.own.info.kernels.entry(ladder).or_default().extend(problems);
        }
        if self.own.info.kernels != known {
            self.own.info.write(&self.own.run)?;
        }
        let optimizer = &self.moving.optimizer;
        self.meta.progress.optimizer_steps = optimizer.steps();
        self.meta.progress.averaged = self.average.as_ref().map_or(0, Averaged::steps);
        let average = self.average.as_ref().map(|average| average.network(&self.model)).transpose()?;
        checkpoint::encode(&self.model, average.map(|model| model as &dyn Layer), optimizer, &self.meta)
    }

    pub(super) fn save(&mut self, name: &str) -> Result<()> {
        let bytes = self.encode()?;
        write_atomic(&self.own.run.checkpoints().join(name), &bytes)
    }

    pub(super) fn not_finite(&self, when: &str, place: &str) -> Error {
        let run = self.own.run.path().display();
        // As short as it is written: 3e-4, not 3.0000000000000003e-4.
        let lower = (self.config.lr / 10.0) as f32;
        let fix = if self.own.run.checkpoints().join("last.safetensors").exists() {
            format!(
                "go on from epoch {} with a lower rate: ‹train resume={run} lr={lower:e}›",
                self.meta.progress.epoch
            )
        } else {
            format!("begin again with a lower rate: ‹train resume={run} lr={lower:e}›")
        };
        Error::Training(format!("the loss is not finite {when}: {place}; {fix}"))
    }
}
