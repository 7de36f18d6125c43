//! Asynchronous copies of `cp.async` (ISA 9.7.9.25), done as late as they may be: when somebody waits for them.

use std::ops::Range;

use super::fault::Kind;
use crate::watch::{Asked, When};

/// One thread's copy of 4, 8 or 16 bytes from global to shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    pub lane: usize,
    pub to: u64,
    pub from: u64,
    pub bytes: u32,
    /// Bytes that are read; zeros after them.
    pub read: u32,
    /// Function and instruction.
    pub at: (u32, u32),
}

/// Which copies somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// All, committed or not.
    All,
    /// All groups but so many.
    But(u64),
    /// All before a mark.
    Before(u64),
}

/// A copy that is not done yet.
struct Pending {
    /// The group that it belongs to, counted by its lane, and its number among all of the warp.
    group: u64,
    number: u64,
    copy: Copy,
}

/// The copies of a warp's lanes that are not done yet.
#[derive(Default)]
pub struct Copies {
    pending: Vec<Pending>,
    /// Groups that each lane has committed.
    committed: [u64; 32],
    /// Copies until now.
    count: u64,
}

impl Copies {
    pub fn add(&mut self, copy: Copy) {
        self.pending.push(Pending { group: self.committed[copy.lane], number: self.count, copy });
        self.count += 1;
    }

    /// Closes the group of a lane.
    pub fn commit(&mut self, lane: usize) {
        self.committed[lane] += 1;
    }

    /// Where one was asked for that will write some of these bytes.
    pub fn find(&self, bytes: &Range<u64>) -> Option<(u32, u32)> {
        let meets = |copy: &Copy| copy.to < bytes.end && bytes.start < copy.to + u64::from(copy.bytes);
        self.pending.iter().map(|pending| &pending.copy).find(|copy| meets(copy)).map(|copy| copy.at)
    }

    /// How many copies there were, to finish those until now later.
    pub fn mark(&self) -> u64 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Does those copies of a lane that are due, and calls `each` for them.
    pub fn finish(&mut self, lane: usize, due: Due, mut each: impl FnMut(&Copy)) {
        let committed = self.committed[lane];
        let is_due = |pending: &Pending| match due {
            Due::All => true,
            Due::But(keep) => pending.group < committed.saturating_sub(keep),
            Due::Before(mark) => pending.number < mark,
        };
        self.pending.retain(|pending| {
            let due = pending.copy.lane == lane && is_due(pending);
            if due {
                pending.copy.run();
                each(&pending.copy);
            }
            !due
        });
    }
}

impl Copy {
    /// What it reads and writes.
    pub fn accesses(&self, block: u32, warp: u32, when: When) -> impl Iterator<Item = Asked> {
        let Self { at, lane, .. } = *self;
        let reads = (Kind::Read, self.from, self.read);
        let asked =
            move |(kind, address, bytes)| Asked { at, block, warp, lane: lane as u32, kind, address, bytes, when };
        [reads, (Kind::Write, self.to, self.bytes)].into_iter().filter(|(.., bytes)| *bytes > 0).map(asked)
    }

    fn run(&self) {
        // SAFETY: both pointers were checked for as many bytes when the copy was asked for.
        unsafe {
            let mut bytes = [0u8; 16];
            std::ptr::copy_nonoverlapping(self.from as *const u8, bytes.as_mut_ptr(), self.read as usize);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.to as *mut u8, self.bytes as usize);
        }
    }
}
