//! Threads that wait for memory to change, where threads take turns and nobody else can change it.
//!
//! On a GPU a thread may wait in a loop for a flag or a lock that another one sets. Here a thread keeps the processor until it
//! comes to a barrier or a warp collective, so that such a loop never ends. It shows by its accesses: the same few, from
//! the same places in the code, which find the same values, again and again. A loop that gets
//! anywhere leaves a trace in memory or goes through it; one that only computes keeps what it needs in registers.

use crate::device::observed::Access;

/// So many accesses in a row without anything new are a spin: half a second's worth of nothing.
const PATIENCE: u32 = 1 << 22;

/// How many accesses a round of waiting may have: a lock taken, a flag looked at, the lock given back.
const ROUND: usize = 8;

/// What the running thread has done since it got the processor.
#[derive(Default)]
pub(super) struct Spin {
    /// The last accesses that were new.
    recent: [u64; ROUND],
    next: usize,
    repeats: u32,
}

impl Spin {
    /// A thread gets the processor.
    pub(super) fn restart(&mut self) {
        self.repeats = 0;
    }

    /// Notes an access that is about to be made. Returns whether the thread spins.
    ///
    /// # Safety
    /// The memory can be read.
    pub(super) unsafe fn notes(&mut self, access: Access) -> bool {
        let Access { address, bytes, code, .. } = access;
        let at = address as *const u8;
        // SAFETY: the caller's promise.
        let value = unsafe {
            match bytes {
                1 => at.read().into(),
                2 => at.cast::<u16>().read_unaligned().into(),
                4 => at.cast::<u32>().read_unaligned().into(),
                8 => at.cast::<u64>().read_unaligned(),
                16 => at.cast::<[u64; 2]>().read_unaligned().into_iter().fold(0, |sum, word| mixed(sum ^ word)),
                // A structure that is copied: nobody waits like this.
                _ => {
                    self.repeats = 0;
                    return false;
                }
            }
        };
        let trace = mixed(mixed(address ^ u64::from(code) << 40) ^ value);
        if self.recent.contains(&trace) {
            self.repeats += 1;
        } else {
            self.recent[self.next] = trace;
            (self.next, self.repeats) = ((self.next + 1) % ROUND, 0);
        }
        self.repeats == PATIENCE
    }
}

/// Every bit of the number in many bits of the result.
fn mixed(number: u64) -> u64 {
    let product = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}
