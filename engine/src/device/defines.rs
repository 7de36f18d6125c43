//! Compile-time constants of kernels.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Mutex;

use crate::short::Short;

/// Compile-time constants of a kernel (`-DNAME=VALUE`): tile shapes, element types. Sorted by name, so that equal sets are
/// equal. Every launch makes one, so the usual few need no heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defines(Short<(&'static str, Value), 16>);

/// What a name is defined as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// Anything else: a type's name, an expression.
    Text(&'static str),
}

impl Defines {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each of `named` numbers defined.
    pub fn of<const N: usize>(named: [(&'static str, usize); N]) -> Self {
        named.into_iter().fold(Self::new(), |set, (name, value)| set.with(name, value))
    }

    /// The set with `name` defined as `value`.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let place = self.0.iter().rposition(|(other, _)| *other <= name);
        match place {
            Some(place) if self.0[place].0 == name => self.0[place].1 = value.into(),
            _ => self.0.insert(place.map_or(0, |place| place + 1), (name, value.into())),
        }
        self
    }

    /// The same for a name and a value that a person wrote.
    pub fn with_text(self, name: &str, value: &str) -> Self {
        self.with(kept(name), value)
    }

    /// What `name` is defined as, if that is a number.
    pub fn get(&self, name: &str) -> Option<usize> {
        match self.0.iter().find(|(other, _)| *other == name)?.1 {
            Value::Number(number) => number.try_into().ok(),
            Value::Text(_) => None,
        }
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.0.iter().copied()
    }
}

/// By the values alone: kernels of one file that differ in names, too, are rare, and comparing finds them.
impl Hash for Defines {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|(_, value)| value.hash(state));
    }
}

impl fmt::Display for Defines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(i, (name, value))| {
            let space = if i > 0 { " " } else { "" };
            write!(f, "{space}{name}={value}")
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Default for Value {
    /// What stands where nothing is defined yet.
    fn default() -> Self {
        Self::Number(0)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().as_str().into(), Self::Number)
    }
}
impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}
impl From<&str> for Value {
    /// A number if that is written as such, so that `4` is 4 whoever defines it.
    fn from(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Self::Number(number),
            _ => Self::Text(kept(text)),
        }
    }
}

/// The text, kept until the process ends: people define few things.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap();
    if let Some(known) = kept.get(text) {
        return known;
    }
    let text: &'static str = text.to_owned().leak();
    kept.insert(text);
    text
}
