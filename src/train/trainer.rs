//! The training loop.
//!
//! One step: draw a batch on the device, run the network on a tape, take the loss, walk the tape back, let the optimizer
//! move the parameters. Nothing in it waits for the device except the occasional look at the running sums.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::checkpoint::{self, Checkpoint, FORMAT, Meta, Progress};
use super::config::Config;
use super::curves;
use super::evaluate::{evaluate, first_bad_layer};
use super::images::Resident;
use super::metrics::{Metrics, Row, Split, read};
use super::run_dir::{RunDir, write_atomic};
use crate::data::{Dataset, split};
use crate::device::{Device, Target};
use crate::error::{Error, Result};
use crate::nn::{Layer, Pass, Sequential, models, parameters};
use crate::op::augment::Augment;
use crate::op::cross_entropy::cross_entropy;
use crate::op::metrics::{Metrics as Sums, Totals};
use crate::op::random::Key;
use crate::optim::{Optimizer, Schedule};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What a training tells whoever watches it.
pub trait Observer {
    /// After a look at the sums: where training stands and the epoch's running means.
    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running);
    /// After each epoch: its rows of `metrics.csv`.
    fn epoch(&mut self, epoch: u32, rows: &[Row]);
}

/// Means over the epoch so far.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    pub loss: f64,
    pub top1: f64,
    pub images_per_second: f64,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Asked to stop; `last.safetensors` holds the step it stopped at.
    Interrupted,
}

/// A training under way.
pub struct Trainer {
    config: Config,
    device: Device,
    model: Sequential,
    optimizer: Optimizer,
    images: Resident,
    test: Resident,
    chosen: Vec<u32>,
    held_back: Vec<u32>,
    meta: Meta,
    run: RunDir,
    rows: Vec<Row>,
}

impl Trainer {
    /// Starts training `config` on `data` into `run`; with `from`, goes on where that checkpoint stands.
    pub fn new(
        config: Config,
        data: &Dataset,
        device: &Device,
        run: RunDir,
        from: Option<&Checkpoint>,
    ) -> Result<Self> {
        config.check()?;
        let (mean, std) = data.train.mean_std();
        let parts = split::fraction(&data.train, config.train_fraction, config.seed)?;
        let (chosen, held_back) = split::validation(&data.train.select(&parts), config.validation, config.seed)?;
        let pick = |positions: Vec<u32>| -> Vec<u32> { positions.into_iter().map(|p| parts[p as usize]).collect() };
        let (chosen, held_back) = (pick(chosen), pick(held_back));
        let model = models::build(&config.model, data.classes.len(), device, config.seed)?;
        let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let mut optimizer = Optimizer::new(&config.optimizer()?, tensors)?;
        let mut progress = Progress::default();
        let steps = (chosen.len() / config.batch_size).max(1) as u64;
        let mut schedule = Schedule::new(config.policy()?, config.lr, steps);
        let mut rows = Vec::new();
        if let Some(checkpoint) = from {
            if checkpoint.meta.data_hash != data.hash {
                let what = format!("the data '{}' are not those that the run was trained on", config.data);
                return Err(Error::file(run.path(), what));
            }
            checkpoint.restore_model(&model)?;
            checkpoint.restore_optimizer(&mut optimizer, &model)?;
            progress = checkpoint.meta.progress.clone();
            schedule = checkpoint.meta.schedule.clone();
            rows = read(&run.file("metrics.csv"))?;
            rows.retain(|row| row.epoch <= progress.epoch);
        }
        let meta = Meta {
            format: FORMAT,
            classes: data.classes.clone(),
            input: [data.train.height, data.train.width],
            mean: mean.map(|m| m as f32),
            std: std.map(|s| s as f32),
            data_hash: data.hash.clone(),
            schedule,
            progress,
            config: config.clone(),
        };
        Ok(Self {
            images: Resident::new(device, &data.train)?,
            test: Resident::new(device, &data.test)?,
            device: device.clone(),
            config,
            model,
            optimizer,
            chosen,
            held_back,
            meta,
            run,
            rows,
        })
    }

