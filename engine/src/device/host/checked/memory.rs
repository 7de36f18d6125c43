//! The shadows of all memory that kernels may touch.

use std::collections::BTreeMap;

use super::order::{Mark, Order};
use super::shadow::{Conflict, Shadow, Written};
use super::{Access, Kind, Launch};
use crate::device::host::observed::regions::{Place, Region, Regions};

struct Buffer {
    bytes: u64,
    shadow: Shadow,
    written: Written,
}

/// All that kernels may touch, and who has touched it.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) regions: Regions,
    buffers: BTreeMap<u64, Buffer>,
    launch: u64,
    /// Of the running block.
    shared: Shadow,
    /// A new one for each block: nobody has written its shared memory.
    generation: u64,
}

impl Memory {
    pub(super) fn add(&mut self, address: u64, bytes: u64) {
        let new = Buffer { bytes, shadow: Shadow::default(), written: Written::nothing(bytes) };
        self.buffers.insert(address, new);
        self.regions.add(address, bytes);
    }

    pub(super) fn remove(&mut self, address: u64) {
        self.buffers.remove(&address);
        self.regions.remove(address);
    }

    /// The host has written these bytes. Sizes of buffers are not rounded up, but fills are of whole words: what is beyond
    /// the end is nobody's.
    pub(super) fn written(&mut self, address: u64, bytes: u64) {
        let Some((start, _)) = self.regions.buffer(address) else { return };
        let buffer = self.buffers.get_mut(&start).expect("as in regions");
        buffer.written.add(address - start, bytes.min(start + buffer.bytes - address));
    }

    pub(super) fn copied(&mut self, to: u64, from: u64, bytes: u64) {
        let [Some((from_start, _)), Some((to_start, _))] = [from, to].map(|address| self.regions.buffer(address))
        else {
            return;
        };
        let mut part = Written::nothing(bytes);
        part.copy(0, &self.buffers[&from_start].written, from - from_start, bytes);
        let target = self.buffers.get_mut(&to_start).expect("as in regions");
        target.written.copy(to - to_start, &part, 0, bytes);
    }

    pub(super) fn begin_launch(&mut self, launch: &Launch<'_>) -> Result<(), String> {
        self.launch += 1;
        self.regions.begin_launch(launch)
    }

    pub(super) fn begin_block(&mut self) {
        self.generation += 1;
    }

    /// From the start of the module's shared memory.
    fn shared_offset(&self, number: usize) -> u64 {
        self.regions.shared[number].range.start - self.regions.shared_start
    }

    /// Whether some of these bytes, which are inside, were never written.
    pub(super) fn missing(&self, place: &Place, block: u32, bytes: u64) -> bool {
        let offset = place.offset as u64;
        match place.region {
            Region::Buffer(start) => self.buffers[&start].written.missing(offset, bytes),
            Region::Shared(number) => {
                self.shared.unwritten(self.generation, block, self.shared_offset(number) + offset, bytes)
            }
            Region::Nothing => false,
        }
    }

    /// Notes an access, which is inside, and tells what it clashes with, and at which offset.
    pub(super) fn touch(
        &mut self,
        order: &Order,
        place: &Place,
        now: &Mark,
        access: Access,
    ) -> Option<(i64, Conflict)> {
        let (offset, Access { bytes, kind, .. }) = (place.offset as u64, access);
        let (found, first) = match place.region {
            Region::Buffer(start) => {
                let buffer = self.buffers.get_mut(&start).expect("as in regions");
                if kind != Kind::Read {
                    buffer.written.add(offset, bytes);
                }
                (buffer.shadow.access((self.launch, order), now, kind, offset, bytes), 0)
            }
            Region::Shared(number) => {
                let first = self.shared_offset(number);
                (self.shared.access((self.generation, order), now, kind, first + offset, bytes), first)
            }
            Region::Nothing => (None, 0),
        };
        found.map(|(at, conflict)| ((at - first) as i64, conflict))
    }
}
