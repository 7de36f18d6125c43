//! A tensor's elements, some at a time.

use std::io::{Read, Seek, SeekFrom};

use super::safetensors::row_by_row;
use super::{Element, Tensor, Weights, said};
use crate::error::{Error, Result};

/// Elements that are converted at a time.
const CHUNK: usize = 1 << 16;

/// The elements of a tensor in the order of its axes, the last one the fastest.
pub struct Values<'a> {
    weights: &'a Weights,
    tensor: &'a Tensor,
    element: Element,
    /// Those that were given.
    given: usize,
    /// All bytes of one whose elements do not follow each other.
    spread: Option<Vec<u8>>,
}

impl Weights {
    /// The elements of `tensor`, which is one of these.
    ///
    /// # Errors
    /// A type that cannot be read; no memory for a tensor that is no plain array.
    pub fn values<'a>(&'a self, tensor: &'a Tensor) -> Result<Values<'a>> {
        let element = tensor.element.ok_or_else(|| {
            let what = format!("tensor '{}' is of type {}, which is not read", tensor.name, tensor.kind);
            Error::file(&self.path, format!("{what}: convert it to float32"))
        })?;
        let plain = row_by_row(&tensor.shape);
        let sides = tensor.shape.iter().zip(tensor.strides.iter().zip(&plain));
        let in_order = tensor.elements() == 0 || sides.into_iter().all(|(&side, (is, plain))| side == 1 || is == plain);
        let spread = if in_order { None } else { Some(self.bytes(tensor.at, tensor.span as usize)?) };
        Ok(Values { weights: self, tensor, element, given: 0, spread })
    }

    /// All elements of `tensor` as float32; whether some had to be rounded.
    ///
    /// # Errors
    /// As [`Weights::values`]; a number beyond what float32 can hold.
    pub fn floats(&self, tensor: &Tensor) -> Result<(Vec<f32>, bool)> {
        let (mut values, mut floats, mut rounded) = (self.values(tensor)?, Vec::new(), false);
        let lack = |_| Error::file(&self.path, format!("no memory for tensor '{}'", tensor.name));
        floats.try_reserve_exact(tensor.elements()).map_err(lack)?;
        while let Some(chunk) = values.next()? {
            for number in chunk {
                let float = number as f32;
                if float.is_infinite() && number.is_finite() {
                    let what = format!("tensor '{}' holds {number:e}, which float32 cannot", tensor.name);
                    return Err(Error::file(&self.path, format!("{what}: scale it down")));
                }
                rounded |= number.is_finite() && f64::from(float) != number;
                floats.push(float);
            }
        }
        Ok((floats, rounded))
    }

    fn bytes(&self, at: u64, count: usize) -> Result<Vec<u8>> {
        let refuse = |e: std::io::Error| Error::file(&self.path, said(&e));
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count).map_err(|_| Error::file(&self.path, format!("no memory for {count} bytes")))?;
        bytes.resize(count, 0);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at)).map_err(refuse)?;
        file.read_exact(&mut bytes).map_err(refuse)?;
        Ok(bytes)
    }
}

impl Values<'_> {
    /// Elements in order, as many as suit; none when all were given. Every type's values are exact but those of large int64.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Vec<f64>>> {
        let left = (self.tensor.elements() - self.given).min(CHUNK);
        if left == 0 {
            return Ok(None);
        }
        let size = self.element.size() as usize;
        let big_endian = self.weights.big_endian;
        let numbers = match &self.spread {
            None => {
                let bytes = self.weights.bytes(self.tensor.at + (self.given * size) as u64, left * size)?;
                bytes.chunks_exact(size).map(|bytes| self.element.number(bytes, big_endian)).collect()
            }
            Some(bytes) => {
                let number = |place| self.element.number(&bytes[size * self.offset(place)..], big_endian);
                (self.given..self.given + left).map(number).collect()
            }
        };
        self.given += left;
        Ok(Some(numbers))
    }

    /// How many elements stand before the one in `place`.
    fn offset(&self, mut place: usize) -> usize {
        let mut offset = 0;
        for (&side, &stride) in self.tensor.shape.iter().zip(&self.tensor.strides).rev() {
            offset += place % side * stride as usize;
            place /= side;
        }
        offset
    }
}
