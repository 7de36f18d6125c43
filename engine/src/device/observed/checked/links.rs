//! Order between single threads, and between them and what is asynchronous: what some leave at an mbarrier, at a barrier for a part of
//! a block or at a cluster's, others find there (ISA 8.9 Memory Consistency Model, causality order). Copies and multiplies that are in
//! flight are *queues*: whoever accesses what they did has to know that they are done.

use std::collections::HashMap;
use std::sync::Arc;

use super::known::Known;
use super::mark::{Mark, QUEUE};
use super::order::{Order, Warp};
use crate::device::observed::{Link, Queue, Sign, lanes};

/// What threads of a block know, other than by its barriers.
#[derive(Default)]
pub(super) struct Beyond {
    /// By warp: of each lane, if anything.
    threads: HashMap<u16, [Option<Arc<Known>>; 32]>,
    /// What all of them know.
    base: Option<Arc<Known>>,
}

/// What a launch's threads have left, and its queues.
#[derive(Default)]
pub(super) struct Links {
    signs: HashMap<Sign, Arc<Known>>,
    queues: HashMap<Queue, u16>,
    /// What threads, of these blocks, had in their past at their last fence.
    fenced: HashMap<(u32, u16, usize), Arc<Known>>,
}

impl Beyond {
    /// What a lane knows.
    fn of(&self, warp: u16, lane: usize) -> Option<&Arc<Known>> {
        self.threads.get(&warp).and_then(|lanes| lanes[lane].as_ref()).or(self.base.as_ref())
    }

    /// From now on lanes know what was left, too.
    fn learn(&mut self, warp: u16, mask: u32, what: &Arc<Known>) {
        let base = self.base.clone();
        let all = self.threads.entry(warp).or_default();
        let mut last: Option<(Option<Arc<Known>>, Arc<Known>)> = None;
        for lane in lanes(mask) {
            let before = all[lane].take().or_else(|| base.clone());
            // Most lanes of a warp know the same.
            let same = |(known, _): &&(Option<Arc<Known>>, Arc<Known>)| match (known, &before) {
                (Some(known), Some(before)) => Arc::ptr_eq(known, before),
                (None, None) => true,
                _ => false,
            };
            let after = last.as_ref().filter(same).map(|(_, after)| after.clone());
            let after = after.unwrap_or_else(|| match &before {
                None => what.clone(),
                Some(before) => {
                    let mut joined = Known::clone(before);
                    joined.join(what);
                    Arc::new(joined)
                }
            });
            all[lane] = Some(after.clone());
            last = Some((before, after));
        }
    }

    /// Lanes have met: each knows what any did.
    pub(super) fn meet(&mut self, warp: u16, mask: u32) {
        let Some(all) = self.threads.get(&warp) else { return };
        let mut different: Vec<Arc<Known>> = Vec::new();
        for known in lanes(mask).filter_map(|lane| all[lane].as_ref()) {
            if !different.iter().any(|other| Arc::ptr_eq(other, known)) {
                different.push(known.clone());
            }
        }
        different.iter().for_each(|known| self.learn(warp, mask, known));
    }

    /// All threads of the block have met.
    pub(super) fn meet_all(&mut self, block: u32) {
        if self.threads.is_empty() {
            return;
        }
        let mut all = self.base.take().map_or_else(Known::default, |base| Known::clone(&base));
        let mut last: Option<Arc<Known>> = None;
        for known in self.threads.drain().flat_map(|(_, lanes)| lanes).flatten() {
            if last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &known)) {
                all.join(&known);
            }
            last = Some(known);
        }
        self.base = Some(Arc::new(all.without(block)));
    }

    /// Whether all threads know of a queue's access.
    pub(super) fn all_know(&self, queued: &Mark) -> bool {
        self.base.as_ref().is_some_and(|base| base.queue(queued.warp) > queued.clock)
    }

    /// The lanes of `earlier`, of another warp or queued, of which the thread of `now` does not know that access.
    pub(super) fn open(&self, earlier: &Mark, now: &Mark) -> u32 {
        let Some(known) = self.of(now.warp, now.lanes.trailing_zeros() as usize) else { return earlier.lanes };
        if earlier.is_queued() {
            return if known.queue(earlier.warp) > earlier.clock { 0 } else { earlier.lanes };
        }
        if known.epoch(earlier.block) > earlier.epoch {
            return 0;
        }
        let Some(clocks) = known.clocks((earlier.block, earlier.warp)) else { return earlier.lanes };
        lanes(earlier.lanes).filter(|lane| clocks[*lane] <= earlier.clock).fold(0, |open, lane| open | 1 << lane)
    }
}

