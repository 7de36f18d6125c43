//! `warptape sweep`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::several::{Ended, Tested, Trainings};
use super::train::{self, STOP, file, tell};
use super::{names, print};
use crate::data::Bytes;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::sweep::domain::{Domain, plain};
use crate::sweep::importance::{best_of, importance};
use crate::sweep::journal::Journal;
use crate::sweep::plan::{Parameter, Plan, check_judged};
use crate::sweep::prune::{Hyperband, Other, median};
use crate::sweep::rules::{Prune, Rules};
use crate::sweep::search::Searcher;
use crate::sweep::trial::{State, Trial, csv, name, ranked, table};
use crate::sweep::{history, parallel};
use crate::train::config::Config;
use crate::train::logs::metrics::{Row, Split};

#[derive(Args)]
pub struct Options {
    /// TOML file: options of `train` (`_` for `-`), in [parameters] what is searched, in [sweep] how; see recipes/README.md
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Data, as `train --data` takes it, in place of the file's
    #[arg(value_name = "DATA")]
    data: Option<String>,
    /// Folder for the trials and what comes of them, new or empty; a sweep of the same file there goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software) [default: the file's]
    #[arg(long)]
    device: Option<String>,
    /// Threads that decode pictures; 0: one for each core
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// The most memory for the pixels of picture files [default: a quarter of the machine's]
    #[arg(long, value_name = "SIZE")]
    data_memory: Option<Bytes>,
}

/// The file's tables beside the options.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Tables {
    sweep: Rules,
    parameters: BTreeMap<Spanned<String>, Domain>,
}

/// Returns the exit code: 0, or that of a signal that stopped it.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    train::watch()?;
    train::ended(swept(&options, environment))
}

/// The sweep that the options and their file describe.
fn planned(options: &Options) -> Result<Plan> {
    let (mut config, mut given, tables) = file::read_beside::<Tables>(&options.file, &["sweep", "parameters"])?;
    if let Some(data) = &options.data {
        config.data = data.clone();
        given.push("data".into());
    }
    if let Some(device) = &options.device {
        config.device = device.clone();
        given.push("device".into());
    }
    config.respell();
    let mut parameters: Vec<_> = tables.parameters.into_iter().collect();
    parameters.sort_by_key(|(name, _)| name.span().start);
    let ours = |name: String| match names::key(&name) {
        Some(ours) if !Config::KEYS.contains(&&*name) => ours,
        _ => name,
    };
    let parameters =
        parameters.into_iter().map(|(name, domain)| Parameter { name: ours(name.into_inner()), domain }).collect();
    Plan::new(tables.sweep, parameters, config, &given).map_err(|e| Error::file(&options.file, e))
}

/// Whether it came to its end.
fn swept(options: &Options, environment: &Environment) -> Result<bool> {
    let plan = planned(options)?;
    let mut trainings = Trainings::new(environment, options.workers, options.data_memory);
    let mut searcher = Searcher::new(&plan)?;
    let data = trainings.data(&plan.sample()?)?;
    if !plan.searches_data() {
        plan.check_data(data).map_err(|e| Error::file(&options.file, e))?;
    }
    let file = options.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let title = format!("{file} on {}", data.name);
    let pictures = if plan.searches_data() { String::new() } else { data.hash.clone() };
    let mut journal: Journal<Trial> = Journal::open(&options.out, "sweep", plan.about(&pictures)?)?;
    for (number, trial) in journal.done().iter().enumerate() {
        if searcher.ask()? != trial.values {
            let what = format!("another version searched otherwise, from trial {} on", number + 1);
            return Err(Error::file(&options.out, format!("{what}: go on with that one, or choose another ‹out›")));
        }
        searcher.tell(trial.cost(plan.rules.objective))?;
    }
    let all = plan.trials();
    let done = match journal.done().len() {
        0 => String::new(),
        done => format!(", of which {done} are done"),
    };
    tell(format_args!("{title}: {all} trials{done}, by {}", plan.rules.objective.name()));
    while journal.done().len() < all {
        let number = journal.done().len();
        let values = searcher.ask()?;
        let trial = if STOP.load(Ordering::Relaxed) { None } else { tried(&plan, &journal, values, &mut trainings)? };
        let Some(trial) = trial else {
            tell(format_args!("stopped and saved; the same command goes on with trial {}", number + 1));
            return Ok(false);
        };
        searcher.tell(trial.cost(plan.rules.objective))?;
        journal.add(trial)?;
        tell(line(&plan, journal.done()));
        write(&plan, &journal, &title)?;
    }
    concluded(&plan, &journal, &title, &mut trainings).map(|()| true)
}

