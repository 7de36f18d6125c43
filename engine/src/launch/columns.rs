//! Launching kernels that treat each channel of a `[rows, channels]` matrix for itself (`kernels/prelude/columns.cuh`).

use super::dimension;
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::Result;

/// Rows that a thread holds at once.
const ROWS: usize = 8;

/// How the matrix is cut into slabs of rows and strips of channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    target: Target,
    pub rows: usize,
    pub channels: usize,
    /// Rows per block, and how many blocks that makes.
    pub slab: usize,
    pub slabs: usize,
    /// Threads side by side along the channels.
    width: usize,
}

impl Columns {
    /// A cut that keeps every core busy. It depends on the sizes and the kind of device, never on the number of cores,
    /// so that sums come out the same on all machines of a kind.
    pub fn new(target: Target, rows: usize, channels: usize) -> Self {
        let whole = Self::whole(target, rows, channels);
        let (most, least) = match target {
            // 8 blocks of 256 threads fill a multiprocessor; a block should have two groups of rows per thread at least.
            Target::Cuda => ((1024 / whole.columns()).max(1), 2 * ROWS * whole.threads() / whole.width),
            // 32 KiB or more per block: enough to hide what starting a block costs, little enough for the cache.
            Target::Host { .. } => (256, (8192 / channels.max(1)).next_multiple_of(ROWS).max(ROWS)),
        };
        let slab = rows.div_ceil(most).max(least);
        Self { slab, slabs: rows.div_ceil(slab), ..whole }
    }

    /// One slab: what sums up the slabs of a first launch.
    pub fn whole(target: Target, rows: usize, channels: usize) -> Self {
        let cut = Self { target, rows, channels, slab: rows, slabs: 1, width: 1 };
        let width = channels.div_ceil(cut.vec()).next_power_of_two().min(32).min(cut.threads());
        Self { width, ..cut }
    }

    /// Threads of a block.
    pub fn threads(&self) -> usize {
        match self.target {
            Target::Cuda => 256,
            Target::Host { .. } => 1,
        }
    }

    /// Channels in a vector.
    pub fn vec(&self) -> usize {
        match self.target {
            Target::Cuda if self.channels.is_multiple_of(4) => 4,
            Target::Cuda => 1,
            Target::Host { lanes } => lanes,
        }
    }

    /// Blocks side by side along the channels.
    fn columns(&self) -> usize {
        self.channels.div_ceil(strips(self.target) * self.vec() * self.width)
    }

    /// The compile-time constants.
    pub fn defines(&self) -> Defines {
        defines(self.target, self.vec())
    }

    /// The launch that covers the matrix.
    pub fn geometry(&self) -> Geometry {
        Geometry::grid(self.columns(), self.slabs, 1, self.threads())
    }

    /// What every such kernel takes: `rows, channels, slab, width`.
    pub fn args(&self) -> Result<[Arg; 4]> {
        Ok([dimension(self.rows)?, dimension(self.channels)?, dimension(self.slab)?, dimension(self.width)?])
    }
}

/// Vectors of channels per thread: a host thread goes along whole rows.
fn strips(target: Target) -> usize {
    if target == Target::Cuda { 1 } else { 64 }
}

fn defines(target: Target, vec: usize) -> Defines {
    // The host does not mind unaligned rows and takes any number of channels with one compilation.
    let (threads, whole) = if target == Target::Cuda { (256, 1) } else { (1, 0) };
    let named = [("VEC", vec), ("WHOLE", whole), ("STRIPS", strips(target)), ("ROWS", ROWS), ("THREADS", threads)];
    Defines::of(named)
}
