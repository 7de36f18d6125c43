//! `warptape train`.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::data::{Dataset, Loading, Ratios, Size};
use crate::device::Device;
use crate::device::choices::Table;
use crate::error::{Error, Result};
use crate::train::checkpoint::{Checkpoint, Progress};
use crate::train::config::Config;
use crate::train::logs::metrics::{Row, Split, peak_bytes};
use crate::train::observer::{Observer, Outcome, Running};
use crate::train::run_dir::{RunDir, RunInfo};
use crate::train::trainer::Trainer;

/// Every option overrides the same key of `--config`, which overrides the default.
#[derive(Args)]
pub struct Options {
    /// Network to train; `warptape models` lists them [default: little-conv]
    #[arg(long)]
    model: Option<String>,
    /// Data: emoji, cifar10:DIR, cifar100:DIR, tiny-imagenet:DIR, folder:DIR; see `data list` [default: emoji]
    #[arg(long)]
    data: Option<String>,
    /// Size to bring pictures to, N or HxW [default: 32 for folder, the data's own for others]
    #[arg(long)]
    image_size: Option<Size>,
    /// How a folder without train, val, test is split, TRAIN:VAL:TEST [default: 8:1:1]
    #[arg(long)]
    split: Option<Ratios>,
    /// Threads that decode pictures; 0: one for each core
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N [default: auto]
    #[arg(long)]
    device: Option<String>,
    /// Passes over the training set [default: 15]
    #[arg(long)]
    epochs: Option<u32>,
    /// Images per step [default: 64]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Optimizer: sgd, adam, adamw [default: adam]
    #[arg(long)]
    optim: Option<String>,
    /// Highest learning rate [default: 0.003]
    #[arg(long)]
    lr: Option<f64>,
    /// Schedule: constant, step:EPOCHS:FACTOR, multistep:E,E:FACTOR, cosine, onecycle, plateau; all but onecycle also with
    /// :warmup=STEPS [default: onecycle]
    #[arg(long)]
    schedule: Option<String>,
    /// Weight decay [default: 0]
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long)]
    momentum: Option<f64>,
    /// Nesterov momentum for sgd [default: false]
    #[arg(long)]
    nesterov: Option<bool>,
    /// Label smoothing [default: 0.1]
    #[arg(long)]
    label_smoothing: Option<f32>,
    /// Augmentation: none, cropN, flip, cropN+flip [default: crop2]
    #[arg(long)]
    augment: Option<String>,
    /// Share of the training set to use [default: 1]
    #[arg(long)]
    train_fraction: Option<f64>,
    /// Share of the training set held back for validation [default: 0]
    #[arg(long)]
    validation: Option<f64>,
    /// Seed of everything random [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// TOML file with any of these options (`_` for `-`), or the run.json of a run to repeat with the same kernels
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the run, new or empty [default: runs/MODEL-DATA-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; only --device and --epochs may be changed
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
}

static STOP: AtomicBool = AtomicBool::new(false);

pub fn run(options: Options) -> anyhow::Result<()> {
    // A second Ctrl-C ends the process at once: checkpoints are whole at every moment.
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let _ = writeln!(std::io::stderr(), "\nfinishing this step, then saving (press again to quit at once)");
    })?;
    let Start { config, kernels, run, checkpoint } = match &options.resume {
        Some(folder) => resumed(folder, &options)?,
        None => started(&options)?,
    };
    config.check()?;
    let device = Device::open(&config.device)?;
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
    /// Kernels of a run that is repeated.
    kernels: Table,
    run: Option<RunDir>,
    checkpoint: Option<Checkpoint>,
}

fn started(options: &Options) -> Result<Start> {
    let (mut config, kernels) = match options.config.as_deref() {
        Some(path) if path.extension().is_some_and(|end| end == "json") => {
            let info = RunInfo::from_file(path)?;
            (recorded(&info, path)?, info.kernels)
        }
        Some(path) => (Config::from_file(path)?, Table::new()),
        None => Default::default(),
    };
    macro_rules! override_with {
        ($($field:ident),*) => { $(if let Some(value) = &options.$field { config.$field = value.clone(); })* };
    }
    config.image_size = options.image_size.or(config.image_size);
    config.split = options.split.or(config.split);
    override_with!(model, data, device, epochs, batch_size, optim, lr, schedule, weight_decay, momentum, nesterov);
    override_with!(label_smoothing, augment, train_fraction, validation, seed);
    Ok(Start { config, kernels, run: None, checkpoint: None })
}

fn resumed(folder: &Path, options: &Options) -> Result<Start> {
    let fixed = [
        ("--model", options.model.is_some()),
        ("--data", options.data.is_some()),
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
        config.device = device.clone();
    }
    if let Some(epochs) = options.epochs {
        config.epochs = epochs;
    }
    // The run directory knows its kernels.
    Ok(Start { config, kernels: Table::new(), run: Some(run), checkpoint })
}

/// The configuration in the `run.json` at `path`.
fn recorded(info: &RunInfo, path: &Path) -> Result<Config> {
    serde_json::from_value(info.config.clone()).map_err(|e| Error::file(path, format!("config: {e}; start a new run")))
}

/// A progress bar per epoch and a line when it is over.
struct Progression {
    bar: ProgressBar,
    epochs: u32,
}

impl Progression {
    fn new(epochs: u32) -> Self {
        let bar = ProgressBar::new(1);
        let style = "{prefix} {bar:30} {pos}/{len} {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
        bar.set_prefix("compiling kernels");
        bar.tick();
        Self { bar, epochs }
    }
}

impl Observer for Progression {
    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running) {
        self.bar.set_length(steps_per_epoch as u64);
        self.bar.set_position(progress.step_in_epoch as u64);
        self.bar.set_prefix(format!("epoch {}/{}", progress.epoch + 1, self.epochs));
        let Running { loss, top1, top5, images_per_second } = running;
        let (top1, top5) = (100.0 * top1, 100.0 * top5);
        let means = format!("loss {loss:.4}  top-1 {top1:.1} %  top-5 {top5:.1} %");
        self.bar.set_message(format!("{means}  {images_per_second:.0} images/s"));
    }

    fn epoch(&mut self, epoch: u32, rows: &[Row]) {
        let part = |split: Split, name: &str| {
            let row = rows.iter().find(|r| r.split == split);
            row.map_or(String::new(), |r| format!("  {name} loss {:.4} top-1 {:.2} %", r.loss, 100.0 * r.top1))
        };
        let speed = rows.first().map_or(0.0, |r| r.images_per_second);
        let (train, val, test) = (part(Split::Train, "train"), part(Split::Val, "val"), part(Split::Test, "test"));
        // The bar makes room, so that the two do not overwrite each other.
        let peak = peak_bytes(rows) as f64 / f64::from(1 << 20);
        let line =
            format!("epoch {epoch:3}/{}{train}{val}{test}  {speed:.0} images/s  peak {peak:.0} MiB", self.epochs);
        self.bar.suspend(|| tell(line));
    }
}