/// The next trial; none if the process is to stop.
fn tried(
    plan: &Plan,
    journal: &Journal<Trial>,
    values: Vec<Value>,
    trainings: &mut Trainings,
) -> Result<Option<Trial>> {
    let (rules, number) = (&plan.rules, journal.done().len());
    let mut trial = Trial { values, state: State::Finished, curves: Vec::new(), seconds: 0.0, why: None };
    for repeat in 0..rules.seeds {
        let config = plan.config(&trial.values, repeat)?;
        check_judged(&config, trainings.data(&config)?)?;
        let epochs = config.epochs as usize;
        let (mut curve, mut seconds, folder) = (Vec::new(), 0.0, folder(plan, number, repeat));
        let mut ends = |rows: &[Row]| {
            seconds += rows.iter().map(|row| row.seconds).sum::<f64>();
            let judged = rows.iter().find(|row| row.split == Split::Val);
            curve.extend(judged.map(|row| rules.objective.of(row)));
            // The first seed's training decides for all of them.
            repeat == 0 && curve.len() < epochs && pruned(plan, journal.done(), &curve, epochs)
        };
        let ended = trainings.run(config, &journal.folder().join(&folder), &mut ends).map(|(_, ended)| ended);
        trial.curves.push(curve);
        trial.seconds += seconds;
        match ended {
            Ok(Ended::Finished) => {}
            Ok(Ended::Stopped) => trial.state = State::Pruned,
            Ok(Ended::Interrupted) => return Ok(None),
            Err(Error::Training(why)) => {
                // What to do about it is of one training: here the other trials do.
                let why = why.split("; ").next().unwrap_or_default().to_owned();
                (trial.state, trial.why) = (State::Failed, Some(why));
            }
            Err(Error::Usage(what)) => return Err(Error::usage(format!("{folder} ({}): {what}", shown(plan, &trial)))),
            Err(error) => return Err(error),
        }
        if trial.state != State::Finished {
            break;
        }
    }
    Ok(Some(trial))
}

/// The folder of a training of trial `number`.
fn folder(plan: &Plan, number: usize, repeat: usize) -> String {
    let trial = name(number, plan.trials());
    if plan.rules.seeds > 1 { format!("{trial}-seed{repeat}") } else { trial }
}

/// Whether the trial behind those `before` ends after the epochs of `curve`, of `epochs`.
fn pruned(plan: &Plan, before: &[Trial], curve: &[f64], epochs: usize) -> bool {
    let rules = &plan.rules;
    let costs = |curve: &[f64]| -> Vec<f64> { curve.iter().map(|&value| rules.objective.cost(value)).collect() };
    let curves: Vec<Vec<f64>> =
        before.iter().map(|trial| trial.curves.first().map_or(Vec::new(), |curve| costs(curve))).collect();
    let others = before.iter().zip(&curves).enumerate().map(|(number, (trial, curve))| Other {
        number,
        curve,
        finished: trial.state == State::Finished,
    });
    let (others, own): (Vec<Other>, _) = (others.collect(), costs(curve));
    match rules.prune {
        Prune::None => false,
        Prune::Median => median(&own, &others, rules.warmup, rules.unpruned),
        Prune::Hyperband => Hyperband::new(rules.warmup, epochs as u32).ends(before.len(), &own, &others),
    }
}

/// The values of `trial` in words.
fn shown(plan: &Plan, trial: &Trial) -> String {
    let values = plan.parameters.iter().zip(&trial.values);
    values.map(|(parameter, value)| format!("{} {}", parameter.name, plain(value))).collect::<Vec<_>>().join(", ")
}

/// What is said of the last of `trials`.
fn line(plan: &Plan, trials: &[Trial]) -> String {
    let (objective, all) = (plan.rules.objective, plan.trials());
    let Some(trial) = trials.last() else { return String::new() };
    let value = trial.value(objective).map_or(String::new(), |value| objective.shown(value));
    let ended = match trial.state {
        State::Finished => value,
        State::Pruned => format!("{value}, pruned after epoch {}", trial.epochs()),
        State::Failed => format!("failed: {}", trial.why.as_deref().unwrap_or_default()),
    };
    let best = ranked(trials, objective)[0];
    let best = match trials[best].value(objective) {
        Some(value) if best + 1 < trials.len() => {
            format!("; best so far {}: {}", name(best, all), objective.shown(value))
        }
        _ => String::new(),
    };
    super::settings::as_options(&format!("{} ({}): {ended}{best}", name(trials.len() - 1, all), shown(plan, trial)))
}

