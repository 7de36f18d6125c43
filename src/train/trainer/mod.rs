//! The training loop.
//!
//! One step ([`epoch`]): draw a batch on the device, run the network on a tape, take the loss, walk the tape back, let the optimizer
//! move the parameters. Nothing in it waits for the device except the occasional look at the running sums.

mod average;
mod begin;
mod epoch;
mod frozen;
mod judge;
mod keep;
mod learn;
mod losses;

use std::sync::atomic::{AtomicBool, Ordering};

use super::checkpoint::{self, Checkpoint, FORMAT, Meta, Progress};
use super::config::Config;
use super::images::Resident;
use super::learning::Learning;
use super::logs::Logs;
use super::logs::metrics::Split;
use super::observer::{Observer, Outcome};
use super::rehearsal;
use super::roles;
use super::run_dir::{RunDir, RunInfo};
use super::whitening::whiten;
use crate::data::record::{Record, Role};
use crate::data::{Dataset, class_counts};
use crate::device::Device;
use crate::error::Result;
use crate::nn::Sequential;
use crate::op::augment::Channels;
use crate::op::cross_entropy::ClassWeights;
use crate::optim::Schedule;
pub(super) use average::Averaged;
use begin::Begun;
use frozen::Frozen;
pub(super) use learn::{Moving, gradients};

/// Checkpoints of epochs that are kept where nothing else is asked for, beside the best, the last and epoch 0.
const KEPT: u32 = 50;

/// A training under way.
pub struct Trainer {
    config: Config,
    device: Device,
    model: Sequential,
    learning: Learning,
    moving: Moving,
    average: Option<Averaged>,
    /// What frozen layers made of the pictures, if that is kept.
    frozen: Option<Frozen>,
    /// First layers of which it takes too much memory.
    too_large: Option<usize>,
    images: Resident,
    test: Resident,
    chosen: Vec<u32>,
    /// The classes of those.
    labels: Vec<i32>,
    /// Weights of the classes in the loss, if they have any.
    weights: Option<ClassWeights>,
    held_back: Vec<u32>,
    /// The data set's own validation pictures; without them some of `images` are held back.
    val: Option<Resident>,
    meta: Meta,
    own: Own,
}

/// What a training leaves behind.
struct Own {
    run: RunDir,
    info: RunInfo,
    logs: Logs,
    /// The data set's name.
    data: String,
    /// The test pictures' files, if they are any.
    files: Vec<String>,
    warnings: Vec<String>,
    /// The weights of others that it began with.
    begun: Begun,
}

impl Trainer {
    /// Starts training `config` on `data`; with `from`, goes on where that checkpoint stands. The folder `run` is asked
    /// for last and gets the record that a new folder begins with, so that a start that fails leaves none behind.
    pub fn new(
        config: Config,
        data: &Dataset,
        device: &Device,
        run: impl FnOnce(&RunInfo) -> Result<RunDir>,
        from: Option<&Checkpoint>,
    ) -> Result<Self> {
        config.check()?;
        config.precision.check(device)?;
        from.map_or(Ok(()), |checkpoint| checkpoint.check_data(data))?;
        let roles = roles::roles(&config, data)?;
        let [chosen, held_back] = [Role::Train, Role::Held].map(|role| roles::with(&roles, role));
        let steps = config.check_amount(chosen.len())?;
        let labels: Vec<i32> = chosen.iter().map(|&index| data.train.labels[index as usize]).collect();
        let counts = class_counts(&labels, data.classes.len());
        let weights =
            config.class_weights.of(&counts).map(|weights| ClassWeights::new(device, &weights)).transpose()?;
        let input = data.train.input();
        config.augmentation()?.check([[data.train.height, data.train.width], input])?;
        let named = begin::named(&config, from)?;
        let mut meta = Meta {
            format: FORMAT,
            classes: data.classes.clone(),
            outputs: begin::below_head(&config, input, named.as_ref(), from)?,
            input,
            mean: [0.0; 3],
            std: [1.0; 3],
            data_hash: data.hash.clone(),
            schedule: Schedule::new(config.policy()?, config.lr, steps),
            progress: Progress { scaling: config.precision.scaling(), ..Progress::default() },
            config: config.portable(None),
        };
        let model = meta.network(device, config.seed)?;
        let mut begun = begin::begun(&config, &model, named.as_ref(), from, data, &held_back)?;
        [meta.mean, meta.std] = begun.channels(&config, data, from)?;
        meta.config = config.portable(begun.hash.as_deref());
        let learning = Learning::new(&config, &model)?;
        begun.doubts.extend(learning.idle(&config));
        let mut moving = Moving::new(&config, &learning)?;
        if let Some(checkpoint) = from {
            (meta.progress, meta.schedule) = begin::restored(checkpoint, &config, &model, &mut moving.optimizer)?;
        }
        let average = Averaged::of(&meta, &model, from)?;
        let images = Resident::new(device, &data.train)?;
        if from.is_none() && named.is_none() {
            whiten(&model, &images, &chosen, &Channels { mean: meta.mean, std: meta.std })?;
        }
        let ready = |images: Resident| images.giving(config.precision.dtype()).viewed(config.tta);
        let other = |images| Resident::new(device, images).map(ready);
        let val = if data.val.is_empty() { None } else { Some(other(&data.val)?) };
        let (images, test) = (ready(images), other(&data.test)?);
        let mut info = RunInfo::new(&config, device, data, Record::of(data, &roles))?;
        info.weights = begun.hash.take();
        let run = run(&info)?;
        let warnings = info.follow(RunInfo::read_whole(&run)?, meta.progress.step);
        device.choices().prefer(&info.kernels);
        let logs = Logs::open(&run, &config, format!("{} on {}", config.network(), data.name), &meta.progress)?;
        let (device, data, files) = (device.clone(), data.name.clone(), data.test.names());
        let own = Own { run, info, logs, data, files, warnings, begun };
        let (frozen, too_large) = (None, None);
        let mut trainer = Self {
            images,
            val,
            test,
            device,
            config,
            model,
            learning,
            moving,
            average,
            frozen,
            too_large,
            chosen,
            labels,
            weights,
            held_back,
            meta,
            own,
        };
        trainer.own.warnings.extend(trainer.wishes()?);
        Ok(trainer)
    }

