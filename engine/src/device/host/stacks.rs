//! Stacks for fibers, kept between launches: mapping one costs more than most kernels.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use corosensei::stack::{DefaultStack, Stack, StackPointer};

/// Register tiles are arrays on the stack; pages that are never touched cost nothing. Below each stack lies a guard
/// page, so that an overflow stops the process rather than writing into another thread's stack.
const BYTES: usize = 256 * 1024;

/// Most fibers that one launch keeps at a time. A stack and its guard page are two mappings, of which Linux allows a
/// process 65530; a machine with many cores runs fewer blocks of 1024 threads at once rather than failing.
pub(super) const MOST: usize = 24 * 1024;

static FREE: Mutex<Vec<FiberStack>> = Mutex::new(Vec::new());

/// A stack that starts a few cache lines below its top. Stacks are whole pages, so tops of all fibers of a block would
/// otherwise fall into the same few sets of the cache and throw each other out at every switch.
pub(super) struct FiberStack {
    memory: DefaultStack,
    offset: usize,
}

// SAFETY: the same memory as `memory`'s, less `offset` bytes at the top, a multiple of the alignment of stacks.
unsafe impl Stack for FiberStack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.memory.base().get() - self.offset).expect("an address inside a mapping")
    }

    fn limit(&self) -> StackPointer {
        self.memory.limit()
    }
}

pub(super) fn take() -> io::Result<FiberStack> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    if let Some(stack) = FREE.lock().unwrap().pop() {
        return Ok(stack);
    }
    let memory = DefaultStack::new(BYTES)?;
    Ok(FiberStack { memory, offset: MADE.fetch_add(1, Ordering::Relaxed) % 64 * 64 })
}

pub(super) fn give(stacks: impl Iterator<Item = FiberStack>) {
    FREE.lock().unwrap().extend(stacks);
}
