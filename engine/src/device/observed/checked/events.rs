//! Events: accesses by lanes of one warp that differ in their lanes alone. Marks of shadows are numbers of them.

use std::collections::HashMap;

use super::mark::Mark;
use super::order::Order;
use super::{Access, Queue};

/// The events of a launch.
#[derive(Default)]
pub(super) struct Events {
    /// Without lanes; the first stands for none.
    all: Vec<Mark>,
    /// The last event of a place in the code and a warp, by a hash of both.
    recent: Vec<Recent>,
    /// Changes with all that accesses at the same place by the same warp may differ in.
    state: u64,
}

/// An event that may come again.
#[derive(Clone, Copy, Default)]
struct Recent {
    event: u32,
    /// [`Events::state`] when it was the present one.
    state: u64,
}

/// Events after which those that no shadow has are forgotten.
const MANY: usize = 1 << 24;

/// As many as most launches have: memory for them stays.
const USUAL: usize = 1 << 20;

/// Places that events are remembered for.
const RECENT: usize = 1 << 12;

/// Where the last event of a place and a warp may be.
fn slot(code: u32, warp: u16) -> usize {
    ((code.wrapping_mul(0x9E37_79B9) >> 16) as usize ^ usize::from(warp) << 5) % RECENT
}

impl Events {
    /// A launch begins.
    pub(super) fn begin(&mut self) {
        self.all.clear();
        self.all.shrink_to(USUAL);
        self.all.push(Mark::NONE);
        self.forget_recent();
    }

    fn forget_recent(&mut self) {
        self.recent.clear();
        self.recent.resize(RECENT, Recent::default());
        self.state += 1;
    }

    /// Whether there are so many that those which no shadow has should be forgotten.
    pub(super) fn are_many(&self) -> bool {
        self.all.len() > MANY
    }

    /// Forgets all but those of the marks that `visit` visits, which it gives new numbers.
    pub(super) fn keep(&mut self, visit: impl FnOnce(&mut dyn FnMut(&mut u64))) {
        let before = std::mem::replace(&mut self.all, vec![Mark::NONE]);
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        visit(&mut |mark| {
            let number = *numbers.entry((*mark >> 32) as u32).or_insert_with_key(|&old| {
                let event = self.next();
                self.all.push(Mark { event, ..before[old as usize] });
                event
            });
            *mark = u64::from(number) << 32 | *mark & 0xFFFF_FFFF;
        });
        self.forget_recent();
    }

    /// The number of the next one.
    pub(super) fn next(&self) -> u32 {
        self.all.len() as u32
    }

    /// The event of a mark in short.
    pub(super) fn of(&self, short: u64) -> &Mark {
        &self.all[(short >> 32) as usize]
    }

    /// What comes from now on is another event.
    pub(super) fn change(&mut self) {
        self.state += 1;
    }

    /// The event of an access by a warp, if nothing has changed since the last one there.
    pub(super) fn again(&self, warp: u16, access: Access) -> Option<&Mark> {
        let recent = self.recent[slot(access.code, warp)];
        let last = &self.all[recent.event as usize];
        let same = last.code == access.code && last.warp == warp && last.volatile == access.volatile;
        (same && recent.state == self.state).then_some(last)
    }

    /// A mark, without lanes, with the number of its event, perhaps a new one; `present` if it is what accesses are now.
    pub(super) fn find(&mut self, mark: Mark, present: bool) -> Mark {
        let next = self.next();
        let recent = &mut self.recent[slot(mark.code, mark.warp)];
        let last = self.all[recent.event as usize];
        let is_last = Mark { event: mark.event, ..last } == mark;
        let mark = Mark { event: if is_last { last.event } else { next }, ..mark };
        *recent = Recent { event: mark.event, state: if present { self.state } else { 0 } };
        if !is_last {
            self.all.push(mark);
        }
        mark
    }
}

impl Order {
    /// Whether there are so many events that those which no shadow has should be forgotten.
    pub(super) fn has_many_events(&self) -> bool {
        self.events.are_many()
    }

    /// What an access by lanes of a warp looks like now.
    pub(super) fn mark(&mut self, warp: usize, lanes: u32, access: Access) -> Mark {
        let (Access { code, volatile, .. }, warp) = (access, warp as u16);
        if let Some(now) = self.events.again(warp, access) {
            return Mark { lanes, ..*now };
        }
        let (block, epoch, clock, fences) = (self.block, self.epoch, self.clock(warp), self.fences());
        let now = Mark { block, epoch, clock, code, warp, by: warp, fences, volatile, ..Mark::NONE };
        Mark { lanes, ..self.events.find(now, true) }
    }

    /// What a read looks like that a warp did since the last barrier: by its place in the code, and the warp's clock and the number of
    /// fences then.
    pub(super) fn earlier(&mut self, warp: u16, (code, clock, fences): (u32, u32, u32)) -> Mark {
        let (block, epoch) = (self.block, self.epoch);
        self.events.find(Mark { block, epoch, clock, code, warp, by: warp, fences, ..Mark::NONE }, false)
    }

    /// What an access looks like that is a queue's, and of which a thread of a block has asked.
    pub(super) fn queued(&mut self, (block, thread): (u32, usize), code: u32, queue: Queue, number: u32) -> Mark {
        let (warp, by) = (self.queue(queue), (thread / 32) as u16);
        let mark = Mark { block, epoch: u32::MAX, clock: number, code, warp, by, ..Mark::NONE };
        Mark { lanes: 1 << (thread % 32), ..self.events.find(mark, false) }
    }
}
