//! `warptape train`.

mod bar;
pub mod file;
mod options;
mod settings;
mod signals;
mod start;

use std::fmt::Display;
use std::io::Write;

pub use bar::Progression;
pub use options::Options;
pub use signals::{STOP, exit_code, watch};
pub use start::Start;

use super::settings::as_options;
use super::{print, warn};
use crate::data::Dataset;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::watched::Watched;
use crate::train::config::Config;
use crate::train::observer::Outcome;
use crate::train::precision::Precision;
use crate::train::trainer::Trainer;

/// Returns the exit code: 0, or that of a signal that stopped the training.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    watch()?;
    ended(train(&options, environment).map(|outcome| matches!(outcome, Outcome::Finished)))
}

/// The exit code of what came to its end, `Ok(true)`, or was stopped, also while kernels were compiled: that of the signal.
pub fn ended(result: Result<bool>) -> anyhow::Result<i32> {
    match result {
        Ok(true) => Ok(0),
        Ok(false) => Ok(exit_code()),
        Err(error @ Error::Interrupted) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            Ok(exit_code())
        }
        Err(error) => Err(error.into()),
    }
}

fn train(options: &Options, environment: &Environment) -> Result<Outcome> {
    let start = Start::of(options, environment)?;
    start.config.check()?;
    start.chosen.iter().for_each(tell);
    let device = start.device(environment)?;
    let data = start.data(options.workers, options.data_memory)?;
    let model = start.config.network().to_owned();
    let Config { epochs, precision, label_smoothing, .. } = start.config;
    let precision = if precision == Precision::F32 { String::new() } else { format!(" in {precision}") };
    let resumed = start.run.is_some();
    let config = start.config.clone();
    let mut trainer = start.begin(&data, &device, options.out.as_deref())?;
    let cams = Watched::of(&config, &data, trainer.run_dir(), &device);
    let folder = trainer.run_dir().path().display().to_string();
    if let Some(first) = trainer.warnings().first().filter(|_| options.strict) {
        return Err(Error::Training(format!("--strict: {first}")));
    }
    warn(&warnings(&data, &trainer));
    crate::cli::faces(&data.classes, environment);
    trainer.loaded().iter().for_each(|note| tell(format_args!("weights: {note}")));
    if resumed {
        trainer.resumption().iter().for_each(tell);
    }
    tell(format_args!("{model}{precision} on {} → {folder}", device.info().description));
    trainer.learning().iter().for_each(|line| tell(as_options(line)));
    let mut display = Progression::new(epochs, label_smoothing);
    display.cams = cams;
    // It is on the device now.
    drop(data);
    let outcome = trainer.run(&STOP, &mut display);
    // Before anything else is said: an error must not stand behind half a bar.
    display.bar.finish_and_clear();
    let outcome = outcome?;
    match outcome {
        Outcome::Finished => {
            let report = trainer.report()?;
            let (top1, top5, loss) = (100.0 * report.sums.top1, 100.0 * report.sums.top5, report.sums.loss);
            let which = if trainer.chooses() { "best on the validation set" } else { "the latest" };
            let which = format!("{which}: epoch {}", report.epoch);
            tell(format_args!("test accuracy {top1:.2} % (top-5 {top5:.2} %), loss {loss:.4} ({which})"));
            trainer.skipped().iter().for_each(|note| tell(format_args!("note: {note}")));
            report.fit.iter().for_each(|note| tell(format_args!("note: {note}")));
            tell(format_args!(
                "curves: {folder}/curves.png   report: {folder}/report.txt   checkpoints: {folder}/checkpoints"
            ));
        }
        Outcome::Interrupted => {
            tell(format_args!("stopped and saved; go on with: warptape train --resume {folder}"));
        }
    }
    Ok(outcome)
}

/// What the owner of a training that begins, or goes on, should do something about.
pub fn warnings(data: &Dataset, trainer: &Trainer) -> Vec<String> {
    let all = data.warnings.iter().chain(&data.changes).chain(trainer.warnings()).chain(trainer.doubts());
    all.cloned().collect()
}

/// Prints a line. A training is worth more than what it says: it goes on where nobody can hear it.
pub fn tell(line: impl Display) {
    let _ = print(line);
}
