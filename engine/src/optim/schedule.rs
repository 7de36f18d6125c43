//! Learning rates over time, one per optimizer step, with PyTorch's formulas; and the momentum that one-cycle may cycle.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Optimizer;
use crate::error::Result;

/// What a configuration says about the learning rate, written as one word: `constant`, `step:30:0.1`,
/// `multistep:30,60:0.1`, `cosine`, `restarts:10:2`, `triangle:0.2:0.23:0.07`, `onecycle`, `plateau:10:0.1`; each but `triangle`
/// and `onecycle` also with `:warmup=N`, a linear rise over the first N optimizer steps, and `onecycle` with
/// `:momentum=0.85-0.95`. Milestones are epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Policy {
    /// The course of the full rate, which a warm-up scales.
    pub curve: Curve,
    /// Optimizer steps over which the rate rises from [`WARMUP_START`] of itself.
    pub warmup: u64,
}

/// Where a warm-up starts, as a share of the rate.
pub const WARMUP_START: f64 = 0.1;

/// How the rate goes down.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// It does not.
    Constant,
    /// Times `factor` every so many epochs.
    Step {
        /// From one drop to the next; at least 1.
        epochs: u64,
        /// Above 0 and below 1.
        factor: f64,
    },
    /// Times `factor` at each of these epochs.
    MultiStep {
        /// Completed epochs at each drop: 30 means from the 31st on.
        epochs: Vec<u64>,
        /// Above 0 and below 1.
        factor: f64,
    },
    /// Half a cosine to 0 at the end of training.
    Cosine,
    /// Half a cosine to 0 over so many epochs, then again from the full rate over `factor` times as many as the last time
    /// (Loshchilov, Hutter: "SGDR", 2017; PyTorch's `CosineAnnealingWarmRestarts`).
    Restarts {
        /// Of the first half cosine; at least 1.
        epochs: u64,
        /// At least 1.
        factor: u64,
    },
    /// Up from 1/25 of the rate over the first 30 % of all steps and down to 1/250 000, both along half a cosine.
    OneCycle {
        /// The least and the greatest momentum (of Adam, β₁), if it is cycled: from the greatest down to the least as the
        /// rate goes up, and back. Both above 0 and below 1. PyTorch cycles from 0.95 to 0.85 unless told not to.
        momentum: Option<[f64; 2]>,
    },
    /// Along a straight line up to the full rate, and along another one down: airbench's; with a peak at 0 PyTorch's `LinearLR`.
    Triangle {
        /// Where the first begins and the second ends, as shares of the rate; from 0 to 1.
        ends: [f64; 2],
        /// Where the full rate is reached, as a share of all steps; at least 0 and below 1.
        peak: f64,
    },
    /// From `from` up to `to` over so many steps, at each by the same factor, whatever the full rate is (the range test of Smith,
    /// "Cyclical learning rates", 2017).
    Range {
        /// Where it begins, and where it ends and stays; both above 0.
        rates: [f64; 2],
        /// At least 2.
        steps: u64,
    },
    /// Times `factor` when the validation loss has not improved for more than `patience` epochs in a row.
    Plateau {
        /// Epochs without improvement that are let pass.
        patience: u32,
        /// Above 0 and below 1.
        factor: f64,
    },
}

/// The learning rate of one run. All of it is serializable: a checkpoint holds the plateau's state with the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    policy: Policy,
    base: f64,
    steps_per_epoch: u64,
    /// The plateau's present rate, best metric so far and epochs since.
    rate: f64,
    best: Option<f64>,
    bad_epochs: u32,
}

impl Schedule {
    /// A schedule whose full rate is `base`.
    pub fn new(policy: Policy, base: f64, steps_per_epoch: u64) -> Self {
        let steps_per_epoch = steps_per_epoch.max(1);
        Self { policy, base, steps_per_epoch, rate: base, best: None, bad_epochs: 0 }
    }

