//! Shapes.

use super::DType;
use crate::error::{Error, Result};
use crate::short::Short;

/// Sizes of a tensor's dimensions, outermost first. Images are `[batch, height, width, channels]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shape(Short<usize, 4>);

impl Shape {
    /// The sizes.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements; 1 for a scalar. Of a shape that no tensor can have, because there are too many to count, the
    /// largest number there is.
    pub fn elements(&self) -> usize {
        self.0.iter().fold(1, |count, &size| count.saturating_mul(size))
    }

    /// Bytes of a tensor of this shape.
    ///
    /// # Errors
    /// Sizes whose product, that of any of them, is more than a number of bytes can be.
    pub(super) fn bytes(&self, dtype: DType) -> Result<usize> {
        let most = self.0.iter().try_fold(dtype.bytes(), |count, &size| count.checked_mul(size.max(1)));
        match most.filter(|&bytes| isize::try_from(bytes).is_ok()) {
            Some(_) => Ok(self.elements() * dtype.bytes()),
            None => Err(Error::shape("tensor", format!("a shape of {self} has more elements than memory has bytes"))),
        }
    }

    /// Size of the last dimension (1 for a scalar): channels of an image, columns of a matrix.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Self(Short::of([dims]))
    }
}
impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        dims.as_slice().into()
    }
}
impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        dims.as_slice().into()
    }
}
impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shape({:?})", self.dims())
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}
