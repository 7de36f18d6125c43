//! What a cluster's blocks have asked for and is not done yet: asynchronous copies, reductions and arrivals (ISA 9.7.9.25, 9.7.13.15).
//!
//! Each is done as late as may be, so that a wait that is missing shows: when somebody who waits for it could not go on otherwise, or
//! when nobody at all can. Until then bytes that it will write must not be looked at, and bytes that it will read not be changed.

mod bits;
mod disturb;
mod finish;
pub mod mbarrier;
mod place;
pub mod work;

use std::collections::HashMap;
use std::ops::Range;

use super::block::WINDOW;
use super::copies::{Copies, Copy, Due};
use super::fault::Kind;
use super::launch::Prepared;
use super::step::Step;
use crate::watch::{Asked, Queue, Sign, When};
use bits::Bits;
use mbarrier::Mbarriers;
use work::Work;

/// A thread of a cluster: the rank of its block, its warp, its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thread {
    pub rank: usize,
    pub warp: u32,
    pub lane: usize,
}

/// Something that was asked for.
pub struct Operation {
    pub thread: Thread,
    /// The coordinates of its block, and function and instruction.
    pub block: [u32; 3],
    pub at: (u32, u32),
    pub work: Work,
    pub done: Done,
}

impl Operation {
    /// What it reads, if it has not yet, and writes.
    pub fn accesses(&self, block: u32, when: When) -> impl Iterator<Item = Asked> {
        let writes = if self.work.is_reduction() { Kind::Atomic } else { Kind::Write };
        let read = self.work.sources().map(|place| (Kind::Read, place));
        let all = read.chain(self.work.places().map(move |place| (writes, place)));
        let (at, Thread { warp, lane, .. }) = (self.at, self.thread);
        let asked =
            move |(kind, (address, bytes))| Asked { at, block, warp, lane: lane as u32, kind, address, bytes, when };
        all.map(asked)
    }
}

/// Who is told that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// A bulk group of its thread, by number.
    Group(u64),
    /// The mbarrier at this pointer, which is told of so many bytes.
    Bytes(u64, u32),
    /// The mbarrier at this pointer, at which the thread arrives once its copies of `cp.async` before the mark are done.
    Arrive(u64, u64),
}

/// A part of shared memory that a multiply in flight will read.
pub struct Reading {
    pub rank: usize,
    pub warpgroup: usize,
    /// The multiply's number.
    pub number: u64,
    pub range: Range<u64>,
    /// Where it was asked for.
    pub at: (u32, u32),
}

/// What somebody who watches is still to be told.
pub enum News {
    Asked(Asked),
    Done(Queue, u32, Sign),
}

/// Turns of others that an mbarrier is waited for to begin, in a cluster.
const PATIENCE: u32 = 64;

/// All that is in flight.
pub struct Flight {
    /// Addresses of the shared memory of all blocks.
    window: Range<u64>,
    operations: Vec<Operation>,
    pub mbarriers: Mbarriers,
    /// Copies of `cp.async`, by block and warp.
    copies: Vec<Copies>,
    /// By block: words that these will write.
    awaited: Vec<Bits>,
    /// By block: words that ordinary stores have written since the last `fence.proxy.async`, if anything reads them by another way.
    written: Vec<Bits>,
    notes_writes: bool,
    /// By word of the process's memory, the last instruction that wrote it so, if somebody watches.
    writers: HashMap<u64, (u32, u32)>,
    /// Whether accesses have to be looked at.
    busy: bool,
    warps: usize,
    /// Bulk groups that threads have committed.
    groups: HashMap<Thread, u64>,
    /// Shared memory that multiplies in flight will read.
    reads: Vec<Reading>,
    /// What was done since anybody was told, if somebody watches, and how many operations ever were.
    pub news: Vec<News>,
    performed: u32,
    pub watched: bool,
    /// The numbers of all blocks.
    pub numbers: Vec<u32>,
    /// Something has happened that others may wait for.
    pub moved: bool,
    /// How often somebody who watches lets others have a turn where an mbarrier is not there yet.
    pub patience: u32,
    /// Blocks that are over.
    pub exited: Vec<bool>,
}

