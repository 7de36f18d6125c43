//! What happened before what: the order that barriers, `__syncwarp`, and atomics after fences give to accesses.
//!
//! Within a block, a barrier ends an *epoch*: what lies in earlier epochs is in the past of every thread. Between barriers
//! only the lanes of a warp can wait for each other (`__syncwarp`; shuffles and votes exchange values but order no memory,
//! CUDA C++ Programming Guide, "Warp Shuffle Functions" and "Warp Vote Functions"), so a clock for every pair of lanes of a
//! warp is all that is kept. Between blocks there is no order, but for the one that `__threadfence` makes: what a thread did, or
//! had in its past, before the fence is in the past of whoever later finds its atomic operation at the same address
//! (ibid., "Memory Fence Functions"; the last block of a reduction relies on it).

use std::collections::HashMap;

use super::events::Events;
use super::links::{Beyond, Links};
use super::mark::Mark;

/// What a fence has put in the past of those who find the atomic operation after it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Release {
    block: u32,
    thread: u16,
    /// When the fence came: what the block did in earlier epochs, and the thread before its fence, is released.
    fence: Fence,
}

/// When a thread called `__threadfence`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fence {
    epoch: u32,
    /// Its number among all fences of the launch, from 1.
    number: u32,
}

/// A release that a thread of the running block has found.
struct Found {
    release: Release,
    by: u16,
    epoch: u32,
}

/// The clocks of a warp's lanes.
pub(super) struct Warp {
    pub(super) clock: u32,
    /// `seen[a][b]`: accesses of lane b at clocks below are in the past of lane a.
    pub(super) seen: [[u32; 32]; 32],
}

impl Warp {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { clock: 0, seen: [[0; 32]; 32] })
    }
}

/// A block that has begun and waits for its turn.
struct Waiting {
    epoch: u32,
    fresh: u32,
    warps: HashMap<u16, Box<Warp>>,
    fences: HashMap<u16, Fence>,
    found: HashMap<u32, Vec<Found>>,
    beyond: Beyond,
}

/// The order of accesses in a launch, as far as it has come.
#[derive(Default)]
pub(super) struct Order {
    pub(super) block: u32,
    pub(super) epoch: u32,
    /// Those in which `__syncwarp` was called, or that let others know what they did.
    pub(super) warps: HashMap<u16, Box<Warp>>,
    /// What its threads know by other ways.
    pub(super) beyond: Beyond,
    pub(super) links: Links,
    /// Each thread's last one.
    fences: HashMap<u16, Fence>,
    /// Blocks that have begun and wait for their turn.
    waiting: HashMap<u32, Waiting>,
    /// Whether a block runs.
    runs: bool,
    /// How many there were in the launch.
    fence_count: u32,
    /// By the address of the atomic operation.
    releases: HashMap<u64, Vec<Release>>,
    /// By the releasing block.
    found: HashMap<u32, Vec<Found>>,
    pub(super) events: Events,
    /// Events of the running block from this number on came after its last barrier.
    fresh: u32,
}

impl Order {
    pub(super) fn begin_launch(&mut self) {
        *self = Self { events: std::mem::take(&mut self.events), ..Self::default() };
        self.events.begin();
    }

    /// Forgets all events, but for those of the marks that `visit` visits, which it gives new numbers.
    pub(super) fn keep_events(&mut self, visit: impl FnOnce(&mut dyn FnMut(&mut u64))) {
        self.events.keep(visit);
        // Of blocks that wait, numbers tell nothing any more until their next barrier.
        self.waiting.values_mut().for_each(|waiting| waiting.fresh = 0);
        self.meet();
    }

    /// What comes from now on is another event, after what barriers order now.
    fn meet(&mut self) {
        self.events.change();
        self.fresh = self.events.next();
    }

    /// The number of the first event of the running block that may have come after its last barrier.
    pub(super) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// Whether a mark is of the running block, since its last barrier.
    pub(super) fn is_present(&self, mark: &Mark) -> bool {
        mark.block == self.block && mark.epoch == self.epoch
    }

    /// The running block's epoch.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many fences there were in the launch.
    pub(super) fn fences(&self) -> u32 {
        self.fence_count
    }

    /// The clock of a warp.
    pub(super) fn clock(&self, warp: u16) -> u32 {
        if self.warps.is_empty() { 0 } else { self.warps.get(&warp).map_or(0, |warp| warp.clock) }
    }

    /// The mark that is this in short.
    pub(super) fn mark_of(&self, short: u64) -> Mark {
        Mark { lanes: short as u32, ..*self.events.of(short) }
    }

    /// Whether a mark, in short, lies before a barrier that the running block has come to, or is none.
    pub(super) fn is_past(&self, short: u64) -> bool {
        let event = self.events.of(short);
        short == 0
            || event.block == self.block && event.epoch < self.epoch
            || event.is_queued() && self.beyond.all_know(event)
    }

    /// A block begins. Returns the one that waits from now on, if one was running.
    pub(super) fn begin_block(&mut self, block: u32) -> Option<u32> {
        let before = self.set_aside();
        (self.block, self.epoch, self.runs) = (block, 0, true);
        self.warps.clear();
        self.fences.clear();
        self.found.clear();
        self.beyond = Beyond::default();
        self.meet();
        before
    }

