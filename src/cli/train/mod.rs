//! `warptape train`.

mod bar;
mod file;
mod options;

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bar::Progression;
pub use options::Options;

use super::print;
use crate::data::{Dataset, Loading};
use crate::device::Device;
use crate::device::choices::Table;
use crate::error::{Error, Result};
use crate::train::checkpoint::Checkpoint;
use crate::train::config::Config;
use crate::train::observer::Outcome;
use crate::train::run_dir::{RunDir, RunInfo};
use crate::train::trainer::Trainer;

static STOP: AtomicBool = AtomicBool::new(false);

pub fn run(options: Options) -> anyhow::Result<()> {
    // A second Ctrl-C ends the process at once: checkpoints are whole at every moment.
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let _ = writeln!(std::io::stderr(), "\nfinishing this step, then saving (press again to quit at once)");
    })?;
    let Start { config, chosen, kernels, run, checkpoint } = match &options.resume {
        Some(folder) => resumed(folder, &options)?,
        None => started(&options)?,
    };
    config.check()?;
    chosen.iter().for_each(tell);
    let device = Device::open(&config.device)?;
    device.compile_until(&STOP);
    device.choices().prefer(&kernels);
    let data = Dataset::open(&config.data, &Loading { workers: options.workers, ..config.loading() })?;
    let (model, data_name, epochs) = (config.model.clone(), data.name.clone(), config.epochs);
    let folder = || match (run, &options.out) {
        (Some(run), _) => Ok(run),
        (None, Some(folder)) => RunDir::at(folder),
        (None, None) => RunDir::numbered(Path::new("runs"), &model, &data_name),
    };
    let mut trainer = Trainer::new(config, &data, &device, folder, checkpoint.as_ref())?;
    let folder = trainer.run_dir().path().display().to_string();
    tell(format_args!("{model} on {} → {folder}", device.info().description));
    let mut display = Progression::new(epochs);
    let outcome = trainer.run(&STOP, &mut display);
    // Before anything else is said: an error must not stand behind half a bar.
    display.bar.finish_and_clear();
    match outcome? {
        Outcome::Finished => {
            let report = trainer.report()?;
            let (top1, top5, loss) = (100.0 * report.sums.top1, 100.0 * report.sums.top5, report.sums.loss);
            let which = format!("best checkpoint, epoch {}", report.epoch);
            tell(format_args!("test accuracy {top1:.2} % (top-5 {top5:.2} %), loss {loss:.4} ({which})"));
            report.fit.iter().for_each(|note| tell(format_args!("note: {note}")));
            tell(format_args!(
                "curves: {folder}/curves.png   report: {folder}/report.txt   checkpoints: {folder}/checkpoints"
            ));
        }
        Outcome::Interrupted => {
            tell(format_args!("stopped and saved; go on with: warptape train --resume {folder}"));
        }
    }
    Ok(())
}

/// Prints a line. A training is worth more than what it says: it goes on where nobody can hear it.
fn tell(line: impl Display) {
    let _ = print(line);
}

/// What a training begins with.
struct Start {
    config: Config,
    /// What nobody asked for and was chosen, in a line.
    chosen: Option<String>,
    /// Kernels of a run that is repeated.
    kernels: Table,
    run: Option<RunDir>,
    checkpoint: Option<Checkpoint>,
}

fn started(options: &Options) -> Result<Start> {
    let (mut config, given, kernels) = match options.config.as_deref() {
        Some(path) if path.extension().is_some_and(|end| end == "json") => {
            let info = RunInfo::from_file(path)?;
            (recorded(&info, path)?, Config::KEYS.map(String::from).to_vec(), info.kernels)
        }
        Some(path) => {
            let (config, given) = file::read(path)?;
            (config, given, Table::new())
        }
        None => Default::default(),
    };
    let given = options.apply(&mut config, given);
    let chosen = config.chosen(&given);
    Ok(Start { config, chosen, kernels, run: None, checkpoint: None })
}

fn resumed(folder: &Path, options: &Options) -> Result<Start> {
    let fixed = [
        ("--model", options.model.is_some()),
        ("--data", options.data.is_some() || options.place.is_some()),
        ("--image-size", options.image_size.is_some()),
        ("--split", options.split.is_some()),
        ("--batch-size", options.batch_size.is_some()),
        ("--optim", options.optim.is_some()),
        ("--lr", options.lr.is_some()),
        ("--schedule", options.schedule.is_some()),
        ("--weight-decay", options.weight_decay.is_some()),
        ("--momentum", options.momentum.is_some()),
        ("--nesterov", options.nesterov.is_some()),
        ("--label-smoothing", options.label_smoothing.is_some()),
        ("--augment", options.augment.is_some()),
        ("--train-fraction", options.train_fraction.is_some()),
        ("--validation", options.validation.is_some()),
        ("--seed", options.seed.is_some()),
        ("--config", options.config.is_some()),
    ];
    if let Some((name, _)) = fixed.iter().find(|(_, given)| *given) {
        return Err(Error::usage(format!("{name} cannot be changed by --resume; start a new run")));
    }
    let run = RunDir::resume(folder)?;
    let last = run.checkpoints().join("last.safetensors");
    // A run that ended before its first checkpoint begins again: the same seed makes the same run.
    let checkpoint = if last.exists() { Some(Checkpoint::load(&last)?) } else { None };
    let mut config = match &checkpoint {
        Some(checkpoint) => checkpoint.meta.config.clone(),
        None => recorded(&RunInfo::read(&run)?, &run.file("run.json"))?,
    };
    if let Some(device) = &options.device {
        config.device = Device::respell(device);
    }
    if let Some(epochs) = options.epochs {
        config.epochs = epochs;
    }
    // The run directory knows its kernels.
    Ok(Start { config, chosen: None, kernels: Table::new(), run: Some(run), checkpoint })
}

/// The configuration in the `run.json` at `path`.
fn recorded(info: &RunInfo, path: &Path) -> Result<Config> {
    serde_json::from_value(info.config.clone()).map_err(|e| Error::file(path, format!("config: {e}; start a new run")))
}
