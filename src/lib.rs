//! warptape: hand-written CUDA kernels under a small autograd tape; one kernel source, two devices.
//!
//! The modules stand in the order in which an image passes through them:
//! data → tensor → nn → op → kernels → device.

pub mod device;
pub mod error;

pub use device::Device;
pub use error::{Error, Result};
