//! Python's pickle format, read as data: what CIFAR's Python version is made of and nothing more.
//!
//! A pickle is a program for a stack machine that may call any Python function by name. Nothing is called here: numbers,
//! texts, lists and dictionaries are built, and the four names by which numpy's arrays of plain numbers are written are
//! understood as such. Any other name is an error. Protocols 0 to 5.
//!
//! Values stand in one flat list and refer to each other by position, so nothing recurses, whatever a file says; texts
//! and pixels stay slices of the file where they are written as they are. The number of operations is limited, and
//! what has to be unescaped may take no more room than a few times the file.

mod escape;
mod machine;
mod numpy;

use std::borrow::Cow;

use numpy::{Known, Type};

/// A value's position in [`Pickle::values`].
type Id = u32;

/// A value.
enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// Read over: nothing needed is a float.
    Float,
    /// Bytes, or Python 2's `str`.
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A name that is understood.
    Global(Known),
    Type(Type),
    /// An array; `data` is its bytes, row by row. Without shape and data until its state follows.
    Array {
        shape: Vec<usize>,
        element: Type,
        data: Option<Id>,
    },
}

/// A pickled dictionary.
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

/// A value in a [`Pickle`].
#[derive(Clone, Copy)]
pub struct Item(Id);

impl<'a> Pickle<'a> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// What is wrong at which offset, as the rest of a sentence about the file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let pickle = machine::run(bytes)?;
        match pickle.value(pickle.root) {
            Value::Dict(_) => Ok(pickle),
            _ => Err("is a pickle, but of something else than a dictionary".into()),
        }
    }

    fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize]
    }

    /// The bytes of a text of either kind.
    fn raw(&self, id: Id) -> Option<&[u8]> {
        match self.value(id) {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::List(items) | Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// What the dictionary has under `key`, written as text or as bytes.
    pub fn get(&self, key: &str) -> Option<Item> {
        let Value::Dict(pairs) = self.value(self.root) else { return None };
        // The last of equal keys counts, as it does in Python.
        let pair = pairs.iter().rev().find(|(name, _)| self.raw(*name) == Some(key.as_bytes()))?;
        Some(Item(pair.1))
    }

    /// The numbers of a list, or of an array with one axis.
    pub fn integers(&self, item: Item) -> Option<Vec<i64>> {
        if let Value::Array { shape, element, data: Some(data) } = self.value(item.0) {
            return element.integers(self.raw(*data)?).filter(|_| shape.len() == 1);
        }
        let number = |&id: &Id| match self.value(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        self.items(item.0)?.iter().map(number).collect()
    }

    /// Shape and values, row by row, of an array of bytes.
    pub fn bytes(&self, item: Item) -> Option<(&[usize], &[u8])> {
        match self.value(item.0) {
            Value::Array { shape, element, data: Some(data) } if element.is_byte() => Some((shape, self.raw(*data)?)),
            _ => None,
        }
    }

    /// The texts of a list.
    pub fn texts(&self, item: Item) -> Option<Vec<String>> {
        let text = |&id: &Id| String::from_utf8(self.raw(id)?.to_vec()).ok();
        self.items(item.0)?.iter().map(text).collect()
    }
}
