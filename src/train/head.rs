//! What becomes of the last layer of weights that a training begins with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What becomes of a network's last linear layer where weights of others are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// It is loaded, for the same classes.
    #[default]
    Keep,
    /// A new one for other classes takes its place.
    Replace,
    /// It is loaded, for its own classes, and a new one, `head`, comes behind it.
    Add,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Replace => "replace",
            Self::Add => "add",
        })
    }
}

impl FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_lowercase().as_str() {
            "keep" => Ok(Self::Keep),
            "replace" => Ok(Self::Replace),
            "add" => Ok(Self::Add),
            _ => Err(Error::usage(format!("head '{text}': use keep, replace or add"))),
        }
    }
}
