//! The training loop.
//!
//! One step: draw a batch on the device, run the network on a tape, take the loss, walk the tape back, let the optimizer
//! move the parameters. Nothing in it waits for the device except the occasional look at the running sums.

mod begin;
mod frozen;
mod judge;
mod keep;
mod learn;

use std::sync::atomic::{AtomicBool, Ordering};

use super::checkpoint::{self, Checkpoint, FORMAT, Meta, Progress};
use super::config::Config;
use super::images::{Order, Resident};
use super::learning::Learning;
use super::logs::Logs;
use super::logs::metrics::{Row, Split, Watch};
use super::logs::steps::{self, Step};
use super::observer::{Observer, Outcome, Running};
use super::rehearsal;
use super::roles;
use super::run_dir::{RunDir, RunInfo};
use crate::data::record::{Record, Role};
use crate::data::{Dataset, class_counts};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::bad_values::first_bad_layer;
use crate::nn::{Layer, Pass, Sequential};
use crate::op::augment::Channels;
use crate::op::cross_entropy::ClassWeights;
use crate::op::metrics::{Metrics, Totals};
use crate::op::random::Key;
use crate::optim::{Optimizer, Schedule};
use crate::tape::Tape;
use begin::Begun;
use frozen::Frozen;
use learn::learn;

/// Checkpoints of epochs that are kept where nothing else is asked for, beside the best, the last and epoch 0.
const KEPT: u32 = 50;

/// A training under way.
pub struct Trainer {
    config: Config,
    device: Device,
    model: Sequential,
    learning: Learning,
    optimizer: Optimizer,
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
        if config.batch_size > chosen.len() {
            let what = format!("there are {} images to train on; use at most that", chosen.len());
            return Err(Error::usage(format!("‹batch_size={}›: {what}", config.batch_size)));
        }
        let labels: Vec<i32> = chosen.iter().map(|&index| data.train.labels[index as usize]).collect();
        let counts = class_counts(&labels, data.classes.len());
        let weights =
            config.class_weights.of(&counts).map(|weights| ClassWeights::new(device, &weights)).transpose()?;
        let input = data.train.input();
        config.augmentation()?.check([[data.train.height, data.train.width], input])?;
        let steps = (chosen.len() / config.batch_size) as u64;
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
        let mut optimizer = learning.optimizer(&config)?;
        if let Some(checkpoint) = from {
            (meta.progress, meta.schedule) = begin::restored(checkpoint, &config, &model, &mut optimizer)?;
        }
        let resident = |images| Ok::<_, Error>(Resident::new(device, images)?.giving(config.precision.dtype()));
        let val = if data.val.is_empty() { None } else { Some(resident(&data.val)?) };
        let (images, test) = (resident(&data.train)?, resident(&data.test)?);
        let mut info = RunInfo::new(&config, device, data, Record::of(data, &roles))?;
        info.weights = begun.hash.take();
        let run = run(&info)?;
        let warnings = info.follow(RunInfo::read_whole(&run)?, meta.progress.step);
        device.choices().prefer(&info.kernels);
        let logs = Logs::open(&run, format!("{} on {}", config.model, data.name), &meta.progress)?;
        let (device, data) = (device.clone(), data.name.clone());
        let own = Own { run, info, logs, data, warnings, begun };
        let (frozen, too_large) = (None, None);
        Ok(Self {
            images,
            val,
            test,
            device,
            config,
            model,
            learning,
            optimizer,
            frozen,
            too_large,
            chosen,
            labels,
            weights,
            held_back,
            meta,
            own,
        })
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

    /// The network.
    pub fn model(&self) -> &Sequential {
        &self.model
    }

    /// The run directory.
    pub fn run_dir(&self) -> &RunDir {
        &self.own.run
    }

    /// Steps in one epoch: whole batches only (a short last batch would weigh its images more).
    pub fn steps_per_epoch(&self) -> usize {
        self.chosen.len() / self.config.batch_size
    }

