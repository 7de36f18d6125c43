//! How many blocks fit: answers to a program's questions.

use super::Driver;
use super::limits::{self, THREADS};
use crate::status::{Answer, Status, wrong};

impl Driver {
    /// Blocks that a multiprocessor holds at a time.
    pub fn resident(&mut self, function: u64, threads: i32, dynamic: usize) -> Answer<i32> {
        let function = self.function(function)?;
        let (Ok(threads), Ok(dynamic)) = (u32::try_from(threads), u32::try_from(dynamic)) else {
            return wrong(Status::INVALID_VALUE, "a negative size");
        };
        if threads == 0 {
            return wrong(Status::INVALID_VALUE, "blocks of no threads");
        }
        Ok(if dynamic > function.max_dynamic { 0 } else { limits::resident(function, threads, dynamic) as i32 })
    }

    /// The block with which a multiprocessor is fullest, and how many blocks fill the device; the largest of equal ones.
    pub fn fullest(&mut self, handle: u64, dynamic: &dyn Fn(i32) -> usize, limit: i32) -> Answer<(i32, i32)> {
        let most = self.function(handle)?.max_threads.min(if limit > 0 { limit as u32 } else { THREADS }) as i32;
        let (mut best, mut fill) = ((0, 0), 0);
        for threads in (32..=most).rev().filter(|threads| threads % 32 == 0) {
            let blocks = self.resident(handle, threads, dynamic(threads))?;
            if blocks * threads > fill {
                fill = blocks * threads;
                best = (blocks * warptape_ptx::run::SMS as i32, threads);
            }
        }
        Ok(best)
    }

    /// Dynamic shared memory of a block with which a multiprocessor still holds so many.
    pub fn available(&mut self, handle: u64, blocks: i32, threads: i32) -> Answer<usize> {
        if blocks <= 0 || self.resident(handle, threads, 0)? < blocks {
            return wrong(Status::INVALID_VALUE, format!("{blocks} blocks of {threads} threads do not fit"));
        }
        let function = self.function(handle)?;
        let each = (limits::SHARED_OF_ALL_BLOCKS / blocks as u32) & !127;
        let left = each.saturating_sub(limits::SHARED_RESERVED + function.needs.shared);
        Ok(left.min(function.max_dynamic) as usize)
    }
}
