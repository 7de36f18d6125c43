//! How many blocks of a kernel an SM holds at once: the computation of NVIDIA's occupancy calculator
//! (`cudaOccupancyMaxActiveBlocksPerMultiprocessor`) with the largest shared-memory carve-out and the kernel opted in.

use std::fmt;

use super::gpu::{Gpu, Sm};
use crate::error::{Error, Result};

/// What one block of a launch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Threads.
    pub threads: u32,
    /// Registers per thread, as the compiler reports them.
    pub registers: u32,
    /// Bytes of shared memory, static and dynamic together.
    pub shared: u32,
}

/// Something that an SM has only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Slots for warps.
    Warps,
    /// Registers.
    Registers,
    /// Shared memory.
    Shared,
    /// Slots for blocks.
    Blocks,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Warps => "warps",
            Limit::Registers => "registers",
            Limit::Shared => "shared memory",
            Limit::Blocks => "blocks",
        })
    }
}

/// What an SM holds of a kernel at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Occupancy {
    /// Resident blocks.
    pub blocks: u32,
    /// Resident warps.
    pub warps: u32,
    /// Resident warps as a share of the most that the SM has room for, 0 to 1.
    pub share: f64,
    /// How many blocks each limit alone would allow; none where the kernel takes nothing of it.
    pub limits: [(Limit, Option<u32>); 4],
}

impl Occupancy {
    /// The occupancy of blocks like `block` on `gpu`.
    ///
    /// # Errors
    /// A block that cannot be launched at all: no threads or too many, too many registers in a thread or in the block,
    /// more shared memory than a block can opt in to.
    pub fn of(block: Block, gpu: &Gpu) -> Result<Occupancy> {
        let Block { threads, registers, shared } = block;
        let sm = &gpu.sm;
        let refuse = |what: String| Err(Error::usage(format!("{what}: no {} can launch it", gpu.name)));
        if !(1..=Sm::MAX_THREADS_PER_BLOCK).contains(&threads) {
            return refuse(format!("{threads} threads per block, allowed are 1 to {}", Sm::MAX_THREADS_PER_BLOCK));
        }
        if registers > Sm::MAX_REGISTERS_PER_THREAD {
            return refuse(format!("{registers} registers per thread, at most {}", Sm::MAX_REGISTERS_PER_THREAD));
        }
        let warps = threads.div_ceil(Sm::WARP);
        let per_warp = (registers * Sm::WARP).next_multiple_of(Sm::REGISTER_UNIT);
        // A launch is checked as if the block took registers in all partitions alike.
        let checked = per_warp * warps.next_multiple_of(Sm::PARTITIONS);
        if checked > Sm::REGISTERS {
            let most = Sm::REGISTERS;
            return refuse(format!(
                "{threads} threads of {registers} registers take {checked} registers per block, at most {most}"
            ));
        }
        if shared > sm.max_shared_per_block {
            let most = sm.max_shared_per_block;
            return refuse(format!("{shared} bytes of shared memory per block, at most {most}"));
        }
        let taken = (shared + sm.shared_reserved).next_multiple_of(sm.shared_unit);
        // A warp's registers lie within one partition.
        let holds = (Sm::REGISTERS / Sm::PARTITIONS).checked_div(per_warp).map(|warps| warps * Sm::PARTITIONS);
        let limits = [
            (Limit::Warps, Some(sm.max_warps / warps)),
            (Limit::Registers, holds.map(|most| most / warps)),
            (Limit::Shared, sm.shared.checked_div(taken)),
            (Limit::Blocks, Some(sm.max_blocks)),
        ];
        let blocks = limits.iter().filter_map(|limit| limit.1).min().expect("warps always limit");
        let resident = blocks * warps;
        Ok(Occupancy { blocks, warps: resident, share: f64::from(resident) / f64::from(sm.max_warps), limits })
    }

    /// The limits that no more blocks pass: one, or several that bind alike.
    pub fn binding(&self) -> impl Iterator<Item = Limit> {
        self.limits.iter().filter(|limit| limit.1 == Some(self.blocks)).map(|limit| limit.0)
    }
}
