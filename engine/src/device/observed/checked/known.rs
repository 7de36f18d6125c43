//! What a thread knows of others, other than by the barriers of its whole block: a clock for each of their warps' lanes.

use std::collections::HashMap;

/// What lies in somebody's past.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// By block and warp: of each lane, accesses at clocks below these.
    warps: HashMap<(u32, u16), [u32; 32]>,
    /// By block, what it did in epochs before this one.
    epochs: HashMap<u32, u32>,
    /// By number, what is done of a queue: what has lower numbers.
    queues: HashMap<u16, u32>,
}

impl Known {
    /// From now on it knows what `other` does.
    pub(super) fn join(&mut self, other: &Self) {
        for (warp, clocks) in &other.warps {
            self.see(*warp, clocks);
        }
        other.epochs.iter().for_each(|(block, epoch)| self.see_epoch(*block, *epoch));
        other.queues.iter().for_each(|(queue, number)| self.see_queue(*queue, *number));
    }

    pub(super) fn see(&mut self, warp: (u32, u16), clocks: &[u32; 32]) {
        let known = self.warps.entry(warp).or_insert([0; 32]);
        known.iter_mut().zip(clocks).for_each(|(known, clock)| *known = (*known).max(*clock));
    }

    pub(super) fn see_epoch(&mut self, block: u32, epoch: u32) {
        let known = self.epochs.entry(block).or_default();
        *known = epoch.max(*known);
    }

    pub(super) fn see_queue(&mut self, queue: u16, number: u32) {
        let known = self.queues.entry(queue).or_default();
        *known = number.max(*known);
    }

    /// The clocks of a warp's lanes.
    pub(super) fn clocks(&self, warp: (u32, u16)) -> Option<&[u32; 32]> {
        self.warps.get(&warp)
    }

    /// Which epochs of a block are over.
    pub(super) fn epoch(&self, block: u32) -> u32 {
        self.epochs.get(&block).copied().unwrap_or(0)
    }

    /// How far a queue is.
    pub(super) fn queue(&self, queue: u16) -> u32 {
        self.queues.get(&queue).copied().unwrap_or(0)
    }

    /// Forgets what barriers of the block say anyway.
    pub(super) fn without(mut self, block: u32) -> Self {
        self.warps.retain(|(of, _), _| *of != block);
        self
    }
}
