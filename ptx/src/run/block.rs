//! A block while it runs: its warps take turns, each until all of its lanes wait or have left.

use std::ops::Range;

use super::barrier::Meeting;
use super::fault::{Fault, What};
use super::launch::{Order, Prepared};
use super::meeting::ClusterBarrier;
use super::room::Around;
use super::step::{Next, Step};
use super::warp::{Group, State, Warp};
use super::warpgroup::Warpgroup;
use crate::code::{Action, UNGUARDED};
use crate::lane::LANES;
use crate::watch::Watch;

/// Bytes of addresses that each block of a cluster has for its shared memory.
pub const WINDOW: u64 = 1 << 24;

/// Branches back after which others get a turn.
const TURN: u32 = 1 << 10;

/// What all warps of a block share.
pub struct Common {
    /// In the grid, and its number (x fastest).
    pub id: [u32; 3],
    pub number: u32,
    /// In its cluster.
    pub rank: u32,
    pub threads: usize,
    /// Where its shared memory begins, and how long it is.
    pub shared: u64,
    pub shared_bytes: u64,
    /// That of all blocks of its cluster.
    pub window: Range<u64>,
    pub barriers: [Meeting; 16],
    /// Its warps by fours, as far as they are.
    pub warpgroups: Vec<Warpgroup>,
}

impl Common {
    /// The pointer to bytes at an address of shared space.
    ///
    /// # Errors
    /// Why there is none.
    pub fn shared_pointer(&self, address: u64, bytes: u64) -> Result<u64, &'static str> {
        match address.checked_add(bytes) {
            Some(end) if end <= self.shared_bytes => Ok(self.shared + address),
            _ => Err("outside of shared memory"),
        }
    }
}

/// A block's warps, used for one block after the other.
pub struct Block {
    pub common: Common,
    pub warps: Vec<Warp>,
}

impl Block {
    /// For blocks of a launch of this rank in their clusters, whose shared memory lies in `window`.
    pub fn new(launch: &Prepared<'_>, window: Range<u64>, rank: u32) -> Self {
        let threads = launch.threads();
        let common = Common {
            id: [0; 3],
            number: 0,
            rank,
            threads,
            shared: window.start + u64::from(rank) * WINDOW,
            shared_bytes: launch.shared_bytes,
            window,
            barriers: Default::default(),
            warpgroups: (0..threads / (4 * LANES)).map(|_| Warpgroup::default()).collect(),
        };
        let warps = (0..threads.div_ceil(LANES)).map(|number| Warp::new(number as u32)).collect();
        Self { common, warps }
    }

    /// Begins as a block of cluster `number`.
    ///
    /// # Errors
    /// Too much local memory.
    pub fn begin(
        &mut self,
        launch: &Prepared<'_>,
        number: u32,
        watch: Option<&mut dyn Watch>,
    ) -> Result<(), Box<Fault>> {
        let common = &mut self.common;
        common.id = launch.block_of(number, common.rank);
        let [x, y, z] = common.id;
        common.number = (z * launch.grid[1] + y) * launch.grid[0] + x;
        common.barriers = Default::default();
        common.warpgroups.iter_mut().for_each(|warpgroup| *warpgroup = Warpgroup::default());
        // SAFETY: the window is longer than what a launch may ask for.
        unsafe { std::ptr::write_bytes(common.shared as *mut u8, 0xFF, common.shared_bytes as usize) };
        if let Some(watch) = watch {
            watch.block(common.number, common.shared);
        }
        for warp in &mut self.warps {
            let lanes = (self.common.threads - warp.number as usize * LANES).min(LANES);
            let begun = warp.begin(launch.function(), launch.kernel, (u64::MAX >> (64 - lanes)) as u32);
            begun.map_err(|why| launch.fault((launch.kernel, 0), self.common.id, 0, What::Other(why)))?;
            launch.fill_frame(&self.common, warp, 0);
        }
        Ok(())
    }

    /// Whether all threads have exited.
    pub fn is_over(&self) -> bool {
        self.warps.iter().all(|warp| warp.groups.is_empty())
    }

    /// Groups of a warp that waited for what is there now are ready again.
    pub fn wake(&mut self, warp: usize, barrier: &ClusterBarrier) {
        for group in &mut self.warps[warp].groups {
            group.state = match group.state {
                State::Barrier(id, use_) if self.common.barriers[id].uses != use_ => State::Released(id, use_),
                State::Cluster(phase) if barrier.phase != phase => State::Ready,
                State::Yielded => State::Ready,
                state => state,
            };
        }
    }