    fn set_aside(&mut self) -> Option<u32> {
        if !std::mem::take(&mut self.runs) {
            return None;
        }
        let (warps, fences, found) = Default::default();
        let waiting = Waiting {
            epoch: self.epoch,
            fresh: self.fresh,
            warps: std::mem::replace(&mut self.warps, warps),
            fences: std::mem::replace(&mut self.fences, fences),
            found: std::mem::replace(&mut self.found, found),
            beyond: std::mem::take(&mut self.beyond),
        };
        self.waiting.insert(self.block, waiting);
        Some(self.block)
    }

    /// A block that began before goes on. Returns the one that waits from now on.
    pub(super) fn turn_to(&mut self, block: u32) -> Option<u32> {
        let before = self.set_aside();
        if let Some(Waiting { epoch, fresh, warps, fences, found, beyond }) = self.waiting.remove(&block) {
            (self.block, self.epoch, self.runs) = (block, epoch, true);
            self.fresh = fresh;
            self.events.change();
            (self.warps, self.fences, self.found, self.beyond) = (warps, fences, found, beyond);
        }
        before
    }

    /// The running block is over.
    pub(super) fn end_block(&mut self) {
        self.runs = false;
    }

    /// All threads of the block have met.
    pub(super) fn barrier(&mut self) {
        self.epoch += 1;
        self.beyond.meet_all(self.block);
        self.meet();
    }

    /// The lanes `mask` of a warp have met at `__syncwarp`: the past of each is now the past of all.
    pub(super) fn sync_warp(&mut self, warp: usize, mask: u32) {
        self.beyond.meet(warp as u16, mask);
        let warp = self.warps.entry(warp as u16).or_insert_with(Warp::new);
        warp.clock += 1;
        self.events.change();
        let members = || (0..32).filter(|lane| mask >> lane & 1 == 1);
        let mut joined = [0; 32];
        for member in members() {
            joined.iter_mut().zip(warp.seen[member]).for_each(|(all, seen)| *all = seen.max(*all));
        }
        members().for_each(|member| joined[member] = warp.clock);
        members().for_each(|member| warp.seen[member] = joined);
    }

    pub(super) fn fence(&mut self, thread: usize) {
        self.fence_count += 1;
        self.events.change();
        self.fences.insert(thread as u16, Fence { epoch: self.epoch, number: self.fence_count });
    }

    /// A read at `address` that sees what atomic operations did there: finds what was released.
    pub(super) fn look(&mut self, thread: usize, address: u64) {
        let (by, epoch) = (thread as u16, self.epoch);
        for &release in self.releases.get(&address).into_iter().flatten() {
            let found = self.found.entry(release.block).or_default();
            let known = found.iter().any(|known| known.release == release && known.by == by);
            if !known && (release.block != self.block || release.thread != by) {
                found.push(Found { release, by, epoch });
            }
        }
    }

    /// An atomic operation at `address`: finds what was released there, and releases what the thread has fenced.
    pub(super) fn atomic(&mut self, thread: usize, address: u64) {
        let (by, epoch) = (thread as u16, self.epoch);
        let there = self.releases.entry(address).or_default();
        for &release in there.iter().filter(|release| release.block != self.block || release.thread != by) {
            self.found.entry(release.block).or_default().push(Found { release, by, epoch });
        }
        if let Some(&fence) = self.fences.get(&by) {
            let release = Release { block: self.block, thread: by, fence };
            if !there.contains(&release) {
                there.push(release);
            }
        }
    }

    /// The lanes of `earlier` that are not in the past of the access `now`, by one thread.
    pub(super) fn unordered(&self, earlier: &Mark, now: &Mark) -> u32 {
        if earlier.is_queued() {
            return self.beyond.open(earlier, now);
        }
        if earlier.block == self.block {
            if earlier.epoch < self.epoch {
                return 0;
            }
            if earlier.warp == now.warp {
                let others = earlier.lanes & !now.lanes;
                if others == 0 {
                    return 0;
                }
                if let Some(warp) = self.warps.get(&now.warp) {
                    let seen = &warp.seen[now.lanes.trailing_zeros() as usize];
                    let open = (0..32).filter(|&lane| others >> lane & 1 == 1 && seen[lane] <= earlier.clock);
                    return open.fold(0, |lanes, lane| lanes | 1 << lane);
                }
                return others;
            }
        }
        let open = self.beyond.open(earlier, now);
        if open == 0 {
            return 0;
        }
        let found = self.found.get(&earlier.block).map_or(&[][..], Vec::as_slice);
        let passes = |found: &Found| {
            let known = found.by as usize == now.thread() || found.epoch < self.epoch;
            let Release { thread, fence, .. } = found.release;
            let its_own = earlier.thread() == thread as usize && earlier.lanes.count_ones() == 1;
            known && (earlier.epoch < fence.epoch || its_own && earlier.fences < fence.number)
        };
        if found.iter().any(passes) { 0 } else { open }
    }
}
