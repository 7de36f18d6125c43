//! Bulk copies and reductions of one dimension (ISA 9.7.9.25.4: `cp.async.bulk`, `cp.reduce.async.bulk`), their groups.

use super::mbarrier::wrong;
use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::flight::Done;
use crate::run::flight::work::{How, Work};
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, What, atomic, lanes};
use crate::text::tree::{Operand, Space, Type};
use crate::watch::When;

impl Decoder<'_> {
    pub(super) fn bulk(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let hinted = parts.contains(&"L2::cache_hint");
        // Additions of halves say that they keep subnormals.
        let said = |part: &&str| *part == "L2::cache_hint" || parts[1] == "reduce" && *part == "noftz";
        let plain: Vec<&str> = parts.iter().copied().filter(|part| !said(part)).collect();
        // A cache policy says nothing of what is done.
        let operands = match operands {
            [rest @ .., _policy] if hinted => rest,
            all => all,
        };
        let run: Box<dyn Run> = match (&plain[..], operands) {
            (["cp", "async", "bulk", "commit_group"], []) => Box::new(Commit),
            (["cp", "async", "bulk", "wait_group", read @ ..], [Operand::Integer(keep)]) => {
                let keep = u64::try_from(*keep).map_err(|_| "waits for no such number of groups")?;
                match read {
                    [] => Box::new(Wait { keep, reads: false }),
                    ["read"] => Box::new(Wait { keep, reads: true }),
                    _ => return Err(UNKNOWN.into()),
                }
            }
            (["cp", "async", "bulk", "prefetch", "L2", "global"], [from, bytes]) => {
                let (from, bytes) = (self.reach(from, Space::Global)?, self.source(bytes, Width::B32)?);
                Box::new(Prefetch { from, bytes })
            }
            (["cp", "async", "bulk", rest @ ..], _) => self.bulk_copy(rest, operands, How::Copy)?,
            (["cp", "reduce", "async", "bulk", rest @ .., by, of], _) => {
                let operation = atomic::operation(by, of).filter(|_| !matches!(*by, "exch" | "cas")).ok_or(UNKNOWN)?;
                let bytes = Type::named(of).ok_or(UNKNOWN)?.bytes;
                self.bulk_copy(rest, operands, How::Reduce(operation, bytes))?
            }
            _ => return Err(UNKNOWN.into()),
        };
        Ok(Action::Other(run))
    }

    fn bulk_copy(&mut self, parts: &[&str], operands: &[Operand], how: How) -> Result<Box<dyn Run>, Refusal> {
        const TOLD: &str = "mbarrier::complete_tx::bytes";
        let (to, from, rest) = match parts {
            [to @ ("shared::cta" | "shared::cluster"), "global", TOLD, rest @ ..] if matches!(how, How::Copy) => {
                (*to, Space::Global, rest)
            }
            ["shared::cluster", "shared::cta", TOLD] => ("shared::cluster", Space::Shared, &[][..]),
            ["global", "shared::cta", "bulk_group"] => ("global", Space::Shared, &[][..]),
            _ => return Err(UNKNOWN.into()),
        };
        let space = super::transfers::space(to).ok_or(UNKNOWN)?;
        let [to, source, bytes, more @ ..] = operands else { return Err("lacks operands".into()) };
        let (to, source) = (self.reach(to, space)?, self.reach(source, from)?);
        let bytes = self.source(bytes, Width::B32)?;
        let (told, blocks) = match (more, rest) {
            ([], []) if space == Space::Global => (None, None),
            ([told], []) if space != Space::Global => (Some(self.reach(told, space)?), None),
            ([told, blocks], ["multicast::cluster"]) if space == Space::Cluster => {
                (Some(self.reach(told, space)?), Some(self.source(blocks, Width::B16)?))
            }
            _ => return Err(UNKNOWN.into()),
        };
        self.out.has_proxies |= from == Space::Shared;
        if space == Space::Global {
            self.out.orders_blocks |= matches!(how, How::Reduce(..));
        }
        Ok(Box::new(Bulk { to, from: source, bytes, told, blocks, how }))
    }
}

/// A copy or reduction of so many bytes.
struct Bulk {
    to: Reach,
    from: Reach,
    bytes: u32,
    /// The mbarrier that is told; without it the thread's bulk group.
    told: Option<Reach>,
    /// The register with the blocks of the cluster that get a copy each.
    blocks: Option<u32>,
    how: How,
}

