//! One epoch's steps.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Trainer;
use super::learn::gradients;
use super::losses::Losses;
use crate::error::Result;
use crate::nn::bad_values::first_bad_layer;
use crate::nn::{Layer, Pass};
use crate::op::augment::Channels;
use crate::op::metrics::{Metrics, Totals};
use crate::op::random::Key;
use crate::tape::{Gradients, Tape};
use crate::train::images::Order;
use crate::train::logs::metrics::{Row, Split, Watch};
use crate::train::logs::steps::{self, Step};
use crate::train::observer::{Observer, Running};

impl Trainer {
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
    pub(super) fn epoch(
        &mut self,
        epoch: u32,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Row>>> {
        let order = self.order(epoch)?;
        let images = self.frozen.as_ref().map_or(&self.images, |frozen| &frozen.train);
        let [_, model] = self.model.chain().cut(self.frozen.as_ref().map_or(0, |frozen| frozen.layers));
        let fixed = self.learning.fixed(epoch);
        let (batch, steps, seed) = (self.config.batch_size, self.steps_per_epoch(), self.config.seed);
        let batches = self.config.accumulate;
        let total = steps as u64 * self.config.epochs as u64;
        let totals = Totals::from_sums(&self.device, self.meta.progress.sums)?;
        let how = self.config.augmentation()?.in_epoch(epoch.into());
        let channels = Channels { mean: self.meta.mean, std: self.meta.std };
        // Looking at the sums waits for the device: that drains the queue where there is one, and else costs nothing.
        let every = observer.every().unwrap_or(if self.device.stream().is_some() { 20 } else { 1 });
        let mut losses = Losses::new(&self.device, every.min(steps), batches)?;
        let watch = Watch::start(&self.device);
        let already = self.meta.progress.step_in_epoch;
        let mut lr = 0.0;
        for at in already..steps {
            self.device.sort_memory();
            let step = self.meta.progress.step;
            let (mut sum, mut input): (Option<Gradients>, _) = (None, None);
            for part in 0..batches {
                // Each batch of a step draws numbers of its own.
                let draw = step * batches as u64 + part as u64;
                let key = Key { seed, step: draw, stream: 0 };
                let drawn = images.augmented(&order, (at * batches + part) * batch, batch, &how, &channels, key)?;
                let mut tape = Tape::new();
                self.learning.learned(epoch).for_each(|tensor| tape.watch(tensor));
                let mut pass = Pass::training(&mut tape, seed, draw).fixing(&fixed);
                let logits = model.forward(&mut pass, &drawn.x)?;
                let loss = drawn.loss(&mut tape, &logits, self.config.label_smoothing, self.weights.as_ref())?;
                totals.add(&loss, &logits, drawn.labels(), step as u32)?;
                losses.add(part, &loss)?;
                let of_batch = gradients(self.meta.progress.scaling.as_ref(), tape, &loss, batches)?;
                sum = Some(match sum.take() {
                    Some(mut sum) => sum.merge(of_batch).map(|()| sum)?,
                    None => of_batch,
                });
                input = Some((drawn, draw));
            }
            let stopping = stop.load(Ordering::Relaxed) && at + 1 < steps;
            let look = stopping || (at + 1) % every == 0 || at + 1 == steps;
            let sums = if look { Some(totals.read()?) } else { None };
            if let Some(bad) = sums.as_ref().and_then(|sums| sums.first_bad_step) {
                // Counted from 1 and from the start of the epoch.
                let number = at + 1 - (step as u32).wrapping_sub(bad) as usize;
                self.own.logs.taken(&losses.take()?)?;
                let (drawn, draw) = input.expect("a step has a batch");
                let mut tape = Tape::new();
                let mut pass = Pass::training(&mut tape, seed, draw).fixing(&fixed);
                let place = first_bad_layer(&model, &drawn.x, &mut pass);
                return Err(self.not_finite(&format!("in epoch {epoch}, step {number}"), &place));
            }
            lr = self.meta.schedule.prepare(&mut self.moving.optimizer, step, total)?;
            let sum = sum.expect("a step has a batch");
            let moved = self.moving.step(self.meta.progress.scaling.as_mut(), &sum, lr as f32)?;
            if let Some(average) = self.average.as_mut().filter(|_| moved) {
                average.step()?;
            }
            losses.taken(step + 1, lr);
            self.meta.progress.step += 1;
            self.meta.progress.step_in_epoch = at + 1;
            if let Some(sums) = sums {
                let images = (at + 1 - already) * batch * batches;
                self.own.logs.taken(&losses.take()?)?;
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
        let images = (steps - already.min(steps)) * batch * batches;
        Ok(Some(vec![watch.row(epoch, Split::Train, &totals.read()?, lr, images as u64)]))
    }
}
