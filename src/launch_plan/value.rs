//! One argument as text: a number, a struct's integers, or what a pointer points to.

use std::str::FromStr;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::device::signature::Element;

/// What a parameter is given. On the command line and in a TOML file alike:
///
/// - `1000`, `0.5`, `true`: a number
/// - `[8, 16]`: the members of a struct of ints
/// - `f32[1024]`, `f32[32*32] zeros`: a pointer to a new buffer; see [`Spec`]
/// - `same as x`: the pointer that parameter `x` is given
/// - `null`: a null pointer
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// The members of a struct of ints, in order.
    Ints(Vec<i32>),
    /// A new buffer.
    Buffer(Spec),
    /// The buffer of another parameter.
    Same(String),
    /// A null pointer.
    Null,
}

/// A buffer to make: `TYPE[COUNT]` and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Type of its numbers.
    pub element: Element,
    /// How many numbers: those of `float4[256]` are 1024.
    pub count: usize,
    /// What it holds.
    pub fill: Fill,
}

/// What a buffer holds before the launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Nothing wrote it: reading it is a mistake of the kernel.
    Empty,
    /// Random numbers, the same in every run: floats in [-1, 1), integers from 0 to 99.
    Random,
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// 0, 1, 2, …
    Index,
    /// Random whole numbers from 0 to one below this, the same in every run.
    Below(u32),
}

/// Bytes of a buffer that are made, or looked at, at a time.
pub(super) const PIECE: usize = 1 << 20;

impl Value {
    pub(super) fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Integer(value) => Ok(Value::Int((*value).into())),
            toml::Value::Float(value) => Ok(Value::Float(*value)),
            toml::Value::Boolean(value) => Ok(Value::Int((*value).into())),
            toml::Value::String(text) => text.parse(),
            toml::Value::Array(values) => {
                let ints = values.iter().map(|v| v.as_integer().and_then(|v| i32::try_from(v).ok()));
                ints.collect::<Option<_>>().map(Value::Ints).ok_or_else(|| NOT_INTS.into())
            }
            _ => Err("give a number, a list of integers or a text such as \"f32[1024]\"".into()),
        }
    }
}

const NOT_INTS: &str = "a struct is given as the list of its 32-bit integers, such as [8, 16]";

impl FromStr for Value {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(list) = text.strip_prefix('[') {
            let list = list.strip_suffix(']').ok_or(NOT_INTS)?;
            let ints = list.split(',').map(|int| int.trim().parse().map_err(|_| NOT_INTS.to_owned()));
            return ints.collect::<Result<_, _>>().map(Value::Ints);
        }
        let int = || text.parse().map(Value::Int);
        let float = || text.parse().map(Value::Float);
        match text {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Int(1)),
            "false" => Ok(Value::Int(0)),
            _ => match text.strip_prefix("same as ") {
                Some(name) => Ok(Value::Same(name.trim().into())),
                None => int().or_else(|_| float()).or_else(|_| text.parse().map(Value::Buffer)),
            },
        }
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('[').and_then(|(kind, rest)| Some((kind, rest.split_once(']')?)));
        let Some((kind, (size, fill))) = parts else {
            return Err(format!(
                "'{text}' is no number, null or buffer: write a buffer like f32[1024] or f32[1024] zeros"
            ));
        };
        let vector = || Element::vector(kind.trim());
        let (element, lanes) = Element::named(kind.trim()).map(|e| (e, 1)).or_else(vector).ok_or_else(|| {
            let names: Vec<_> = Element::ALL.iter().map(|element| element.name()).collect();
            format!("'{}' is no element type: use one of {} or a vector such as float4", kind.trim(), names.join(", "))
        })?;
        let factors: Option<Vec<usize>> = size.split('*').map(|factor| factor.trim().parse().ok()).collect();
        let count = factors.and_then(|factors| factors.into_iter().try_fold(lanes, usize::checked_mul));
        let count = count.filter(|&count| (1..1 << 40).contains(&count)).ok_or_else(|| {
            format!("[{size}] is no size: give the number of elements, at least 1, such as [1024] or [32*32]")
        })?;
        let fill = fill.trim();
        let fill = match fill {
            "" | "random" => Fill::Random,
            "empty" => Fill::Empty,
            "zeros" => Fill::Zeros,
            "ones" => Fill::Ones,
            "index" => Fill::Index,
            _ => {
                let below = fill.strip_prefix("below ").and_then(|bound| bound.trim().parse().ok());
                Fill::Below(below.filter(|&bound: &u32| bound >= 1).ok_or_else(|| {
                    format!("'{fill}' is no fill: use random, empty, zeros, ones, index or below K (K at least 1)")
                })?)
            }
        };
        Ok(Spec { element, count, fill })
    }
}

impl Spec {
    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.count * self.element.bytes()
    }

    /// The bytes that the buffer holds, in pieces of up to [`PIECE`]; none if nothing writes it. `seed` makes random ones differ
    /// between buffers.
    pub(super) fn contents(&self, seed: u64) -> impl Iterator<Item = Vec<u8>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let each = PIECE / self.element.bytes();
        let count = if self.fill == Fill::Empty { 0 } else { self.count };
        (0..count).step_by(each).map(move |first| {
            let mut bytes = Vec::with_capacity(PIECE);
            (first..count.min(first + each)).for_each(|i| self.append(self.number(i, &mut rng), &mut bytes));
            bytes
        })
    }

    /// The number at place `i`.
    fn number(&self, i: usize, rng: &mut ChaCha8Rng) -> f64 {
        let below = |rng: &mut ChaCha8Rng, bound: u32| (u64::from(rng.next_u32()) * u64::from(bound)) >> 32;
        match self.fill {
            Fill::Random if self.element.is_float() => f64::from(rng.next_u32() >> 8) / f64::from(1 << 23) - 1.0,
            Fill::Random => below(rng, 100) as f64,
            Fill::Below(bound) => below(rng, bound) as f64,
            Fill::Empty | Fill::Zeros => 0.0,
            Fill::Ones => 1.0,
            Fill::Index => i as f64,
        }
    }

    fn append(&self, value: f64, bytes: &mut Vec<u8>) {
        match self.element {
            Element::F32 => bytes.extend((value as f32).to_le_bytes()),
            Element::F64 => bytes.extend(value.to_le_bytes()),
            // Whole numbers here, so that two's complement cut to size is each of these types (`index` starts over).
            element => bytes.extend_from_slice(&(value as i64).to_le_bytes()[..element.bytes()]),
        }
    }
}
