//! Memory, compilers, launches, and the tools that watch kernels run.

mod checker;
mod checker_types;
mod compiler;
mod conformance;
mod corpus;
mod driver;
mod dynamic_shared;
mod elements;
mod exercises;
mod faults;
mod intrinsics;
mod kernel_cache;
mod launch_plan;
mod launches;
pub mod nvrtc;
mod nvrtc_choice;
mod occupancy;
mod ordered;
pub mod profiler;
mod profiler_formulas;
mod roofline;
pub mod sanitizer;
mod signature;
mod software;
mod spins;
mod toolchain;
mod warps;
