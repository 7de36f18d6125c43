//! Where lanes of a warp meet (ISA 9.7.9 and 9.7.13): `shfl`, `vote`, `match`, `redux`, `elect`, `bar.warp.sync`, and all
//! instructions that a whole warp does as one.

use super::fault::What;
use super::lanes;
use super::step::{Next, Step};
use super::warp::State;
use crate::code::Action;
use crate::lane::{LANES, Width};

/// An instruction that lanes do together.
pub struct Collective {
    /// The register with the mask of those that do; all of the warp without it.
    pub members: Option<u32>,
    pub act: Act,
}

/// What they do.
pub enum Act {
    /// `bar.warp.sync`.
    Sync,
    Shuffle {
        mode: Shuffle,
        to: u32,
        valid: Option<u32>,
        from: u32,
        lane: u32,
        clamp: u32,
    },
    Vote {
        mode: Vote,
        to: u32,
        of: u32,
    },
    Match {
        all: bool,
        width: Width,
        to: u32,
        valid: Option<u32>,
        of: u32,
    },
    Reduce {
        by: fn(u32, u32) -> u32,
        to: u32,
        of: u32,
    },
    /// The lowest lane.
    Elect {
        to: Option<u32>,
        is: u32,
    },
    /// An instruction of the whole warp.
    Whole(Box<dyn crate::code::Run>),
}

/// Which lane a lane looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}

/// What comes of predicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    All,
    Any,
    Uniform,
    Ballot,
}

impl Collective {
    /// # Safety
    /// The instruction's registers lie in the frame.
    pub unsafe fn run(&self, step: &mut Step<'_, '_>, active: u32) -> Next {
        let alive = step.warp.alive;
        // SAFETY: the caller's promise.
        let member = |step: &Step<'_, '_>, register, lane| unsafe { step.get(register, Width::B32, lane) as u32 };
        let lane = active.trailing_zeros() as usize;
        if active == 0 {
            return Next::On;
        }
        let members = match self.members {
            Some(register) => member(step, register, lane),
            None => alive,
        };
        for lane in lanes(active).filter(|_| self.members.is_some()) {
            let said = self.members.map_or(members, |register| member(step, register, lane));
            if said >> lane & 1 == 0 {
                let what = format!("is lane {lane} and takes part for the lanes {said:#010x}, which it is none of");
                return Next::Fault(step.fault(lane, What::Meeting(what)));
            }
        }
        let different =
            lanes(active).any(|lane| self.members.is_some_and(|register| member(step, register, lane) != members));
        if different {
            return self.apart(step, active, members);
        }
        if let Some(fault) = self.broken(step, active, members) {
            return fault;
        }
        // Those that have exited are not waited for.
        if members & alive & !active != 0 {
            return self.wait(step, active, members);
        }
        self.go(step, active, members)
    }

    /// Lanes of the group name different masks: those that name this one go first.
    fn apart(&self, step: &mut Step<'_, '_>, active: u32, members: u32) -> Next {
        let register = self.members.expect("masks differ");
        // SAFETY: the decoder placed the register.
        let says = |lane: &usize| unsafe { step.get(register, Width::B32, *lane) as u32 == members };
        let first: u32 = lanes(active).filter(says).map(|lane| 1 << lane).sum();
        let (at, group) = (step.at.1, step.warp.groups[step.group].clone());
        step.warp.groups[step.group].mask = first;
        step.warp.groups.push(super::warp::Group { pc: at, mask: group.mask & !first, ..group });
        // At once, as groups that are ready at the same place would be one again.
        // SAFETY: as above.
        let pc = match unsafe { self.run(step, first) } {
            Next::On => at + 1,
            Next::Wait => at,
            other => return other,
        };
        step.warp.groups[step.group].pc = pc;
        Next::Left
    }

    /// Waits for the others, or goes on with those that wait already. `bar.warp.sync` is the same wherever it stands.
    fn wait(&self, step: &mut Step<'_, '_>, active: u32, members: u32) -> Next {
        let (function, pc) = step.at;
        let syncs = matches!(self.act, Act::Sync);
        let frame = step.warp.groups[step.group].frame;
        let waits: Vec<usize> = (0..step.warp.groups.len())
            .filter(|number| {
                let group = &step.warp.groups[*number];
                let ops = &step.launch.functions[step.warp.frames[group.frame].function as usize].ops;
                let same_place = (group.frame, group.pc) == (frame, pc);
                let alike = || matches!(&ops[group.pc as usize].action, Action::Collective(other) if matches!(other.act, Act::Sync));
                group.state == State::Lanes(members) && (same_place || syncs && alike())
            })
            .collect();
        let others: u32 = waits.iter().map(|number| step.warp.groups[*number].mask).sum();
        if members & step.warp.alive & !(active | others) != 0 {
            step.warp.groups[step.group].state = State::Lanes(members);
            return Next::Wait;
        }
        for number in waits {
            let group = &mut step.warp.groups[number];
            group.state = State::Ready;
            group.pc += u32::from(syncs);
        }
        if syncs {
            let warp = step.warp.number;
            if let Some(watch) = step.watch.as_deref_mut() {
                watch.collective(warp, members, true, (function, pc));
            }
            return Next::On;
        }
        // The others join this group when it is picked next.
        Next::Wait
    }

