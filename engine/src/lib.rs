//! What computes in warptape: hand-written CUDA kernels, compiled at run time for a GPU or the host, and the tensors, tape, ops,
//! layers and optimizers above them. No data sets, no training loop, no command line.

#![warn(missing_docs, clippy::undocumented_unsafe_blocks)]

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
/// The Rust types of elements of [`DType::F16`] and [`DType::BF16`].
///
/// ```
/// use warptape_engine::{DType, Device, Tensor, bf16, f16};
///
/// # fn main() -> warptape_engine::Result<()> {
/// let device = Device::open("host")?;
/// let x = Tensor::from_slice(&device, [3], &[f16::ONE, f16::from_f32(0.1), f16::MAX])?;
/// assert_eq!((x.dtype(), x.to_vec::<f16>()?[2].to_f32()), (DType::F16, 65504.0));
/// let y = Tensor::from_slice(&device, [1], &[bf16::from_f32(0.1)])?;
/// assert_eq!(y.floats()?, [0.100097656]);
/// # Ok(())
/// # }
/// ```
pub use half::{bf16, f16};
pub use nn::{Builder, Layer, Pass, Sequential};
pub use optim::{Optimizer, OptimizerConfig, Schedule};
pub use tape::{Gradients, Tape};
pub use tensor::{DType, Shape, Tensor};
