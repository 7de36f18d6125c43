//! Asynchronous copies of `cp.async` (ISA 9.7.9.25), done as late as they may be: when somebody waits for them.

/// One thread's copy of 4, 8 or 16 bytes from global to shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    pub lane: usize,
    pub to: u64,
    pub from: u64,
    pub bytes: u32,
    /// Bytes that are read; zeros after them.
    pub read: u32,
    /// Function and instruction.
    pub at: (u32, u32),
}

/// The copies of a warp's lanes that are not done yet.
#[derive(Default)]
pub struct Copies {
    /// With the number of the group that each belongs to, counted by its lane.
    pending: Vec<(u64, Copy)>,
    /// Groups that each lane has committed.
    committed: [u64; 32],
}

impl Copies {
    pub fn add(&mut self, copy: Copy) {
        self.pending.push((self.committed[copy.lane], copy));
    }

    /// Closes the group of a lane.
    pub fn commit(&mut self, lane: usize) {
        self.committed[lane] += 1;
    }

    /// Does the copies of a lane's groups, but for the last `keep`; all of them, committed or not, without `keep`.
    pub fn finish(&mut self, lane: usize, keep: Option<u64>) {
        let until = keep.map_or(u64::MAX, |keep| self.committed[lane].saturating_sub(keep));
        self.pending.retain(|(group, copy)| {
            let due = copy.lane == lane && *group < until;
            if due {
                copy.run();
            }
            !due
        });
    }

    /// Does all of a lane's copies that were asked for until now, and says whether there were any.
    pub fn is_idle(&self, lane: usize) -> bool {
        self.pending.iter().all(|(_, copy)| copy.lane != lane)
    }
}

impl Copy {
    fn run(&self) {
        // SAFETY: both pointers were checked for as many bytes when the copy was asked for.
        unsafe {
            let mut bytes = [0u8; 16];
            std::ptr::copy_nonoverlapping(self.from as *const u8, bytes.as_mut_ptr(), self.read as usize);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.to as *mut u8, self.bytes as usize);
        }
    }
}
