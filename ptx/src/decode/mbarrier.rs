//! `mbarrier` (ISA 9.7.13.15).

use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::flight::Flight;
use crate::run::flight::mbarrier::{Mbarriers, Wrong, pending_count};
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, What, lanes};
use crate::text::tree::{Operand, Space};
use crate::watch::{Link, Sign};

impl Decoder<'_> {
    pub(super) fn mbarrier(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (mut space, mut plain, mut relaxed) = (Space::Generic, Vec::new(), false);
        for part in &parts[1..] {
            match *part {
                "shared" | "shared::cta" => space = Space::Shared,
                "shared::cluster" => space = Space::Cluster,
                "relaxed" => relaxed = true,
                "release" | "acquire" | "cta" | "cluster" => {}
                part => plain.push(part),
            }
        }
        let own = space != Space::Cluster;
        let run: Box<dyn Run> = match (&plain[..], operands) {
            (["pending_count", "b64"], [to, token]) => {
                let (to, token) = (self.destination(to, Width::B32)?, self.source(token, Width::B64)?);
                Box::new(PendingCount { to, token })
            }
            (["init", "b64"], [at, count]) if own => self.change(at, space, Change::Init, Some(count))?,
            (["inval", "b64"], [at]) if own => self.change(at, space, Change::Invalidate, None)?,
            (["expect_tx", "b64"], [at, bytes]) => self.change(at, space, Change::Expect, Some(bytes))?,
            (["complete_tx", "b64"], [at, bytes]) => self.change(at, space, Change::Complete, Some(bytes))?,
            ([name @ ("arrive" | "arrive_drop"), rest @ .., "b64"], [token, at, count @ ..]) => {
                let how = match (rest, count) {
                    ([], [_] | []) => How::Plain,
                    (["expect_tx"], [_]) => How::Expecting,
                    (["noComplete"], [_]) if own => How::Incomplete,
                    _ => return Err(UNKNOWN.into()),
                };
                let token = match token {
                    Operand::Sink => None,
                    token if own => Some(self.destination(token, Width::B64)?),
                    _ => return Err("wants to know the state of another block's mbarrier".into()),
                };
                let count = count.first().map(|count| self.source(count, Width::B32)).transpose()?;
                let at = self.reach(at, space)?;
                Box::new(Arrive { at, token, count, how, drop: *name == "arrive_drop", relaxed })
            }
            (["test_wait" | "try_wait", rest @ .., "b64"], [to, at, of, hint @ ..]) if own => {
                if hint.len() > usize::from(plain[0] == "try_wait") {
                    return Err(UNKNOWN.into());
                }
                let of = match rest {
                    [] => Of::Token(self.source(of, Width::B64)?),
                    ["parity"] => Of::Parity(self.source(of, Width::B32)?),
                    _ => return Err(UNKNOWN.into()),
                };
                Box::new(Test { to: self.destination(to, Width::Predicate)?, at: self.reach(at, space)?, of, relaxed })
            }
            _ => return Err(UNKNOWN.into()),
        };
        Ok(Action::Other(run))
    }

    fn change(
        &mut self,
        at: &Operand,
        space: Space,
        change: Change,
        by: Option<&Operand>,
    ) -> Result<Box<dyn Run>, Refusal> {
        let by = by.map(|by| self.source(by, Width::B32)).transpose()?;
        Ok(Box::new(Changing { at: self.reach(at, space)?, change, by }))
    }
}

/// Pointers to mbarriers, of which the watch is told.
///
/// # Safety
/// The address's register lies in the frame.
pub(super) unsafe fn mbarriers(step: &mut Step<'_, '_>, at: &Reach, mask: u32, kind: Kind) -> Result<[u64; 32], Next> {
    // SAFETY: the caller's promise.
    let pointers = unsafe { at.pointers(step, mask, 8, Kind::Atomic)? };
    step.tell(&pointers, mask, 8, kind, true)?;
    if let Some(lane) = lanes(mask).find(|lane| !step.around.flight.is_shared(pointers[*lane])) {
        return Err(wrong(step, lane, "names an mbarrier that is not in shared memory".into()));
    }
    let unknown = |lane: usize| step.around.flight.mbarriers.find(pointers[lane]).is_none();
    if kind == Kind::Atomic && step.watch.is_some() && step.around.flight.patience > 0 && lanes(mask).any(unknown) {
        // It is told of if it is not there even once others had a turn; who watches sees them meet till then.
        step.around.flight.patience -= 1;
        return Err(Next::Again);
    }
    Ok(pointers)
}

pub(super) fn wrong(step: &Step<'_, '_>, lane: usize, what: String) -> Next {
    Next::Fault(step.fault(lane, What::Other(what)))
}

/// What changes an mbarrier and tells nothing.
#[derive(Clone, Copy)]
enum Change {
    Init,
    Invalidate,
    Expect,
    Complete,
}

struct Changing {
    at: Reach,
    change: Change,
    by: Option<u32>,
}

impl Run for Changing {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // What begins or ends one is no atomic operation on it.
        let kind = if matches!(self.change, Change::Init | Change::Invalidate) { Kind::Write } else { Kind::Atomic };
        // SAFETY: the decoder placed the registers.
        let at = tried!(unsafe { mbarriers(step, &self.at, mask, kind) });
        for lane in step.launch.order.lanes(mask) {
            // SAFETY: as above.
            let by = self.by.map_or(0, |by| unsafe { step.get(by, Width::B32, lane) as u32 });
            let Flight { mbarriers, moved, .. } = &mut step.around.flight;
            *moved = true;
            let done = match self.change {
                Change::Init => mbarriers.init(at[lane], by.into()),
                Change::Invalidate => mbarriers.invalidate(at[lane]),
                Change::Expect => mbarriers.expect(at[lane], by),
                Change::Complete => mbarriers.complete(at[lane], by),
            };
            if let Err(what) = done {
                return wrong(step, lane, what);
            }
        }
        Next::On
    }
}

