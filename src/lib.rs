//! warptape: hand-written CUDA kernels under a small autograd tape; one kernel source, two devices.
//!
//! The modules stand in the order in which an image passes through them:
//! data → tensor → nn → op → launch → kernels → device. All from tensors on are the package `warptape-engine`'s.

#![warn(missing_docs, clippy::undocumented_unsafe_blocks)]

#[macro_use]
mod words;

mod algebra;
pub mod bench;
pub mod cli;
pub mod clusters;
pub mod data;
pub mod download;
pub mod draw;
pub mod embed;
pub mod explain;
pub mod export;
pub mod launch_plan;
pub mod mistakes;
pub mod page;
pub mod pickle;
pub mod profile;
pub mod sweep;
pub mod train;
pub mod weights;

pub use warptape_engine::*;
