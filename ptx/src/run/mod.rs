//! Runs kernels: blocks on all cores, a block's warps in turns, a warp's lanes together as long as they go the same way.

pub mod access;
pub mod atomic;
pub mod atomic_pair;
pub mod barrier;
mod block;
pub mod call;
pub mod collective;
pub mod copies;
mod fault;
pub mod flight;
mod launch;
pub mod meeting;
mod params;
mod printf;
mod quads;
pub mod reach;
mod room;
mod schedule;
mod step;
mod strict;
mod stuck;
pub mod surface;
pub mod system;
mod tell;
pub mod texture;
mod warp;
pub mod warpgroup;
pub mod whole;
pub mod wmma;
mod words;

pub use fault::{Fault, Kind, What};
pub use launch::{Launch, Order, SMS, launch};
pub use step::{Next, Step};

use crate::lane::LANES;

/// The lanes of a mask, the lowest first.
pub fn lanes(mask: u32) -> impl Iterator<Item = usize> {
    (0..LANES).filter(move |lane| mask >> lane & 1 == 1)
}
