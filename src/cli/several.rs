//! Trainings that follow each other, each in a folder of its own and as `train` does them; those that are there go on.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::train::{Progression, STOP, Start, warnings};
use super::warn;
use crate::data::{Bytes, Dataset};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain;
use crate::files;
use crate::train::checkpoint::Progress;
use crate::train::config::Config;
use crate::train::logs::metrics::{self, Row};
use crate::train::observer::{Observer, Outcome, Running};
use crate::train::trainer::Trainer;

/// How one of several trainings ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done.
    Finished,
    /// Whoever watched it ended it after an epoch.
    Stopped,
    /// The process is to stop; the training goes on another time.
    Interrupted,
}

/// What trainings that follow each other share.
pub struct Trainings<'a> {
    environment: &'a Environment,
    workers: usize,
    memory: Option<Bytes>,
    /// The last one's data, with the settings that made them.
    data: Option<(String, Dataset)>,
    /// What was said already: it is true of all of them.
    told: HashSet<String>,
}

impl<'a> Trainings<'a> {
    /// In `environment`; so many threads decode pictures into so much memory.
    pub fn new(environment: &'a Environment, workers: usize, memory: Option<Bytes>) -> Self {
        Self { environment, workers, memory, data: None, told: HashSet::new() }
    }

    /// The data of `config`, which stay for the next training if that has the same.
    ///
    /// # Errors
    /// Those of [`Dataset::open`].
    pub fn data(&mut self, config: &Config) -> Result<&Dataset> {
        let key = format!("{} {:?}", config.data, config.loading());
        if self.data.as_ref().is_none_or(|(of, _)| *of != key) {
            // Those of before go first.
            self.data = None;
            let data = Start::new(config.clone(), self.environment)?.data(self.workers, self.memory)?;
            super::faces(&data.classes, self.environment);
            self.data = Some((key, data));
        }
        Ok(&self.data.as_ref().expect("opened above").1)
    }

    /// Trains `config` in `folder`, or goes on there. `ends` hears of each epoch's rows of `metrics.csv`, of those that are done
    /// already, too, and says whether it is the last one. Returns the training with all that, and how it ended.
    ///
    /// # Errors
    /// Those of a training.
    pub fn run(
        &mut self,
        config: Config,
        folder: &Path,
        ends: &mut dyn FnMut(&[Row]) -> bool,
    ) -> Result<(Trainer, Ended)> {
        let (epochs, smoothing) = (config.epochs, config.label_smoothing);
        self.data(&config)?;
        let asked = config.clone();
        let start = Start::new(config, self.environment)?.at(folder)?;
        let device = start.device(self.environment)?;
        let data = &self.data.as_ref().expect("opened above").1;
        let mut trainer = start.begin(data, &device, Some(folder))?;
        let new: Vec<String> =
            warnings(data, &trainer).into_iter().filter(|one| self.told.insert(one.clone())).collect();
        warn(&new);
        let done = metrics::read(&trainer.run_dir().file("metrics.csv"))?;
        for rows in done.chunk_by(|a, b| a.epoch == b.epoch) {
            if ends(rows) {
                return Ok((trainer, Ended::Stopped));
            }
        }
        let stop = AtomicBool::new(STOP.load(Ordering::Relaxed));
        let mut progression = Progression::new(epochs, smoothing);
        progression.cams = explain::watched::Watched::of(&asked, data, trainer.run_dir(), &device);
        let mut watched = Watched { progression, stop: &stop, ends, ended: false };
        let outcome = trainer.run(&stop, &mut watched);
        watched.progression.bar.finish_and_clear();
        let ended = watched.ended;
        match outcome? {
            Outcome::Finished => Ok((trainer, Ended::Finished)),
            Outcome::Interrupted if ended => Ok((trainer, Ended::Stopped)),
            Outcome::Interrupted => Ok((trainer, Ended::Interrupted)),
        }
    }
}

/// What a finished training's report says of the test set.
#[derive(Clone, Copy, Debug)]
pub struct Tested {
    /// Shares of pictures whose class was the likeliest, and among the five likeliest.
    pub top1: f64,
    pub top5: f64,
}

impl Tested {
    /// The report of `trainer`'s run, made now if it has none.
    ///
    /// # Errors
    /// Those of [`Trainer::report`]; a report that is none.
    pub fn of(trainer: &mut Trainer) -> Result<Self> {
        let file = trainer.run_dir().file("report.json");
        if !file.exists() {
            trainer.report()?;
        }
        let text = files::read_text(&file).map_err(|e| Error::file(&file, e))?;
        let report: serde_json::Value = serde_json::from_str(&text).map_err(|e| Error::file(&file, e))?;
        let share =
            |key: &str| report[key].as_f64().ok_or_else(|| Error::file(&file, format!("has no number '{key}'")));
        Ok(Self { top1: share("top1")?, top5: share("top5")? })
    }
}

/// Shows how a training gets on, and ends it where it is to.
struct Watched<'a> {
    progression: Progression,
    stop: &'a AtomicBool,
    ends: &'a mut dyn FnMut(&[Row]) -> bool,
    ended: bool,
}

impl Observer for Watched<'_> {
    fn compiling(&mut self, done: usize, total: usize) {
        self.progression.compiling(done, total);
    }

    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running) {
        self.progression.step(progress, steps_per_epoch, running);
        self.stop.fetch_or(STOP.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn epoch(&mut self, _: u32, rows: &[Row]) {
        self.ended |= (self.ends)(rows);
        self.stop.fetch_or(self.ended || STOP.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
