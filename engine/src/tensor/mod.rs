//! Tensors: a shape, an element type and a buffer on a device; contiguous, row-major, no autograd inside.

mod dtype;
mod rows;
mod shape;

use std::sync::Arc;

use crate::device::{Arg, Buffer, Device};
use crate::error::{Error, Result};
pub use dtype::{DType, Element};
pub(crate) use rows::Rows;
pub use shape::Shape;

/// A dense array on a device. Clones share the buffer, and the buffer is what a tensor *is* to the tape: a reshaped
/// tensor is the same value, so a reshape needs no record and no copy.
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    dtype: DType,
    buffer: Arc<Buffer>,
}

impl Tensor {
    /// A tensor with undefined contents; whoever asks for it writes all of it before anything is read.
    ///
    /// # Errors
    /// A shape with more elements than memory has bytes; memory that is not there.
    pub(crate) fn empty(device: &Device, shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        let shape = shape.into();
        let bytes = shape.bytes(dtype)?;
        Ok(Self { buffer: Arc::new(Buffer::new(device, bytes)?), shape, dtype })
    }

    /// [`Tensor::empty`] for those outside of this crate.
    ///
    /// # Errors
    /// Those of [`Tensor::zeros`].
    ///
    /// # Safety
    /// All of it is written before anything is read.
    pub unsafe fn uninitialized(device: &Device, shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        Self::empty(device, shape, dtype)
    }

    /// A tensor of zeros.
    pub fn zeros(device: &Device, shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        let tensor = Self::empty(device, shape, dtype)?;
        tensor.clear()?;
        Ok(tensor)
    }

    /// An f32 tensor whose every element is `value`.
    pub fn full(device: &Device, shape: impl Into<Shape>, value: f32) -> Result<Self> {
        let tensor = Self::empty(device, shape, DType::F32)?;
        tensor.buffer.fill(value.to_bits(), tensor.elements())?;
        Ok(tensor)
    }

    /// A tensor with the given elements in row-major order.
    ///
    /// # Errors
    /// A slice whose length is not the shape's number of elements.
    pub fn from_slice<T: Element>(device: &Device, shape: impl Into<Shape>, elements: &[T]) -> Result<Self> {
        let tensor = Self::empty(device, shape, T::DTYPE)?;
        tensor.write(elements)?;
        Ok(tensor)
    }

    /// A tensor of type `dtype` with the elements nearest to `values`.
    ///
    /// # Errors
    /// A slice whose length is not the shape's number of elements.
    pub fn from_numbers(device: &Device, shape: impl Into<Shape>, dtype: DType, values: &[f64]) -> Result<Self> {
        match dtype {
            DType::F32 => Self::from_slice(device, shape, &each(values, |v| v as f32)),
            DType::F16 => Self::from_slice(device, shape, &each(values, half::f16::from_f64)),
            DType::BF16 => Self::from_slice(device, shape, &each(values, half::bf16::from_f64)),
            DType::U8 => Self::from_slice(device, shape, &each(values, |v| v as u8)),
            DType::I32 => Self::from_slice(device, shape, &each(values, |v| v as i32)),
        }
    }

    /// Overwrites all elements.
    ///
    /// # Errors
    /// Another element type or number of elements than the tensor's.
    pub fn write<T: Element>(&self, elements: &[T]) -> Result<()> {
        self.check_element::<T>("write")?;
        if elements.len() != self.elements() {
            let what = format!("{} elements do not fill shape {}", elements.len(), self.shape);
            return Err(Error::shape("write", what));
        }
        self.buffer.upload(0, bytemuck::cast_slice(elements))
    }

    /// All elements in row-major order; waits for the device.
    ///
    /// # Errors
    /// Another element type than the tensor's.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.check_element::<T>("to_vec")?;
        let mut elements = vec![T::zeroed(); self.elements()];
        // SAFETY: whoever makes a tensor writes all of it (`Tensor::empty`).
        unsafe { self.buffer.download(0, bytemuck::cast_slice_mut(&mut elements))? };
        Ok(elements)
    }

    /// All elements of a tensor of f32, f16 or bf16, as f32, which has all that these have; waits for the device.
    ///
    /// # Errors
    /// Integers.
    pub fn floats(&self) -> Result<Vec<f32>> {
        match self.dtype {
            DType::F16 => Ok(each(&self.to_vec::<half::f16>()?, half::f16::to_f32)),
            DType::BF16 => Ok(each(&self.to_vec::<half::bf16>()?, half::bf16::to_f32)),
            _ => self.to_vec(),
        }
    }

    /// The only element of a tensor of floats; waits for the device.
    pub fn item(&self) -> Result<f32> {
        match self.floats()?.as_slice() {
            [one] => Ok(*one),
            many => Err(Error::shape("item", format!("{} elements where one is wanted", many.len()))),
        }
    }

    /// The same buffer under another shape.
    ///
    /// # Errors
    /// A shape with another number of elements.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        if shape.elements() != self.elements() {
            return Err(Error::shape("reshape", format!("{} does not fit {shape}", self.shape)));
        }
        Ok(Self { shape, ..self.clone() })
    }

    /// A copy with a buffer of its own.
    pub fn duplicate(&self) -> Result<Self> {
        let copy = Self::empty(self.device(), self.shape.clone(), self.dtype)?;
        copy.copy_from(self)?;
        Ok(copy)
    }

    /// Makes all elements zero.
    pub fn clear(&self) -> Result<()> {
        let (words, rest) = (self.bytes() / 4, self.bytes() % 4);
        self.buffer.fill(0, words)?;
        if rest > 0 { self.buffer.upload(4 * words, &[0; 3][..rest]) } else { Ok(()) }
    }

    /// Overwrites all elements with those of `other`, on the device.
    ///
    /// # Errors
    /// Another element type or number of elements than the tensor's; another device.
    pub fn copy_from(&self, other: &Tensor) -> Result<()> {
        if other.elements() != self.elements() || other.dtype != self.dtype {
            return Err(Error::shape("copy_from", format!("{} into {}", other.shape, self.shape)));
        }
        self.buffer.copy(0, &other.buffer, 0, self.bytes())
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Size of dimension `i`.
    pub fn dim(&self, i: usize) -> usize {
        self.shape.dims()[i]
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.bytes()
    }

    /// The device that holds the elements.
    pub fn device(&self) -> &Device {
        self.buffer.device()
    }

    /// Device address of the first element.
    pub fn address(&self) -> u64 {
        self.buffer.address()
    }

    /// What the tape knows the tensor by; shared by clones and reshapes.
    pub fn id(&self) -> u64 {
        self.buffer.id()
    }

    /// The tensor as a kernel argument.
    pub fn arg(&self) -> Arg {
        Arg::Tensor { address: self.address(), device: self.device().number() }
    }

    fn check_element<T: Element>(&self, op: &'static str) -> Result<()> {
        if self.dtype == T::DTYPE {
            return Ok(());
        }
        Err(Error::shape(op, format!("a tensor of {} holds no {}", self.dtype, T::DTYPE)))
    }
}

fn each<A: Copy, B>(all: &[A], of: impl Fn(A) -> B) -> Vec<B> {
    all.iter().map(|&one| of(one)).collect()
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor({} {})", self.dtype, self.shape)
    }
}
