//! How numpy's arrays of plain numbers stand in a pickle.
//!
//! An array is `_reconstruct(ndarray, (0,), b'b')`, then its state: version, shape, type, whether columns come first,
//! bytes. Protocol 5 writes `_frombuffer(bytes, type, shape, 'C')` instead. A type is `dtype('u1', …)`, then its byte
//! order. Python 3 writes bytes in protocols below 3 as `_codecs.encode(text, 'latin1')`.

use std::borrow::Cow;

use super::known::Known;
use super::{Id, Pickle, Value};

/// Axes of an array at the most, as numpy has it.
const AXES: usize = 64;

type Result<T> = std::result::Result<T, String>;

/// An array's element type: a letter for its kind, bytes, and whether they stand most significant first.
#[derive(Clone, Copy)]
pub(super) struct Type {
    kind: u8,
    size: usize,
    big: bool,
}

impl Type {
    const BYTE: Type = Type { kind: b'u', size: 1, big: false };

    /// Whether values are bytes.
    pub(super) fn is_byte(self) -> bool {
        (self.kind, self.size) == (b'u', 1)
    }

    /// The values in `data` if they are whole numbers.
    pub(super) fn integers(self, data: &[u8]) -> Option<Vec<i64>> {
        if !b"iu".contains(&self.kind) || !(1..=8).contains(&self.size) {
            return None;
        }
        let value = |bytes: &[u8]| {
            let significant_first: Vec<u8> =
                if self.big { bytes.to_vec() } else { bytes.iter().rev().copied().collect() };
            let negative = self.kind == b'i' && significant_first[0] & 0x80 != 0;
            significant_first.iter().fold(if negative { -1 } else { 0 }, |word, &byte| word << 8 | i64::from(byte))
        };
        Some(data.chunks_exact(self.size).map(value).collect())
    }
}

/// An array; `data` is its bytes, row by row. Without shape and data until its state follows.
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) element: Type,
    pub(super) data: Option<Id>,
}

/// What calling `known` with `arguments` would give.
pub(super) fn reduce<'a>(pickle: &Pickle<'a>, known: Known, arguments: &[Id]) -> Result<Value<'a>> {
    let refuse = || "a numpy object in a form that is not known".to_owned();
    match (known, arguments) {
        (Known::Reconstruct, [array, _, _]) => match pickle.value(*array) {
            Value::Global(Known::Array) => {
                Ok(Value::Array(Box::new(Array { shape: Vec::new(), element: Type::BYTE, data: None })))
            }
            _ => Err(refuse()),
        },
        (Known::FromBuffer, [data, element, shape, order]) if pickle.raw(*order) == Some(b"C") => {
            array(pickle, *shape, *element, *data)
        }
        (Known::Type, [code, ..]) => {
            let code = pickle.raw(*code).and_then(|code| std::str::from_utf8(code).ok()).ok_or_else(refuse)?;
            let code = code.trim_start_matches(['|', '<', '=']);
            let size = code.get(1..).and_then(|digits| digits.parse().ok());
            match (code.bytes().next(), size) {
                (Some(kind @ (b'u' | b'i')), Some(size @ (1 | 2 | 4 | 8))) => {
                    Ok(Value::Type(Type { kind, size, big: false }))
                }
                _ => Err(format!("an array of {code:?}; expected whole numbers, u1 or i8")),
            }
        }
        (Known::Encode, [text, coding]) => match (pickle.value(*text), pickle.raw(*coding)) {
            (Value::Text(text), Some(b"latin1" | b"latin-1")) => {
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                Ok(Value::Bytes(Cow::Owned(bytes.ok_or("a text that is not Latin-1")?)))
            }
            _ => Err(refuse()),
        },
        _ => Err(refuse()),
    }
}

/// The value `id` with its state.
pub(super) fn build<'a>(pickle: &Pickle<'a>, id: Id, state: Id) -> Result<Value<'a>> {
    match (pickle.value(id), pickle.items(state)) {
        (Value::Type(element), Some([_, order, ..])) => match pickle.raw(*order) {
            Some(b"|" | b"<" | b"=") => Ok(Value::Type(Type { big: false, ..*element })),
            Some(b">") => Ok(Value::Type(Type { big: true, ..*element })),
            _ => Err("a numpy type without a byte order".into()),
        },
        (Value::Array(_), Some([_, shape, element, columns_first, data])) => match pickle.value(*columns_first) {
            Value::Bool(false) | Value::Int(0) => array(pickle, *shape, *element, *data),
            _ => Err("an array with columns first: save it in C order".into()),
        },
        _ => Err("a state for something that is no numpy object".into()),
    }
}

/// The array of these parts, if they fit together.
fn array<'a>(pickle: &Pickle<'a>, shape: Id, element: Id, data: Id) -> Result<Value<'a>> {
    let side = |&id: &Id| match pickle.value(id) {
        Value::Int(side) => usize::try_from(*side).ok(),
        _ => None,
    };
    let sides = pickle.items(shape).filter(|sides| sides.len() <= AXES);
    let shape: Option<Vec<usize>> = sides.and_then(|sides| sides.iter().map(side).collect());
    let (Some(shape), Value::Type(element), Value::Bytes(bytes)) = (shape, pickle.value(element), pickle.value(data))
    else {
        return Err("a numpy array in a form that is not known".into());
    };
    let size = shape.iter().try_fold(element.size, |size, &side| size.checked_mul(side));
    if size != Some(bytes.len()) {
        return Err(format!("an array of shape {shape:?} with {} bytes", bytes.len()));
    }
    Ok(Value::Array(Box::new(Array { shape, element: *element, data: Some(data) })))
}