    /// Whether the best checkpoint is chosen, on validation pictures; without them it is the latest.
    pub fn chooses(&self) -> bool {
        self.val.is_some() || !self.held_back.is_empty()
    }

    /// What to say of steps whose gradients overflowed.
    pub fn skipped(&self) -> Option<String> {
        let scaling = self.meta.progress.scaling.as_ref().filter(|scaling| scaling.skipped > 0)?;
        let (skipped, steps) = (scaling.skipped, self.meta.progress.step);
        Some(format!(
            "{skipped} of {steps} steps were skipped: gradients overflowed f16 until the loss was scaled less"
        ))
    }

    /// The network that learns.
    pub fn model(&self) -> &Sequential {
        &self.model
    }

    /// The run directory.
    pub fn run_dir(&self) -> &RunDir {
        &self.own.run
    }

    /// Pictures that it trains on.
    pub fn pictures(&self) -> usize {
        self.chosen.len()
    }

    /// Steps in one epoch: whole batches only (a short last batch would weigh its images more).
    pub fn steps_per_epoch(&self) -> usize {
        self.chosen.len() / (self.config.batch_size * self.config.accumulate)
    }

    /// What to say if it has waited long enough for a better accuracy.
    fn waited(&self) -> Option<String> {
        let (_, best) = self.meta.progress.best?;
        let waited = self.meta.progress.epoch - best;
        let line =
            format!("no better validation accuracy than that of epoch {best} for {waited} epochs: training ends");
        self.config.patience.filter(|&patience| waited >= patience).map(|_| line)
    }

    /// Trains until all epochs are done, none has been better for long enough, or `stop` is set.
    ///
    /// # Errors
    /// A loss that is not finite: names epoch, step and the first bad layer. Files that cannot be written.
    pub fn run(&mut self, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Outcome> {
        let next = self.meta.progress.epoch.saturating_add(1);
        self.own.info.write(&self.own.run)?;
        if self.meta.progress.step == 0 {
            // How the network was drawn; what explaining compares with, too.
            self.save(&checkpoint::file(0))?;
        }
        self.prune()?;
        rehearsal::prepare(&self.meta, self.evaluated(), &self.device, observer)?;
        for epoch in next..=self.config.epochs {
            if let Some(line) = self.waited() {
                observer.note(&line);
                break;
            }
            self.freeze(epoch, observer)?;
            let Some(mut rows) = self.epoch(epoch, stop, observer)? else {
                self.own.logs.sync()?;
                self.save("last.safetensors")?;
                return Ok(Outcome::Interrupted);
            };
            let lr = rows[0].lr;
            self.judge(epoch, lr, &mut rows)?;
            let judged = rows.iter().find(|r| r.split == Split::Val);
            self.meta.schedule.observe(judged.map_or(rows[0].loss, |r| r.loss));
            self.own.logs.epoch(self.meta.progress.step, &rows)?;
            self.finish_epoch(epoch, judged.map(|r| r.top1))?;
            self.own.logs.draw()?;
            observer.epoch(epoch, &rows);
            if stop.load(Ordering::Relaxed) && epoch < self.config.epochs {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }
}
