//! Which training pictures an epoch takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::split;
use crate::error::{Error, Result};

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

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Natural => "natural",
            Self::Balanced => "balanced",
        })
    }
}

impl FromStr for Sample {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_lowercase().as_str() {
            "natural" => Ok(Self::Natural),
            "balanced" => Ok(Self::Balanced),
            _ => Err(Error::usage(format!("unknown way to sample '{text}': use natural or balanced"))),
        }
    }
}
