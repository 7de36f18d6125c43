//! Accesses that disturb what is in flight, and those of two ways to shared memory that no fence orders (ISA 8.1.1 Proxies).

use std::ops::Range;

use super::Flight;
use super::bits::Bits;
use crate::lane::LANES;
use crate::run::fault::{Kind, What};
use crate::run::lanes;
use crate::run::step::{Next, Step};

impl Flight {
    /// Whether anybody's accesses have to be looked at.
    #[inline(always)]
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// What accesses of these bytes disturb, with where that was asked for.
    pub fn disturbed(&self, bytes: Range<u64>, kind: Kind) -> Option<(String, Option<(u32, u32)>)> {
        let meets = |other: &Range<u64>| bytes.start < other.end && other.start < bytes.end;
        let does = if kind == Kind::Read { "reads" } else { "writes" };
        let (rank, start) = (self.rank(bytes.start), self.within(bytes.start));
        if self.awaited[rank].has(&(start..start + (bytes.end - bytes.start))) {
            let what = format!("{does} shared memory that a cp.async is still to write: a wait is missing");
            return Some((what, None));
        }
        for operation in &self.operations {
            // What is added comes in any order.
            let both_add = kind == Kind::Atomic && operation.work.is_reduction();
            if meets(operation.work.writes()) && !both_add {
                let what =
                    format!("{does} shared memory that an asynchronous copy is still to write: a wait is missing");
                return Some((what, Some(operation.at)));
            }
            if kind != Kind::Read && meets(operation.work.reads()) {
                let what =
                    format!("{does} shared memory that an asynchronous copy is still to read: a wait is missing");
                return Some((what, Some(operation.at)));
            }
        }
        let multiplied = self.reads.iter().find(|reading| kind != Kind::Read && meets(&reading.range));
        multiplied.map(|reading| {
            let what = format!("{does} shared memory that a wgmma in flight is still to read: a wait is missing");
            (what, Some(reading.at))
        })
    }

    /// An ordinary access of shared memory is made.
    fn note(&mut self, at: u64, bytes: u64, kind: Kind) {
        if self.notes_writes && kind == Kind::Write {
            let (rank, start) = (self.rank(at), self.within(at));
            self.written[rank].set(&(start..start + bytes));
        }
    }

    /// `fence.proxy.async`: what was written until now may be read by bulk copies and `wgmma`.
    pub fn fence_proxy(&mut self) {
        self.written.iter_mut().for_each(Bits::clear);
    }

    /// Whether ordinary stores have written some of these bytes since the last such fence.
    fn is_unfenced(&self, bytes: &Range<u64>) -> bool {
        self.is_shared(bytes.start) && {
            let start = self.within(bytes.start);
            self.written[self.rank(bytes.start)].has(&(start..start + (bytes.end - bytes.start)))
        }
    }
}

impl Step<'_, '_> {
    /// Whether a bulk copy or `wgmma` may read, or write, from one byte to another.
    ///
    /// # Errors
    /// It meets what is in flight, or reads what was written with no fence since.
    pub fn apart(&mut self, lane: usize, range: &Range<u64>, kind: Kind) -> Result<(), Next> {
        if range.is_empty() || !self.around.flight.is_shared(range.start) {
            return Ok(());
        }
        if kind == Kind::Read && self.around.flight.is_unfenced(range) {
            let what = "reads, by a bulk copy or wgmma, shared memory that ordinary stores wrote: a fence.proxy.async is missing";
            return Err(Next::Fault(self.fault(lane, What::Other(what.into()))));
        }
        match self.around.flight.disturbed(range.clone(), kind) {
            None => Ok(()),
            Some((what, other)) => Err(self.disturbs(lane, what, other)),
        }
    }

    fn disturbs(&self, lane: usize, what: String, other: Option<(u32, u32)>) -> Next {
        let mut fault = self.fault(lane, What::Other(what));
        fault.others.extend(other.map(|other| self.launch.place(other).0));
        Next::Fault(fault)
    }

    /// Whether accesses leave alone what is in flight.
    ///
    /// # Errors
    /// They do not.
    #[cold]
    pub fn undisturbed(&mut self, at: &[u64; LANES], mask: u32, bytes: u64, kind: Kind) -> Result<(), Next> {
        let flight = &self.around.flight;
        if !flight.notes_writes && flight.operations.is_empty() && flight.reads.is_empty() {
            // Nothing but `cp.async`, of which a look at all lanes together mostly tells enough.
            let (mut first, mut last) = (u64::MAX, 0);
            lanes(mask).for_each(|lane| (first, last) = (first.min(at[lane]), last.max(at[lane])));
            let one = flight.is_shared(first) && flight.is_shared(last) && flight.rank(first) == flight.rank(last);
            if one {
                let start = flight.within(first);
                if !flight.awaited[flight.rank(first)].has(&(start..start + (last - first) + bytes)) {
                    return Ok(());
                }
            }
        }
        for lane in lanes(mask) {
            if !self.around.flight.is_shared(at[lane]) {
                continue;
            }
            if let Some((what, other)) = self.around.flight.disturbed(at[lane]..at[lane] + bytes, kind) {
                return Err(self.disturbs(lane, what, other));
            }
            self.around.flight.note(at[lane], bytes, kind);
        }
        Ok(())
    }
}
