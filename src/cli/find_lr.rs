//! `warptape find-lr`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::print;
use super::train::{self, Progression, STOP, Start};
use crate::data::{Bytes, Dataset, Loading};
use crate::draw::axis::short;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::unwritable;
use crate::train::checkpoint::Progress;
use crate::train::config::Config;
use crate::train::logs::metrics::Row;
use crate::train::observer::{Observer, Running};
use crate::train::range_test::{RangeTest, Suggested, Tried, suggested, write};
use crate::train::run_dir::RunDir;
use crate::train::trainer::Trainer;

#[derive(Args)]
pub struct Options {
    /// The first learning rate, far too low
    #[arg(long, value_name = "RATE", default_value = "1e-6", display_order = 0)]
    pub from: f64,
    /// The last, far too high
    #[arg(long, value_name = "RATE", default_value = "10", display_order = 0)]
    pub to: f64,
    /// Steps from the one to the other
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(20..=100_000), display_order = 0)]
    pub steps: u64,
    #[command(flatten)]
    pub train: train::Options,
}

/// Returns the exit code: 0, or that of a signal that stopped it.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    train::watch()?;
    Ok(if found(options, environment)? { 0 } else { train::exit_code() })
}

/// Whether it came to its end.
fn found(Options { from, to, steps, train: options }: Options, environment: &Environment) -> Result<bool> {
    let of_training = [
        ("lr", options.settings.gives("lr")),
        ("schedule", options.settings.gives("schedule")),
        ("resume", options.resume.is_some()),
        ("strict", options.strict),
    ];
    if let Some((option, _)) = of_training.into_iter().find(|(_, given)| *given) {
        return Err(Error::usage(format!("‹{option}› is of a training; this looks for a rate to begin one with")));
    }
    let (out, workers) = (options.out.clone().unwrap_or_else(|| PathBuf::from(".")), options.workers);
    let memory = options.data_memory.map(|Bytes(bytes)| bytes);
    let start = Start::of(&train::Options { out: None, ..options }, environment)?;
    // No pictures are needed that judge; and the test ends before the epochs do.
    let (schedule, epochs) = (format!("range:{from:e}:{to:e}:{steps}"), u32::try_from(steps).unwrap_or(u32::MAX));
    let config = Config { schedule, epochs, patience: None, cam_every: None, validation: 0.0, ..start.config };
    config.check()?;
    std::fs::create_dir_all(&out).map_err(|e| unwritable(&out, &e))?;
    let device = super::open(&config.device, environment)?;
    device.compile_until(&STOP);
    device.choices().prefer(&start.kernels);
    let data = Dataset::open(&config.data, &Loading { workers, memory, ..config.loading() })?;
    super::warn(&data.warnings);
    let title =
        format!("{} on {} with {}, batch size {}", config.network(), data.name, config.optim, config.batch_size);
    print(format_args!("{title}: rates from {from:e} to {to:e} over {steps} steps"))?;
    // A training like any other, whose folder nobody needs.
    let scratch = tempfile::tempdir_in(&out).map_err(|e| unwritable(&out, &e))?;
    let folder = scratch.path().join("run");
    let stop = AtomicBool::new(false);
    let mut shown = Shown {
        test: RangeTest::new(&config, steps, &stop, &STOP)?,
        progression: Progression::new(1, config.label_smoothing),
    };
    let mut trainer = Trainer::new(config, &data, &device, |info| RunDir::at(&folder, info), None)?;
    let outcome = trainer.run(&stop, &mut shown);
    shown.progression.bar.finish_and_clear();
    let tried = shown.test.tried();
    // A loss that is not finite is how a rate that is too high shows.
    if let Some(error) = outcome.err().filter(|error| !matches!(error, Error::Training(_)) || tried.len() < 2) {
        return Err(error);
    }
    write(tried, &title, &out)?;
    print(said(tried, steps))?;
    print(format_args!("curve: {0}/find-lr.png   table: {0}/find-lr.csv", out.display()))?;
    Ok(!STOP.load(Ordering::Relaxed))
}

/// What the losses say, in a line.
fn said(tried: &[Tried], steps: u64) -> String {
    let last = tried.last().map_or(String::new(), |last| short(last.lr));
    let end = if (tried.len() as u64) < steps { format!("; at {last} it ran away") } else { String::new() };
    match suggested(tried) {
        Some(Suggested { steepest, lowest }) => {
            let [lr, lowest, tenth] = [steepest, lowest, lowest / 10.0].map(short);
            let where_ = format!("there the loss falls the most steeply; it is lowest at {lowest}{end}");
            format!("try --lr {lr}: {where_}. A tenth of that, {tenth}, is the cautious choice")
        }
        None => format!("the loss never falls{end}: begin lower with --from, or see whether the data can be learned"),
    }
}

/// A range test with a bar.
struct Shown<'a> {
    test: RangeTest<'a>,
    progression: Progression,
}

impl Observer for Shown<'_> {
    fn compiling(&mut self, done: usize, total: usize) {
        self.progression.compiling(done, total);
    }

    fn every(&self) -> Option<usize> {
        self.test.every()
    }

    fn note(&mut self, line: &str) {
        self.progression.note(line);
    }

    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running) {
        self.test.step(progress, steps_per_epoch, running);
        self.progression.step(progress, steps_per_epoch, running);
    }

    fn epoch(&mut self, _: u32, _: &[Row]) {}
}