    /// The network.
    pub fn model(&self) -> &Sequential {
        &self.model
    }

    /// The run directory.
    pub fn run_dir(&self) -> &RunDir {
        &self.run
    }

    /// Steps in one epoch: whole batches only (a short last batch would weigh its images more), but at least one.
    pub fn steps_per_epoch(&self) -> usize {
        (self.chosen.len() / self.config.batch_size).max(1)
    }

    /// Trains until all epochs are done or `stop` is set.
    ///
    /// # Errors
    /// A loss that is not finite: names epoch, step and the first bad layer. Files that cannot be written.
    pub fn run(&mut self, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Outcome> {
        let next = self.meta.progress.epoch + 1;
        let path = self.run.file("metrics.csv");
        let mut metrics =
            if next > 1 || path.exists() { Metrics::resume(&path, next)? } else { Metrics::create(&path)? };
        for epoch in next..=self.config.epochs {
            let Some(mut rows) = self.epoch(epoch, stop, observer)? else {
                self.save("last.safetensors")?;
                return Ok(Outcome::Interrupted);
            };
            let lr = rows[0].lr;
            if !self.held_back.is_empty() {
                let started = Instant::now();
                let sums = self.evaluate(&self.images, &self.held_back)?;
                rows.push(self.row(epoch, Split::Val, &sums, lr, started));
            }
            let started = Instant::now();
            rows.push(self.row(epoch, Split::Test, &self.evaluate_test()?, lr, started));
            let judged = rows.iter().find(|r| r.split == Split::Val);
            self.meta.schedule.observe(judged.map_or(rows[0].loss, |r| r.loss));
            rows.iter().try_for_each(|row| metrics.append(row))?;
            self.finish_epoch(epoch, judged.map(|r| r.top1))?;
            self.rows.extend(rows.iter().cloned());
            let title = format!("{} on {}", self.config.model, self.config.data);
            curves::draw(&self.rows, &title, self.run.path())?;
            observer.epoch(epoch, &rows);
        }
        Ok(Outcome::Finished)
    }

    /// Loss and accuracy on the test set, in inference mode.
    pub fn evaluate_test(&self) -> Result<Sums> {
        let all: Vec<u32> = (0..self.test.len() as u32).collect();
        self.evaluate(&self.test, &all)
    }

    /// One epoch from where it stands; none if it was interrupted.
    fn epoch(&mut self, epoch: u32, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Option<Vec<Row>>> {
        let order = split::shuffle(self.chosen.len(), self.config.seed, epoch as u64);
        let order: Vec<u32> = order.into_iter().map(|position| self.chosen[position as usize]).collect();
        let order = self.images.order(&order)?;
        let batch = self.config.batch_size.min(self.chosen.len());
        let steps = self.steps_per_epoch();
        let total = steps as u64 * self.config.epochs as u64;
        let totals = Totals::new(&self.device)?;
        let (padding, flip) = self.config.augmentation()?;
        let how = Augment { padding, flip, mean: self.meta.mean, std: self.meta.std };
        // Looking at the sums waits for the device: on the host that costs nothing, on a GPU it drains the queue.
        let every = if matches!(self.device.target(), Target::Cuda) { 20 } else { 1 };
        let started = Instant::now();
        let already = self.meta.progress.step_in_epoch;
        let mut lr = 0.0;
        for at in already..steps {
            let step = self.meta.progress.step;
            let key = Key { seed: self.config.seed, step, stream: 0 };
            let (x, labels) = self.images.batch(&order, at * batch, batch, &how, key)?;
            let mut tape = Tape::new();
            parameters(&self.model).iter().for_each(|(_, tensor)| tape.watch(tensor));
            let logits = self.model.forward(&mut Pass::training(&mut tape, self.config.seed, step), &x)?;
            let loss = cross_entropy(&mut tape, &logits, &labels, self.config.label_smoothing)?;
            totals.add(&loss, &logits, &labels, step as u32)?;
            let look = (at + 1) % every == 0 || at + 1 == steps;
            if look {
                let sums = totals.read()?;
                if let Some(bad) = sums.first_bad_step {
                    return Err(self.not_finite(epoch, bad as u64 - (step - at as u64), &x));
                }
            }
            let gradients = tape.backward(&loss)?;
            lr = self.meta.schedule.lr(step, total);
            self.optimizer.step(&gradients, lr as f32)?;
            self.meta.progress.step += 1;
            self.meta.progress.step_in_epoch = at + 1;
            if look {
                let sums = self.sums(&totals.read()?);
                let seconds = started.elapsed().as_secs_f64();
                let images = (at + 1 - already) * batch;
                let running = Running {
                    loss: sums[0] / sums[3],
                    top1: sums[1] / sums[3],
                    images_per_second: images as f64 / seconds,
                };
                observer.step(&self.meta.progress, steps, running);
            }
            if stop.load(Ordering::Relaxed) && at + 1 < steps {
                self.meta.progress.sums = self.sums(&totals.read()?);
                return Ok(None);
            }
        }
        let sums = self.sums(&totals.read()?);
        let read = Sums {
            loss: sums[0] / sums[3],
            top1: sums[1] / sums[3],
            top5: sums[2] / sums[3],
            count: sums[3] as u64,
            first_bad_step: None,
        };
        Ok(Some(vec![self.row(epoch, Split::Train, &read, lr, started)]))
    }

    /// The epoch's sums: what an interrupted part of it left, and `now`.
    fn sums(&self, now: &Sums) -> [f64; 4] {
        let n = now.count as f64;
        let new = [now.loss * n, now.top1 * n, now.top5 * n, n];
        std::array::from_fn(|i| self.meta.progress.sums[i] + if n > 0.0 { new[i] } else { 0.0 })
    }

    fn row(&self, epoch: u32, split: Split, sums: &Sums, lr: f64, started: Instant) -> Row {
        let seconds = started.elapsed().as_secs_f64();
        Row {
            epoch,
            split,
            loss: sums.loss,
            top1: sums.top1,
            top5: sums.top5,
            lr,
            seconds,
            images_per_second: sums.count as f64 / seconds,
            peak_bytes: self.device.memory().peak,
        }
    }

    fn evaluate(&self, images: &Resident, indices: &[u32]) -> Result<Sums> {
        evaluate(&self.model, images, indices, self.meta.mean, self.meta.std)
    }

    /// Writes the epoch's checkpoint, `best` if it is the best so far, and `last`.
    fn finish_epoch(&mut self, epoch: u32, judged: Option<f64>) -> Result<()> {
        let steps = self.meta.progress.optimizer_steps;
        let progress = &mut self.meta.progress;
        *progress = Progress { epoch, step_in_epoch: 0, sums: [0.0; 4], optimizer_steps: steps, ..progress.clone() };
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
        write_atomic(&self.run.checkpoints().join(format!("epoch-{epoch:04}.safetensors")), &bytes)?;
        if best {
            write_atomic(&self.run.checkpoints().join("best.safetensors"), &bytes)?;
        }
        write_atomic(&self.run.checkpoints().join("last.safetensors"), &bytes)
    }

    fn encode(&mut self) -> Result<Vec<u8>> {
        self.meta.progress.optimizer_steps = self.optimizer.steps();
        checkpoint::encode(&self.model, &self.optimizer, &self.meta)
    }

    fn save(&mut self, name: &str) -> Result<()> {
        let bytes = self.encode()?;
        write_atomic(&self.run.checkpoints().join(name), &bytes)
    }

    fn not_finite(&self, epoch: u32, step: u64, x: &Tensor) -> Error {
        let place = first_bad_layer(&self.model, x, self.config.seed, self.meta.progress.step);
        let last = self.run.checkpoints().join("last.safetensors");
        let kept = if last.exists() { format!("; {} is from before", last.display()) } else { String::new() };
        Error::Training(format!(
            "the loss is not finite in epoch {epoch}, step {}: {place}; try a smaller --lr{kept}",
            step + 1
        ))
    }
}
