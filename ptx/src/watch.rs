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
    /// `.volatile` and stronger: it may look at what another thread is just writing.
    pub strong: bool,
    /// Of stores: the bytes that a lane writes.
    pub values: Option<&'a dyn Fn(usize) -> [u8; LONGEST]>,
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