    /// Trains until all epochs are done or `stop` is set.
    ///
    /// # Errors
    /// A loss that is not finite: names epoch, step and the first bad layer. Files that cannot be written.
    pub fn run(&mut self, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Outcome> {
        let next = self.meta.progress.epoch.saturating_add(1);
        let evaluated = [self.held_back.len(), self.val.as_ref().map_or(0, Resident::len), self.test.len()];
        self.own.info.write(&self.own.run)?;
        if self.meta.progress.step == 0 {
            // How the network was drawn; what explaining compares with, too.
            self.save(&checkpoint::file(0))?;
        }
        self.prune()?;
        rehearsal::prepare(&self.meta, evaluated, &self.device, observer)?;
        for epoch in next..=self.config.epochs {
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
            self.own.logs.epoch(&rows)?;
            self.finish_epoch(epoch, judged.map(|r| r.top1))?;
            self.own.logs.draw()?;
            observer.epoch(epoch, &rows);
            if stop.load(Ordering::Relaxed) && epoch < self.config.epochs {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    /// The order in which `epoch` takes the pictures to train on, or what frozen layers made of them.
    fn order(&self, epoch: u32) -> Result<Order> {
        let order = self.config.sample.order(&self.labels, self.config.seed, epoch as u64);
        match &self.frozen {
            Some(frozen) => frozen.train.order(&order),
            None => {
                let order: Vec<u32> = order.into_iter().map(|position| self.chosen[position as usize]).collect();
                self.images.order(&order)
            }
        }
    }

    /// One epoch from where it stands; none if it was interrupted.
    fn epoch(&mut self, epoch: u32, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Option<Vec<Row>>> {
        let order = self.order(epoch)?;
        let images = self.frozen.as_ref().map_or(&self.images, |frozen| &frozen.train);
        let [_, model] = self.model.chain().cut(self.frozen.as_ref().map_or(0, |frozen| frozen.layers));
        let fixed = self.learning.fixed(epoch);
        let (batch, steps) = (self.config.batch_size, self.steps_per_epoch());
        let total = steps as u64 * self.config.epochs as u64;
        let totals = Totals::from_sums(&self.device, self.meta.progress.sums)?;
        let how = self.config.augmentation()?;
        let channels = Channels { mean: self.meta.mean, std: self.meta.std };
        // Looking at the sums waits for the device: that drains the queue where there is one, and else costs nothing.
        let every = if self.device.stream().is_some() { 20 } else { 1 };
        let watch = Watch::start(&self.device);
        let already = self.meta.progress.step_in_epoch;
        let mut lr = 0.0;
        for at in already..steps {
            self.device.sort_memory();
            let step = self.meta.progress.step;
            let key = Key { seed: self.config.seed, step, stream: 0 };
            let drawn = images.augmented(&order, at * batch, batch, &how, &channels, key)?;
            let mut tape = Tape::new();
            self.learning.learned(epoch).for_each(|tensor| tape.watch(tensor));
            let mut pass = Pass::training(&mut tape, self.config.seed, step).fixing(&fixed);
            let logits = model.forward(&mut pass, &drawn.x)?;
            let loss = drawn.loss(&mut tape, &logits, self.config.label_smoothing, self.weights.as_ref())?;
            totals.add(&loss, &logits, drawn.labels(), step as u32)?;
            let stopping = stop.load(Ordering::Relaxed) && at + 1 < steps;
            let look = stopping || (at + 1) % every == 0 || at + 1 == steps;
            let sums = if look { Some(totals.read()?) } else { None };
            if let Some(bad) = sums.as_ref().and_then(|sums| sums.first_bad_step) {
                // Counted from 1 and from the start of the epoch.
                let number = at + 1 - (step as u32).wrapping_sub(bad) as usize;
                let mut tape = Tape::new();
                let mut pass = Pass::training(&mut tape, self.config.seed, step).fixing(&fixed);
                let place = first_bad_layer(&model, &drawn.x, &mut pass);
                return Err(self.not_finite(&format!("in epoch {epoch}, step {number}"), &place));
            }
            lr = self.meta.schedule.prepare(&mut self.optimizer, step, total)?;
            learn(&mut self.optimizer, self.meta.progress.scaling.as_mut(), tape, &loss, lr as f32)?;
            self.meta.progress.step += 1;
            self.meta.progress.step_in_epoch = at + 1;
            if let Some(sums) = sums {
                let images = (at + 1 - already) * batch;
                let Metrics { loss, top1, top5, .. } = sums;
                if steps::due(at + 1, steps, every) {
                    self.own.logs.step(Step { epoch, step_in_epoch: at + 1, step: step + 1, loss, top1, top5, lr })?;
                }
                let running = Running { loss, top1, top5, images_per_second: images as f64 / watch.seconds() };
                observer.step(&self.meta.progress, steps, running);
            }
            if stopping {
                self.meta.progress.sums = totals.sums()?;
                return Ok(None);
            }
        }
        // Of an epoch that was interrupted, the time is that of the part after it.
        let images = (steps - already.min(steps)) * batch;
        Ok(Some(vec![watch.row(epoch, Split::Train, &totals.read()?, lr, images as u64)]))
    }
}