impl Flight {
    /// For blocks of so many warps, whose shared memory lies in `window`.
    pub fn new(launch: &Prepared<'_>, window: Range<u64>, warps: usize) -> Self {
        let blocks = ((window.end - window.start) / WINDOW) as usize;
        let copies = (0..blocks * warps).map(|_| Copies::default()).collect();
        let notes_writes = launch.functions.iter().any(|function| function.has_proxies);
        let bits = || (0..blocks).map(|_| Bits::new(launch.shared_bytes)).collect();
        Self {
            window,
            operations: Vec::new(),
            mbarriers: Mbarriers::default(),
            copies,
            awaited: bits(),
            written: bits(),
            notes_writes,
            writers: HashMap::new(),
            busy: notes_writes,
            warps,
            groups: HashMap::new(),
            reads: Vec::new(),
            news: Vec::new(),
            performed: 0,
            watched: false,
            numbers: vec![0; blocks],
            moved: false,
            patience: 0,
            exited: vec![false; blocks],
        }
    }

    /// Nothing is in flight any more, and no block over.
    pub fn clear(&mut self) {
        self.operations.clear();
        self.mbarriers = Mbarriers::default();
        self.copies.iter_mut().for_each(|copies| *copies = Copies::default());
        self.awaited.iter_mut().chain(&mut self.written).for_each(Bits::clear);
        self.groups.clear();
        self.reads.clear();
        self.look();
        self.patience = PATIENCE;
        self.exited.fill(false);
    }

    /// Copies of `cp.async` of a warp.
    pub fn copies(&mut self, rank: usize, warp: u32) -> &mut Copies {
        &mut self.copies[rank * self.warps + warp as usize]
    }

    /// A warp asks for a copy of `cp.async`.
    pub fn copy(&mut self, rank: usize, warp: u32, copy: Copy) {
        let to = self.within(copy.to);
        self.awaited[rank].set(&(to..to + u64::from(copy.bytes)));
        self.copies(rank, warp).add(copy);
        self.busy = true;
    }

    /// Does those of a warp's copies that are due.
    pub fn finish_copies(&mut self, rank: usize, warp: u32, lane: usize, due: Due, when: When) {
        let start = self.window.start + rank as u64 * WINDOW;
        let (awaited, news, watched) = (&mut self.awaited[rank], &mut self.news, self.watched);
        let block = self.numbers[rank];
        self.copies[rank * self.warps + warp as usize].finish(lane, due, |copy| {
            if watched {
                news.extend(copy.accesses(block, warp, when).map(News::Asked));
            }
            let to = copy.to - start;
            awaited.unset(&(to..to + u64::from(copy.bytes)));
        });
        if self.copies[rank * self.warps..][..self.warps].iter().all(Copies::is_empty) {
            awaited.clear();
        }
        self.look();
    }

    pub fn add(&mut self, operation: Operation) {
        (self.moved, self.busy) = (true, true);
        self.operations.push(operation);
    }

    /// Multiplies of a warpgroup will read these parts of shared memory.
    pub fn add_reads(&mut self, reads: impl Iterator<Item = Reading>) {
        self.reads.extend(reads);
        self.busy = true;
    }

    /// So many multiplies of a warpgroup are done.
    pub fn end_reads(&mut self, rank: usize, warpgroup: usize, done: u64) {
        let is_left =
            |reading: &Reading| (reading.rank, reading.warpgroup) != (rank, warpgroup) || reading.number >= done;
        self.reads.retain(is_left);
        self.look();
    }

    fn look(&mut self) {
        self.busy = self.notes_writes
            || !self.operations.is_empty()
            || !self.reads.is_empty()
            || self.awaited.iter().any(|awaited| awaited.any());
    }

    /// The number of the bulk group that a thread's next copies belong to.
    pub fn group(&self, thread: Thread) -> u64 {
        self.groups.get(&thread).copied().unwrap_or(0)
    }

    /// Closes the bulk group of a thread.
    pub fn commit(&mut self, thread: Thread) {
        *self.groups.entry(thread).or_default() += 1;
    }
}

impl Step<'_, '_> {
    /// A lane as a thread of the cluster.
    pub fn thread(&self, lane: usize) -> Thread {
        Thread { rank: self.block.rank as usize, warp: self.warp.number, lane }
    }

    /// Asks for something asynchronous.
    pub fn ask(&mut self, lane: usize, work: Work, done: Done) {
        let operation = self.operation(lane, work, done);
        self.around.flight.add(operation);
    }

    /// Something asynchronous in a lane's name.
    pub fn operation(&self, lane: usize, work: Work, done: Done) -> Operation {
        Operation { thread: self.thread(lane), block: self.block.id, at: self.at, work, done }
    }
}
