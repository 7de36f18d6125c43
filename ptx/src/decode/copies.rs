//! Asynchronous copies of single threads (ISA 9.7.9.25: `cp.async`).

use super::mbarrier::{mbarriers, wrong};
use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::copies::{Copy, Due};
use crate::run::flight::Done;
use crate::run::flight::work::Work;
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, What, lanes};
use crate::text::tree::{Operand, Space};
use crate::watch::When;

impl Decoder<'_> {
    pub(super) fn copies(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let plain: Vec<&str> = parts.iter().copied().filter(|part| !part.starts_with("L2::")).collect();
        let action: Box<dyn Run> = match (&plain[..], operands) {
            (["cp", "async", "mbarrier", "arrive", rest @ ..], _) => self.copies_arrive(rest, operands)?,
            (["cp", "async", "commit_group"], []) => Box::new(Commit),
            (["cp", "async", "wait_all"], []) => Box::new(Wait { due: Due::All }),
            (["cp", "async", "wait_group"], [Operand::Integer(keep)]) => Box::new(Wait {
                due: Due::But(u64::try_from(*keep).map_err(|_| "waits for no such number of groups")?),
            }),
            (
                ["cp", "async", cache @ ("ca" | "cg"), "shared" | "shared::cta", "global"],
                [to, from, Operand::Integer(bytes), rest @ ..],
            ) => {
                let bytes = u32::try_from(*bytes).unwrap_or(0);
                if !(bytes == 16 || *cache == "ca" && matches!(bytes, 4 | 8)) {
                    return Err(format!("copies {bytes} bytes; there are copies of 16, and with .ca of 4 and 8"));
                }
                let (read, ignore) = match rest.first() {
                    Some(operand) if self.width_of(operand) == Some(Width::Predicate) => {
                        (None, Some(self.source(operand, Width::Predicate)?))
                    }
                    Some(operand) if self.width_of(operand) != Some(Width::B64) => {
                        (Some(self.source(operand, Width::B32)?), None)
                    }
                    _ => (None, None),
                };
                let (to, from) = (self.reach(to, Space::Shared)?, self.reach(from, Space::Global)?);
                Box::new(Start { to, from, bytes, read, ignore })
            }
            _ => return Err("is not known with these modifiers and operands".into()),
        };
        Ok(Action::Other(action))
    }

    /// `cp.async.mbarrier.arrive`.
    fn copies_arrive(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        let (increments, space) = match parts {
            ["noinc", space @ .., "b64"] => (false, space),
            [space @ .., "b64"] => (true, space),
            _ => return Err(UNKNOWN.into()),
        };
        let space = match space {
            [] => Space::Generic,
            ["shared" | "shared::cta"] => Space::Shared,
            _ => return Err(UNKNOWN.into()),
        };
        let [at] = operands else { return Err("has one operand".into()) };
        Ok(Box::new(CopiesArrive { at: self.reach(at, space)?, increments }))
    }
}

struct Start {
    to: Reach,
    from: Reach,
    bytes: u32,
    /// The register with how many bytes are read, zeros after them.
    read: Option<u32>,
    /// The predicate of lanes that get zeros alone.
    ignore: Option<u32>,
}

impl Run for Start {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let mut reads = [self.bytes; 32];
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                if let Some(read) = self.read {
                    reads[lane] = step.get(read, Width::B32, lane) as u32;
                }
                if self.ignore.is_some_and(|ignore| step.get(ignore, Width::Predicate, lane) == 1) {
                    reads[lane] = 0;
                }
            }
            if reads[lane] > self.bytes {
                let what = format!("copies {} bytes of which it reads {}", self.bytes, reads[lane]);
                return Next::Fault(step.fault(lane, What::Other(what)));
            }
        }
        // What is not read need not be there.
        let reading: u32 = lanes(mask).filter(|lane| reads[*lane] > 0).map(|lane| 1 << lane).sum();
        // SAFETY: the decoder placed the registers.
        let (to, from) = unsafe {
            let to = match self.to.pointers(step, mask, self.bytes.into(), Kind::Write) {
                Ok(to) => to,
                Err(next) => return next,
            };
            let from = match self.from.read_pointers(step, reading, self.bytes, &reads) {
                Ok(from) => from,
                Err(next) => return next,
            };
            (to, from)
        };
        let at = step.at;
        let (rank, warp) = (step.block.rank as usize, step.warp.number);
        for lane in lanes(mask) {
            let copy = Copy { lane, to: to[lane], from: from[lane], bytes: self.bytes, read: reads[lane], at };
            tried!(step.tell_asked(copy.accesses(step.block.number, warp, When::Asked)));
            step.around.flight.copy(rank, warp, copy);
        }
        Next::On
    }
}

struct Commit;

impl Run for Commit {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let copies = step.around.flight.copies(step.block.rank as usize, step.warp.number);
        lanes(mask).for_each(|lane| copies.commit(lane));
        Next::On
    }
}

struct Wait {
    due: Due,
}

impl Run for Wait {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let (rank, warp) = (step.block.rank as usize, step.warp.number);
        lanes(mask).for_each(|lane| step.around.flight.finish_copies(rank, warp, lane, self.due, When::Waited));
        Next::On
    }
}

/// The thread arrives when its copies until now are done.
struct CopiesArrive {
    at: Reach,
    /// The phase lacks one arrival more until then.
    increments: bool,
}

impl Run for CopiesArrive {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the register.
        let at = tried!(unsafe { mbarriers(step, &self.at, mask, Kind::Atomic) });
        for lane in lanes(mask) {
            if self.increments
                && let Err(what) = step.around.flight.mbarriers.add_pending(at[lane])
            {
                return wrong(step, lane, what);
            }
            let mark = step.around.flight.copies(step.block.rank as usize, step.warp.number).mark();
            step.ask(lane, Work::none(), Done::Arrive(at[lane], mark));
        }
        Next::On
    }
}
