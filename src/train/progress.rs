//! How far a training is.

use serde::{Deserialize, Serialize};

use super::precision::Scaling;

/// Where training stands; all zero at the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs completed.
    pub epoch: u32,
    /// Training steps taken in all; keys the random numbers of the next.
    pub step: u64,
    /// Training steps taken in the epoch under way; 0 between epochs.
    pub step_in_epoch: usize,
    /// Sum of loss, hits and images of the epoch under way: loss · images, top-1, top-5, images.
    pub sums: [f64; 4],
    /// The optimizer's own step counters, one for each group of parameters. A number in files where there is one group.
    #[serde(with = "counters")]
    pub optimizer_steps: Vec<u64>,
    /// Steps that moving averages of the weights have followed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub averaged: u64,
    /// Best validation accuracy so far and its epoch.
    pub best: Option<(f64, u32)>,
    /// How the loss is scaled, in f16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

mod counters {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Counters {
        One(u64),
        All(Vec<u64>),
    }

    pub fn serialize<S: Serializer>(all: &Vec<u64>, to: S) -> Result<S::Ok, S::Error> {
        match all[..] {
            [one] => one.serialize(to),
            _ => all.serialize(to),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
        Ok(match Counters::deserialize(from)? {
            Counters::One(one) => vec![one],
            Counters::All(all) => all,
        })
    }
}
