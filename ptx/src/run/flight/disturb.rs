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
        let shared = self.is_shared(bytes.start);
        let missing = |still: &str| {
            let memory = if shared { "shared" } else { "global" };
            format!("{does} {memory} memory that {still}: a wait is missing")
        };
        if shared {
            let (rank, start) = (self.rank(bytes.start), self.within(bytes.start));
            if self.awaited[rank].has(&(start..start + (bytes.end - bytes.start))) {
                let of_block = &self.copies[rank * self.warps..][..self.warps];
                let asked = of_block.iter().find_map(|copies| copies.find(&bytes));
                return Some((missing("a cp.async is still to write"), asked));
            }
        }
        for operation in &self.operations {
            // Rows of a tensor lie apart.
            let all = |mut places: Box<dyn Iterator<Item = (u64, u32)> + '_>| {
                places.any(|(start, bytes)| meets(&(start..start + u64::from(bytes))))
            };
            // What is added comes in any order.
            let both_add = kind == Kind::Atomic && operation.work.is_reduction();
            if meets(operation.work.writes()) && !both_add && all(Box::new(operation.work.places())) {
                return Some((missing("an asynchronous copy is still to write"), Some(operation.at)));
            }
            if kind != Kind::Read && meets(operation.work.reads()) && all(Box::new(operation.work.sources())) {
                return Some((missing("an asynchronous copy is still to read"), Some(operation.at)));
            }
        }
        let multiplied = self.reads.iter().find(|reading| kind != Kind::Read && meets(&reading.range));
        multiplied.map(|reading| {
            let what = format!("{does} shared memory that a wgmma in flight is still to read: a wait is missing");
            (what, Some(reading.at))
        })
    }

    /// An ordinary access of shared memory is made by an instruction.
    fn note(&mut self, at: u64, bytes: u64, kind: Kind, by: (u32, u32)) {
        if self.notes_writes && kind == Kind::Write {
            let (rank, start) = (self.rank(at), self.within(at));
            self.written[rank].set(&(start..start + bytes));
            if self.watched {
                (at / 4..(at + bytes).div_ceil(4)).for_each(|word| {
                    self.writers.insert(word, by);
                });
            }
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

    /// The store that wrote some of them, if somebody watches.
    fn writer(&self, bytes: &Range<u64>) -> Option<(u32, u32)> {
        let unfenced = |word: &u64| self.is_unfenced(&(4 * word..4 * word + 4));
        (bytes.start / 4..bytes.end.div_ceil(4)).find(unfenced).and_then(|word| self.writers.get(&word).copied())
    }
}

impl Step<'_, '_> {
    /// Whether a bulk copy or `wgmma` may read, or write, from one byte to another.
    ///
    /// # Errors
    /// It meets what is in flight, or reads what was written with no fence since.
    pub fn apart(&mut self, lane: usize, range: &Range<u64>, kind: Kind) -> Result<(), Next> {
        let shared = self.around.flight.is_shared(range.start);
        if range.is_empty() || !shared && self.watch.is_none() {
            return Ok(());
        }
        if kind == Kind::Read && self.around.flight.is_unfenced(range) {
            let what = "reads, by a bulk copy or wgmma, shared memory that ordinary stores wrote: a fence.proxy.async is missing";
            let writer = self.around.flight.writer(range);
            return Err(self.disturbs(lane, what.into(), writer));
        }
        match self.around.flight.disturbed(range.clone(), kind) {
            None => Ok(()),
            Some((what, other)) => Err(self.disturbs(lane, what, other)),
        }
    }

    /// A fault by a lane, with another place.
    pub fn disturbs(&self, lane: usize, what: String, other: Option<(u32, u32)>) -> Next {
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
            let shared = self.around.flight.is_shared(at[lane]);
            // Global memory is everybody's, but who watches sees all.
            if !shared && (self.watch.is_none() || self.around.flight.operations.is_empty()) {
                continue;
            }
            if let Some((what, other)) = self.around.flight.disturbed(at[lane]..at[lane] + bytes, kind) {
                return Err(self.disturbs(lane, what, other));
            }
            if shared {
                self.around.flight.note(at[lane], bytes, kind, self.at);
            }
        }
        Ok(())
    }
}