/// How one arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Plain,
    /// The count is one of bytes, which the phase lacks from now on.
    Expecting,
    /// The phase is not complete by it.
    Incomplete,
}

struct Arrive {
    at: Reach,
    token: Option<u32>,
    count: Option<u32>,
    how: How,
    drop: bool,
    relaxed: bool,
}

impl Arrive {
    fn one(&self, mbarriers: &mut Mbarriers, at: u64, count: u32) -> Result<u64, Wrong> {
        let arrivals = if self.how == How::Expecting { 1 } else { u64::from(count) };
        if self.how == How::Expecting {
            mbarriers.expect(at, count)?;
        }
        if self.how == How::Incomplete && mbarriers.would_complete(at, arrivals) {
            return Err("completes the phase of an mbarrier by mbarrier.arrive.noComplete".into());
        }
        mbarriers.arrive(at, arrivals, self.drop)
    }
}

impl Run for Arrive {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the registers.
        let at = tried!(unsafe { mbarriers(step, &self.at, mask, Kind::Atomic) });
        let (mut left, watched) = (Vec::new(), step.watch.is_some());
        let is_full =
            |lane: &usize| step.around.flight.mbarriers.find(at[*lane]).is_some_and(|state| state.pending == 0);
        if let Some(lane) = lanes(mask).find(is_full).filter(|_| watched) {
            // Whoever arrives without having waited finds the phase over if its bytes have come meanwhile: then it meets others.
            if let Err(fault) = step.around.flight.settle(step.launch, at[lane]) {
                return Next::Fault(fault);
            }
            if step.around.flight.mbarriers.find(at[lane]).is_some_and(|state| state.pending > 0) {
                return Next::Again;
            }
        }
        for lane in step.launch.order.lanes(mask) {
            if let (false, Some(state)) = (self.relaxed, step.around.flight.mbarriers.find(at[lane])) {
                left.push((lane, Link::Leave(Sign::Phase(at[lane], state.phase))));
            }
            // SAFETY: as above.
            let count = self.count.map_or(1, |count| unsafe { step.get(count, Width::B32, lane) as u32 });
            step.around.flight.moved = true;
            match self.one(&mut step.around.flight.mbarriers, at[lane], count) {
                Ok(token) => {
                    if let Some(to) = self.token {
                        // SAFETY: as above.
                        unsafe { step.set(to, Width::B64, lane, token) };
                    }
                }
                Err(what) => return wrong(step, lane, what),
            }
        }
        let first = left.first().copied();
        step.links(left.into_iter());
        // Who completes a phase lets those go on that wait for it, so that one that nobody waited for is seen.
        let done = |(lane, link): (usize, Link)| {
            let now = step.around.flight.mbarriers.find(at[lane]);
            now.is_some_and(|now| Link::Leave(Sign::Phase(at[lane], now.phase)) != link)
        };
        if first.is_some_and(done) { Next::Yield } else { Next::On }
    }
}

/// Which phase is waited for.
enum Of {
    Token(u32),
    Parity(u32),
}

/// `mbarrier.test_wait`, `mbarrier.try_wait`: who does not find the phase complete lets others have a turn.
struct Test {
    to: u32,
    at: Reach,
    of: Of,
    relaxed: bool,
}

impl Run for Test {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the registers.
        let at = tried!(unsafe { mbarriers(step, &self.at, mask, Kind::Atomic) });
        let (mut all, mut found) = (true, Vec::new());
        for lane in lanes(mask) {
            let test = |step: &mut Step<'_, '_>| {
                let all = &mut step.around.flight.mbarriers;
                match self.of {
                    Of::Token(token) => {
                        // SAFETY: the decoder placed the registers.
                        let token = unsafe { *step.words.add(token as usize).cast::<u64>().add(lane) };
                        all.is_complete(at[lane], token)
                    }
                    Of::Parity(parity) => {
                        // SAFETY: likewise.
                        let parity = unsafe { *step.words.add(parity as usize + lane) };
                        all.is_complete_parity(at[lane], parity)
                    }
                }
            };
            let complete = match test(step) {
                Ok(false) => {
                    if let Err(fault) = step.around.flight.settle(step.launch, at[lane]) {
                        return Next::Fault(fault);
                    }
                    test(step)
                }
                known => known,
            };
            match complete {
                // SAFETY: as above.
                Ok(is) => unsafe { step.set(self.to, Width::Predicate, lane, is.into()) },
                Err(what) => return wrong(step, lane, what),
            }
            all &= complete == Ok(true);
            if let (Ok(true), false, Some(state)) =
                (&complete, self.relaxed, step.around.flight.mbarriers.find(at[lane]))
                && let Some(last) = state.phase.checked_sub(1)
            {
                found.push((lane, Link::Find(Sign::Phase(at[lane], last))));
            }
        }
        tried!(step.tell_news());
        step.links(found.into_iter());
        if all { Next::On } else { Next::Yield }
    }
}

struct PendingCount {
    to: u32,
    token: u32,
}

impl Run for PendingCount {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                let token = step.get(self.token, Width::B64, lane);
                step.set(self.to, Width::B32, lane, pending_count(token).into());
            }
        }
        Next::On
    }
}
