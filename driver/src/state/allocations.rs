//! Memory that programs were given, and what of it a call may touch.

use std::collections::BTreeMap;

use warptape_ptx::memory::{Holds, Region};

use super::Driver;
use super::handles::Kind;
use crate::status::{Answer, Status, wrong};

/// Bytes of an H200's memory.
const H200: u64 = 143_771 << 20;

/// Where memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Device,
    /// Device memory of a pool.
    Pooled(u64),
    /// Memory of the host that never moves.
    PageLocked,
    /// Memory of the program that was page-locked later.
    Registered,
    /// Memory that moves between host and device.
    Managed,
}

impl Place {
    pub fn on_device(self) -> bool {
        matches!(self, Place::Device | Place::Pooled(_))
    }
}

/// Memory that a program was given; it stays listed when it is freed.
#[derive(Clone, Debug)]
pub struct Allocation {
    pub bytes: usize,
    pub place: Place,
    pub context: u64,
    /// The call that gave it.
    pub by: &'static str,
    /// The call that freed it, or queued that.
    pub freed: Option<&'static str>,
    /// Whether its memory is gone.
    pub gone: bool,
    /// Whether a kernel was given an address in it.
    pub in_kernels: bool,
}

/// All memory that was given.
#[derive(Default)]
pub struct Allocations {
    all: BTreeMap<u64, Allocation>,
    /// Bytes of device memory in use.
    pub used: u64,
    /// Allocations of device memory that were asked for.
    asked: u64,
}

/// A pool of device memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    pub release_threshold: u64,
    pub used: u64,
    pub used_high: u64,
    /// `CU_MEMPOOL_ATTR_REUSE_…`, by their numbers.
    pub reuse: [i32; 4],
}

impl Allocations {
    /// The allocation that an address lies in or right behind, freed ones included.
    pub fn find(&self, address: u64) -> Option<(u64, &Allocation)> {
        let (start, found) = self.all.range(..=address).next_back()?;
        (address - start <= found.bytes as u64).then_some((*start, found))
    }

    pub fn at(&mut self, start: u64) -> Option<&mut Allocation> {
        self.all.get_mut(&start)
    }

    /// The page-locked or managed allocation that a host address lies in.
    pub fn page_locked(&self, address: u64) -> Option<(u64, &Allocation)> {
        self.find(address)
            .filter(|(start, found)| !found.gone && !found.place.on_device() && (address - start) < found.bytes as u64)
    }

    /// Addresses of a context's memory that was not given back.
    pub fn of_context(&self, context: u64) -> Vec<u64> {
        self.all.iter().filter(|(_, a)| a.context == context && !a.gone).map(|(start, _)| *start).collect()
    }

    /// Number and bytes of what was not given back in contexts that are `fit`, and the call that gave the first of it.
    pub fn left(&self, fit: impl Fn(u64) -> bool) -> (usize, usize, &'static str) {
        let left: Vec<_> = self.all.values().filter(|a| a.freed.is_none() && fit(a.context)).collect();
        (left.len(), left.iter().map(|a| a.bytes).sum(), left.first().map_or("", |a| a.by))
    }
}

/// Bytes of device memory: an H200's, or what the machine has.
pub fn total() -> u64 {
    // SAFETY: a question about the machine.
    let pages = unsafe { [libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)] };
    H200.min(pages.iter().map(|n| (*n).max(1) as u64).product())
}

impl Driver {
    /// Gives memory out, filled with ones (NaN).
    pub fn allocate(&mut self, context: u64, bytes: usize, place: Place, by: &'static str) -> Answer<u64> {
        if bytes == 0 {
            return wrong(Status::INVALID_VALUE, "0 bytes are no allocation");
        }
        let faults = &self.settings.faults;
        let fails = if place == Place::PageLocked {
            faults.no_page_locked
        } else {
            self.allocations.asked += 1;
            faults.out_of_memory.is_some_and(|(first, last)| (first..=last).contains(&self.allocations.asked))
        };
        let full = place != Place::PageLocked && self.allocations.used + bytes as u64 > total();
        if fails || full {
            return Err(Status::OUT_OF_MEMORY.into());
        }
        let address = self.memory.allocate(bytes, Holds::Buffer).map_err(|_| Status::OUT_OF_MEMORY)?;
        if place != Place::PageLocked {
            self.allocations.used += bytes as u64;
        }
        if let Place::Pooled(pool) = place
            && let Some(pool) = self.pools.get_mut(&pool)
        {
            pool.used += bytes as u64;
            pool.used_high = pool.used_high.max(pool.used);
        }
        let allocation = Allocation { bytes, place, context, by, freed: None, gone: false, in_kernels: false };
        self.allocations.all.insert(address, allocation);
        Ok(address)
    }

