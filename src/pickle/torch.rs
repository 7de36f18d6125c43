//! How PyTorch's tensors stand in a pickle.
//!
//! A tensor is `_rebuild_tensor_v2(storage, offset, shape, strides, …)`, offset and strides in elements. Its storage is not in
//! the pickle: a persistent id names it, `('storage', torch.FloatStorage, key, device, elements)`, to which the format before
//! PyTorch 1.6 adds the part of the storage that is meant: `(key, offset, elements)` or `None`. A parameter is
//! `_rebuild_parameter(tensor, …)`.

use super::known::Known;
use super::{Id, Item, Pickle, Value};

type Result<T> = std::result::Result<T, String>;

/// Axes of a tensor at the most.
const AXES: usize = 8;

/// Bytes of a storage's key at the most: they are numbers.
const LONGEST_KEY: usize = 100;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// float64.
    F64,
    /// float32.
    F32,
    /// float16.
    F16,
    /// bfloat16.
    Bf16,
    /// int64.
    I64,
    /// int32.
    I32,
    /// int16.
    I16,
    /// int8.
    I8,
    /// uint8.
    U8,
    /// bool.
    Bool,
}

impl Element {
    /// Of `torch.FloatStorage` and its like, told by what stands before `Storage`.
    pub(super) fn of_storage(kind: &[u8]) -> Option<Self> {
        Some(match kind {
            b"Double" => Self::F64,
            b"Float" => Self::F32,
            b"Half" => Self::F16,
            b"BFloat16" => Self::Bf16,
            b"Long" => Self::I64,
            b"Int" => Self::I32,
            b"Short" => Self::I16,
            b"Char" => Self::I8,
            b"Byte" => Self::U8,
            b"Bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Of `torch.float32` and its like.
    pub(super) fn of_dtype(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"float64" | b"double" => Self::F64,
            b"float32" | b"float" => Self::F32,
            b"float16" | b"half" => Self::F16,
            b"bfloat16" => Self::Bf16,
            b"int64" | b"long" => Self::I64,
            b"int32" | b"int" => Self::I32,
            b"int16" | b"short" => Self::I16,
            b"int8" => Self::I8,
            b"uint8" => Self::U8,
            b"bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub fn size(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }
}

/// Where elements lie outside of the pickle.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    element: Element,
    key: Id,
    elements: u64,
    part: Option<(u64, u64)>,
}

/// A tensor in a pickle, whose elements are found elsewhere.
#[derive(Clone)]
pub(super) struct Rebuilt {
    storage: Stored,
    element: Element,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
}

/// A tensor, whose elements are found in a storage outside of the pickle.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The storage's name.
    pub key: String,
    /// Bytes of the storage.
    pub bytes: u64,
    /// Bytes in the storage before the first element.
    pub start: u64,
    /// Bytes from the start of the storage that the tensor may reach.
    pub end: u64,
    /// The elements' type.
    pub element: Element,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// Elements from one place to the next on each axis.
    pub strides: Vec<u64>,
}

/// The storage that a persistent id names.
pub(super) fn storage<'a>(pickle: &Pickle<'a>, id: Id) -> Result<Value<'a>> {
    let refuse = || "a persistent id that is no storage of PyTorch's".to_owned();
    let parts = pickle.items(id).ok_or_else(refuse)?;
    let ([tag, kind, key, _, elements] | [tag, kind, key, _, elements, _]) = parts else { return Err(refuse()) };
    let element = match pickle.value(*kind) {
        Value::Global(Known::Storage(element)) => *element,
        Value::Global(Known::Untyped) => Element::U8,
        _ => return Err(refuse()),
    };
    let (Some(b"storage"), Some(0..=LONGEST_KEY)) = (pickle.raw(*tag), pickle.raw(*key).map(<[u8]>::len)) else {
        return Err(refuse());
    };
    let elements = count(pickle, *elements).ok_or_else(refuse)?;
    let part = match parts.get(5).map(|&view| pickle.value(view)) {
        None | Some(Value::None) => None,
        Some(Value::Tuple(view)) => match view[..] {
            [_, offset, size] => {
                Some((count(pickle, offset).ok_or_else(refuse)?, count(pickle, size).ok_or_else(refuse)?))
            }
            _ => return Err(refuse()),
        },
        Some(_) => return Err(refuse()),
    };
    Ok(Value::Storage(Box::new(Stored { element, key: *key, elements, part })))
}

