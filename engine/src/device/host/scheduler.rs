//! Runs blocks: the threads of a block take turns on fibers and meet at barriers.
//!
//! A fiber starts threads one after the other and runs each to its end, which for a kernel without barriers is a plain
//! loop. Only when a thread has to wait does its fiber stay bound to it; another fiber then starts the remaining
//! threads. When nothing can run and not all threads are done, some threads wait for others that will never come: an
//! error with kernel, line and thread, where a GPU would hang or go wrong silently.

use std::ffi::c_void;

use corosensei::stack::Stack;
use corosensei::{Coroutine, Yielder};

use super::block::{Block, Choice};
use super::callbacks::CURRENT;
use super::image::Image;
use super::module::{Entry, Kernel};
use super::stacks::{self, FiberStack};
use crate::device::Geometry;
use crate::device::observed::{Ended, Fault, Observer};

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
    block: Box<Block>,
    geometry: Geometry,
    entry: Entry,
    args: *const *mut c_void,
    fibers: Fibers,
    /// In other than forward order what a block finds in shared memory is poison, as it may be anything on a GPU.
    poison: Option<Image>,
}

impl Runner {
    /// # Safety
    /// `args` holds one pointer per parameter of `kernel`, and they and the kernel's module outlive the runner, which
    /// stays on the OS thread that makes it.
    pub(super) unsafe fn new(kernel: &Kernel, args: *const *mut c_void, geometry: Geometry, order: Order) -> Self {
        let poison = (order != Order::Forward).then(|| kernel.image()).flatten();
        let block = Box::new(Block::new(geometry, order, kernel.builtins()));
        Self { block, geometry, entry: kernel.entry, args, fibers: Fibers(Vec::new()), poison }
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
        let block: *mut Block = &mut *self.block;
        CURRENT.set(block);
        // SAFETY: the built-in variables are this OS thread's; `block` outlives the call, and fibers and callbacks touch
        // it one at a time, through this pointer.
        let result = unsafe {
            let builtins = (*block).builtins;
            *builtins.block = position;
            *builtins.block_dim = self.geometry.block;
            *builtins.grid_dim = self.geometry.grid;
            self.run_threads(block)
        };
        CURRENT.set(std::ptr::null_mut());
        match result {
            Err(fault) => Err(Ended::Faulty(position, fault)),
            Ok(()) if self.block.stopped => Err(Ended::Stopped),
            Ok(()) => Ok(()),
        }
    }

    /// # Safety
    /// `block` is this runner's, and reset.
    unsafe fn run_threads(&mut self, block: *mut Block) -> Result<(), Fault> {
        // Fibers that start threads of this block; the others are left from earlier blocks.
        let mut begun = 0;
        // SAFETY: only this loop and, while `resume` runs, one fiber touch the block, never both at once.
        unsafe {
            while !(*block).is_over() {
                let fiber = match (*block).choose() {
                    Choice::Start => {
                        begun += 1;
                        if self.fibers.0.len() < begun {
                            let failed = |e| Fault::elsewhere(format!("no stack for a fiber: {e}"));
                            let fiber = self.new_fiber(block).map_err(failed)?;
                            self.fibers.0.push(fiber);
                        }
                        begun - 1
                    }
                    Choice::Resume(thread) => {
                        (*block).enter(thread);
                        (*block).fiber(thread)
                    }
                    Choice::Stuck => {
                        (*block).explain_stuck();
                        break;
                    }
                };
                self.fibers.0[fiber].resume(());
            }
            (*block).error.take().map_or(Ok(()), Err)
        }
    }

    /// A fiber that starts threads until none are left, waits for the next block, and so on.
    fn new_fiber(&self, block: *mut Block) -> std::io::Result<Fiber> {
        let (entry, args, number) = (self.entry, self.args, self.fibers.0.len());
        let stack = stacks::take()?;
        let addresses = stack.limit().get() as u64..stack.base().get() as u64;
        Ok(Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            loop {
                // SAFETY: as in `run_threads`, whose `resume` this is.
                unsafe {
                    ((*block).yielder, (*block).stack) = (yielder, addresses.clone());
                    while (*block).start_next(number) {
                        entry(args);
                        (*block).finish();
                    }
                }
                yielder.suspend(());
            }
        }))
    }
}

type Fiber = Coroutine<(), (), (), FiberStack>;

struct Fibers(Vec<Fiber>);

impl Drop for Fibers {
    fn drop(&mut self) {
        stacks::give(self.0.drain(..).map(|mut fiber| {
            // Fibers wait for another block or, after an error, stand in the middle of the kernel. Neither holds anything
            // that needs dropping; to unwind them, as dropping a coroutine does, would go through C++ frames.
            // SAFETY: see above.
            unsafe { fiber.force_reset() };
            fiber.into_stack()
        }));
    }
}
