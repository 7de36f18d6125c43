//! Some rows of a tensor.

use super::{Shape, Tensor};
use crate::device::Arg;
use crate::error::{Error, Result};

/// Rows of a tensor, which are its parts along the first dimension: images of a batch. For kernels and copies; the tape
/// knows whole tensors alone.
pub(crate) struct Rows<'a> {
    of: &'a Tensor,
    first: usize,
    count: usize,
}

impl Tensor {
    /// `count` rows from row `first` on.
    ///
    /// # Errors
    /// Rows that are not there.
    pub(crate) fn rows(&self, first: usize, count: usize) -> Result<Rows<'_>> {
        let all = self.shape.dims().first().copied().unwrap_or(0);
        if first.checked_add(count).is_none_or(|end| end > all) {
            return Err(Error::shape("rows", format!("{} has no {count} rows from row {first} on", self.shape)));
        }
        Ok(Rows { of: self, first, count })
    }

    /// Overwrites `count` rows from row `first` on with the first rows of `other`.
    ///
    /// # Errors
    /// Rows that are not there; another element type or rows of another size; another device.
    pub fn copy_rows(&self, first: usize, other: &Tensor, count: usize) -> Result<()> {
        let (to, from) = (self.rows(first, count)?, other.rows(0, count)?);
        if other.dtype() != self.dtype() || to.bytes() != from.bytes() {
            let what =
                format!("{count} rows of {} {} into {} {}", other.dtype(), other.shape, self.dtype(), self.shape);
            return Err(Error::shape("copy_rows", what));
        }
        self.buffer.copy(to.start(), &other.buffer, from.start(), to.bytes())
    }
}

impl Rows<'_> {
    /// The rows as a kernel argument.
    pub fn arg(&self) -> Arg {
        let address = self.of.address() + self.start() as u64;
        Arg::Tensor { address, device: self.of.device().number() }
    }

    /// Overwrites them with all elements of `other`.
    ///
    /// # Errors
    /// Another element type or number of elements than theirs; another device.
    pub fn copy_from(&self, other: &Tensor) -> Result<()> {
        if other.dtype() != self.of.dtype() || other.bytes() != self.bytes() {
            let what = format!("{} {} into {} rows of {}", other.dtype(), other.shape(), self.count, self.of.shape());
            return Err(Error::shape("copy_from", what));
        }
        self.of.buffer.copy(self.start(), &other.buffer, 0, self.bytes())
    }

    /// A copy of them in shape `shape`, with a buffer of its own.
    ///
    /// # Errors
    /// A shape with another number of elements.
    pub fn duplicate(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let copy = Tensor::empty(self.of.device(), shape, self.of.dtype())?;
        if copy.bytes() != self.bytes() {
            let what = format!("{} rows of {} do not fit {}", self.count, self.of.shape(), copy.shape());
            return Err(Error::shape("rows", what));
        }
        copy.buffer.copy(0, &self.of.buffer, self.start(), self.bytes())?;
        Ok(copy)
    }

    fn start(&self) -> usize {
        self.row() * self.first
    }

    fn bytes(&self) -> usize {
        self.row() * self.count
    }

    /// Bytes of one row.
    fn row(&self) -> usize {
        self.of.bytes() / self.of.dim(0).max(1)
    }
}
