//! Which training pictures an epoch takes.

use serde::{Deserialize, Serialize};

use crate::data::split;

/// How an epoch takes the training pictures; what is judged is never chosen so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// Each once.
    #[default]
    Natural,
    /// As many in all, each class equally often: small classes are repeated, of large ones each epoch takes others.
    Balanced,
}

impl Sample {
    /// The order in which `epoch` takes pictures with these `labels`, as positions.
    pub fn order(self, labels: &[i32], seed: u64, epoch: u64) -> Vec<u32> {
        match self {
            Self::Natural => split::shuffle(labels.len(), seed, epoch),
            Self::Balanced => split::balanced(labels, seed, epoch),
        }
    }
}

words!(Sample, "unknown way to sample '{text}'", Natural "natural", Balanced "balanced");
