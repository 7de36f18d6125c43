//! What becomes of the last layer of weights that a training begins with.

use serde::{Deserialize, Serialize};

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

words!(Head, "head '{text}'", Keep "keep", Replace "replace", Add "add");
