//! Checked mode: the device as a sanitizer.
//!
//! Every access of a kernel to buffers and to shared memory calls back before it is made (`observed`). The [`Checker`]
//! keeps for every word who touched it last (`shadow`) and what barriers, `__syncwarp` and fences have put in order
//! (`order`, a happens-before relation). Two accesses of which one writes and which nothing orders are a race, whatever
//! order they ran in here; so one run in one thread order finds what a GPU may show once in a million launches. It also
//! finds accesses outside every buffer, reads of what nothing wrote, and misaligned vectors. Divergent barriers and absent
//! lanes, which whoever runs the kernel finds in every mode, become findings too.

mod asked;
mod events;
mod finding;
mod groups;
mod known;
mod links;
mod mark;
mod memory;
mod order;
mod report;
mod shadow;

use std::collections::HashMap;

pub use finding::{Finding, Findings, Line, Side, What};
use mark::Mark;
use memory::Memory;
use order::Order;
use shadow::Conflict;

use super::regions::Place;
use super::{Access, Ended, Fault, Kind, Launch, Link, Observer, Queue, Rule, Sign, Span, Spot, Together, When, lanes};

/// The observer of checked mode.
pub(crate) struct Checker {
    /// Where findings go; without it launches fail with them.
    findings: Option<Findings>,
    memory: Memory,
    order: Order,
    /// Of the launch, each once, by what and where in the code.
    seen: HashMap<(What, u32, u32), Seen>,
    /// A write that clashes with another write: no fault if it writes what is there already.
    pending: Option<Pending>,
    /// Reads of threads that clash with atomic operations: no faults if they are guesses that the thread's next access, an atomic
    /// operation at the same address, makes sure of (the loop around `atomicCAS` of CUDA's guide begins like this).
    guesses: Vec<(usize, Pending)>,
}

/// A finding before its lines are looked up.
struct Seen {
    what: What,
    place: Place,
    access: Access,
    here: Mark,
    there: Option<Conflict>,
    times: u64,
    /// In order of appearance.
    number: usize,
}

struct Pending {
    /// What a write finds there.
    before: Vec<u8>,
    place: Place,
    access: Access,
    here: Mark,
    there: Conflict,
}

impl Checker {
    /// A checker that adds to `findings`, or makes launches fail.
    pub(crate) fn new(findings: Option<Findings>) -> Self {
        Self {
            findings,
            memory: Memory::default(),
            order: Order::default(),
            seen: HashMap::new(),
            pending: None,
            guesses: Vec::new(),
        }
    }

    fn found(&mut self, what: What, place: Place, access: Access, here: Mark, there: Option<Conflict>) {
        let number = self.seen.len();
        let key = (what, access.code, there.map_or(0, |there| there.mark.code));
        let new = || Seen { what, place, access, here, there, times: 0, number };
        self.seen.entry(key).or_insert_with(new).times += 1;
    }

    /// Looks at guesses of threads: whether they were some. `next` is what a thread accesses now.
    fn settle_guesses(&mut self, threads: impl Fn(usize) -> bool, next: impl Fn(usize) -> Option<Access>) {
        for at in (0..self.guesses.len()).rev() {
            if !threads(self.guesses[at].0) {
                continue;
            }
            let (thread, Pending { place, access, here, there, .. }) = self.guesses.remove(at);
            let makes_sure = |next: Access| next.kind == Kind::Atomic && next.address == access.address;
            if !next(thread).is_some_and(makes_sure) {
                self.found(What::Race, place, access, here, Some(there));
            }
        }
    }

    /// Looks at what was let through: whether a write changed anything, whether guesses were some. `next` is what happens now,
    /// if it is an access.
    fn settle(&mut self, next: Option<(usize, Access)>) {
        if !self.guesses.is_empty() {
            self.settle_guesses(|_| true, |thread| next.filter(|next| next.0 == thread).map(|next| next.1));
        }
        self.settle_write();
    }

    /// Looks at a write that was let through.
    fn settle_write(&mut self) {
        let Some(Pending { before, place, access, here, there }) = self.pending.take() else { return };
        // SAFETY: the access was within its buffer.
        let now = unsafe { std::slice::from_raw_parts(access.address as *const u8, before.len()) };
        if now != before {
            self.found(What::Race, place, access, here, Some(there));
        }
    }

