//! Buffers and the caching allocator that both devices share.
//!
//! Freed memory is kept in lists by size and handed out again: a training step asks for the same sizes every time, so
//! after the first step nothing is asked of the driver (or of the operating system, where fresh pages cost faults).
//! All work runs in issue order, so memory may be reused while kernels that read its old contents are still queued.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Backend, Device};
use crate::error::{Error, Result};

/// Bytes in live buffers: now, and the most since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Now: sizes as the allocator rounded them up, with guard zones if there are any; without cached free memory.
    pub in_use: u64,
    /// The highest `in_use` since [`Device::reset_peak`] (or since the device was opened).
    pub peak: u64,
}

/// A block of device memory; freed to its device's pool when dropped.
pub struct Buffer {
    device: Device,
    address: u64,
    bytes: usize,
    capacity: usize,
    id: u64,
}

/// More than any machine can address (64-bit processors lead 47 bits to a process), and little enough for sums of sizes.
const MOST: u64 = 1 << 47;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Buffer {
    /// `bytes` bytes of device memory with undefined contents (poison, on a guarded device).
    ///
    /// # Errors
    /// More bytes than any memory has; memory that is not there.
    pub fn new(device: &Device, bytes: usize) -> Result<Self> {
        Self::of(device, bytes, size_class)
    }

    /// [`Buffer::new`] without rounding the size up, for tools that tell a stray access by where the allocation ends.
    pub fn exact(device: &Device, bytes: usize) -> Result<Self> {
        Self::of(device, bytes, |bytes| bytes.max(1))
    }

    fn of(device: &Device, bytes: usize, size: fn(usize) -> usize) -> Result<Self> {
        if bytes as u64 > MOST {
            return Err(Error::device(&device.info().name, format!("{bytes} bytes are more than any memory has")));
        }
        let guard = device.0.guards.as_ref().map_or(0, |g| g.zone());
        let capacity = size(bytes + 2 * guard);
        let start = device.0.pool.take(device, capacity)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let buffer = Self { device: device.clone(), address: start + guard as u64, bytes, capacity, id };
        if let Some(guards) = &device.0.guards {
            guards.arm(&buffer)?;
        }
        // Last: poison is not contents.
        device.backend().allocated(buffer.address, bytes);
        Ok(buffer)
    }

    /// The device that holds the memory.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The first byte's device address.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Overwrites bytes from byte `at` on.
    ///
    /// # Errors
    /// Bytes beyond the end; what the device says.
    pub fn upload(&self, at: usize, from: &[u8]) -> Result<()> {
        self.check(at, from.len())?;
        // SAFETY: the range lies within the buffer, which lives.
        unsafe { self.device.backend().upload(self.address + at as u64, from) }
    }

    /// Fills `to` with bytes from byte `at` on; waits for the device.
    ///
    /// # Errors
    /// Bytes beyond the end; what the device says.
    ///
    /// # Safety
    /// Something wrote them.
    pub unsafe fn download(&self, at: usize, to: &mut [u8]) -> Result<()> {
        self.check(at, to.len())?;
        // SAFETY: the range lies within the buffer, which lives; what it holds is the caller's promise.
        unsafe { self.device.backend().download(self.address + at as u64, to) }
    }

    /// Overwrites `bytes` bytes from byte `at` on with those of `other` from byte `from` on, on the device.
    pub(crate) fn copy(&self, at: usize, other: &Buffer, from: usize, bytes: usize) -> Result<()> {
        self.check(at, bytes)?;
        other.check(from, bytes)?;
        if self.device != other.device {
            let (here, there) = (&self.device.info().name, &other.device.info().name);
            return Err(Error::device(here, format!("copies no memory of another device ({there}): read it first")));
        }
        // SAFETY: both ranges lie within buffers of this device, which live.
        unsafe { self.device.backend().copy(self.address + at as u64, other.address + from as u64, bytes) }
    }

    /// Writes copies of a 32-bit `word` from the start, `words` of them.
    pub(crate) fn fill(&self, word: u32, words: usize) -> Result<()> {
        self.check(0, 4 * words)?;
        // SAFETY: as in `upload`; buffers begin at a multiple of 256.
        unsafe { self.device.backend().fill(self.address, word, words) }
    }

    /// Refuses what would pass the end.
    fn check(&self, at: usize, bytes: usize) -> Result<()> {
        if at <= self.bytes && bytes <= self.bytes - at {
            return Ok(());
        }
        let what = format!("{bytes} bytes from byte {at} on are not in a buffer of {}", self.bytes);
        Err(Error::device(&self.device.info().name, what))
    }

    /// A number that no other buffer of this process has had or will have.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut start = self.address;
        self.device.backend().released(start);
        if let Some(guards) = &self.device.0.guards {
            guards.disarm(self);
            start -= guards.zone() as u64;
        }
        self.device.0.pool.give(start, self.capacity);
    }
}

/// Sizes are rounded so that nearly equal requests share a list: to 512 bytes, above 4 KiB to an eighth of the power
/// of two below (at most 12.5 % waste).
fn size_class(bytes: usize) -> usize {
    let step = if bytes <= 4096 { 512 } else { 1 << (bytes.ilog2() - 3) };
    bytes.max(1).next_multiple_of(step)
}

#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    free: BTreeMap<usize, Vec<u64>>,
    memory: MemoryUse,
}

impl Pool {
    fn take(&self, device: &Device, capacity: usize) -> Result<u64> {
        let cached = {
            let mut state = self.state.lock().unwrap();
            state.free.get_mut(&capacity).and_then(Vec::pop)
        };
        let address = match cached {
            Some(address) => address,
            None => match device.backend().alloc(capacity) {
                Ok(address) => address,
                Err(_) => {
                    // Out of memory with memory cached in other sizes: give that back and ask once more.
                    self.drain(device.backend());
                    device.backend().alloc(capacity)?
                }
            },
        };
        let mut state = self.state.lock().unwrap();
        state.memory.in_use += capacity as u64;
        state.memory.peak = state.memory.peak.max(state.memory.in_use);
        Ok(address)
    }

    fn give(&self, address: u64, capacity: usize) {
        let mut state = self.state.lock().unwrap();
        state.memory.in_use -= capacity as u64;
        state.free.entry(capacity).or_default().push(address);
    }

    /// Returns every cached block to the backend.
    fn drain(&self, backend: &dyn Backend) {
        let free = std::mem::take(&mut self.state.lock().unwrap().free);
        for (capacity, addresses) in free {
            // SAFETY: `alloc` returned them for this size, and no buffer has them any more.
            addresses.into_iter().for_each(|address| unsafe { backend.free(address, capacity) });
        }
    }

    /// Orders what is free by address, the lowest to be taken first.
    pub(super) fn sort(&self) {
        let mut state = self.state.lock().unwrap();
        state.free.values_mut().for_each(|addresses| addresses.sort_unstable_by(|a, b| b.cmp(a)));
    }

    pub(super) fn memory_use(&self) -> MemoryUse {
        self.state.lock().unwrap().memory
    }

    pub(super) fn reset_peak(&self) {
        let mut state = self.state.lock().unwrap();
        state.memory.peak = state.memory.in_use;
    }
}

impl Drop for super::Inner {
    fn drop(&mut self) {
        self.pool.drain(self.backend.as_ref());
    }
}
