//! `warptape train`.

mod bar;
mod file;
mod options;
mod settings;
mod signals;
mod start;

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

pub use bar::Progression;
pub use options::Options;
pub use signals::{STOP, exit_code, watch};
pub use start::Start;

use super::print;
use super::settings::as_options;
use crate::data::read::Broken;
use crate::data::{Bytes, Dataset, Loading};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::train::observer::Outcome;
use crate::train::precision::Precision;
use crate::train::run_dir::{RunDir, RunInfo};
use crate::train::trainer::Trainer;

/// Returns the exit code: 0, or that of a signal that stopped the training.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    watch()?;
    match train(&options, environment) {
        Ok(Outcome::Finished) => Ok(0),
        Ok(Outcome::Interrupted) => Ok(exit_code()),
        Err(error) => {
            if !matches!(error, Error::Interrupted) {
                return Err(error.into());
            }
            let _ = writeln!(std::io::stderr(), "{error}");
            Ok(exit_code())
        }
    }
}

fn train(options: &Options, environment: &Environment) -> Result<Outcome> {
    let Start { config, chosen, kernels, weights, run, checkpoint } = Start::of(options, environment)?;
    config.check()?;
    chosen.iter().for_each(tell);
    let device = crate::cli::open(&config.device, environment)?;
    device.compile_until(&STOP);
    device.choices().prefer(&kernels);
    let record = run.as_ref().map_or(Ok(None), |run| RunInfo::read_whole(run)?.split(run.path()))?;
    let classes = checkpoint.as_ref().map(|checkpoint| checkpoint.meta.classes.clone());
    let (workers, memory) = (options.workers, options.data_memory.map(|Bytes(bytes)| bytes));
    let data = Dataset::open(&config.data, &Loading { workers, memory, record, classes, ..config.loading() })?;
    let (model, data_name, epochs) = (config.network().to_owned(), data.name.clone(), config.epochs);
    let precision =
        if config.precision == Precision::F32 { String::new() } else { format!(" in {}", config.precision) };
    let label_smoothing = config.label_smoothing;
    let resumed = run.is_some();
    let folder = |info: &RunInfo| {
        start::check_weights(info, weights.as_ref())?;
        match (run, &options.out) {
            (Some(run), _) => Ok(run),
            (None, Some(folder)) => RunDir::at(folder, info),
            (None, None) => RunDir::numbered(Path::new("runs"), &model, &data_name, info),
        }
    };
    let mut trainer = Trainer::new(config, &data, &device, folder, checkpoint.as_ref())?;
    if !data.broken.is_empty() {
        let lines: Vec<String> =
            data.broken.iter().map(|Broken { file, reason }| format!("{file}: {reason}\n")).collect();
        write_atomic(&trainer.run_dir().file("broken.txt"), lines.concat().as_bytes())?;
    }
    let folder = trainer.run_dir().path().display().to_string();
    if let Some(first) = trainer.warnings().first().filter(|_| options.strict) {
        return Err(Error::Training(format!("--strict: {first}")));
    }
    let doubts: Vec<String> = trainer.doubts().iter().map(|doubt| as_options(doubt)).collect();
    for warning in data.warnings.iter().chain(&data.changes).chain(trainer.warnings()).chain(&doubts) {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    crate::cli::faces(&data.classes, environment);
    trainer.loaded().iter().for_each(|note| tell(format_args!("weights: {note}")));
    if resumed {
        trainer.resumption().iter().for_each(tell);
    }
    tell(format_args!("{model}{precision} on {} → {folder}", device.info().description));
    trainer.learning().iter().for_each(|line| tell(as_options(line)));
    let mut display = Progression::new(epochs, label_smoothing);
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

/// Prints a line. A training is worth more than what it says: it goes on where nobody can hear it.
fn tell(line: impl Display) {
    let _ = print(line);
}
