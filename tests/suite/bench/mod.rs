//! Benches, their tables, and the scripts for a GPU machine.

pub mod gpu_scripts;
mod gpu_stages;
mod kernels;
mod others;
mod tables;
mod train;
