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

use crate::device::{Arg, Defines, Device, Geometry};
use crate::error::{Error, Result};

/// A kernel file with the constants that it is compiled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Path below `kernels/`.
    pub file: &'static str,
    /// Compile-time constants.
    pub defines: Defines,
}

/// Launches kernel `entry` of `variant`.
pub(crate) fn launch(device: &Device, variant: &Variant, entry: &str, geometry: Geometry, args: &[Arg]) -> Result<()> {
    let function = device.function(variant.file, entry, &variant.defines)?;
    device.launch(&function, geometry, args)
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
