//! What comes of a kernel in a bench.

use serde::{Deserialize, Serialize};

/// Figures, or the reason why there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It ran.
    Measured {
        /// Of the median run.
        milliseconds: f64,
        /// 10⁹ useful operations a second.
        gflops: f64,
        /// 10⁹ of the least bytes a second.
        gigabytes_per_second: f64,
        /// The least time that the measured ceilings allow, over the median run's.
        of_ceiling: f64,
        /// Milliseconds, run by run.
        runs: Vec<f64>,
    },
    /// It did not.
    Missing {
        /// Why.
        not_measured: String,
        /// What it did that no kernel may do, if that is why: a bench that meets it has failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
}

/// What no kernel may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Give a wrong result, or any in a time that no device could.
    Wrong,
    /// Not compile, or not run.
    Fails,
}

impl Fault {
    pub(super) fn outcome(self, what: &str) -> Outcome {
        let word = match self {
            Self::Wrong => "wrong",
            Self::Fails => "fails",
        };
        Outcome::Missing { not_measured: format!("{word}: {what}"), fault: Some(self) }
    }
}

/// Not measured for a reason that is no fault.
pub(super) fn missing(reason: impl Into<String>) -> Outcome {
    Outcome::Missing { not_measured: reason.into(), fault: None }
}

/// Why an outcome is not merely missing but a fault: a kernel that fails, a wrong result, or one that no device could
/// give. A bench that meets one has failed.
pub fn wrong(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Missing { not_measured, fault: Some(_) } => Some(not_measured),
        _ => None,
    }
}
