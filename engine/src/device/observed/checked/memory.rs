//! The shadows of all memory that kernels may touch.

use std::collections::BTreeMap;

use super::groups::Groups;
use super::mark::Mark;
use super::order::Order;
use super::shadow::{Conflict, Shadow, Shared, Written, side_by_side};
use super::{Access, Kind, Launch};
use crate::device::Arg;
use crate::device::observed::regions::{Place, Region, Regions};
use crate::device::observed::{Pattern, Span, Together};

pub(super) struct Buffer {
    bytes: u64,
    shadow: Shadow,
    written: Written,
    /// Whether the launch reads it through pointers to constants alone, so that reads need not be remembered.
    pub(super) read_only: bool,
}

/// All that kernels may touch, and who has touched it.
pub(super) struct Memory {
    pub(super) regions: Regions,
    pub(super) buffers: BTreeMap<u64, Buffer>,
    launch: u64,
    shared: Shared,
    /// That of blocks that have begun and wait for their turn.
    waiting: BTreeMap<u32, Shared>,
    /// Of blocks that are over, to be used again.
    spare: Vec<Shared>,
    /// The last block's.
    generation: u64,
    /// Bytes of shared memory, and of what lies between its variables.
    shared_bytes: u64,
}

impl Default for Memory {
    fn default() -> Self {
        let (regions, buffers, waiting) = Default::default();
        let (shared, spare) = (Shared::new(), Vec::new());
        Self { regions, buffers, launch: 0, shared, waiting, spare, generation: 0, shared_bytes: 0 }
    }
}

