//! Where in which block's shared memory a pointer leads.

use super::Flight;
use crate::run::block::WINDOW;

impl Flight {
    /// The rank of the block that a pointer into shared memory belongs to.
    pub fn rank(&self, pointer: u64) -> usize {
        ((pointer - self.window.start) / WINDOW) as usize
    }

    /// The pointer to the same place of another block's shared memory.
    pub fn same_place(&self, pointer: u64, rank: usize) -> u64 {
        self.window.start + rank as u64 * WINDOW + (pointer - self.window.start) % WINDOW
    }

    /// Bytes from where the shared memory of a pointer's block begins.
    pub fn within(&self, pointer: u64) -> u64 {
        (pointer - self.window.start) % WINDOW
    }

    /// Whether a pointer leads into shared memory of the cluster.
    pub fn is_shared(&self, pointer: u64) -> bool {
        self.window.contains(&pointer)
    }
}
