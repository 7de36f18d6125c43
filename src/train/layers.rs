//! Layers as options name them: `layer1,features.0`, and `layer1=0.1,fc=10` where each has a value.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Names of layers: everything inside of them is meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Names(pub Vec<String>);

/// Names of layers with a value each. Where one lies inside of another, the inner one's counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound(serialize = "V: Clone + Display", deserialize = "V: FromStr"))]
pub struct PerLayer<V>(pub Vec<(String, V)>);

/// Whether `parameter` (or a layer) is `layer`, or lies inside of it.
pub fn lies_in(parameter: &str, layer: &str) -> bool {
    parameter.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Names {
    /// Whether `parameter` lies in one of them.
    pub fn have(&self, parameter: &str) -> bool {
        self.0.iter().any(|layer| lies_in(parameter, layer))
    }

    /// The names.
    pub fn layers(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Copy> PerLayer<V> {
    /// The value for `parameter`, if it lies in one of the layers.
    pub fn of(&self, parameter: &str) -> Option<V> {
        let around = self.0.iter().filter(|(layer, _)| lies_in(parameter, layer));
        around.max_by_key(|(layer, _)| layer.len()).map(|(_, value)| *value)
    }
}

impl<V> PerLayer<V> {
    /// The layers' names.
    pub fn layers(&self) -> Vec<&str> {
        self.0.iter().map(|(layer, _)| layer.as_str()).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// Not derived: a value needs no default for there to be none.
impl<V> Default for PerLayer<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The parts of a list with commas, each once and none empty.
fn parts(text: &str) -> Result<Vec<&str>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    match parts.iter().enumerate().find(|(i, part)| part.is_empty() || parts[..*i].contains(part)) {
        None => Ok(parts),
        Some((_, &"")) => Err(Error::usage(format!("layers '{text}': there is nothing between two commas"))),
        Some((_, twice)) => Err(Error::usage(format!("layers '{text}': '{twice}' is there twice"))),
    }
}

impl FromStr for Names {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |name: &str| name.trim_end_matches('.').to_owned();
        Ok(Self(parts(text)?.into_iter().map(plain).collect()))
    }
}

impl<V: FromStr> FromStr for PerLayer<V> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let pair = |part: &str| {
            let (layer, value) = part.split_once('=')?;
            Some((layer.trim().trim_end_matches('.').to_owned(), value.trim().parse().ok()?))
        };
        let read = |part: &str| {
            pair(part).ok_or_else(|| Error::usage(format!("'{part}': write a layer and a number, such as layer4=2")))
        };
        let all = parts(text)?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        match all.iter().enumerate().find(|(i, (layer, _))| all[..*i].iter().any(|(other, _)| other == layer)) {
            Some((_, (twice, _))) => Err(Error::usage(format!("layers '{text}': '{twice}' is there twice"))),
            None => Ok(Self(all)),
        }
    }
}

impl Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl<V: Display> Display for PerLayer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(layer, value)| format!("{layer}={value}")).collect();
        f.write_str(&all.join(","))
    }
}

impl TryFrom<String> for Names {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl<V: FromStr> TryFrom<String> for PerLayer<V> {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Names> for String {
    fn from(names: Names) -> Self {
        names.to_string()
    }
}

impl<V: Display> From<PerLayer<V>> for String {
    fn from(all: PerLayer<V>) -> Self {
        all.to_string()
    }
}