impl Memory {
    pub(super) fn add(&mut self, address: u64, bytes: u64) {
        let new = Buffer { bytes, shadow: Shadow::default(), written: Written::nothing(bytes), read_only: false };
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

    pub(super) fn begin_launch(&mut self, launch: &Launch<'_>) {
        self.launch += 1;
        self.regions.begin_launch(launch);
        let end = self.regions.shared.iter().map(|variable| variable.range.end).max();
        self.shared_bytes = end.map_or(0, |end| end - self.regions.shared_start);
        self.waiting.clear();
        self.buffers.values_mut().for_each(|buffer| buffer.read_only = false);
        let constant = launch.code.read_only();
        for arg in launch.args.iter().take(constant.len()) {
            let (Arg::Ptr(to) | Arg::U64(to) | Arg::Tensor { address: to, .. }) = *arg else { continue };
            let Some((start, bytes)) = self.regions.buffer(to) else { continue };
            let of_this = |arg: &Arg| matches!(*arg, Arg::Ptr(to) | Arg::U64(to) | Arg::Tensor { address: to, .. } if (start..start + bytes).contains(&to));
            let all = launch.args.iter().zip(constant).all(|(arg, constant)| *constant || !of_this(arg));
            let buffer = self.buffers.get_mut(&start).expect("as in regions");
            buffer.read_only = all && launch.args.len() == constant.len() && !buffer.written.missing(0, bytes);
        }
    }

    /// Block number `block` begins; `before` waits from now on.
    pub(super) fn begin_block(&mut self, before: Option<u32>, block: u32, order: &mut Order) {
        self.turn_to(before, block);
        self.generation += 1;
        self.shared.begin(self.generation, self.shared_bytes, self.waiting.is_empty());
        if order.has_many_events() {
            let (launch, buffers) = (self.launch, &mut self.buffers);
            let waiting = &mut self.waiting;
            order.keep_events(|keep| {
                buffers.values_mut().for_each(|buffer| buffer.shadow.marks(launch, &mut *keep));
                waiting.values_mut().for_each(|shared| shared.shadow.marks(shared.generation, &mut *keep));
            });
        }
    }

    /// The running block is about to wait for another one.
    pub(super) fn set_aside(&mut self, order: &mut Order) {
        self.shared.set_aside(order);
    }

    /// Block number `block` goes on, and `before`, if there is one, waits from now on.
    pub(super) fn turn_to(&mut self, before: Option<u32>, block: u32) {
        let next = self.waiting.remove(&block);
        let Some(before) = before.filter(|before| *before != block) else {
            next.into_iter().for_each(|next| self.shared = next);
            return;
        };
        let next = next.or_else(|| self.spare.pop()).unwrap_or_else(Shared::new);
        self.waiting.insert(before, std::mem::replace(&mut self.shared, next));
    }

    /// The running block is over.
    pub(super) fn end_block(&mut self) {
        self.shared.end();
        if !self.waiting.is_empty() {
            self.spare.push(std::mem::replace(&mut self.shared, Shared::new()));
        }
    }

    /// Where a place, which is inside, lies in the shadow of its region.
    fn start(&self, place: &Place) -> u64 {
        match place.region {
            Region::Shared(number) | Region::Other(_, number) => {
                self.regions.shared[number].range.start - self.regions.shared_start + place.offset as u64
            }
            _ => place.offset as u64,
        }
    }

    /// What was written of a place's region, and where the place lies there.
    fn written_at(&mut self, place: &Place) -> Option<(&mut Written, u64)> {
        let start = self.start(place);
        match place.region {
            Region::Buffer(buffer) => Some((&mut self.buffers.get_mut(&buffer).expect("as in regions").written, start)),
            Region::Shared(_) => Some((&mut self.shared.written, start)),
            Region::Other(block, _) => Some((&mut self.waiting.get_mut(&block)?.written, start)),
            Region::Nothing => None,
        }
    }

    /// The shadow of a place's region, which knows all accesses of some bytes from there on, and the launch or block that it is of; what
    /// was written of the region; where the place lies in both.
    pub(super) fn of(
        &mut self,
        order: &mut Order,
        place: &Place,
        bytes: u64,
    ) -> Option<(&mut Shadow, u64, &mut Written, u64)> {
        let start = self.start(place);
        match place.region {
            Region::Buffer(buffer) => {
                let Buffer { shadow, written, .. } = self.buffers.get_mut(&buffer).expect("as in regions");
                Some((shadow, self.launch, written, start))
            }
            Region::Shared(_) => {
                self.shared.settle(order, start, bytes);
                let Shared { shadow, written, generation, .. } = &mut self.shared;
                Some((shadow, *generation, written, start))
            }
            // Of a block that waits all reads are in their cells.
            Region::Other(block, _) => {
                let Shared { shadow, written, generation, .. } = self.waiting.get_mut(&block)?;
                Some((shadow, *generation, written, start))
            }
            Region::Nothing => None,
        }
    }

    /// Whether some of these bytes, which are inside, were never written.
    pub(super) fn missing(&mut self, place: &Place, bytes: u64) -> bool {
        self.written_at(place).is_some_and(|(written, start)| written.missing(start, bytes))
    }

    /// Notes an access, which is inside, and tells what it clashes with, and at which offset.
    pub(super) fn touch(
        &mut self,
        order: &mut Order,
        place: &Place,
        now: &Mark,
        access: Access,
    ) -> Option<(i64, Conflict)> {
        let Access { bytes, kind, .. } = access;
        if kind != Kind::Read
            && let Region::Buffer(start) = place.region
        {
            // It is reached by other ways than its pointers.
            self.buffers.get_mut(&start).expect("as in regions").read_only = false;
        }
        let (shadow, launch, written, start) = self.of(order, place, bytes)?;
        if kind != Kind::Read {
            written.add(start, bytes);
        }
        let found = shadow.access((launch, order), now, kind, start, bytes);
        found.map(|(at, conflict)| (place.offset + (at - start) as i64, conflict))
    }

    /// What lanes have read where they are about to do atomic operations was a guess that they make sure of: it clashes with none of
    /// theirs, in whatever order they do them.
    pub(super) fn make_sure(&mut self, order: &mut Order, all: &Together<'_>) {
        let now = order.mark(all.warp, all.mask, all.each);
        for lane in all.lanes() {
            let Some(place) = self.regions.find(all.addresses[lane], all.each.bytes).filter(|place| place.inside)
            else {
                continue;
            };
            if let Some((shadow, launch, _, start)) = self.of(order, &place, all.each.bytes) {
                let mark = Mark { lanes: 1 << lane, ..now };
                shadow.make_sure((launch, order), &mark, start, all.each.bytes);
            }
        }
    }

    /// Notes accesses of a warp, which are aligned and lie in one region, whose lowest is at `place`, if at a glance nothing is wrong with
    /// them. Returns the lanes that are left, to be looked at one by one.
    pub(super) fn touch_together(&mut self, order: &mut Order, place: &Place, all: &Together<'_>) -> u32 {
        let Span { pattern, first: lowest, end } = all.span;
        let Access { bytes, kind, .. } = all.each;
        if let Region::Buffer(start) = place.region {
            let buffer = self.buffers.get_mut(&start).expect("as in regions");
            buffer.read_only &= kind == Kind::Read;
            if buffer.read_only {
                return 0;
            }
        }
        if let Region::Shared(_) = place.region {
            let start = self.start(place);
            match kind {
                Kind::Read if self.shared.read(order, all, start) => return 0,
                Kind::Write => return self.shared.write(order, all, start),
                _ => {}
            }
        }
        let now = &order.mark(all.warp, all.mask, all.each);
        let Some((shadow, launch, written, start)) = self.of(order, place, end - lowest) else { return 0 };
        match pattern {
            Pattern::SideBySide => {
                let total = 32 * bytes;
                let unwritten = kind == Kind::Read && written.missing(start, total);
                let lanes = side_by_side(bytes);
                if unwritten || lanes.is_none_or(|lanes| !shadow.each((launch, order), now, kind, start, lanes)) {
                    return all.mask;
                }
                if kind == Kind::Write {
                    written.add(start, total);
                }
                0
            }
            _ if kind != Kind::Read => all.mask,
            Pattern::Same => {
                let fine = !written.missing(start, bytes) && shadow.read_by_all((launch, order), now, start, bytes);
                if fine { 0 } else { all.mask }
            }
            Pattern::Any => {
                let groups = Groups::of(all);
                if let Some((from, words)) = groups.words(bytes) {
                    let offset = start + (from - lowest);
                    let unwritten = written.missing(offset, 4 * words.len() as u64);
                    if !unwritten && shadow.each((launch, order), now, kind, offset, &words) {
                        return 0;
                    }
                }
                let mut left = 0;
                for &(address, lanes) in &groups.all[..groups.count] {
                    let (offset, mark) = (start + (address - lowest), Mark { lanes, ..*now });
                    if written.missing(offset, bytes) || !shadow.read_by_all((launch, order), &mark, offset, bytes) {
                        left |= lanes;
                    }
                }
                left
            }
        }
    }
}