    /// Runs a group until it waits, leaves, is split, meets another one, or has had its turn.
    pub fn run_group(
        &mut self,
        launch: &Prepared<'_>,
        turn: usize,
        group: usize,
        around: &mut Around,
        mut watch: Option<&mut dyn Watch>,
    ) -> Result<Outcome, Box<Fault>> {
        let Self { common, warps, .. } = self;
        let warp = &mut warps[turn];
        let Group { frame, mut pc, mask, .. } = warp.groups[group];
        let number = warp.frames[frame].function;
        let ops = &launch.functions[number as usize].ops[..];
        let words = warp.frames[frame].words.pointer();
        // Where it may meet others, to go on with them.
        let meets = |other: &Group| other.frame == frame && other.state == State::Ready && other.pc > pc;
        let limit = warp.groups.iter().filter(|other| meets(other)).map(|other| other.pc).min().unwrap_or(u32::MAX);
        let (mut turns, mut executed) = (TURN, 0);
        let counts = watch.as_deref().is_some_and(|watch| watch.counts());
        let touches = if watch.is_some() { &launch.functions[number as usize].touches[..] } else { &[] };
        let outcome = loop {
            let op = &ops[pc as usize];
            executed += 1;
            // SAFETY: the decoder placed all registers of the function within its frame.
            let active = unsafe {
                match op.guard {
                    UNGUARDED => mask,
                    guard => mask & (*words.add(guard as usize) ^ op.flip),
                }
            };
            if counts && let Some(watch) = watch.as_deref_mut() {
                watch.executed((number, pc), active.count_ones());
            }
            if let Some(touch) = touches.get(pc as usize).filter(|_| active != 0)
                && let Some(warpgroup) = common.warpgroups.get_mut(turn / 4)
                && let Some((what, other)) = warpgroup.touched(turn % 4, touch, words, (number, pc))
            {
                let mut fault = launch.fault((number, pc), common.id, turn * LANES, What::Other(what.into()));
                fault.others.push(launch.place(other).0);
                return Err(fault);
            }
            match &op.action {
                Action::Alu(run, operands) => {
                    if active != 0 {
                        // SAFETY: as above.
                        unsafe { run(words, active, operands) };
                    }
                    pc += 1;
                }
                Action::Jump(to) => {
                    if active == mask {
                        turns -= u32::from(*to <= pc);
                        pc = *to;
                        if turns == 0 {
                            warp.groups[group].state = State::Yielded;
                            break Outcome::Yielded;
                        }
                    } else if active == 0 {
                        pc += 1;
                    } else {
                        warp.groups[group].mask = active;
                        warp.groups.push(Group { frame, pc: pc + 1, mask: mask & !active, state: State::Ready });
                        pc = *to;
                        break Outcome::Moved;
                    }
                    if pc < limit && limit != u32::MAX && warp.groups.len() > 1 {
                        // A jump back may have passed others that are behind now.
                        if warp
                            .groups
                            .iter()
                            .any(|other| other.frame == frame && other.state == State::Ready && other.pc < pc)
                        {
                            break Outcome::Moved;
                        }
                    }
                }
                action => {
                    if active == 0 && !matches!(action, Action::Collective(_)) {
                        pc += 1;
                    } else {
                        let watch = again(&mut watch);
                        let at = (number, pc);
                        let mut step = Step { launch, block: common, around, warp, words, watch, group, at };
                        let next = step.act(action, active, mask);
                        match step.told(next) {
                            Next::On => pc += 1,
                            Next::Jump(to) => pc = to,
                            Next::Yield => {
                                pc += 1;
                                warp.groups[group].state = State::Yielded;
                                break Outcome::Yielded;
                            }
                            Next::Again => {
                                warp.groups[group].state = State::Yielded;
                                break Outcome::Yielded;
                            }
                            Next::Wait => break Outcome::Moved,
                            Next::Left => {
                                warp.executed += executed;
                                return Ok(Outcome::Moved);
                            }
                            Next::Fault(fault) => return Err(fault),
                        }
                    }
                }
            }
            if pc >= limit {
                break Outcome::Moved;
            }
        };
        warp.executed += executed;
        warp.groups[group].pc = pc;
        Ok(outcome)
    }
}

/// What a group's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Moved,
    /// It did not end by itself.
    Yielded,
}

impl Warp {
    /// The group that runs next: of those that are ready the one in the innermost function, and there the furthest behind, joined
    /// by all that are at the same place.
    pub fn pick(&mut self, order: &Order) -> Option<usize> {
        let ready = |group: &Group| matches!(group.state, State::Ready | State::Released(..));
        let key = |group: &Group| (usize::MAX - self.frames[group.frame].depth, group.pc);
        let candidates = || self.groups.iter().enumerate().filter(|(_, group)| ready(group));
        let (mut best, _) = match order.group(self.executed, candidates().count()) {
            Some(choice) => candidates().nth(choice)?,
            None => candidates().min_by_key(|(_, group)| key(group))?,
        };
        let Group { frame, pc, state, .. } = self.groups[best];
        let mut at = 0;
        while at < self.groups.len() {
            let other = &self.groups[at];
            if at != best && (other.frame, other.pc, other.state) == (frame, pc, state) {
                let lanes = other.mask;
                self.groups[best].mask |= lanes;
                self.groups.swap_remove(at);
                if best == self.groups.len() {
                    best = at;
                    continue;
                }
            } else {
                at += 1;
            }
        }
        Some(best)
    }
}

/// The same watch, for somebody who gives it back.
pub fn again<'a>(watch: &'a mut Option<&mut dyn Watch>) -> Option<&'a mut dyn Watch> {
    match watch {
        Some(watch) => Some(&mut **watch),
        None => None,
    }
}
