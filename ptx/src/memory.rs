//! The device's memory: one stretch of addresses, used once each, where nearly all belong to nothing.
//!
//! An address of the global space is a pointer of this process, so that no access translates any; a table tells for each whether it
//! belongs to a region, and where that ends, to the byte. Between regions there is always a gap, and what was freed stays
//! empty: an address that has left its buffer, or outlived it, is in no other one.

use std::io;
use std::ops::Range;

use crate::texture::Objects;

/// Addresses are told apart by units of so many bytes; each region begins with one.
const UNIT: usize = 1 << 16;

/// What is reserved of the process's addresses: as much of it as the system gives.
const SIZES: [usize; 3] = [1 << 44, 1 << 41, 1 << 38];

/// What an address belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address, and the one behind its last.
    pub range: Range<u64>,
    pub holds: Holds,
    pub freed: bool,
}

/// Kinds of regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// What was allocated.
    Buffer,
    /// A variable of a module, by its name.
    Variable { name: String, constant: bool },
}

/// All of a device's memory.
pub struct Memory {
    base: u64,
    size: usize,
    /// For each unit, a number in `regions`; 0 for none.
    table: *mut u32,
    regions: Vec<Region>,
    /// The first unit that was never used.
    next: usize,
    /// Units between regions.
    gap: usize,
    /// Textures and surfaces of arrays in it.
    pub objects: Objects,
}

// SAFETY: the table belongs to this value, and changes only through `&mut self`.
unsafe impl Send for Memory {}
// SAFETY: as above; what regions hold is read and written by kernels, whose races are theirs.
unsafe impl Sync for Memory {}

impl Memory {
    /// Reserves addresses; nothing of them is there yet.
    ///
    /// # Errors
    /// The system gives none.
    pub fn new() -> io::Result<Self> {
        Self::spaced(UNIT as u64)
    }

