//! The command: what people type, and what they get back.

mod augmented;
mod bad_files;
mod bad_machine;
mod bad_options;
mod commands;
mod explain;
mod export;
mod kernel_ends;
mod kernel_files;
mod kernels_check;
mod kernels_profile;
mod names;
mod own_files;
mod predict;
mod report;
mod trust;
