//! warptape: hand-written CUDA kernels under a small autograd tape; one kernel source, two devices.
//!
//! The modules stand in the order in which an image passes through them:
//! data → tensor → nn → op → launch → kernels → device.

#![warn(missing_docs)]

pub mod bench;
pub mod check;
pub mod cli;
pub mod data;
pub mod device;
mod draw;
pub mod environment;
pub mod error;
pub mod explain;
pub mod files;
pub mod launch;
pub mod launch_plan;
pub mod nn;
pub mod op;
pub mod optim;
pub mod profile;
mod short;
pub mod tape;
pub mod tensor;
pub mod train;

pub use device::Device;
pub use environment::Environment;
pub use error::{Error, Result};
pub use nn::{Builder, Layer, Pass, Sequential};
pub use optim::{Optimizer, OptimizerConfig, Schedule};
pub use tape::{Gradients, Tape};
pub use tensor::{DType, Shape, Tensor};