    /// Memory with at least `gap` bytes before and behind every region, so that whoever strays is told by where he came from.
    ///
    /// # Errors
    /// As [`Memory::new`].
    pub fn spaced(gap: u64) -> io::Result<Self> {
        let gap = (gap as usize).div_ceil(UNIT);
        let mut last = io::Error::from(io::ErrorKind::OutOfMemory);
        for size in SIZES {
            match reserve(size, false).and_then(|base| Ok((base, reserve(size / UNIT * 4, true)?))) {
                Ok((base, table)) => {
                    let nothing = Region { range: 0..0, holds: Holds::Buffer, freed: true };
                    let (table, regions, objects) = (table as *mut u32, vec![nothing], Objects::default());
                    return Ok(Self { base, size, table, regions, next: gap, gap, objects });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The addresses that regions can have.
    pub fn range(&self) -> Range<u64> {
        self.base..self.base + self.size as u64
    }

    /// Makes a region of `bytes` bytes, all ones (NaN as floats), and returns its address, a multiple of 65 536.
    ///
    /// # Errors
    /// Memory, or addresses, are used up.
    pub fn allocate(&mut self, bytes: usize, holds: Holds) -> io::Result<u64> {
        let units = bytes.div_ceil(UNIT).max(1);
        if (self.next + units + self.gap) * UNIT > self.size {
            return Err(io::Error::other("all addresses are used up"));
        }
        let start = self.base + (self.next * UNIT) as u64;
        make_usable(start, units * UNIT)?;
        // SAFETY: the bytes are ours since now; the units lie within the table.
        unsafe {
            std::ptr::write_bytes(start as *mut u8, 0xFF, bytes);
            for unit in self.next..self.next + units {
                *self.table.add(unit) = self.regions.len() as u32;
            }
        }
        self.regions.push(Region { range: start..start + bytes as u64, holds, freed: false });
        self.next += units + self.gap;
        Ok(start)
    }

    /// Gives the memory of the region at `address` back; its addresses are never used again.
    pub fn free(&mut self, address: u64) {
        let number = self.number(address);
        let region = &mut self.regions[number];
        if region.range.start == address && !region.freed {
            region.freed = true;
            let bytes = (region.range.end - region.range.start) as usize;
            give_back(address, bytes.div_ceil(UNIT).max(1) * UNIT);
        }
    }

    /// From now on the region at `address` ends after `bytes` bytes, which are no more than were allocated.
    pub fn limit(&mut self, address: u64, bytes: usize) {
        let number = self.number(address);
        let region = &mut self.regions[number];
        if region.range.start == address {
            region.range.end = address + bytes as u64;
        }
    }

    #[inline(always)]
    fn number(&self, address: u64) -> usize {
        let unit = address.wrapping_sub(self.base) as usize / UNIT;
        if unit >= self.size / UNIT {
            return 0;
        }
        // SAFETY: within the table.
        unsafe { *self.table.add(unit) as usize }
    }

    /// The region around `address`, if there is one; it may have been freed, and the address lie behind its end.
    pub fn region(&self, address: u64) -> Option<&Region> {
        let number = self.number(address);
        (number != 0).then(|| &self.regions[number])
    }

    /// Whether these bytes belong to one region that is not freed, and may be written if that is wanted.
    #[inline(always)]
    pub fn allows(&self, first: u64, bytes: u64, writes: bool) -> bool {
        let region = &self.regions[self.number(first)];
        let Range { start, end } = region.range;
        // By what is left, which no address makes wrap.
        let inside = !region.freed && (start..=end).contains(&first) && bytes <= end - first;
        inside && !(writes && matches!(region.holds, Holds::Variable { constant: true, .. }))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        release(self.base, self.size);
        release(self.table as u64, self.size / UNIT * 4);
    }
}

/// A stretch of addresses outside of any device memory: what a block has for itself.
pub struct Stretch {
    pub start: u64,
    bytes: usize,
}

// SAFETY: memory that belongs to this value alone.
unsafe impl Send for Stretch {}

impl Stretch {
    /// Memory that is there when it is touched first, zeros then.
    ///
    /// # Errors
    /// The system gives no addresses.
    pub fn new(bytes: usize) -> io::Result<Self> {
        Ok(Self { start: reserve(bytes, true)?, bytes })
    }

    pub fn range(&self) -> Range<u64> {
        self.start..self.start + self.bytes as u64
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        release(self.start, self.bytes);
    }
}

#[cfg(unix)]
mod system {
    use std::io;

    pub fn reserve(bytes: usize, usable: bool) -> io::Result<u64> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let protection = if usable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
        // SAFETY: a new mapping.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start as u64) }
    }

    pub fn make_usable(start: u64, bytes: usize) -> io::Result<()> {
        // SAFETY: a part of a mapping of ours.
        match unsafe { libc::mprotect(start as *mut _, bytes, libc::PROT_READ | libc::PROT_WRITE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn give_back(start: u64, bytes: usize) {
        // SAFETY: a part of a mapping of ours that nothing uses any more; a fresh one takes its place, without memory.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
            libc::mmap(start as *mut _, bytes, libc::PROT_NONE, flags, -1, 0);
        }
    }

    pub fn release(start: u64, bytes: usize) {
        // SAFETY: a mapping of ours that nothing uses any more.
        unsafe { libc::munmap(start as *mut _, bytes) };
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    pub fn reserve(_bytes: usize, _usable: bool) -> io::Result<u64> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Unix systems give addresses without memory"))
    }

    pub fn make_usable(_start: u64, _bytes: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn give_back(_start: u64, _bytes: usize) {}

    pub fn release(_start: u64, _bytes: usize) {}
}

use system::{give_back, make_usable, release, reserve};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_end_at_their_last_byte_and_are_not_used_again() {
        let mut memory = Memory::new().unwrap();
        let first = memory.allocate(10, Holds::Buffer).unwrap();
        let second = memory.allocate(70_000, Holds::Variable { name: "x".into(), constant: true }).unwrap();
        assert!(
            memory.allows(first, 10, true) && !memory.allows(first, 11, false) && !memory.allows(first - 1, 2, false)
        );
        assert!(memory.allows(second + 66_000, 4_000, false) && !memory.allows(second, 4, true));
        assert!(!memory.allows(0, 4, false) && !memory.allows(u64::MAX - 1, 4, false));
        // From a buffer to an address near the last one, and around.
        assert!(!memory.allows(first, (u64::MAX - 3 - first).wrapping_add(4), false));
        // SAFETY: memory that was just allocated.
        assert_eq!(unsafe { *(first as *const u16) }, 0xFFFF);
        memory.limit(first, 4);
        assert!(!memory.allows(first, 5, false));
        memory.free(first);
        assert!(!memory.allows(first, 1, false) && memory.region(first).unwrap().freed);
        assert!(memory.allocate(10, Holds::Buffer).unwrap() > second);
    }
}
