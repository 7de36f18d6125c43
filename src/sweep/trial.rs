//! What became of a sweep's trials: records, a table for people, and CSV.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::domain::plain;
use super::plan::Plan;
use super::rules::Objective;
use crate::error::{Error, Result};

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It did all its epochs, with every seed.
    Finished,
    /// It was ended early.
    Pruned,
    /// Its loss was not finite.
    Failed,
}

/// One combination of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The values, in the order of the parameters.
    pub values: Vec<Value>,
    /// How it ended.
    pub state: State,
    /// The objective after each epoch, for each seed.
    pub curves: Vec<Vec<f64>>,
    /// Time of all its epochs, evaluation included.
    pub seconds: f64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Trial {
    /// The best of its epochs, on average over its seeds; none if it failed.
    pub fn value(&self, objective: Objective) -> Option<f64> {
        let best = |curve: &Vec<f64>| curve.iter().copied().reduce(|a, b| objective.better(a, b));
        let best: Vec<f64> = self.curves.iter().filter_map(best).collect();
        let known = self.state != State::Failed && !best.is_empty() && best.len() == self.curves.len();
        known.then(|| best.iter().sum::<f64>() / best.len() as f64)
    }

    /// [`Trial::value`] where less is better, infinite if it failed.
    pub fn cost(&self, objective: Objective) -> f64 {
        self.value(objective).map_or(f64::INFINITY, |value| objective.cost(value))
    }

    /// Epochs that it did with the seed that did the most.
    pub fn epochs(&self) -> usize {
        self.curves.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// The places of `trials`, the best first: finished ones, then those that were ended early, then failed ones.
pub fn ranked(trials: &[Trial], objective: Objective) -> Vec<usize> {
    let mut places: Vec<usize> = (0..trials.len()).collect();
    let state = |place: usize| trials[place].state as u8;
    let cost = |place: usize| trials[place].cost(objective);
    places.sort_by(|&a, &b| state(a).cmp(&state(b)).then(cost(a).total_cmp(&cost(b))));
    places
}

/// What a trial is called, which of `all` has the number `number`, from 0: `trial-07`.
pub fn name(number: usize, all: usize) -> String {
    format!("trial-{:0width$}", number + 1, width = all.to_string().len().max(2))
}

/// All trials as CSV, in their order: `trial,state`, the parameters, the objective, and it for each seed if there are several,
/// `epochs`, `pruned_at` (the epoch after which it was ended), `seconds`.
///
/// # Errors
/// None that names can cause: they are quoted where they have to be.
pub fn csv(plan: &Plan, trials: &[Trial]) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::error::Error| Error::file("trials.csv", e);
    let objective = plan.rules.objective;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let parameters = plan.parameters.iter().map(|parameter| parameter.name.clone());
    let seeds = (0..plan.rules.seeds).filter(|_| plan.rules.seeds > 1).map(|seed| format!("seed{seed}"));
    let value = objective.name().replace(' ', "_");
    let begin = ["trial".into(), "state".into()].into_iter().chain(parameters).chain([value]).chain(seeds);
    let end = ["epochs", "pruned_at", "seconds"].map(String::from);
    writer.write_record(begin.chain(end)).map_err(|e| failed(&e))?;
    for (number, trial) in trials.iter().enumerate() {
        let state = match trial.state {
            State::Finished => "finished",
            State::Pruned => "pruned",
            State::Failed => "failed",
        };
        let number_of = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let of_seeds = (0..plan.rules.seeds).filter(|_| plan.rules.seeds > 1).map(|seed| {
            let curve = trial.curves.get(seed).into_iter().flatten().copied();
            number_of(curve.reduce(|a, b| objective.better(a, b)))
        });
        let pruned = if trial.state == State::Pruned { trial.epochs().to_string() } else { String::new() };
        let begin = [(number + 1).to_string(), state.to_owned()].into_iter().chain(trial.values.iter().map(plain));
        let of_values = [number_of(trial.value(objective))].into_iter().chain(of_seeds);
        let end = [trial.epochs().to_string(), pruned, format!("{:.3}", trial.seconds)];
        writer.write_record(begin.chain(of_values).chain(end)).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(e.error()))
}

/// The trials for people, the best first.
pub fn table(plan: &Plan, trials: &[Trial]) -> String {
    let objective = plan.rules.objective;
    let mut rows = vec![vec!["trial".to_owned(), objective.name().to_owned()]];
    rows[0].extend(plan.parameters.iter().map(|parameter| parameter.name.clone()));
    rows[0].extend(["epochs", "seconds", ""].map(String::from));
    for place in ranked(trials, objective) {
        let trial = &trials[place];
        let value = trial.value(objective).map_or("-".into(), |value| objective.shown(value));
        let state = match trial.state {
            State::Finished => "",
            State::Pruned => "pruned",
            State::Failed => "failed",
        };
        let mut row = vec![(place + 1).to_string(), value];
        row.extend(trial.values.iter().map(plain));
        row.extend([trial.epochs().to_string(), format!("{:.0}", trial.seconds), state.into()]);
        rows.push(row);
    }
    aligned(&rows)
}

/// `rows` under each other, cells at the right of their columns.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest: Vec<usize> = (0..columns).map(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widest).map(|(cell, &most)| format!("{:1$}{cell}", "", most - cell.width()));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