/// How much each parameter matters; none if that cannot be told.
fn shares(plan: &Plan, trials: &[Trial]) -> Option<Vec<f64>> {
    let place = |parameter: &Parameter, value: &Value| match &parameter.domain {
        Domain::Choice(values) => values.iter().position(|one| one == value).unwrap_or(0) as f64,
        Domain::Range(_) => value.as_f64().unwrap_or(f64::NAN),
    };
    let places: Vec<Vec<f64>> = trials
        .iter()
        .map(|trial| {
            plan.parameters.iter().zip(&trial.values).map(|(parameter, value)| place(parameter, value)).collect()
        })
        .collect();
    // Those that were ended early are not among the best, whatever they came to.
    let cost = |trial: &Trial| match trial.state {
        State::Finished => trial.cost(plan.rules.objective),
        State::Pruned | State::Failed => f64::INFINITY,
    };
    let domains: Vec<&Domain> = plan.parameters.iter().map(|parameter| &parameter.domain).collect();
    importance(&domains, &places, &trials.iter().map(cost).collect::<Vec<_>>())
}

/// Writes what there is of the sweep so far.
fn write(plan: &Plan, journal: &Journal<Trial>, title: &str) -> Result<()> {
    let (trials, file) = (journal.done(), |name: &str| journal.folder().join(name));
    write_atomic(&file("trials.csv"), &csv(plan, trials)?)?;
    let (shares, title) = (shares(plan, trials), format!("{title}, {} trials", trials.len()));
    write_atomic(&file("parallel.svg"), parallel::svg(&title, plan, trials, shares.as_deref())?.as_bytes())?;
    write_atomic(&file("parallel.png"), &parallel::png(&title, plan, trials, shares.as_deref())?)?;
    write_atomic(&file("history.png"), &history::png(&title, plan, trials)?)
}

/// Says what came of it all, and judges the best trial on the test set.
fn concluded(plan: &Plan, journal: &Journal<Trial>, title: &str, trainings: &mut Trainings) -> Result<()> {
    write(plan, journal, title)?;
    let (trials, objective) = (journal.done(), plan.rules.objective);
    let mut said = table(plan, trials);
    if let Some(shares) = shares(plan, trials) {
        let mut shares: Vec<_> = plan.parameters.iter().zip(shares).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        let shares = shares.iter().map(|(parameter, share)| format!("{} {:.0} %", parameter.name, 100.0 * share));
        let shares = shares.collect::<Vec<_>>().join(", ");
        let best = best_of(trials.len());
        said += &format!("\n\nwhat decides who is among the best {best} of {} (PED-ANOVA): {shares}", trials.len());
    }
    let best = ranked(trials, objective)[0];
    let Some(value) = trials[best].value(objective) else {
        print(said)?;
        return Err(Error::Training("every trial failed; search lower learning rates".into()));
    };
    let mut tested = Vec::new();
    for repeat in 0..plan.rules.seeds {
        let config = plan.config(&trials[best].values, repeat)?;
        let folder = journal.folder().join(folder(plan, best, repeat));
        let (mut trainer, _) = trainings.run(config, &folder, &mut |_| false)?;
        tested.push(Tested::of(&mut trainer)?);
    }
    let mean = |of: fn(&Tested) -> f64| 100.0 * tested.iter().map(of).sum::<f64>() / tested.len() as f64;
    let (top1, top5) = (mean(|tested| tested.top1), mean(|tested| tested.top5));
    let which = format!("{} ({})", name(best, plan.trials()), shown(plan, &trials[best]));
    said += &format!("\nbest: {which}: {} {}", objective.name(), objective.shown(value));
    said += &format!("; on the test set, looked at now, accuracy {top1:.2} % (top-5 {top5:.2} %)");
    write_atomic(&journal.folder().join("sweep.txt"), format!("{title}\n\n{said}\n").as_bytes())?;
    print(said)?;
    print(format_args!(
        "table: {0}/trials.csv   pictures: {0}/parallel.png, {0}/history.png",
        journal.folder().display()
    ))?;
    Ok(())
}