impl Order {
    /// Lanes of a warp let others know what they did, or come to know it.
    pub(super) fn link(&mut self, warp: usize, mask: u32, link: Link) {
        let warp = warp as u16;
        match link {
            Link::Leave(sign) => {
                let left = self.past(warp, mask);
                self.leave(sign, &left);
            }
            Link::Fence => {
                for lane in lanes(mask) {
                    let past = Arc::new(self.past(warp, 1 << lane));
                    self.links.fenced.insert((self.block, warp, lane), past);
                }
            }
            Link::LeaveFenced(sign) => {
                let fenced = lanes(mask).filter_map(|lane| self.links.fenced.get(&(self.block, warp, lane)).cloned());
                let fenced: Vec<Arc<Known>> = fenced.collect();
                fenced.iter().for_each(|known| self.leave(sign, known));
            }
            Link::Find(sign) => {
                if let Some(left) = self.links.signs.get(&sign).cloned() {
                    self.learn(warp, mask, &left);
                }
            }
            Link::Know(queue, number) => {
                let mut known = Known::default();
                known.see_queue(self.queue(queue), number);
                self.learn(warp, mask, &Arc::new(known));
            }
        }
    }

    /// What was done of a queue, up to a number, is known to whoever finds a sign.
    pub(super) fn done(&mut self, queue: Queue, number: u32, sign: Sign) {
        let mut known = Known::default();
        known.see_queue(self.queue(queue), number);
        self.leave(sign, &known);
    }

    /// The number of a queue, as marks have it in the place of their warp's.
    pub(super) fn queue(&mut self, queue: Queue) -> u16 {
        let next = (self.links.queues.len() as u16).min(QUEUE - 1);
        QUEUE | *self.links.queues.entry(queue).or_insert(next)
    }

    fn leave(&mut self, sign: Sign, known: &Known) {
        // Nobody waits for what is two phases ago any more.
        let before = match sign {
            Sign::Phase(at, phase) => phase.checked_sub(2).map(|phase| Sign::Phase(at, phase)),
            Sign::Barrier(block, id, use_) => use_.checked_sub(2).map(|use_| Sign::Barrier(block, id, use_)),
            Sign::Cluster(block, phase) => phase.checked_sub(2).map(|phase| Sign::Cluster(block, phase)),
        };
        before.and_then(|before| self.links.signs.remove(&before));
        Arc::make_mut(self.links.signs.entry(sign).or_default()).join(known);
    }

    /// What lanes of a warp did until now, and what lies in their past; what they do from now on does not.
    fn past(&mut self, warp: u16, mask: u32) -> Known {
        let mut past = Known::default();
        past.see_epoch(self.block, self.epoch);
        let state = self.warps.entry(warp).or_insert_with(Warp::new);
        state.clock += 1;
        self.events.change();
        for lane in lanes(mask) {
            state.seen[lane][lane] = state.clock;
            past.see((self.block, warp), &state.seen[lane]);
        }
        let mut last: Option<&Arc<Known>> = None;
        for lane in lanes(mask) {
            let known = self.beyond.of(warp, lane);
            match (known, last) {
                (Some(known), Some(last)) if Arc::ptr_eq(known, last) => {}
                (Some(known), _) => past.join(known),
                (None, _) => {}
            }
            last = known;
        }
        past
    }

    fn learn(&mut self, warp: u16, mask: u32, what: &Arc<Known>) {
        if let Some(clocks) = what.clocks((self.block, warp)) {
            let state = self.warps.entry(warp).or_insert_with(Warp::new);
            for lane in lanes(mask) {
                state.seen[lane].iter_mut().zip(clocks).for_each(|(seen, clock)| *seen = (*seen).max(*clock));
            }
        }
        self.beyond.learn(warp, mask, what);
    }
}
