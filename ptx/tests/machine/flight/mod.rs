//! What is asynchronous: it is done when somebody waits for it, and what uses it wrongly is told.

mod bulk;
mod clusters;
mod libraries;
mod mbarriers;
mod tensors;
mod warpgroups;

use crate::running::{With, fault, kernel, run};

/// Shared memory with a mbarrier at `b`, another at `c`, and 1024 bytes at `s`.
pub const SHARED: &str = ".shared .align 8 .b64 b; .shared .align 8 .b64 c; .shared .align 128 .b8 s[1024];
    .global .align 16 .b8 g[1024]; .global .align 16 .b8 h[1024];";

/// Waits for the phase of parity 0 of `b`.
pub const WAIT: &str = "WAIT: mbarrier.try_wait.parity.shared::cta.b64 %p1, [b], 0; @!%p1 bra WAIT;";

/// The fault of one thread.
pub fn alone(body: &str) -> String {
    fault(SHARED, body, With { threads: 1, ..With::default() })
}

/// What one thread leaves.
pub fn one(body: &str) -> u32 {
    run(&kernel(SHARED, body), With { threads: 1, ..With::default() }).unwrap_or_else(|fault| panic!("{fault}"))[0]
}
