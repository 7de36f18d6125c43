//! Numbers of layers: as they are written, or a parameter's.

use toml::de::DeValue;

use super::read::{CLASSES, Parameters, Reader};
use super::text::{Entry, Value, find, instead};

/// The settings of one layer, where numbers may be parameters.
pub(super) struct Settings<'r, 'a> {
    pub reader: &'r Reader<'a>,
    pub found: &'r [Entry<'a>],
    /// Where the layer stands.
    pub at: usize,
    pub path: &'r str,
    pub parameters: &'r Parameters,
}

impl Settings<'_, '_> {
    /// The whole number `key`, at least `least`; else `default`.
    pub fn count(&self, key: &str, least: usize, default: Option<usize>) -> Result<usize, String> {
        let Self { reader, found, at, path, parameters } = self;
        match (find(found, key), default) {
            (Some(value), _) => {
                let number = reader.number(value, key, path, parameters)?;
                let whole = number.fract() == 0.0 && number >= least as f64 && number <= f64::from(i32::MAX);
                let what = || format!("{key} is {number}: expected a whole number, {least} or more");
                if whole { Ok(number as usize) } else { Err(reader.wrong(value.span().start, path, &what())) }
            }
            (None, Some(default)) => Ok(default),
            (None, None) => Err(reader.wrong(*at, path, &format!("it needs {key}: add {key} = 3, or another number"))),
        }
    }

    /// The number `key`, from 0 to 1.
    pub fn share(&self, key: &str) -> Result<f32, String> {
        let value = find(self.found, key).expect("the layer's own key");
        let number = self.reader.number(value, key, self.path, self.parameters)? as f32;
        let what = || format!("{key} is {number}: expected a number from 0 to 1");
        let wrong = || self.reader.wrong(value.span().start, self.path, &what());
        if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(wrong()) }
    }

    /// Whether `key` is set; it is unless it says otherwise.
    pub fn flag(&self, key: &str) -> Result<bool, String> {
        let Some(value) = find(self.found, key) else { return Ok(true) };
        let wrong = || self.reader.wrong(value.span().start, self.path, &format!("{key}: expected true or false"));
        value.get_ref().as_bool().ok_or_else(wrong)
    }
}

impl Reader<'_> {
    /// The number that `value` is, or the parameter that it names.
    pub fn number(&self, value: &Value, key: &str, path: &str, parameters: &Parameters) -> Result<f64, String> {
        let wrong = |what: &str| self.wrong(value.span().start, path, what);
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64),
            DeValue::Float(number) => number.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
            DeValue::String(name) if name == CLASSES => Some(self.classes as f64),
            DeValue::String(name) => match parameters.get(&**name) {
                Some(number) => Some(*number),
                None => {
                    let known: Vec<&str> = parameters.keys().map(String::as_str).chain([CLASSES]).collect();
                    return Err(wrong(&format!("{key}: no parameter is called {}", instead(name, &known))));
                }
            },
            _ => None,
        };
        number.ok_or_else(|| wrong(&format!("{key}: expected a number, or a parameter's name in quotes")))
    }
}
