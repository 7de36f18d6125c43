//! NVIDIA's driver, emulated: a library that is `libcuda.so.1` to programs, whose GPU is the machine of `warptape-ptx`; and, in
//! the same file under another name, one that is `libnvrtc.so.13` to them, around a real NVRTC.
//!
//! It is strict where a driver is silent: work that is queued runs when somebody waits for it, unless the environment asks
//! otherwise, so that memory which changes too early shows; handles and addresses are never used again; a mistake of the
//! program is a line on the standard error and the result that a driver gives. `scripts/driver_check.sh` runs our tests over it.
//!
//! Sources: `cuda.h` and "CUDA Driver API" for what calls do, "CUDA C++ Programming Guide" for limits.

#![warn(clippy::undocumented_unsafe_blocks)]

mod api;
mod image;
mod nvrtc;
mod report;
mod settings;
mod state;
mod status;
