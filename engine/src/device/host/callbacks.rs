//! What a compiled kernel calls where its threads have to meet (shim.h `Runtime`).
//!
//! These run on the fiber of the calling thread. After an error they park it for good: the scheduler sees the error,
//! stops, and drops the fibers where they stand.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use super::block::{Barrier, Block, State};
use super::shared::{self, Collective};
use super::warp;
use crate::device::observed::{Access, Kind, Line, Rule, Spot};

/// The functions' addresses, in the order of shim.h.
#[repr(C)]
pub(super) struct Runtime {
    barrier: extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int,
    collective: extern "C" fn(c_int, u32, u64, c_int, *const c_char, c_int) -> u64,
    trap: extern "C" fn(*const c_char, c_int),
    fence: extern "C" fn(),
    access: extern "C" fn(u64, u64, c_int, u64),
}

pub(super) static RUNTIME: Runtime =
    Runtime { barrier: on_barrier, collective: on_collective, trap: on_trap, fence: on_fence, access: on_access };

thread_local! {
    /// The block that this OS thread runs now.
    pub(super) static CURRENT: Cell<*mut Block> = const { Cell::new(std::ptr::null_mut()) };
}

/// A place in a kernel's source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    file: *const c_char,
    line: c_int,
}

impl Place {
    /// As a line of a file.
    pub(super) fn line(self) -> Line {
        // SAFETY: `file` is a `__FILE__` literal of a module that is loaded while its block runs.
        let file = unsafe { CStr::from_ptr(self.file) };
        Line { file: file.to_string_lossy().into_owned(), number: self.line as u32 }
    }
}

impl Spot for Place {
    fn line(&self) -> Line {
        Place::line(*self)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.line().fmt(f)
    }
}

/// Gives the processor back until the scheduler resumes this thread.
///
/// # Safety
/// Called on a fiber of `block`, without a reference into it.
unsafe fn park(block: *mut Block) {
    // SAFETY: the yielder lives on this fiber's stack; both are restored because other fibers ran meanwhile.
    unsafe {
        let (yielder, stack) = ((*block).yielder, (*block).stack.clone());
        (*yielder).suspend(());
        ((*block).yielder, (*block).stack) = (yielder, stack);
    }
}

extern "C" fn on_barrier(kind: c_int, predicate: c_int, file: *const c_char, line: c_int) -> c_int {
    let block = CURRENT.get();
    let place = Place { file, line };
    // SAFETY: called by a kernel, so a block runs on this OS thread and this is one of its fibers.
    unsafe {
        if (*block).arrive(place, predicate) {
            let Barrier { votes, .. } = (*block).barrier;
            (*block).verdict = match shared::Barrier::numbered(kind) {
                shared::Barrier::PLAIN | shared::Barrier::OR => (votes > 0) as c_int,
                shared::Barrier::COUNT => votes,
                shared::Barrier::AND => (votes as usize == (*block).threads) as c_int,
            };
            (*block).barrier = Barrier::default();
            if let Some(observer) = (*block).observer {
                (*observer).barrier(&place);
            }
            let everybody = 0..(*block).threads;
            if (*block).release(everybody) {
                park(block);
            }
        } else {
            park(block);
        }
        // The verdict stays until the next barrier is complete, which needs every thread to have read this one.
        (*block).verdict
    }
}

extern "C" fn on_collective(
    kind: c_int,
    mask: u32,
    value: u64,
    source: c_int,
    file: *const c_char,
    line: c_int,
) -> u64 {
    let block = CURRENT.get();
    let (kind, place) = (Collective::numbered(kind), Place { file, line });
    // SAFETY: as in `on_barrier`.
    unsafe {
        let thread = (*block).current;
        (*block).set(State::AtCollective(place));
        if warp::arrive(&mut *block, warp::Call { kind, mask, value, source, place }) {
            park(block);
        }
        (&(*block).results)[thread]
    }
}

extern "C" fn on_trap(file: *const c_char, line: c_int) {
    let block = CURRENT.get();
    // SAFETY: as in `on_barrier`.
    unsafe {
        let thread = (*block).thread_name((*block).current);
        (*block).fail(Rule::Other, Place { file, line }, format_args!("{thread} calls __trap"));
        loop {
            park(block);
        }
    }
}

extern "C" fn on_fence() {
    let block = CURRENT.get();
    // SAFETY: as in `on_barrier`.
    unsafe {
        if let Some(observer) = (*block).observer {
            (*observer).fence((*block).current);
        }
    }
}

extern "C" fn on_access(address: u64, bytes: u64, kind: c_int, code: u64) {
    let block = CURRENT.get();
    // SAFETY: as in `on_barrier`; an access that the observer lets pass is to memory that is there.
    unsafe {
        let Some(observer) = (*block).observer.filter(|_| !(*block).stack.contains(&address)) else { return };
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
            park(block);
        }
    }
}
