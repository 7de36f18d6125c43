//! A GPU in software: executes the PTX that NVRTC makes of CUDA C++, a warp at a time.
//!
//! Section numbers in these pages are those of NVIDIA's "Parallel Thread Execution ISA".

#![warn(clippy::undocumented_unsafe_blocks)]

pub mod alu;
mod code;
mod decode;
pub mod lane;
pub mod memory;
pub mod number;
pub mod program;
pub mod run;
pub mod tensor;
pub mod text;
pub mod texture;
pub mod watch;