    fn go(&self, step: &mut Step<'_, '_>, active: u32, members: u32) -> Next {
        let syncs = matches!(self.act, Act::Sync);
        let (warp, at) = (step.warp.number, step.at);
        if let Some(watch) = step.watch.as_deref_mut() {
            watch.collective(warp, members, syncs, at);
        }
        // SAFETY: the decoder placed all registers.
        unsafe {
            match &self.act {
                Act::Sync => {}
                Act::Shuffle { mode, to, valid, from, lane, clamp } => {
                    let word = |register: u32, lane: usize| step.get(register, Width::B32, lane) as u32;
                    let mut values = [(0, false); LANES];
                    for at in lanes(active) {
                        let (source, inside) = looked_at(*mode, at as u32, word(*lane, at), word(*clamp, at));
                        let there = active >> source & 1 == 1;
                        // What a lane that takes no part holds is undefined.
                        values[at] = (if there { word(*from, source as usize) } else { u32::MAX }, inside);
                    }
                    for lane in lanes(active) {
                        step.set(*to, Width::B32, lane, values[lane].0.into());
                        if let Some(valid) = valid {
                            step.set(*valid, Width::Predicate, lane, values[lane].1.into());
                        }
                    }
                }
                Act::Vote { mode, to, of } => {
                    let votes = *step.words.add(*of as usize) & active;
                    let (value, width) = match mode {
                        Vote::All => (u32::from(votes == active), Width::Predicate),
                        Vote::Any => (u32::from(votes != 0), Width::Predicate),
                        Vote::Uniform => (u32::from(votes == active || votes == 0), Width::Predicate),
                        Vote::Ballot => (votes, Width::B32),
                    };
                    lanes(active).for_each(|lane| step.set(*to, width, lane, value.into()));
                }
                Act::Match { all, width, to, valid, of } => {
                    let values: Vec<u64> = (0..LANES).map(|lane| step.get(*of, *width, lane)).collect();
                    for lane in lanes(active) {
                        let same = lanes(active).filter(|other| values[*other] == values[lane]);
                        let same: u32 = same.map(|other| 1 << other).sum();
                        let all_same = same == active;
                        let value = if *all && !all_same { 0 } else { same };
                        step.set(*to, Width::B32, lane, value.into());
                        if let Some(valid) = valid {
                            step.set(*valid, Width::Predicate, lane, all_same.into());
                        }
                    }
                }
                Act::Reduce { by, to, of } => {
                    let values = lanes(active).map(|lane| step.get(*of, Width::B32, lane) as u32);
                    let value = values.reduce(by).expect("some lane is active");
                    lanes(active).for_each(|lane| step.set(*to, Width::B32, lane, value.into()));
                }
                Act::Elect { to, is } => {
                    let leader = active.trailing_zeros() as usize;
                    for lane in lanes(active) {
                        step.set(*is, Width::Predicate, lane, (lane == leader).into());
                        if let Some(to) = to {
                            step.set(*to, Width::B32, lane, leader as u64);
                        }
                    }
                }
                Act::Whole(whole) => return whole.run(step, active),
            }
        }
        Next::On
    }
}

/// The lane that lane `at` looks at, and whether that lies within its segment (ISA 9.7.9.6).
pub(super) fn looked_at(mode: Shuffle, at: u32, by: u32, clamp: u32) -> (u32, bool) {
    let (by, segment, clamp) = (by & 31, clamp >> 8 & 31, clamp & 31);
    let last = at & segment | clamp & !segment;
    let first = at & segment;
    let (source, inside) = match mode {
        Shuffle::Up => (at.wrapping_sub(by), at as i32 - by as i32 >= last as i32),
        Shuffle::Down => (at + by, at + by <= last),
        Shuffle::Butterfly => (at ^ by, at ^ by <= last),
        Shuffle::Index => (first | by & !segment, (first | by & !segment) <= last),
    };
    if inside { (source, true) } else { (at, false) }
}
