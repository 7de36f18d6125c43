//! What a parameter of a sweep can be: one value of a list, or a number of a range.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The most values of a list, a range of whole numbers, or steps: more is a mistake.
const MOST: f64 = 1e9;

/// What a parameter can be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Domain {
    /// One of these texts, numbers or truths, which have no order.
    Choice(Vec<Value>),
    /// A number.
    Range(Range),
}

/// Numbers from one to another, both of them included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The lowest.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// Whether equal factors, not equal differences, count as equally far: as for learning rates.
    #[serde(default)]
    pub log: bool,
    /// Whether there are only whole numbers.
    #[serde(default)]
    pub integer: bool,
    /// How many numbers are tried at all, equally far from each other; any if none.
    #[serde(default)]
    pub steps: Option<usize>,
}

/// A domain as those see it who search it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    /// So many values without an order; a coordinate is the place of one.
    Categories(usize),
    /// Coordinates from the first to below the second, equally likely if nothing is known.
    Line([f64; 2]),
}

impl Domain {
    /// Coordinates of what it can be.
    pub fn layout(&self) -> Layout {
        match self {
            Self::Choice(values) => Layout::Categories(values.len()),
            Self::Range(range) => Layout::Line(range.line()),
        }
    }

    /// The value at a coordinate of [`Domain::layout`].
    pub fn at(&self, coordinate: f64) -> Value {
        match self {
            Self::Choice(values) => values[(coordinate as usize).min(values.len() - 1)].clone(),
            Self::Range(range) => range.at(coordinate),
        }
    }

    /// How many values there are; none if they cannot be counted.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Choice(values) => Some(values.len()),
            Self::Range(range) => range.count(),
        }
    }

    /// Every value, if they can be counted.
    pub fn values(&self) -> Option<Vec<Value>> {
        match self {
            Self::Choice(values) => Some(values.clone()),
            Self::Range(range) => Some((0..range.count()?).map(|place| range.nth(place)).collect()),
        }
    }

    /// Values that show whether an option can be given what is here: all of a list, the ends and the middle of a range.
    pub fn samples(&self) -> Vec<Value> {
        match self {
            Self::Choice(values) => values.clone(),
            Self::Range(range) => {
                let [low, high] = range.line();
                [range.from, range.to]
                    .map(|end| range.number(end))
                    .into_iter()
                    .chain([range.at((low + high) / 2.0)])
                    .collect()
            }
        }
    }

    /// What makes no sense of it, with the fix.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Choice(values) => {
                let again = (1..values.len()).find(|&at| values[..at].contains(&values[at]));
                match (values.len(), again) {
                    (0, _) => Err("an empty list: name the values to try".into()),
                    (1, _) => Err("one value is no search: make it an option of the file".into()),
                    (_, Some(at)) => Err(format!("{} stands there twice", values[at])),
                    _ => Ok(()),
                }
            }
            Self::Range(range) => range.check(),
        }
    }
}

impl Range {
    fn check(&self) -> Result<(), String> {
        let Self { from, to, log, integer, steps } = *self;
        if !(from.is_finite() && to.is_finite()) {
            return Err("a range has finite ends".into());
        }
        if from == to {
            return Err("one value is no search: make it an option of the file".into());
        }
        if from > to {
            return Err(format!("an empty range: from = {from} is above to = {to}"));
        }
        if log && from <= 0.0 {
            return Err(format!("from = {from}: a range with log = true begins above 0"));
        }
        if integer && (from.fract() != 0.0 || to.fract() != 0.0 || to - from > MOST || from < 0.0 && log) {
            return Err("a range with integer = true has whole numbers as its ends".into());
        }
        match steps {
            Some(0 | 1) => Err("steps = 2 or more: the ends are the first and the last of them".into()),
            Some(steps) if steps as f64 > MOST || integer && steps as f64 > to - from + 1.0 => {
                Err(format!("steps = {steps}: there are fewer numbers in the range"))
            }
            _ => Ok(()),
        }
    }

    fn count(&self) -> Option<usize> {
        self.steps.or(self.integer.then_some((self.to - self.from) as usize + 1))
    }

    /// Coordinates: of steps their number, else the number itself, or its logarithm. Whole numbers have each a unit around them.
    fn line(&self) -> [f64; 2] {
        let scale = |number: f64| if self.log { number.ln() } else { number };
        match (self.steps, self.integer) {
            (Some(steps), _) => [-0.5, steps as f64 - 0.5],
            (None, true) => [scale(self.from - 0.5), scale(self.to + 0.5)],
            (None, false) => [scale(self.from), scale(self.to)],
        }
    }

    fn at(&self, coordinate: f64) -> Value {
        match self.steps {
            Some(steps) => self.nth((coordinate + 0.5).clamp(0.0, steps as f64 - 1.0) as usize),
            None => self.number(if self.log { coordinate.exp() } else { coordinate }),
        }
    }

    /// The number at `place` of those that are counted.
    fn nth(&self, place: usize) -> Value {
        let Some(steps) = self.steps else { return self.number(self.from + place as f64) };
        let share = place as f64 / (steps - 1) as f64;
        let between = if self.log {
            self.from * (self.to / self.from).powf(share)
        } else {
            self.from + share * (self.to - self.from)
        };
        self.number(between)
    }

    /// `number`, in the range, as a trial has it: whole, or with four digits, so that it can be typed again.
    fn number(&self, number: f64) -> Value {
        if self.integer {
            return Value::from(number.round().clamp(self.from, self.to) as i64);
        }
        let short: f64 = format!("{number:.3e}").parse().unwrap_or(number);
        Value::from(short.clamp(self.from, self.to))
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Domain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values, or a range such as { from = 1e-4, to = 1e-1, log = true }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Domain, A::Error> {
                let mut values: Vec<Value> = Vec::new();
                while let Some(value) = list.next_element::<Value>()? {
                    if !(value.is_string() || value.is_number() || value.is_boolean()) {
                        return Err(A::Error::custom("the values of a list are texts, numbers, true or false"));
                    }
                    values.push(value);
                }
                Ok(Domain::Choice(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Domain, A::Error> {
                Range::deserialize(MapAccessDeserializer::new(map)).map(Domain::Range)
            }
        }
        let domain = from.deserialize_any(Either)?;
        domain.check().map_err(D::Error::custom)?;
        Ok(domain)
    }
}

/// `value` as people type it: a text without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(far) if far != 0.0 && !(1e-3..1e6).contains(&far.abs()) => format!("{far:e}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