/// The tensor that calling `known` with `arguments` would give.
pub(super) fn reduce<'a>(pickle: &Pickle<'a>, known: Known, arguments: &[Id]) -> Result<Value<'a>> {
    let refuse = || "a tensor in a form that is not known".to_owned();
    if known == Known::Parameter {
        return match arguments.first().map(|&tensor| pickle.value(tensor)) {
            Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
            _ => Err(refuse()),
        };
    }
    let [storage, offset, shape, strides, rest @ ..] = arguments else { return Err(refuse()) };
    let Value::Storage(storage) = pickle.value(*storage) else { return Err(refuse()) };
    let element = match (known, rest) {
        (Known::Typed, [_, _, element, ..]) => match pickle.value(*element) {
            Value::Global(Known::Element(element)) => *element,
            _ => return Err(refuse()),
        },
        (Known::Typed, _) => return Err(refuse()),
        _ => storage.element,
    };
    let sizes = |id: Id| -> Option<Vec<u64>> {
        let sizes = pickle.items(id).filter(|sizes| sizes.len() <= AXES)?;
        sizes.iter().map(|&size| count(pickle, size)).collect()
    };
    let (Some(offset), Some(shape), Some(strides)) = (count(pickle, *offset), sizes(*shape), sizes(*strides)) else {
        return Err(format!("a tensor with negative sizes, or of more than {AXES} axes"));
    };
    let shape: Option<Vec<usize>> = shape.into_iter().map(|size| usize::try_from(size).ok()).collect();
    let shape = shape.filter(|shape| shape.len() == strides.len()).ok_or_else(refuse)?;
    Ok(Value::Tensor(Box::new(Rebuilt { storage: **storage, element, offset, shape, strides })))
}

/// A number that is not negative.
fn count(pickle: &Pickle, id: Id) -> Option<u64> {
    match pickle.value(id) {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

impl Pickle<'_> {
    /// The tensor that `item` is; none if it is something else.
    ///
    /// # Errors
    /// A tensor whose sizes overflow, or that reaches beyond its storage.
    pub fn tensor(&self, item: Item) -> Option<Result<Tensor>> {
        let Value::Tensor(tensor) = self.value(item.0) else { return None };
        Some(self.placed(tensor))
    }

    /// The storages that are named: key, elements, bytes of each.
    pub fn storages(&self) -> impl Iterator<Item = (String, u64, u64)> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(stored) => Some((self.key(stored), stored.elements, stored.element.size())),
            _ => None,
        })
    }

    fn key(&self, stored: &Stored) -> String {
        String::from_utf8_lossy(self.raw(stored.key).unwrap_or_default()).into_owned()
    }

    fn placed(&self, tensor: &Rebuilt) -> Result<Tensor> {
        let Rebuilt { storage, element, offset, shape, strides } = tensor;
        let key = self.key(storage);
        let too_large = || "a tensor whose sizes are no sizes".to_owned();
        let bytes = storage.elements.checked_mul(storage.element.size()).ok_or_else(too_large)?;
        let (first, end) = match storage.part {
            None => (0, Some(bytes)),
            Some((first, elements)) => {
                let size = storage.element.size();
                let first = first.checked_mul(size).ok_or_else(too_large)?;
                (first, elements.checked_mul(size).and_then(|length| first.checked_add(length)))
            }
        };
        let end = end.filter(|&end| end <= bytes).ok_or("a part of a storage that reaches beyond it")?;
        let start = offset.checked_mul(element.size()).and_then(|before| before.checked_add(first));
        let start = start.ok_or_else(too_large)?;
        let last = shape.iter().zip(strides).try_fold(0u64, |last, (&size, &stride)| {
            last.checked_add((size as u64).saturating_sub(1).checked_mul(stride)?)
        });
        let reach = last.and_then(|last| last.checked_add(1)?.checked_mul(element.size())?.checked_add(start));
        let reach = if shape.contains(&0) { start } else { reach.ok_or_else(too_large)? };
        if reach > end {
            return Err(format!("a tensor that reaches to byte {reach} of a storage of {end}"));
        }
        Ok(Tensor { key, bytes, start, end: reach, element: *element, shape: shape.clone(), strides: strides.clone() })
    }
}
