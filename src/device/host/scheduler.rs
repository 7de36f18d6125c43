//! Runs blocks: the threads of a block take turns on fibers and meet at barriers.
//!
//! A fiber starts threads one after the other and runs each to its end, which for a kernel without barriers is a plain
//! loop. Only when a thread has to wait does its fiber stay bound to it; another fiber then starts the remaining
//! threads. When nothing can run and not all threads are done, some threads wait for others that will never come: an
//! error with kernel, line and thread, where a GPU would hang or go wrong silently.

use std::ffi::c_void;

use fiber::Fibers;

use super::block::Block;
use super::image::Image;
use super::module::Kernel;
use super::observed::{Fault, Observer};
use crate::device::Geometry;

/// In which order blocks and threads take their turns. Correct kernels give the same result in any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first threads first, and side by side: who has to wait lets all others catch up.
    #[default]
    Forward,
    /// The last threads first, and each warp as far as it gets before any other goes on.
    Reverse,
    /// Shuffled anew for every launch and block, reproducibly from the seed.
    Random(u64),
}

impl Order {
    /// `count` orders to run a kernel in: forward, reverse, then random ones.
    pub fn several(count: u64) -> Vec<Self> {
        let order = |i| match i {
            0 => Self::Forward,
            1 => Self::Reverse,
            seed => Self::Random(seed - 1),
        };
        (0..count).map(order).collect()
    }
}

/// Where the compiled module keeps CUDA's built-in variables for the current OS thread (shim.h `Builtins`).
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Builtins {
    pub(super) thread: *mut [u32; 3],
    pub(super) block: *mut [u32; 3],
    pub(super) block_dim: *mut [u32; 3],
    pub(super) grid_dim: *mut [u32; 3],
}

/// Runs the blocks of one launch on one OS thread.
pub(super) struct Runner {
    // Before the block, which they use.
    fibers: Fibers,
    block: Box<Block>,
    geometry: Geometry,
    /// In other than forward order what a block finds in shared memory is poison, as it may be anything on a GPU.
    poison: Option<Image>,
}

/// Why a block did not come to its end.
pub(super) enum Ended {
    /// A rule was broken in the block at this position.
    Faulty([u32; 3], Fault),
    /// The observer has seen enough.
    Stopped,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faulty([x, y, z], fault) => write!(f, "block ({x}, {y}, {z}): {fault}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl Runner {
    /// # Safety
    /// `args` holds one pointer per parameter of `kernel`, and they and the kernel's module outlive the runner, which
    /// stays on the OS thread that makes it.
    pub(super) unsafe fn new(kernel: &Kernel, args: *const *mut c_void, geometry: Geometry, order: Order) -> Self {
        let poison = (order != Order::Forward).then(|| kernel.image()).flatten();
        let mut block = Box::new(Block::new(geometry, order, kernel.builtins()));
        // SAFETY: the caller's promise; the block is touched here only while no fiber runs.
        let fibers = unsafe { Fibers::new(&raw mut *block, kernel.entry, args) };
        Self { fibers, block, geometry, poison }
    }

    /// Tells `observer` what the threads do; `code` is where the module's code starts.
    ///
    /// # Safety
    /// The observer outlives the runner, and nobody else uses it meanwhile.
    pub(super) unsafe fn observe(&mut self, observer: *mut dyn Observer, code: u64) {
        (self.block.observer, self.block.code) = (Some(observer), code);
    }

    /// Runs block number `index` (x fastest). After an error the runner cannot be used again: its fibers stand in the
    /// middle of the kernel.
    pub(super) fn run(&mut self, index: usize) -> Result<(), Ended> {
        let [x, y] = [self.geometry.grid[0] as usize, self.geometry.grid[1] as usize];
        let position = [(index % x) as u32, (index / x % y) as u32, (index / x / y) as u32];
        if let Some(shared) = &self.poison {
            // SAFETY: no thread of this module runs on this OS thread now.
            unsafe { shared.poison() };
        }
        self.block.reset(index);
        let builtins = self.block.builtins;
        // SAFETY: the built-in variables are this OS thread's.
        unsafe {
            *builtins.block = position;
            *builtins.block_dim = self.geometry.block;
            *builtins.grid_dim = self.geometry.grid;
        }
        if let Err(error) = self.fibers.run() {
            self.block.error.get_or_insert(Fault::elsewhere(format!("no stack for a fiber: {error}")));
        }
        match self.block.error.take() {
            Some(fault) => Err(Ended::Faulty(position, fault)),
            None if self.block.stopped => Err(Ended::Stopped),
            None => Ok(()),
        }
    }
}