impl Run for Bulk {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            let (bytes, to, from) = unsafe {
                let bytes = step.get(self.bytes, Width::B32, lane) as u32;
                let (to, from) = (self.to.addresses(step.words)[lane], self.from.addresses(step.words)[lane]);
                (bytes, to, from)
            };
            if bytes % 16 != 0 || to % 16 != 0 || from % 16 != 0 {
                let what = format!(
                    "copies {bytes} bytes in bulk from {from:#x} to {to:#x}: all three must be multiples of 16"
                );
                return wrong(step, lane, what);
            }
            let from = tried!(step.bulk_place(&self.from, lane, bytes, Kind::Read));
            let to = tried!(step.bulk_place(&self.to, lane, bytes, Kind::Write));
            let targets = tried!(step.targets(lane, to, bytes, self.told.as_ref(), self.blocks));
            for (to, done) in targets {
                let work = Work::of(to, from, bytes, self.how);
                tried!(step.ask_apart(lane, work, done));
            }
        }
        Next::On
    }
}

impl Step<'_, '_> {
    /// The pointer to what a lane's bulk copy reads or writes.
    ///
    /// # Errors
    /// It must not.
    pub(super) fn bulk_place(&self, reach: &Reach, lane: usize, bytes: u32, kind: Kind) -> Result<u64, Next> {
        // SAFETY: the decoder placed the register.
        let address = unsafe { reach.addresses(self.words)[lane] };
        let bytes = u64::from(bytes);
        self.pointer(reach.space, lane, address, bytes, kind).map_err(|why| {
            Next::Fault(self.fault(lane, What::Access { kind, space: reach.space, address, bytes, why }))
        })
    }

    /// Where a bulk copy to the pointer `to` goes, and who is told: in each block of a multicast at the same place.
    ///
    /// # Errors
    /// The mbarrier is none, or another block's; the cluster does not have such blocks.
    pub(super) fn targets(
        &mut self,
        lane: usize,
        to: u64,
        bytes: u32,
        told: Option<&Reach>,
        blocks: Option<u32>,
    ) -> Result<Vec<(u64, Done)>, Next> {
        let Some(told) = told else {
            let group = self.around.flight.group(self.thread(lane));
            return Ok(vec![(to, Done::Group(group))]);
        };
        // SAFETY: the decoder placed the registers.
        let told = unsafe { super::mbarrier::mbarriers(self, told, 1 << lane, Kind::Atomic)? }[lane];
        let flight = &self.around.flight;
        if flight.rank(told) != flight.rank(to) {
            return Err(wrong(self, lane, "copies in bulk to one block and tells an mbarrier of another".into()));
        }
        let Some(blocks) = blocks else { return Ok(vec![(to, Done::Bytes(told, bytes))]) };
        // SAFETY: as above.
        let chosen = unsafe { self.get(blocks, Width::B16, lane) } as u32;
        let count = flight.exited.len();
        if chosen >> count != 0 || lanes(chosen).any(|rank| flight.exited[rank]) {
            let what =
                format!("sends copies to blocks {chosen:#x} of a cluster of {count}, of which some are not there");
            return Err(wrong(self, lane, what));
        }
        let target = |rank| (flight.same_place(to, rank), Done::Bytes(flight.same_place(told, rank), bytes));
        Ok(lanes(chosen).map(target).collect())
    }

    /// Asks for a copy that disturbs nothing that is in flight.
    ///
    /// # Errors
    /// It does.
    pub(super) fn ask_apart(&mut self, lane: usize, work: Work, done: Done) -> Result<(), Next> {
        let writes = if work.is_reduction() { Kind::Atomic } else { Kind::Write };
        for (kind, around) in [(Kind::Read, work.reads()), (writes, work.writes())] {
            if self.around.flight.is_shared(around.start) {
                self.apart(lane, around, kind)?;
            } else if self.watch.is_some() {
                // Rows of a tensor lie apart in global memory.
                let places: Vec<(u64, u32)> =
                    if kind == Kind::Read { work.sources().collect() } else { work.places().collect() };
                for (start, bytes) in places {
                    self.apart(lane, &(start..start + u64::from(bytes)), kind)?;
                }
            }
        }
        let operation = self.operation(lane, work, done);
        self.tell_asked(operation.accesses(self.block.number, When::Asked))?;
        self.around.flight.add(operation);
        Ok(())
    }
}

struct Commit;

impl Run for Commit {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let thread = step.thread(lane);
            step.around.flight.commit(thread);
        }
        Next::On
    }
}

struct Wait {
    keep: u64,
    reads: bool,
}

impl Run for Wait {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let thread = step.thread(lane);
            if let Err(fault) = step.around.flight.finish(step.launch, thread, self.keep, self.reads) {
                return Next::Fault(fault);
            }
        }
        Next::On
    }
}

/// `cp.async.bulk.prefetch`: what would be copied must be there.
struct Prefetch {
    from: Reach,
    bytes: u32,
}

impl Run for Prefetch {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the register.
            let bytes = unsafe { step.get(self.bytes, Width::B32, lane) as u32 };
            tried!(step.bulk_place(&self.from, lane, bytes, Kind::Read));
        }
        Next::On
    }
}
