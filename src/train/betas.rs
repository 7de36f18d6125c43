//! Adam's betas, as they are written: `0.9,0.999`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Decay per step of Adam's running means of the gradient and of its square.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Betas(pub [f64; 2]);

impl Default for Betas {
    fn default() -> Self {
        Self([0.9, 0.999])
    }
}

impl FromStr for Betas {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let both = text.split_once(',').and_then(|(a, b)| Some([a.trim().parse().ok()?, b.trim().parse().ok()?]));
        let wrong = || Error::usage(format!("betas '{text}': write two numbers from 0 to below 1, such as 0.9,0.999"));
        both.filter(|both: &[f64; 2]| both.iter().all(|beta| (0.0..1.0).contains(beta))).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Betas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([first, second]) = self;
        write!(f, "{first},{second}")
    }
}

impl TryFrom<String> for Betas {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Betas> for String {
    fn from(betas: Betas) -> Self {
        betas.to_string()
    }
}
