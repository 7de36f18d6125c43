//! What a compiled kernel calls where its threads have to meet (shim.h `Runtime`). It runs on the fiber of the calling thread.

use std::ffi::{c_char, c_int};

use super::{CURRENT, Turn};

/// What runs on this OS thread: null between launches.
#[inline]
pub fn current() -> *mut Turn {
    CURRENT.get()
}

/// Gives the processor back until the thread is resumed.
///
/// # Safety
/// Called on a fiber, without a reference into what `turn`, the current one, leads to.
#[inline]
pub unsafe fn park(turn: *mut Turn) {
    // SAFETY: the yielder lives on this fiber's stack; both are restored because other fibers ran meanwhile.
    unsafe {
        let (yielder, stack) = ((*turn).yielder, (*turn).stack.clone());
        (*yielder).suspend(());
        ((*turn).yielder, (*turn).stack) = (yielder, stack);
    }
}

/// `__syncthreads` and its kin.
pub extern "C" fn barrier(kind: c_int, predicate: c_int, file: *const c_char, line: c_int) -> c_int {
    let turn = current();
    // SAFETY: called by a kernel, so a block runs on this OS thread and this is one of its fibers.
    unsafe {
        if (*(*turn).threads).barrier(kind, predicate, file, line) {
            park(turn);
        }
        // The verdict stays until the next barrier is complete, which needs every thread to have read this one.
        (*(*turn).threads).verdict()
    }
}

/// Shuffles, votes and `__syncwarp`.
pub extern "C" fn collective(
    kind: c_int,
    mask: u32,
    value: u64,
    source: c_int,
    file: *const c_char,
    line: c_int,
) -> u64 {
    let turn = current();
    // SAFETY: as in `barrier`.
    unsafe {
        if (*(*turn).threads).collective(kind, mask, value, source, file, line) {
            park(turn);
        }
        (*(*turn).threads).result()
    }
}
