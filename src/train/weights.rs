//! Weights of classes in the loss, by how many training pictures they have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the classes' weights follow from their counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Weighting {
    /// All alike.
    #[default]
    None,
    /// N / (K n): all classes count the same in all (scikit-learn's `class_weight="balanced"`).
    Inverse,
    /// (1 − β) / (1 − βⁿ), brought to a sum of K: what the n-th picture of a class adds gets less and less (Y. Cui et al., "Class-balanced
    /// loss based on effective number of samples", 2019).
    Effective(f64),
}

/// β where none is given; Cui et al. use 0.9 to 0.9999.
const BETA: f64 = 0.999;

impl Weighting {
    /// The weight of each class that has so many pictures, or none if all are alike. One without pictures has weight 0.
    pub fn of(self, counts: &[usize]) -> Option<Vec<f32>> {
        let whole = counts.iter().sum::<usize>() as f64;
        let weigh = |of: &dyn Fn(f64) -> f64| -> Vec<f64> {
            counts.iter().map(|&count| if count == 0 { 0.0 } else { of(count as f64) }).collect()
        };
        let weights = match self {
            Self::None => return None,
            Self::Inverse => weigh(&|count| whole / (counts.len() as f64 * count)),
            Self::Effective(beta) => {
                let weights = weigh(&|count| (1.0 - beta) / (1.0 - beta.powf(count)));
                let sum: f64 = weights.iter().sum();
                weights.into_iter().map(|weight| weight * counts.len() as f64 / sum).collect()
            }
        };
        Some(weights.into_iter().map(|weight| weight as f32).collect())
    }
}

impl fmt::Display for Weighting {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Inverse => f.write_str("inverse"),
            Self::Effective(beta) => write!(f, "effective({beta})"),
        }
    }
}

impl FromStr for Weighting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.to_lowercase();
        let beta = lower.strip_prefix("effective(").and_then(|rest| rest.strip_suffix(')')?.parse::<f64>().ok());
        match (lower.as_str(), beta) {
            ("none", _) => Ok(Self::None),
            ("inverse" | "balanced", _) => Ok(Self::Inverse),
            ("effective", _) => Ok(Self::Effective(BETA)),
            (_, Some(beta)) if (0.0..1.0).contains(&beta) => Ok(Self::Effective(beta)),
            _ => {
                let what = "use none, inverse, effective or effective(BETA) with BETA from 0 to below 1";
                Err(Error::usage(format!("unknown weights of classes '{text}': {what}")))
            }
        }
    }
}

impl From<Weighting> for String {
    fn from(weighting: Weighting) -> String {
        weighting.to_string()
    }
}

impl TryFrom<String> for Weighting {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}
