//! What a launch may ask for on an H200 (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").

use super::Driver;
use super::modules::{Function, axes};
use crate::status::{Answer, Status, wrong};

/// Threads of a block at most.
pub const THREADS: u32 = 1024;
/// Threads of a block along each axis.
pub const BLOCK: [u32; 3] = [1024, 1024, 64];
/// Blocks along each axis.
pub const GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
/// Registers of a multiprocessor, and of a block at most.
pub const REGISTERS: u32 = 65536;
/// A warp gets registers in multiples of so many.
const REGISTER_UNIT: u32 = 256;
/// A multiprocessor has so many parts with registers of their own.
const PARTS: u32 = 4;
/// Shared memory that a block may have without asking, static and dynamic together, bytes.
pub const SHARED_FOR_ALL: u32 = 48 << 10;
/// Shared memory that a block may have at all, bytes.
pub const SHARED_AT_MOST: u32 = 227 << 10;
/// Shared memory of a multiprocessor, bytes.
pub const SHARED_OF_ALL_BLOCKS: u32 = 228 << 10;
/// Shared memory that the driver keeps in each block, bytes.
pub const SHARED_RESERVED: u32 = 1 << 10;
/// Shared memory is given out in multiples of so many bytes.
const SHARED_UNIT: u32 = 128;
/// Warps and blocks that a multiprocessor holds.
const WARPS: u32 = 64;
const BLOCKS: u32 = 32;
/// Blocks of a cluster, and those where a kernel allows what not every GPU has.
pub const CLUSTER: u32 = 8;
pub const CLUSTER_AT_MOST: u32 = 16;

/// What a launch asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    pub cluster: [u32; 3],
    /// All blocks must run at the same time.
    pub cooperative: bool,
}

/// Warps that registers of the multiprocessor suffice for.
fn warps_with(registers: u32) -> u32 {
    match registers {
        0 => WARPS,
        _ => REGISTERS / PARTS / (registers * 32).next_multiple_of(REGISTER_UNIT) * PARTS,
    }
}

/// Threads of the largest block that registers suffice for.
pub fn threads_with(registers: u32) -> u32 {
    THREADS.min(warps_with(registers) * 32)
}

/// Blocks of `threads` threads with `dynamic` bytes of dynamic shared memory that a multiprocessor holds at a time.
pub fn resident(function: &Function, threads: u32, dynamic: u32) -> u32 {
    if threads == 0 || threads > function.max_threads {
        return 0;
    }
    let warps = threads.div_ceil(32);
    let shared = (function.needs.shared + dynamic + SHARED_RESERVED).next_multiple_of(SHARED_UNIT);
    let of_registers = warps_with(function.needs.registers) / warps;
    BLOCKS.min(WARPS / warps).min(of_registers).min(SHARED_OF_ALL_BLOCKS / shared)
}

impl Driver {
    /// Whether a kernel can be launched like that.
    pub fn check_launch(&mut self, handle: u64, wanted: &Wanted) -> Answer {
        let function = self.function(handle)?;
        let name = function.name.to_string_lossy().into_owned();
        let refuse = |status, what: String| wrong(status, format!("{name}: {what}"));
        let Wanted { grid, block, shared, cluster, cooperative } = *wanted;
        let outside = |size: [u32; 3], most: [u32; 3]| (0..3).any(|axis| size[axis] == 0 || size[axis] > most[axis]);
        if outside(grid, GRID) {
            return refuse(Status::INVALID_VALUE, format!("a grid of {grid:?} blocks is not between 1 and {GRID:?}"));
        }
        let threads = block.iter().map(|n| u64::from(*n)).product::<u64>();
        if outside(block, BLOCK) || threads > u64::from(THREADS) {
            let what = format!("a block of {block:?} threads is not between 1 and {BLOCK:?}, {THREADS} in all");
            return refuse(Status::INVALID_VALUE, what);
        }
        if let Some(required) = function.required
            && required != block
        {
            let what = format!("a block of {block:?} threads, where the kernel must have {required:?}");
            return refuse(Status::INVALID_VALUE, what);
        }
        if threads > u64::from(function.max_threads) {
            let (most, registers) = (function.max_threads, function.needs.registers);
            let what = format!("{threads} threads of a block, where {most} are the most ({registers} registers each)");
            return refuse(Status::LAUNCH_OUT_OF_RESOURCES, what);
        }
        if shared > function.max_dynamic {
            let (most, fixed) = (function.max_dynamic, function.needs.shared);
            let what = format!(
                "{shared} bytes of dynamic shared memory, where {most} are allowed beside {fixed} static ones; more must be \
                 asked for before (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)"
            );
            return refuse(Status::INVALID_VALUE, what);
        }
        let function = self.function(handle)?;
        let required = function.loaded.program.directive(function.kernel, "reqnctapercluster").map(axes);
        let cluster = match required {
            Some(required) if cluster == [1; 3] => required,
            Some(required) if cluster != required => {
                let what = format!("clusters of {cluster:?} blocks, where the kernel must have {required:?}");
                return refuse(Status::INVALID_CLUSTER_SIZE, what);
            }
            _ => cluster,
        };
        let most = if function.non_portable_cluster { CLUSTER_AT_MOST } else { CLUSTER };
        if cluster.contains(&0) || cluster.iter().map(|n| u64::from(*n)).product::<u64>() > u64::from(most) {
            let what = format!("clusters of {cluster:?} blocks are not between 1 and {most} in all");
            return refuse(Status::INVALID_CLUSTER_SIZE, what);
        }
        if (0..3).any(|axis| grid[axis] % cluster[axis] != 0) {
            return refuse(Status::INVALID_VALUE, format!("clusters of {cluster:?} blocks do not divide {grid:?}"));
        }
        let function = self.function(handle)?;
        if cooperative {
            let fit = u64::from(resident(function, threads as u32, shared)) * u64::from(warptape_ptx::run::SMS);
            let blocks = grid.iter().map(|n| u64::from(*n)).product::<u64>();
            if blocks > fit {
                let what = format!("{blocks} blocks, where {fit} can run at the same time");
                return refuse(Status::COOPERATIVE_LAUNCH_TOO_LARGE, what);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_bound_blocks_as_the_occupancy_calculator_has_it() {
        // 255 registers are 8192 a warp after rounding: two warps in each of four parts.
        assert_eq!((threads_with(255), threads_with(64), threads_with(65)), (256, 1024, 896));
        assert_eq!((warps_with(32), warps_with(33)), (64, 48));
    }
}
