//! A GPU in software: executes the PTX that NVRTC makes of CUDA C++, a warp at a time.
//!
//! Section numbers in these pages are those of NVIDIA's "Parallel Thread Execution ISA".

pub mod alu;
pub mod lane;
pub mod number;
pub mod tensor;
