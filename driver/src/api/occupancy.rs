//! How many blocks fit (`cuda.h`: "Occupancy").

use super::launch::Config;
use super::{In, Out};
use crate::state::enter::in_context;
use crate::status::{Status, wrong};

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    blocks: Out<i32>,
    function: u64,
    threads: i32,
    dynamic: usize,
) -> u32 {
    let call = "cuOccupancyMaxActiveBlocksPerMultiprocessor";
    in_context(call, |driver, _| blocks.put(driver.resident(function, threads, dynamic)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    blocks: Out<i32>,
    function: u64,
    threads: i32,
    dynamic: usize,
    _flags: u32,
) -> u32 {
    cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic)
}

/// Tells how much dynamic shared memory a block of so many threads takes.
type Takes = Option<unsafe extern "C" fn(i32) -> usize>;

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxPotentialBlockSize(
    grid: Out<i32>,
    block: Out<i32>,
    function: u64,
    takes: Takes,
    dynamic: usize,
    limit: i32,
) -> u32 {
    in_context("cuOccupancyMaxPotentialBlockSize", |driver, _| {
        // SAFETY: the program's function, which computes.
        let of = |threads: i32| takes.map_or(dynamic, |takes| unsafe { takes(threads) });
        let (blocks, threads) = driver.fullest(function, &of, limit)?;
        grid.put(blocks)?;
        block.put(threads)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxPotentialBlockSizeWithFlags(
    grid: Out<i32>,
    block: Out<i32>,
    function: u64,
    takes: Takes,
    dynamic: usize,
    limit: i32,
    _flags: u32,
) -> u32 {
    cuOccupancyMaxPotentialBlockSize(grid, block, function, takes, dynamic, limit)
}

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyAvailableDynamicSMemPerBlock(
    bytes: Out<usize>,
    function: u64,
    blocks: i32,
    threads: i32,
) -> u32 {
    in_context("cuOccupancyAvailableDynamicSMemPerBlock", |driver, _| {
        bytes.put(driver.available(function, blocks, threads)?)
    })
}

/// Clusters run on the multiprocessors of one of several parts of the GPU, which are not known here.
#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxActiveClusters(_clusters: Out<i32>, function: u64, _config: In<Config>) -> u32 {
    in_context("cuOccupancyMaxActiveClusters", |driver, _| {
        driver.function(function)?;
        Err(Status::NOT_SUPPORTED.into())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxPotentialClusterSize(size: Out<i32>, function: u64, config: In<Config>) -> u32 {
    in_context("cuOccupancyMaxPotentialClusterSize", |driver, _| {
        let wanted = config.get()?.wanted()?;
        let threads = wanted.block.iter().product::<u32>();
        if driver.resident(function, threads as i32, wanted.shared as usize)? == 0 {
            return wrong(Status::INVALID_VALUE, "such a block does not fit at all");
        }
        let most = if driver.function(function)?.non_portable_cluster { 16 } else { 8 };
        size.put(most)
    })
}
