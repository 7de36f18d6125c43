//! How a sweep searches: what its file's table `sweep` says.

use serde::{Deserialize, Serialize};

use crate::draw::axis::short;
use crate::train::logs::metrics::Row;

/// How values are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Search {
    /// All combinations, the last parameter's values changing first.
    Grid,
    /// Each drawn evenly.
    Random,
    /// By a tree-structured Parzen estimator (Bergstra et al., 2011), after some drawn evenly.
    #[default]
    Tpe,
}

/// Which trials are ended before they have done all epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prune {
    /// None.
    #[default]
    None,
    /// Those that are worse than the median of the finished ones after as many epochs.
    Median,
    /// All but the best third, after epochs that grow by a factor of three.
    Hyperband,
}

/// What the best trial is best at, on validation pictures: the best of its epochs counts, the mean over its seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// The share of pictures that are classified right.
    #[default]
    Accuracy,
    /// The mean cross entropy, in nats.
    Loss,
}

impl Objective {
    /// What `row` says of it.
    pub fn of(self, row: &Row) -> f64 {
        match self {
            Self::Accuracy => row.top1,
            Self::Loss => row.loss,
        }
    }

    /// `value` where less is better.
    pub fn cost(self, value: f64) -> f64 {
        match self {
            Self::Accuracy => -value,
            Self::Loss => value,
        }
    }

    /// The better of two.
    pub fn better(self, a: f64, b: f64) -> f64 {
        if self.cost(a) <= self.cost(b) { a } else { b }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "validation accuracy",
            Self::Loss => "validation loss",
        }
    }

    /// `value` for people.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2} %", 100.0 * value),
            Self::Loss => short(value),
        }
    }
}

/// The table `sweep` of a sweep's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// How values are chosen.
    pub search: Search,
    /// How many combinations are tried; of a grid all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Trainings of each trial, with seeds that follow each other.
    pub seeds: usize,
    /// Seed of what is drawn to choose values.
    pub seed: u64,
    /// Which trials are ended early.
    pub prune: Prune,
    /// Epochs that every trial does, however bad it is.
    pub warmup: u32,
    /// Trials that are drawn evenly before tpe chooses.
    pub startup: usize,
    /// Trials that have to be finished before the median of them ends another one.
    pub unpruned: usize,
    /// What the best is best at.
    pub objective: Objective,
}

impl Default for Rules {
    /// What Optuna has as defaults: 10 trials before tpe, 5 before medians.
    fn default() -> Self {
        let (search, prune, objective) = Default::default();
        Self { search, trials: None, seeds: 1, seed: 0, prune, warmup: 1, startup: 10, unpruned: 5, objective }
    }
}
