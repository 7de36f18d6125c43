//! Accesses of what is asynchronous: looked at when it is asked for, since it may be done at once, and remembered when it is done.

use super::mark::Mark;
use super::order::Order;
use super::shadow::Conflict;
use super::{Access, Checker, Kind, What, When};
use crate::device::observed::regions::{Place, Region};

impl Checker {
    /// Looks at an access in the name of a thread of a block. False if the launch must not go on.
    pub(super) fn look_asked(&mut self, by: (u32, usize), access: Access, when: When) -> bool {
        let Some(place) = self.memory.regions.find(access.address, access.bytes) else { return true };
        let (block, thread) = by;
        let own = || (thread / 32, 1 << (thread % 32), access);
        match when {
            When::Asked => {
                let (warp, lanes, access) = own();
                let here = self.order.mark(warp, lanes, access);
                if !place.inside {
                    self.found(What::OutOfBounds, place, access, here, None);
                    return false;
                }
                if access.kind != Kind::Write && self.memory.missing(&place, access.bytes) {
                    self.found(What::Uninitialized, place, access, here, None);
                }
                for (offset, there) in self.memory.clash(&mut self.order, &place, &here, access) {
                    self.found(What::Race, Place { offset, ..place }, access, here, Some(there));
                }
            }
            When::Waited if block == self.order.block => {
                let (warp, lanes, access) = own();
                let here = self.order.mark(warp, lanes, access);
                self.memory.note(&mut self.order, &place, &here, access);
            }
            // Its thread has exited, and nothing of its block comes after.
            When::Waited => {}
            When::Queued(queue, number) => {
                let here = self.order.queued(by, access.code, queue, number);
                self.memory.note(&mut self.order, &place, &here, access);
            }
        }
        true
    }
}

impl super::memory::Memory {
    /// What an access, which is inside, clashes with, and at which offsets.
    fn clash(&mut self, order: &mut Order, place: &Place, now: &Mark, access: Access) -> Vec<(i64, Conflict)> {
        let Access { bytes, kind, .. } = access;
        let read_only = self.is_read_only(place.region) && kind == Kind::Read;
        if read_only {
            return Vec::new();
        }
        let Some((shadow, launch, _, start)) = self.of(order, place, bytes) else { return Vec::new() };
        let found = shadow.clash((launch, order), now, kind, start, bytes);
        found.into_iter().flatten().map(|(at, conflict)| (place.offset + (at - start) as i64, conflict)).collect()
    }

    /// Remembers an access that was looked at before.
    fn note(&mut self, order: &mut Order, place: &Place, now: &Mark, access: Access) {
        let Access { bytes, kind, .. } = access;
        if self.is_read_only(place.region) {
            if kind == Kind::Read {
                return;
            }
            self.is_written(place.region);
        }
        let Some((shadow, launch, written, start)) = self.of(order, place, bytes) else { return };
        if kind != Kind::Read {
            written.add(start, bytes);
        }
        shadow.put((launch, order), now, kind, start, bytes);
    }

    fn is_read_only(&self, region: Region) -> bool {
        matches!(region, Region::Buffer(start) if self.buffers[&start].read_only)
    }

    fn is_written(&mut self, region: Region) {
        if let Region::Buffer(start) = region {
            self.buffers.get_mut(&start).expect("as in regions").read_only = false;
        }
    }
}
