//! `warptape fractions`.

use std::sync::atomic::Ordering;

use clap::Args;

use super::print;
use super::several::{Ended, Tested, Trainings};
use super::train::{self, STOP, Start, tell};
use crate::data::record::Role;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::sweep::fractions::{Share, costs, shares, table, write};
use crate::sweep::journal::Journal;
use crate::train::config::Config;
use crate::train::logs::metrics::Row;
use crate::train::roles;

#[derive(Args)]
pub struct Options {
    /// Shares of the training set, the smaller ones within the larger ones
    #[arg(long, value_name = "LIST", default_value = "0.01,0.1,0.5,0.8,1", display_order = 0)]
    fractions: String,
    #[command(flatten)]
    train: train::Options,
}

/// Returns the exit code: 0, or that of a signal that stopped it.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    train::watch()?;
    train::ended(compared(options, environment))
}

/// Whether all are trained.
fn compared(Options { fractions, train: options }: Options, environment: &Environment) -> Result<bool> {
    let of_one = [
        ("train_fraction", options.settings.gives("train_fraction")),
        ("resume", options.resume.is_some()),
        ("strict", options.strict),
    ];
    if let Some((option, _)) = of_one.into_iter().find(|(_, given)| *given) {
        return Err(Error::usage(format!("‹{option}› is of one training; this makes several, by ‹fractions›")));
    }
    let shares = shares(&fractions)?;
    let Some(out) = options.out.clone() else {
        return Err(Error::usage(
            "‹out› is missing: name a folder, in which the same command goes on after it was stopped",
        ));
    };
    let (workers, memory) = (options.workers, options.data_memory);
    let start = Start::of(&train::Options { out: None, ..options }, environment)?;
    start.config.check()?;
    let config = |fraction: f64| Config { train_fraction: fraction, ..start.config.clone() };
    let mut trainings = Trainings::new(environment, workers, memory);
    let data = trainings.data(&start.config)?;
    for &share in &shares {
        let used = roles::with(&roles::roles(&config(share), data)?, Role::Train).len();
        config(share).check_amount(used).map_err(|e| Error::usage(format!("‹fractions={share}›: {e}")))?;
    }
    let title = format!("{} on {}", start.config.network(), data.name);
    let mut options = serde_json::to_value(&start.config).expect("plain data");
    options.as_object_mut().map(|options| ["device", "train_fraction"].map(|key| options.remove(key)));
    let about = serde_json::json!({ "fractions": shares, "options": options, "pictures": data.hash });
    let mut journal: Journal<Share> = Journal::open(&out, "fractions", about)?;
    for &fraction in &shares[journal.done().len()..] {
        let mut all: Vec<Row> = Vec::new();
        let folder = out.join(format!("fraction-{fraction}"));
        let mut ends = |rows: &[Row]| {
            all.extend_from_slice(rows);
            false
        };
        let stopped = STOP.load(Ordering::Relaxed);
        let trained = if stopped { None } else { Some(trainings.run(config(fraction), &folder, &mut ends)?) };
        let Some((mut trainer, Ended::Finished)) = trained else {
            tell(format_args!("stopped and saved; the same command goes on with {}", folder.display()));
            return Ok(false);
        };
        let Tested { top1, top5 } = Tested::of(&mut trainer)?;
        let (seconds, peak_bytes) = costs(&all);
        let (images, epochs) = (trainer.pictures(), all.last().map_or(0, |row| row.epoch));
        tell(format_args!("{title}: {images} pictures, test accuracy {:.2} %, {seconds:.1} s/epoch", 100.0 * top1));
        journal.add(Share { fraction, images, top1, top5, epochs, seconds, peak_bytes })?;
        write(journal.done(), &title, &out)?;
    }
    write(journal.done(), &title, &out)?;
    print(table(journal.done()))?;
    print(format_args!("table: {0}/fractions.csv   picture: {0}/fractions.png", out.display()))?;
    Ok(true)
}
