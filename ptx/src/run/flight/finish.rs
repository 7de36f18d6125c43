//! What was asked for is done: when somebody waits for it, or when nobody can go on otherwise.

use std::ops::Range;

use super::{Done, Flight, News, Operation, Thread};
use crate::lane::LANES;
use crate::run::copies::Due;
use crate::run::fault::{Fault, Kind, What};
use crate::run::launch::Prepared;
use crate::watch::{Queue, Sign, When};

impl Flight {
    /// Does a thread's bulk groups, but for the last `keep`; only the reading, if `reads`.
    ///
    /// # Errors
    /// What one of them does that it must not.
    pub fn finish(&mut self, launch: &Prepared<'_>, thread: Thread, keep: u64, reads: bool) -> Result<(), Box<Fault>> {
        let until = self.group(thread).saturating_sub(keep);
        let due = |op: &Operation| op.thread == thread && matches!(op.done, Done::Group(group) if group < until);
        if reads {
            for op in self.operations.iter_mut().filter(|op| due(op)) {
                if self.watched {
                    let asked = op.accesses(self.numbers[thread.rank], When::Waited);
                    self.news.extend(asked.filter(|asked| asked.kind == Kind::Read).map(News::Asked));
                }
                op.work.read();
            }
            return Ok(());
        }
        while let Some(at) = self.operations.iter().position(due) {
            self.perform(launch, at)?;
        }
        Ok(())
    }

    /// A block is over, whose shared memory the next one gets.
    ///
    /// # Errors
    /// Something that was asked for is still to read it, or to write it.
    pub fn ends(&self, launch: &Prepared<'_>, rank: usize) -> Result<(), Box<Fault>> {
        let within =
            |range: &Range<u64>| !range.is_empty() && self.is_shared(range.start) && self.rank(range.start) == rank;
        for Operation { thread, block, at, work, .. } in &self.operations {
            let does = match (within(work.reads()), within(work.writes())) {
                (false, false) => continue,
                (true, _) => "read",
                (_, true) => "write",
            };
            let what = format!(
                "asks for a copy that is still to {does} shared memory of a block that ends: a wait is missing"
            );
            return Err(launch.fault(*at, *block, thread.warp as usize * LANES + thread.lane, What::Other(what)));
        }
        Ok(())
    }

    /// Does those arrivals of a thread that its copies of `cp.async` are.
    ///
    /// # Errors
    /// As [`Flight::finish`].
    pub fn finish_arrivals(&mut self, launch: &Prepared<'_>, thread: Thread) -> Result<(), Box<Fault>> {
        let its_own = |op: &Operation| op.thread == thread && matches!(op.done, Done::Arrive(..));
        while let Some(at) = self.operations.iter().position(its_own) {
            self.perform(launch, at)?;
        }
        Ok(())
    }

    /// Does what completes the phase of the mbarrier at a pointer, if that is all that is missing.
    ///
    /// # Errors
    /// As [`Flight::finish`].
    pub fn settle(&mut self, launch: &Prepared<'_>, barrier: u64) -> Result<(), Box<Fault>> {
        let Some(mut state) = self.mbarriers.find(barrier) else { return Ok(()) };
        let mut due = Vec::new();
        for (at, operation) in self.operations.iter().enumerate() {
            match operation.done {
                Done::Bytes(of, bytes) if of == barrier => state.missing -= i64::from(bytes),
                Done::Arrive(of, _) if of == barrier => state.pending = state.pending.saturating_sub(1),
                _ => continue,
            }
            due.push(at);
            if state.pending == 0 && state.missing == 0 {
                for (done, at) in due.into_iter().enumerate() {
                    self.perform(launch, at - done)?;
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does what was asked for first, and says whether there was anything.
    ///
    /// # Errors
    /// As [`Flight::finish`].
    pub fn oldest(&mut self, launch: &Prepared<'_>) -> Result<bool, Box<Fault>> {
        match self.operations.is_empty() {
            true => Ok(false),
            false => self.perform(launch, 0).map(|()| true),
        }
    }

    fn perform(&mut self, launch: &Prepared<'_>, at: usize) -> Result<(), Box<Fault>> {
        let operation = self.operations.remove(at);
        self.moved = true;
        self.performed += 1;
        let when = match operation.done {
            Done::Group(_) => When::Waited,
            Done::Bytes(barrier, _) | Done::Arrive(barrier, _) => {
                When::Queued(Queue::Mbarrier(barrier), self.performed)
            }
        };
        if self.watched {
            let block = self.numbers[operation.thread.rank];
            self.news.extend(operation.accesses(block, when).map(News::Asked));
        }
        let Operation { thread, block, at, mut work, done } = operation;
        work.read();
        work.write();
        self.look();
        if let Done::Arrive(_, mark) = done {
            self.finish_copies(thread.rank, thread.warp, thread.lane, Due::Before(mark), when);
        }
        if let (true, When::Queued(queue @ Queue::Mbarrier(barrier), number)) = (self.watched, when)
            && let Some(state) = self.mbarriers.find(barrier)
        {
            self.news.push(News::Done(queue, number + 1, Sign::Phase(barrier, state.phase)));
        }
        let told = match done {
            Done::Group(_) => Ok(()),
            Done::Bytes(barrier, bytes) => self.mbarriers.complete(barrier, bytes),
            Done::Arrive(barrier, _) => self.mbarriers.arrive(barrier, 1, false).map(|_| ()),
        };
        told.map_err(|why| {
            let number = thread.warp as usize * LANES + thread.lane;
            launch.fault(at, block, number, What::Other(format!("asks for something asynchronous that {why}")))
        })
    }
}
