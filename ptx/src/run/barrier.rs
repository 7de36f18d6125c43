//! Barriers of a block (ISA 9.7.13: `bar`, `barrier`): 16 of them, counted by threads.

use super::fault::What;
use super::lanes;
use super::step::{Next, Step};
use super::warp::State;
use crate::lane::{LANES, Width};
use crate::watch::{Link, Sign};

/// A barrier instruction.
pub struct Barrier {
    /// The register with the barrier's number.
    pub id: u32,
    /// That with how many threads take part; all of the block without it.
    pub count: Option<u32>,
    pub kind: Kind,
}

/// What threads do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sync,
    /// They do not wait.
    Arrive,
    /// All get what came of their predicates `of` in `to`.
    Reduce {
        by: Reduce,
        of: u32,
        to: u32,
    },
}

/// How predicates are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    And,
    Or,
    Count,
}

/// A barrier while threads come to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meeting {
    pub arrived: u32,
    /// How often it was complete.
    pub uses: u64,
    /// Threads whose predicate was true, and all that gave one.
    votes: (u32, u32),
    /// Those of the last use.
    pub outcome: (u32, u32),
    /// How many take part, as the first said.
    expected: u32,
    /// Where the first stands.
    first: (u32, u32),
    /// Whether some do not wait.
    passed: bool,
    /// Whether all threads of the block waited in the last use.
    whole: bool,
}

impl Barrier {
    /// # Safety
    /// The instruction's registers lie in the frame.
    pub unsafe fn run(&self, step: &mut Step<'_, '_>, active: u32) -> Next {
        let lane = active.trailing_zeros() as usize;
        if let State::Released(id, use_) = step.warp.groups[step.group].state {
            step.warp.groups[step.group].state = State::Ready;
            if !step.block.barriers[id].whole {
                step.link(active, Link::Find(Sign::Barrier(step.block.number, id as u32, use_)));
            }
            if let Kind::Reduce { by, to, .. } = self.kind {
                let (yes, all) = step.block.barriers[id].outcome;
                let (value, width) = match by {
                    Reduce::And => (u64::from(yes == all), Width::Predicate),
                    Reduce::Or => (u64::from(yes > 0), Width::Predicate),
                    Reduce::Count => (u64::from(yes), Width::B32),
                };
                // SAFETY: the caller's promise.
                lanes(active).for_each(|lane| unsafe { step.set(to, width, lane, value) });
            }
            return Next::On;
        }
        // SAFETY: the caller's promise.
        let id = unsafe { step.get(self.id, Width::B32, lane) } as usize;
        let threads = step.block.threads as u32;
        let expected = match self.count {
            // SAFETY: as above.
            Some(count) => unsafe { step.get(count, Width::B32, lane) as u32 },
            None => threads,
        };
        let wrong = |what: String| Next::Fault(step.fault(lane, What::Meeting(what)));
        if id >= 16 {
            return wrong(format!("names barrier {id}; there are 16"));
        }
        if self.count.is_some() && (expected == 0 || expected % LANES as u32 != 0) {
            return wrong(format!("waits for {expected} threads, which is no multiple of 32"));
        }
        let Meeting { arrived, expected: before, first, .. } = step.block.barriers[id];
        let (here, there) = (step.launch.place(step.at).0, step.launch.place(first).0);
        if step.watch.is_some() && self.count.is_none() && arrived > 0 && here != there {
            // It lets threads pass that come from different places; CUDA's rule is that all come to the same one.
            let mut fault =
                step.fault(lane, What::Meeting("waits at this barrier while others wait at another one".into()));
            fault.others.push(there);
            return Next::Fault(fault);
        }
        if arrived > 0 && before != expected {
            return wrong(format!("comes to barrier {id} for {expected} threads, to which others came for {before}"));
        }
        // Where a number is given, whole warps are counted, however many lanes the last one has.
        let whole = self.count.is_some() && active == step.warp.alive;
        let come = if whole { LANES as u32 } else { active.count_ones() };
        if arrived + come > expected {
            return wrong(format!(
                "is one of {} threads that come to barrier {id}, which is for {expected}",
                arrived + come
            ));
        }
        let meeting = &mut step.block.barriers[id];
        (meeting.arrived, meeting.expected) = (arrived + come, expected);
        meeting.passed |= self.kind == Kind::Arrive;
        if arrived == 0 {
            meeting.first = step.at;
        }
        if let Kind::Reduce { of, .. } = self.kind {
            // SAFETY: the caller's promise.
            let votes = unsafe { *step.words.add(of as usize) };
            meeting.votes.0 += (votes & active).count_ones();
            meeting.votes.1 += active.count_ones();
        }
        let complete = meeting.arrived == expected;
        let use_ = meeting.uses;
        if complete {
            let (uses, outcome) = (meeting.uses + 1, meeting.votes);
            let whole = expected >= threads && !meeting.passed;
            *meeting = Meeting { uses, outcome, whole, ..Meeting::default() };
            if let Some(watch) = step.watch.as_deref_mut().filter(|_| whole) {
                watch.barrier(step.at);
            }
        }
        if self.count.is_some() {
            step.link(active, Link::Leave(Sign::Barrier(step.block.number, id as u32, use_)));
        }
        match (self.kind, complete) {
            // Others go on first where somebody watches, so that a barrier that nobody waited for is seen.
            (Kind::Arrive, _) if step.watch.is_some() => Next::Yield,
            (Kind::Arrive, _) => Next::On,
            (_, true) => {
                step.warp.groups[step.group].state = State::Released(id, use_);
                // SAFETY: the caller's promise.
                unsafe { self.run(step, active) }
            }
            (_, false) => {
                step.warp.groups[step.group].state = State::Barrier(id, use_);
                Next::Wait
            }
        }
    }
}
