//! Memory for kernels that nobody trusts yet: each buffer between reserved addresses that belong to nothing, so that an access
//! that leaves it ends the process (see [`faults`](super::faults)) instead of reaching something else.

use crate::device::observed::memory;
use crate::error::{Error, Result};

/// On which side of each buffer the fence stands right beside it. The processor protects whole pages, so on the other side
/// there may be some room before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Before its first byte, which is aligned as on a GPU.
    Start,
    /// Behind its last byte.
    End,
}

/// Reserved addresses on each side of a buffer: as far as an `int` leads in an array of floats.
pub const GAP: usize = 8 << 30;

impl Fence {
    /// # Errors
    /// Memory that is not there.
    pub(super) fn alloc(self, bytes: usize) -> Result<u64> {
        let start = memory::map_between(bytes, GAP)
            // Less where addresses are short, too (`ulimit -v`).
            .or_else(|_| memory::map(bytes))
            .map_err(|e| Error::device("host", format!("{bytes} bytes: {}; try smaller buffers", e)))?;
        Ok(match self {
            Self::Start => start,
            Self::End => start + self.room(bytes),
        })
    }

    /// Gives the memory back; the addresses around it stay reserved.
    pub(super) fn free(self, address: u64, bytes: usize) {
        let room = if self == Self::End { self.room(bytes) } else { 0 };
        memory::unmap_between(address - room, bytes, 0);
    }

    /// Bytes of the last page that are no part of the buffer.
    fn room(self, bytes: usize) -> u64 {
        (bytes.next_multiple_of(memory::PAGE) - bytes) as u64
    }
}
