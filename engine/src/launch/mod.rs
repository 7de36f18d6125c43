//! How kernels are launched: which of several, with which tiles, over which grid. Ops stand on it, and so does the tape.
//!
//! What several ops share of their host side lies here, and nothing of what any of them computes.

pub mod choices;
pub(crate) mod columns;
pub(crate) mod elementwise;
pub mod ladder;
pub mod recorded;
pub(crate) mod rows;
pub mod tile;

use crate::device::{Arg, Defines, Device, Geometry, Value};
use crate::error::{Error, Result};
use crate::short::Short;
use crate::tensor::{DType, Tensor};

/// A kernel file with the constants that it is compiled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Path below `kernels/`.
    pub file: &'static str,
    /// Compile-time constants.
    pub defines: Defines,
}

impl Variant {
    /// Kernel file `file` for tensors of `element`.
    pub(crate) fn new(file: &'static str, defines: Defines, element: DType) -> Self {
        // Kernels take floats where nothing is defined (kernels/prelude/element.cuh).
        let defines = match element {
            DType::F32 => defines,
            other => defines.with("ELEMENT", Value::Text(other.name())),
        };
        Self { file, defines }
    }

    /// The same where what its kernels call `result` is of type `result`.
    pub(crate) fn giving(self, result: DType, element: DType) -> Self {
        if result == element {
            return self;
        }
        let name = if result == DType::F32 { "float" } else { result.name() };
        Self { defines: self.defines.with("RESULT", Value::Text(name)), ..self }
    }
}

/// Refuses, for `op`, tensors that are not all of one type of floats; returns that.
///
/// # Errors
/// Which is another than the first, or no float: a kernel would take its bits for floats.
pub(crate) fn element<'a>(op: &'static str, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<DType> {
    let mut tensors = tensors.into_iter();
    let first = tensors.next().expect("an op has inputs");
    if !first.dtype().is_float() {
        return Err(Error::shape(op, format!("{} {} is not f32, f16 or bf16", first.dtype(), first.shape())));
    }
    match tensors.find(|other| other.dtype() != first.dtype()) {
        None => Ok(first.dtype()),
        Some(other) => {
            let what = format!("{} {} and {} {} differ", first.dtype(), first.shape(), other.dtype(), other.shape());
            Err(Error::shape(op, format!("{what}: cast one to the other's type")))
        }
    }
}

/// The arguments of a launch, which need no heap.
pub(crate) type Args = Short<Arg, 20>;

/// Launches kernel `entry` of `variant`: what every op does in the end.
pub(crate) fn launch(device: &Device, variant: &Variant, entry: &str, geometry: Geometry, args: &[Arg]) -> Result<()> {
    let function = device.function(variant.file, entry, &variant.defines)?;
    // SAFETY: ops pass tensors, which they hold until they return (and memory is reused in the order of issue alone), and have
    // checked that these are as large as the sizes that they pass say. That all are of this device, `Device::launch` checks.
    // What a kernel of the tree does with them, tests watch on guarded and checked devices.
    unsafe { device.launch(&function, geometry, args) }
}

/// A size as kernels take it.
///
/// # Errors
/// More than an `int` holds.
pub(crate) fn dimension(size: usize) -> Result<Arg> {
    let size =
        i32::try_from(size).map_err(|_| Error::shape("launch", format!("{size} elements are more than 2^31 - 1")))?;
    Ok(Arg::I32(size))
}
