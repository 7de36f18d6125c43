//! Python's pickle format, read as data: what CIFAR's Python version and PyTorch's files are made of and nothing more.
//!
//! A pickle is a program for a stack machine that may call any Python function by name. Nothing is called here: numbers,
//! texts, lists and dictionaries are built, and the few names by which numpy's arrays of plain numbers and PyTorch's tensors are
//! written are understood as such (`known.rs`). Any other name is an error. Protocols 0 to 5.
//!
//! Values stand in one flat list and refer to each other by position, so nothing recurses, whatever a file says; texts
//! and pixels stay slices of the file where they are written as they are. The number of operations is limited, and
//! what has to be unescaped may take no more room than a few times the file.

mod escape;
mod known;
mod machine;
mod numpy;
pub mod torch;

use std::borrow::Cow;

use known::Known;
use numpy::{Array, Type};
use torch::{Rebuilt, Stored};

/// Bytes of a key that are looked at, and of all texts of a list together: a text may stand in a million places.
const LONGEST_NAME: usize = 1000;
const LONGEST_TEXTS: usize = 16 << 20;

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
    Array(Box<Array>),
    Storage(Box<Stored>),
    Tensor(Box<Rebuilt>),
}

/// A pickled value.
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

/// A value in a [`Pickle`].
#[derive(Clone, Copy)]
pub struct Item(Id);

impl<'a> Pickle<'a> {
    /// Reads a file that is one dictionary.
    ///
    /// # Errors
    /// What is wrong at which offset, as the rest of a sentence about the file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let (pickle, _) = machine::run(bytes)?;
        match pickle.value(pickle.root) {
            Value::Dict(_) => Ok(pickle),
            _ => Err("is a pickle, but of something else than a dictionary".into()),
        }
    }

    /// Reads the value at the beginning of `bytes`, and how many of them it takes.
    ///
    /// # Errors
    /// As [`Pickle::parse`].
    pub fn first(bytes: &'a [u8]) -> Result<(Self, usize), String> {
        machine::run(bytes)
    }

    /// The whole.
    pub fn root(&self) -> Item {
        Item(self.root)
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
        self.entry(self.root(), key)
    }

    /// What the dictionary `of` has under `key`; none if it is no dictionary.
    pub fn entry(&self, of: Item, key: &str) -> Option<Item> {
        let Value::Dict(pairs) = self.value(of.0) else { return None };
        // The last of equal keys counts, as it does in Python.
        let pair = pairs.iter().rev().find(|(name, _)| self.raw(*name) == Some(key.as_bytes()))?;
        Some(Item(pair.1))
    }

    /// The entries of a dictionary whose keys are texts, in order, names cut at 1000 bytes; none if `of` is no dictionary.
    pub fn entries(&self, of: Item) -> Option<impl Iterator<Item = (Cow<'_, str>, Item)>> {
        let Value::Dict(pairs) = self.value(of.0) else { return None };
        // Of a name that no one gave, enough to tell it.
        let name = |key| self.raw(key).map(|raw| String::from_utf8_lossy(&raw[..raw.len().min(LONGEST_NAME)]));
        let entry = move |&(key, value): &(Id, Id)| Some((name(key)?, Item(value)));
        Some(pairs.iter().filter_map(entry))
    }

    /// A whole number.
    pub fn integer(&self, item: Item) -> Option<i64> {
        match self.value(item.0) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The numbers of a list, or of an array with one axis.
    pub fn integers(&self, item: Item) -> Option<Vec<i64>> {
        if let Value::Array(array) = self.value(item.0) {
            return array.element.integers(self.raw(array.data?)?).filter(|_| array.shape.len() == 1);
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
            Value::Array(array) if array.element.is_byte() => Some((&array.shape, self.raw(array.data?)?)),
            _ => None,
        }
    }

    /// The texts of a list; none if they are too many.
    pub fn texts(&self, item: Item) -> Option<Vec<String>> {
        let mut left = LONGEST_TEXTS;
        let text = |&id: &Id| {
            let raw = self.raw(id)?;
            left = left.checked_sub(raw.len())?;
            String::from_utf8(raw.to_vec()).ok()
        };
        self.items(item.0)?.iter().map(text).collect()
    }
}

/// Keys and values that stand one after the other.
fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, String> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
        _ => Err("a key without a value".into()),
    }
}
