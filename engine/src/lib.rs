//! What computes in warptape: hand-written CUDA kernels, compiled at run time for a GPU or the host, and the tensors, tape, ops,
//! layers and optimizers above them. No data sets, no training loop, no command line.

#![warn(missing_docs)]

pub mod check;
pub mod device;
pub mod environment;
pub mod error;
pub mod files;
pub mod launch;
pub mod nn;
pub mod op;
pub mod optim;
mod short;
pub mod tape;
pub mod tensor;

pub use device::Device;
pub use environment::Environment;
pub use error::{Error, Result};
pub use nn::{Builder, Layer, Pass, Sequential};
pub use optim::{Optimizer, OptimizerConfig, Schedule};
pub use tape::{Gradients, Tape};
pub use tensor::{DType, Shape, Tensor};
