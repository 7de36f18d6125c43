//! Which learning rate: a training whose rate rises from far too low to far too high, and what its loss says of each.
//!
//! The range test of Smith ("Cyclical learning rates for training neural networks", 2017): the loss falls once the rate is high
//! enough for anything to be learned, and rises once it is too high. The rate rises by the same factor at each step, losses
//! are smoothed, and the test ends where the smoothed loss is four times the lowest, as in fastai's `lr_find`.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::checkpoint::Progress;
use super::config::Config;
use super::logs::metrics::Row;
use super::observer::{Observer, Running};
use crate::draw::axis::{Axis, short};
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::Result;
use crate::files::write_atomic;
use crate::optim::Schedule;

/// How much of the smoothed loss each step keeps.
const KEPT: f64 = 0.98;
/// The test ends where the smoothed loss is so many times its lowest.
const DIVERGED: f64 = 4.0;
/// Steps at the beginning, of which smoothing makes no difference yet, and at the end, where the loss runs away: they suggest nothing.
const EDGES: [usize; 2] = [10, 5];

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The learning rate.
    pub lr: f64,
    /// The batch's loss under it, label smoothing included.
    pub loss: f64,
    /// Losses so far, smoothed, without the bias of the first.
    pub smoothed: f64,
}

/// A range test under way: an observer of the training, which it stops in the end.
pub struct RangeTest<'a> {
    schedule: Schedule,
    steps: u64,
    /// What stops the training.
    stop: &'a AtomicBool,
    /// What else may.
    outer: &'a AtomicBool,
    tried: Vec<Tried>,
    /// Of the losses so far, the sum in this epoch and the moving average, whose bias is not taken out.
    sums: (f64, f64),
    /// The lowest smoothed loss so far.
    lowest: f64,
}

impl<'a> RangeTest<'a> {
    /// Of so many `steps` of a training as `config` says, whose schedule is a range; sets `stop` after the last, and also if `outer` is
    /// set.
    ///
    /// # Errors
    /// A schedule that cannot be read.
    pub fn new(config: &Config, steps: u64, stop: &'a AtomicBool, outer: &'a AtomicBool) -> Result<Self> {
        let schedule = Schedule::new(config.policy()?, config.lr, 1);
        Ok(Self { schedule, steps, stop, outer, tried: Vec::new(), sums: (0.0, 0.0), lowest: f64::INFINITY })
    }

    /// The steps so far.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }
}

impl Observer for RangeTest<'_> {
    fn every(&self) -> Option<usize> {
        Some(1)
    }

    fn step(&mut self, progress: &Progress, _: usize, running: Running) {
        // A step more is done before a training stops.
        if self.stop.load(Ordering::Relaxed) {
            return;
        }
        // Told are means over the epoch so far.
        let (count, before) =
            (progress.step_in_epoch as f64, if progress.step_in_epoch == 1 { 0.0 } else { self.sums.0 });
        let sum = running.loss * count;
        let loss = sum - before;
        let mean = KEPT * self.sums.1 + (1.0 - KEPT) * loss;
        self.sums = (sum, mean);
        let smoothed = mean / (1.0 - KEPT.powf(progress.step as f64));
        self.tried.push(Tried { lr: self.schedule.lr(progress.step - 1, self.steps), loss, smoothed });
        self.lowest = self.lowest.min(smoothed);
        let over =
            progress.step >= self.steps || smoothed > DIVERGED * self.lowest || self.outer.load(Ordering::Relaxed);
        self.stop.store(over, Ordering::Relaxed);
    }

    fn epoch(&mut self, _: u32, _: &[Row]) {}
}

/// What a range test suggests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggested {
    /// Where the smoothed loss falls the most steeply along the logarithm of the rate.
    pub steepest: f64,
    /// Where it is lowest.
    pub lowest: f64,
}

/// What `tried` suggests; none if the loss never fell, or there were too few steps.
pub fn suggested(tried: &[Tried]) -> Option<Suggested> {
    let [first, last] = EDGES;
    let inner = tried.get(first..tried.len().checked_sub(last)?)?;
    let slope = |pair: &[Tried]| (pair[1].smoothed - pair[0].smoothed) / (pair[1].lr / pair[0].lr).ln();
    let steepest = inner.windows(2).min_by(|a, b| slope(a).total_cmp(&slope(b)))?;
    let lowest = inner.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))?;
    (slope(steepest) < 0.0).then_some(Suggested { steepest: steepest[0].lr, lowest: lowest.lr })
}

/// The table as CSV: `step,lr,loss,smoothed`.
pub fn csv(tried: &[Tried]) -> String {
    let mut text = String::from("step,lr,loss,smoothed\n");
    for (step, Tried { lr, loss, smoothed }) in tried.iter().enumerate() {
        let _ = writeln!(text, "{},{lr:e},{loss},{smoothed}", step + 1);
    }
    text
}

/// Writes `find-lr.csv` and `find-lr.png` into `folder`; `title` stands above the curve.
///
/// # Errors
/// A folder that cannot be written to.
pub fn write(tried: &[Tried], title: &str, folder: &Path) -> Result<()> {
    write_atomic(&folder.join("find-lr.csv"), csv(tried).as_bytes())?;
    let rates = tried.iter().map(|tried| tried.lr);
    let ends = [rates.clone().fold(f64::INFINITY, f64::min), rates.fold(0.0, f64::max)];
    let curve = |name: &str, color, of: fn(&Tried) -> f64| Series {
        name: name.into(),
        value: String::new(),
        color,
        points: tried.iter().map(|tried| (tried.lr, of(tried))).collect(),
    };
    let series = vec![
        curve("each step", [190, 190, 190], |tried| tried.loss),
        curve("smoothed", [0, 114, 178], |tried| tried.smoothed),
    ];
    // What ran away at the end would leave nothing of the rest.
    let most = tried.first().map_or(1.0, |first| 1.5 * first.smoothed);
    let shown: Vec<f64> =
        tried.iter().flat_map(|tried| [tried.loss, tried.smoothed]).filter(|loss| *loss <= most).collect();
    let axis = Axis::around(&[&shown[..], &[most]].concat(), 0.0, f64::INFINITY);
    let clipped = |mut series: Series| {
        series.points.iter_mut().for_each(|point| point.1 = if point.1 > most { f64::NAN } else { point.1 });
        series
    };
    let note = suggested(tried).map_or("the loss never falls".into(), |Suggested { steepest, lowest }| {
        format!("steepest at {}, lowest at {}", short(steepest), short(lowest))
    });
    let series = series.into_iter().map(clipped).collect();
    let panel = Panel { heading: "Loss of a batch".into(), note, axis, series };
    let x = Abscissa { name: "learning rate", axis: Axis::log(ends[0] / 1.2, ends[1] * 1.2) };
    write_atomic(&folder.join("find-lr.png"), &pen::png(&chart::bitmap(title, &x, &[panel])?)?)
}
