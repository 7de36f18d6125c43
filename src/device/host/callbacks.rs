//! What a compiled kernel calls where its threads have to meet (shim.h `Runtime`).
//!
//! These run on the fiber of the calling thread. After an error they park it for good: the scheduler sees the error,
//! stops, and drops the fibers where they stand.

use std::ffi::{c_char, c_int};

use fiber::Turn;

use super::block::Block;
use super::observed::{Access, Kind, Rule};
use super::place::Place;
use super::shared;

/// The functions' addresses, in the order of shim.h.
#[repr(C)]
pub(super) struct Runtime {
    barrier: extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int,
    collective: extern "C" fn(c_int, u32, u64, c_int, *const c_char, c_int) -> u64,
    trap: extern "C" fn(*const c_char, c_int),
    fence: extern "C" fn(),
    access: extern "C" fn(u64, u64, c_int, u64),
}

pub(super) static RUNTIME: Runtime = Runtime {
    barrier: fiber::barrier,
    collective: fiber::collective,
    trap: on_trap,
    fence: on_fence,
    access: on_access,
};

/// The block that this OS thread runs now.
///
/// # Safety
/// Called by a kernel, with the current turn.
unsafe fn block(turn: *mut Turn) -> *mut Block {
    // SAFETY: a kernel runs, so there is a turn, and blocks are all that [`super::scheduler`] has threads of.
    unsafe { (*turn).threads.cast() }
}

extern "C" fn on_trap(file: *const c_char, line: c_int) {
    let turn = fiber::current();
    // SAFETY: called by a kernel, so a block runs on this OS thread and this is one of its fibers.
    unsafe {
        let block = block(turn);
        let thread = (*block).thread_name((*block).current);
        (*block).fail(Rule::Other, Place { file, line }, format_args!("{thread} calls __trap"));
        loop {
            fiber::park(turn);
        }
    }
}

extern "C" fn on_fence() {
    // SAFETY: as in `on_trap`.
    unsafe {
        let block = block(fiber::current());
        if let Some(observer) = (*block).observer {
            (*observer).fence((*block).current);
        }
    }
}

extern "C" fn on_access(address: u64, bytes: u64, kind: c_int, code: u64) {
    let turn = fiber::current();
    // SAFETY: as in `on_trap`; an access that the observer lets pass is to memory that is there.
    unsafe {
        let block = block(turn);
        let Some(observer) = (*block).observer.filter(|_| !(*turn).stack.contains(&address)) else { return };
        let (kind, volatile) = match shared::Access::numbered(kind) {
            shared::Access::READ => (Kind::Read, false),
            shared::Access::WRITE => (Kind::Write, false),
            shared::Access::ATOMIC => (Kind::Atomic, false),
            shared::Access::LOOK => (Kind::Read, true),
        };
        let code = code.wrapping_sub((*block).code) as u32;
        let access = Access { address, bytes, kind, volatile, code };
        if !(*observer).access((*block).current, access) {
            (*block).stopped = true;
        } else if (*block).spin.notes(access) {
            (*block).spins(code);
        } else {
            return;
        }
        loop {
            fiber::park(turn);
        }
    }
}
