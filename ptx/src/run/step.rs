//! What an instruction sees while it runs.

use super::block::Common;
use super::fault::{Fault, What};
use super::launch::Prepared;
use super::room::Around;
use super::warp::Warp;
use crate::lane::{LANES, Width};
use crate::watch::Watch;

/// How it goes on after an instruction.
pub enum Next {
    /// With the next one.
    On,
    /// Elsewhere in the function.
    Jump(u32),
    /// With this one again, when what it waits for may be there.
    Wait,
    /// With the next one, after others had a turn.
    Yield,
    /// With this one again, after others had a turn.
    Again,
    /// Not at all: its lanes have left the function.
    Left,
    /// The launch ends.
    Fault(Box<Fault>),
}

/// The instruction's surroundings.
pub struct Step<'s, 'l> {
    pub launch: &'s Prepared<'l>,
    pub block: &'s mut Common,
    /// What its cluster shares.
    pub around: &'s mut Around,
    pub warp: &'s mut Warp,
    /// The registers of the frame.
    pub words: *mut u32,
    pub watch: Option<&'s mut dyn Watch>,
    /// The group of lanes that runs.
    pub group: usize,
    /// Function and instruction.
    pub at: (u32, u32),
}

impl Step<'_, '_> {
    /// Whether nobody has to know of single accesses: no watch, and nothing asynchronous that they may disturb.
    #[inline(always)]
    pub fn is_unwatched(&self) -> bool {
        self.watch.is_none() && !self.around.flight.is_busy()
    }

    /// A fault of this instruction, by `lane`.
    pub fn fault(&self, lane: usize, what: What) -> Box<Fault> {
        let thread = self.warp.number as usize * LANES + lane;
        self.launch.fault(self.at, self.block.id, thread, what)
    }

    /// The value of a register of at most 64 bits in a lane.
    ///
    /// # Safety
    /// `offset` is that of a register of this width in the frame.
    pub unsafe fn get(&self, offset: u32, width: Width, lane: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe {
            let base = self.words.add(offset as usize);
            match width {
                Width::Predicate => u64::from(*base >> lane & 1),
                Width::B16 | Width::B32 => u64::from(*base.add(lane)),
                Width::B64 => base.cast::<u64>().add(lane).read(),
                Width::B128 => base.cast::<u64>().add(2 * lane).read(),
            }
        }
    }

    /// Sets a register in a lane.
    ///
    /// # Safety
    /// As [`Step::get`].
    pub unsafe fn set(&mut self, offset: u32, width: Width, lane: usize, value: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let base = self.words.add(offset as usize);
            match width {
                Width::Predicate => *base = *base & !(1 << lane) | (value as u32 & 1) << lane,
                Width::B16 => *base.add(lane) = value as u32 & 0xFFFF,
                Width::B32 => *base.add(lane) = value as u32,
                Width::B64 => base.cast::<u64>().add(lane).write(value),
                Width::B128 => base.cast::<u64>().add(2 * lane).write(value),
            }
        }
    }
}