    /// Looks at an access of a thread. False if the launch must not go on.
    fn look(&mut self, thread: usize, access: Access) -> bool {
        let Some(place) = self.memory.regions.find(access.address, access.bytes) else { return true };
        let here = self.order.mark(thread / 32, 1 << (thread % 32), access);
        if !place.inside {
            self.found(What::OutOfBounds, place, access, here, None);
            return false;
        }
        if access.bytes.is_power_of_two() && access.bytes <= 16 && !access.address.is_multiple_of(access.bytes) {
            self.found(What::Misaligned, place, access, here, None);
            return false;
        }
        if access.kind != Kind::Write && self.memory.missing(&place, access.bytes) {
            self.found(What::Uninitialized, place, access, here, None);
        }
        if access.kind == Kind::Atomic {
            self.order.atomic(thread, access.address);
        }
        if let Some(conflict) = self.memory.touch(&mut self.order, &place, &here, access) {
            let place = Place { offset: conflict.0, ..place };
            // SAFETY: within its buffer.
            let before = unsafe { std::slice::from_raw_parts(access.address as *const u8, access.bytes as usize) };
            let pending = Pending { before: before.into(), place, access, here, there: conflict.1 };
            match (conflict.1.kind, access.kind) {
                (Kind::Write, Kind::Write) => self.pending = Some(pending),
                (Kind::Atomic, Kind::Read) => self.guesses.push((thread, pending)),
                (_, _) => self.found(What::Race, place, access, here, Some(conflict.1)),
            }
        }
        true
    }
}

impl Observer for Checker {
    fn allocated(&mut self, address: u64, bytes: u64) {
        self.memory.add(address, bytes);
    }

    fn released(&mut self, address: u64) {
        self.memory.remove(address);
    }

    fn written(&mut self, address: u64, bytes: u64) {
        self.memory.written(address, bytes);
    }

    fn copied(&mut self, to: u64, from: u64, bytes: u64) {
        self.memory.copied(to, from, bytes);
    }

    fn begin(&mut self, launch: &Launch<'_>) -> Result<(), String> {
        self.order.begin_launch();
        self.seen.clear();
        self.memory.begin_launch(launch);
        Ok(())
    }

    fn block(&mut self, block: u32, shared: u64) {
        self.memory.regions.move_shared(block, shared);
        self.memory.set_aside(&mut self.order);
        let before = self.order.begin_block(block);
        self.memory.begin_block(before, block, &mut self.order);
    }

    fn turn(&mut self, block: u32, shared: u64) {
        self.settle(None);
        self.memory.regions.move_shared(block, shared);
        self.memory.set_aside(&mut self.order);
        let before = self.order.turn_to(block);
        self.memory.turn_to(before, block);
    }

    fn asked(&mut self, by: (u32, usize), access: Access, when: When) -> bool {
        self.settle(None);
        self.look_asked(by, access, when)
    }

    fn link(&mut self, warp: usize, mask: u32, link: Link) {
        self.settle(None);
        self.order.link(warp, mask, link);
    }

    fn done(&mut self, queue: Queue, number: u32, sign: Sign) {
        self.order.done(queue, number, sign);
    }

    fn access(&mut self, thread: usize, access: Access) -> bool {
        self.settle(Some((thread, access)));
        self.look(thread, access)
    }

    fn together(&mut self, all: &Together<'_>) -> bool {
        if !self.guesses.is_empty() {
            let next = |thread: usize| Some(all.of(thread % 32));
            self.settle_guesses(|thread| thread / 32 == all.warp && all.mask >> (thread % 32) & 1 == 1, next);
        }
        let Access { bytes, kind, .. } = all.each;
        match kind {
            Kind::Atomic => self.memory.make_sure(&mut self.order, all),
            Kind::Read if all.each.volatile => {
                all.lanes().for_each(|lane| self.order.look(32 * all.warp + lane, all.addresses[lane]))
            }
            _ => {}
        }
        let mut left = all.mask;
        // The machine refuses what is not aligned.
        if kind != Kind::Atomic {
            let Span { first, end, .. } = all.span;
            match self.memory.regions.find(first, end.wrapping_sub(first)) {
                None => return true,
                Some(place) if place.inside => {
                    left = self.memory.touch_together(&mut self.order, &place, all);
                }
                Some(_) => {}
            }
        }
        // So that the next lane finds what one has written; the machine does it once more, in its own order.
        let write = |lane: usize| {
            if let Some(values) = all.values {
                let (values, to) = (values(lane), all.addresses[lane] as *mut u8);
                // SAFETY: the access is within its buffer.
                unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), to, bytes as usize) };
            }
        };
        let done = if left == 0 { 0 } else { all.mask & !left };
        lanes(done).for_each(write);
        for lane in lanes(left) {
            if !self.look(32 * all.warp + lane, all.of(lane)) {
                return false;
            }
            if all.values.is_some() {
                write(lane);
                self.settle_write();
            }
        }
        true
    }

    fn counts(&self) -> bool {
        false
    }

    fn barrier(&mut self, _place: &dyn Spot) {
        self.settle(None);
        self.order.barrier();
    }

    fn collective(&mut self, warp: usize, mask: u32, syncs: bool, _place: &dyn Spot) {
        self.settle_write();
        self.settle_guesses(|thread| thread / 32 == warp && mask >> (thread % 32) & 1 == 1, |_| None);
        if syncs {
            self.order.sync_warp(warp, mask);
        }
    }

    fn fence(&mut self, thread: usize) {
        self.order.fence(thread);
    }

    fn end_block(&mut self) {
        self.settle(None);
        self.order.end_block();
        self.memory.end_block();
    }

    fn end(&mut self, launch: &Launch<'_>, ended: Option<Ended>) -> Result<(), String> {
        self.report(launch, ended)
    }
}