    /// Takes note of memory of the program that is page-locked from now on.
    pub fn register(&mut self, context: u64, start: u64, bytes: usize, by: &'static str) -> Answer {
        let overlaps = |(at, a): (&u64, &Allocation)| !a.gone && at + a.bytes as u64 > start;
        if self.allocations.all.range(..start + bytes as u64).next_back().is_some_and(overlaps) {
            return wrong(Status::HOST_MEMORY_ALREADY_REGISTERED, format!("{start:#x} is page-locked already"));
        }
        let place = Place::Registered;
        let allocation = Allocation { bytes, place, context, by, freed: None, gone: false, in_kernels: false };
        self.allocations.all.insert(start, allocation);
        Ok(())
    }

    /// The allocation that begins at an address, to be freed by the call `by`.
    pub fn freeing(&mut self, address: u64, by: &'static str, suits: fn(Place) -> bool) -> Answer<&mut Allocation> {
        let told = format!("{address:#x} is not the beginning of an allocation that {by} frees");
        match self.allocations.at(address) {
            Some(Allocation { freed: Some(before), .. }) => {
                wrong(Status::INVALID_VALUE, format!("{address:#x} was freed already, by {before}"))
            }
            Some(found) if suits(found.place) => Ok(found),
            Some(found) => wrong(Status::INVALID_VALUE, format!("{told}: it came from {}", found.by)),
            None => wrong(Status::INVALID_VALUE, told),
        }
    }

    /// Gives an allocation's memory back; its addresses are never used again.
    pub fn give_back(&mut self, address: u64, by: &'static str) {
        let Some(allocation) = self.allocations.at(address).filter(|allocation| !allocation.gone) else { return };
        allocation.freed.get_or_insert(by);
        allocation.gone = true;
        let (bytes, place) = (allocation.bytes as u64, allocation.place);
        if place == Place::Registered {
            // The program's own: it may be registered again.
            self.allocations.all.remove(&address);
            return;
        }
        if place != Place::PageLocked {
            self.allocations.used -= bytes;
        }
        if let Place::Pooled(pool) = place
            && let Some(pool) = self.pools.get_mut(&pool)
        {
            pool.used -= bytes;
        }
        self.memory.free(address);
    }

    /// Whether the device may access these bytes: they lie in one allocation or variable that lives.
    pub fn on_device(&self, address: u64, bytes: u64) -> Answer {
        let end = address.saturating_add(bytes);
        if let Some((start, found)) = self.allocations.find(address) {
            return match found.freed {
                Some(by) => {
                    wrong(Status::INVALID_VALUE, format!("{address:#x} belongs to memory that was freed by {by}"))
                }
                None if end > start + found.bytes as u64 => {
                    let over = end - start - found.bytes as u64;
                    let (of, by) = (found.bytes, found.by);
                    let what =
                        format!("{bytes} bytes at {address:#x} leave the allocation of {of} bytes ({by}) by {over}");
                    wrong(Status::INVALID_VALUE, what)
                }
                None => Ok(()),
            };
        }
        match self.memory.region(address) {
            Some(Region { range, holds: Holds::Variable { name, .. }, freed: false }) if end > range.end => {
                wrong(Status::INVALID_VALUE, format!("{bytes} bytes at {address:#x} leave the variable '{name}'"))
            }
            Some(Region { holds: Holds::Variable { .. }, freed: false, .. }) => Ok(()),
            _ => wrong(Status::INVALID_VALUE, format!("{address:#x} is no address of device memory")),
        }
    }

    /// Whether these bytes may be the host's.
    pub fn on_host(&self, address: u64, bytes: u64) -> Answer {
        if address == 0 {
            return wrong(Status::INVALID_VALUE, "a null pointer instead of host memory");
        }
        match self.allocations.find(address) {
            Some((_, found)) if found.place == Place::Registered => Ok(()),
            Some((_, found)) if found.place.on_device() => {
                wrong(Status::INVALID_VALUE, format!("{address:#x} is device memory, not the host's"))
            }
            Some(_) => self.on_device(address, bytes),
            None => Ok(()),
        }
    }

    /// A pool that a program names.
    pub fn pool(&mut self, handle: u64) -> Answer<&mut Pool> {
        let unknown = self.handles.unknown(Kind::Pool, handle);
        self.pools.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_VALUE, unknown), Ok)
    }
}