    /// The rate of optimizer step `step` (from 0) of `total_steps`.
    ///
    /// Cosine comes down over the steps that the warm-up leaves, and restarts count from its end; milestones count from the start
    /// of training.
    pub fn lr(&self, step: u64, total_steps: u64) -> f64 {
        let warmup = self.policy.warmup;
        // At least 1 as made here; a damaged checkpoint may say 0.
        let epoch = step / self.steps_per_epoch.max(1);
        let full = match &self.policy.curve {
            Curve::Constant => self.base,
            Curve::Step { epochs, factor } => self.base * factor.powf((epoch / epochs) as f64),
            Curve::MultiStep { epochs, factor } => {
                let passed = epochs.iter().filter(|&&milestone| milestone <= epoch).count();
                self.base * factor.powf(passed as f64)
            }
            Curve::Cosine => {
                let length = total_steps.saturating_sub(warmup).max(1) as f64;
                half_cosine(self.base, 0.0, step.saturating_sub(warmup) as f64 / length)
            }
            Curve::Restarts { epochs, factor } => {
                let first = epochs.saturating_mul(self.steps_per_epoch.max(1));
                half_cosine(self.base, 0.0, since_restart(step.saturating_sub(warmup), first, *factor))
            }
            Curve::OneCycle { .. } => cycle([self.base / 25.0, self.base, self.base / 25.0 / 1e4], step, total_steps),
            Curve::Triangle { ends: [start, end], peak } => {
                let up = (peak * total_steps as f64) as u64;
                let line = |from: f64, to: f64, share: f64| self.base * (from * (1.0 - share) + to * share);
                if step < up {
                    line(*start, 1.0, step as f64 / up as f64)
                } else {
                    let share = (step - up) as f64 / total_steps.saturating_sub(up).max(1) as f64;
                    line(1.0, *end, share.min(1.0))
                }
            }
            Curve::Range { rates: [from, to], steps } => {
                let share = step as f64 / (steps.saturating_sub(1).max(1)) as f64;
                from * (to / from).powf(share.min(1.0))
            }
            Curve::Plateau { .. } => self.rate,
        };
        if step >= warmup {
            return full;
        }
        full * (WARMUP_START + (1.0 - WARMUP_START) * step as f64 / warmup as f64)
    }

    /// The momentum (of Adam, β₁) of optimizer step `step` (from 0) of `total_steps`; none where it stays as configured.
    pub fn momentum(&self, step: u64, total_steps: u64) -> Option<f64> {
        match self.policy.curve {
            Curve::OneCycle { momentum: Some([least, most]) } => Some(cycle([most, least, most], step, total_steps)),
            _ => None,
        }
    }

    /// Readies `optimizer` for step `step` (from 0) of `total_steps`, and returns the step's rate.
    ///
    /// # Errors
    /// An optimizer without the momentum that is to be cycled.
    pub fn prepare(&self, optimizer: &mut Optimizer, step: u64, total_steps: u64) -> Result<f64> {
        self.momentum(step, total_steps).map_or(Ok(()), |momentum| optimizer.set_momentum(momentum))?;
        Ok(self.lr(step, total_steps))
    }

    /// Tells the plateau the validation loss of an epoch; the other curves do not listen. Better means lower by more
    /// than 1e-4 of the best so far, and NaN is never better.
    pub fn observe(&mut self, loss: f64) {
        let Curve::Plateau { patience, factor } = self.policy.curve else { return };
        let better = match self.best {
            Some(best) => loss < best * (1.0 - 1e-4),
            None => !loss.is_nan(),
        };
        if better {
            (self.best, self.bad_epochs) = (Some(loss), 0);
            return;
        }
        self.bad_epochs += 1;
        if self.bad_epochs > patience {
            self.bad_epochs = 0;
            let lower = self.rate * factor;
            // PyTorch leaves rates alone that would hardly change.
            if self.rate - lower > 1e-8 {
                self.rate = lower;
            }
        }
    }

    /// From now on the schedule of a run whose full rate is `base`; nothing changes if it is that already.
    pub fn set_base(&mut self, base: f64) {
        if base != self.base {
            (self.base, self.rate) = (base, base);
        }
    }

    /// What the schedule was made from.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// From the first value to the second over 30 % of the steps, and to the third by the last.
fn cycle([start, middle, end]: [f64; 3], step: u64, total_steps: u64) -> f64 {
    let last = total_steps.saturating_sub(1) as f64;
    let (top, at) = (0.3 * total_steps as f64 - 1.0, step as f64);
    if at <= top {
        half_cosine(start, middle, if top > 0.0 { at / top } else { 1.0 })
    } else {
        half_cosine(middle, end, (at - top) / (last - top))
    }
}

/// How much of its cycle is over at `step`, where the first takes `length` steps, at least 1, and each `factor` times as many as
/// the one before it.
fn since_restart(mut step: u64, mut length: u64, factor: u64) -> f64 {
    if factor == 1 {
        step %= length;
    }
    while step >= length {
        step -= length;
        length = length.saturating_mul(factor);
    }
    step as f64 / length as f64
}

/// From `start` to `end` as `share` goes from 0 to 1, where it stays.
fn half_cosine(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * share.min(1.0)).cos())
}
