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

/// Is told what the threads of a launch do. All calls come from one OS thread.
pub trait Watch {
    /// Block number `block` (x fastest) begins; its shared memory is at `shared`.
    fn block(&mut self, block: u32, shared: u64);
    /// What follows is of block number `block`, which began before: blocks of a cluster take turns, and so do those that wait for each other.
    fn turn(&mut self, _block: u32) {}
    /// Lanes are about to access memory. False stops the launch before they do.
    fn access(&mut self, access: &Access<'_>) -> bool;
    /// Something asynchronous, in nobody's name, has written these bytes.
    fn landed(&mut self, _address: u64, _bytes: u32) {}
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
