//! Being told what a launch does: what sanitizers and profilers are made of.

use crate::run::Kind;

/// An access of a warp: all lanes of an instruction.
pub struct Access<'a> {
    /// Function and instruction.
    pub at: (u32, u32),
    pub warp: u32,
    pub kind: Kind,
    /// Lanes that take part.
    pub mask: u32,
    /// Bytes that each lane accesses.
    pub bytes: u32,
    /// Of each lane: a pointer into the process's memory.
    pub addresses: &'a [u64; 32],
    /// How those of the lanes that take part lie.
    pub span: Span,
    /// `.volatile` and stronger: it may look at what another thread is just writing.
    pub strong: bool,
    /// Of stores: the bytes that a lane writes.
    pub values: Option<&'a dyn Fn(usize) -> [u8; LONGEST]>,
}

/// How addresses of lanes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// All lanes', one after the other without gaps.
    SideBySide,
    /// All lanes' at the same place.
    Same,
    Any,
}

/// Where the accesses of a warp lie, all together.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub pattern: Pattern,
    /// The least address.
    pub first: u64,
    /// Where the access at the greatest address ends.
    pub end: u64,
}

impl Pattern {
    /// That of all lanes, `bytes` each.
    #[inline(always)]
    pub fn of(at: &[u64; 32], bytes: u64) -> Self {
        let step = at[1].wrapping_sub(at[0]);
        if step != 0 && step != bytes {
            return Self::Any;
        }
        // A loop of its own, which becomes vectors of whoever it is put into.
        let mut apart = 0;
        for (lane, address) in at.iter().enumerate() {
            apart |= address ^ at[0].wrapping_add(lane as u64 * step);
        }
        match (apart, step) {
            (0, 0) => Self::Same,
            (0, _) => Self::SideBySide,
            _ => Self::Any,
        }
    }
}

impl Span {
    /// That of the lanes of a mask, `bytes` each.
    #[inline(always)]
    pub fn of(at: &[u64; 32], mask: u32, bytes: u64) -> Self {
        let pattern = if mask == u32::MAX { Pattern::of(at, bytes) } else { Pattern::Any };
        Self { pattern, ..Self::around(at, mask, bytes) }
    }

    /// Likewise, of addresses whose pattern does not matter, or is none.
    #[inline(always)]
    pub fn around(at: &[u64; 32], mask: u32, bytes: u64) -> Self {
        let (mut first, mut last) = (u64::MAX, 0);
        for (lane, &address) in at.iter().enumerate() {
            let takes_part = mask >> lane & 1 == 1;
            first = u64::min(first, if takes_part { address } else { u64::MAX });
            last = u64::max(last, if takes_part { address } else { 0 });
        }
        Self { pattern: Pattern::Any, first, end: last.wrapping_add(bytes) }
    }
}

/// Bytes that a lane accesses by one instruction at most.
pub const LONGEST: usize = 32;

/// What something asynchronous reads or writes.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The instruction that asked for it: function and instruction; the number of its block, its warp, its lane.
    pub at: (u32, u32),
    pub block: u32,
    pub warp: u32,
    pub lane: u32,
    pub kind: Kind,
    /// A pointer into the process's memory, and bytes from there on.
    pub address: u64,
    pub bytes: u32,
    pub when: When,
}

/// How far something asynchronous is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is only asked for, but may be done at once: what it must not meet lies before.
    Asked,
    /// Its own thread has waited for it.
    Waited,
    /// It is this number of a queue. Who wants what comes after it has to know of that.
    Queued(Queue, u32),
}

/// What is asynchronous and done in an order of its own; numbers grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Copies of which the mbarrier at this pointer is told.
    Mbarrier(u64),
    /// What multiplies of a warpgroup read: the number of the block, and its number in there.
    Warpgroup(u32, u32),
}

/// Where threads leave what they did, and what they know of, for others to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// The mbarrier at a pointer, in a phase.
    Phase(u64, u64),
    /// A barrier for some of a block's threads: the block's number, the barrier's, how often it was used.
    Barrier(u32, u32, u64),
    /// The barrier of the cluster that has this block, in a phase.
    Cluster(u32, u64),
}

/// How lanes let each other know what they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They leave it.
    Leave(Sign),
    /// They leave what they did before their last fence.
    LeaveFenced(Sign),
    /// They call a fence.
    Fence,
    /// They find what others left.
    Find(Sign),
    /// They know what is done of a queue, up to a number that is not.
    Know(Queue, u32),
}

/// Is told what the threads of a launch do. All calls come from one OS thread.
pub trait Watch {
    /// Block number `block` (x fastest) begins; its shared memory is at `shared`.
    fn block(&mut self, block: u32, shared: u64);
    /// What follows is of block number `block`, which began before: blocks of a cluster take turns, and so do those that wait for each other.
    fn turn(&mut self, _block: u32) {}
    /// Lanes are about to access memory. False stops the launch before they do.
    fn access(&mut self, access: &Access<'_>) -> bool;
    /// Something asynchronous is about to be asked for, or is done. False stops the launch.
    fn asked(&mut self, _asked: &Asked) -> bool {
        true
    }
    /// Lanes of the block that runs let others know what they did, or come to know it.
    fn link(&mut self, _warp: u32, _mask: u32, _link: Link) {}
    /// What was done until now of a queue is known to whoever finds a sign.
    fn done(&mut self, _queue: Queue, _number: u32, _sign: Sign) {}
    /// All threads of the block have met at the instruction.
    fn barrier(&mut self, at: (u32, u32));
    /// The lanes `mask` of a warp have met; `syncs` if that orders their accesses.
    fn collective(&mut self, warp: u32, mask: u32, syncs: bool, at: (u32, u32));
    /// Lanes have called a fence.
    fn fence(&mut self, warp: u32, mask: u32);
    /// Whether it wants to be told of each instruction.
    fn counts(&self) -> bool;
    /// An instruction was done by so many lanes; told if [`Watch::counts`].
    fn executed(&mut self, at: (u32, u32), lanes: u32);
    /// The block is over.
    fn end_block(&mut self);
}
