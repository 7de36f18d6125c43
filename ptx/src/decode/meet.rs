//! Barriers and collectives (ISA 9.7.13, 9.7.9.6).

use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::barrier::{Barrier, Kind, Reduce};
use crate::run::collective::{Act, Collective, Shuffle, Vote};
use crate::run::{Next, Step, lanes};
use crate::text::tree::Operand;

impl Decoder<'_> {
    pub(super) fn meeting(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        match parts {
            ["activemask", "b32"] => {
                let [to] = operands else { return Err("has one operand".into()) };
                let to = self.destination(to, Width::B32)?;
                Ok(Action::Other(Box::new(ActiveMask { to })))
            }
            ["bar" | "barrier", "warp", "sync"] | ["shfl" | "vote" | "match" | "redux" | "elect", ..] => {
                self.collective(parts, operands)
            }
            _ => self.barrier(parts, operands),
        }
    }

    fn barrier(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let plain: Vec<&str> = parts[1..].iter().copied().filter(|part| !matches!(*part, "cta" | "aligned")).collect();
        let (result, rest) = match (&plain[..], operands) {
            (["red", ..], [result, rest @ ..]) => (Some(result), rest),
            (_, rest) => (None, rest),
        };
        let (predicate, rest) = match (result, rest) {
            (Some(_), [rest @ .., predicate]) => (Some(self.source(predicate, Width::Predicate)?), rest),
            (_, rest) => (None, rest),
        };
        let (id, count) = match rest {
            [id] => (id, None),
            [id, count] => (id, Some(count)),
            _ => return Err("has too many, or too few operands".into()),
        };
        let id = self.source(id, Width::B32)?;
        let count = count.map(|count| self.source(count, Width::B32)).transpose()?;
        let kind = match (&plain[..], result, predicate) {
            (["sync"], None, None) => Kind::Sync,
            (["arrive"], None, None) if count.is_some() => Kind::Arrive,
            (["red", by, of], Some(to), Some(votes)) => {
                let (by, width) = match (*by, *of) {
                    ("and", "pred") => (Reduce::And, Width::Predicate),
                    ("or", "pred") => (Reduce::Or, Width::Predicate),
                    ("popc", "u32") => (Reduce::Count, Width::B32),
                    _ => return Err("is not known with these modifiers".into()),
                };
                Kind::Reduce { by, of: votes, to: self.destination(to, width)? }
            }
            _ => return Err("is not known with these modifiers and operands".into()),
        };
        Ok(Action::Barrier(Box::new(Barrier { id, count, kind })))
    }

    fn collective(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (members, rest) = operands.split_last().ok_or("lacks operands")?;
        let members = Some(self.source(members, Width::B32)?);
        let (to, valid, rest) = match rest {
            [Operand::Pair(to, valid), rest @ ..] => {
                (Some(&**to), Some(self.destination(valid, Width::Predicate)?), rest)
            }
            [to, rest @ ..] => (Some(to), None, rest),
            [] => (None, None, rest),
        };
        let act = match (parts, to, rest) {
            (["bar" | "barrier", "warp", "sync"], None, []) => Act::Sync,
            (["shfl", "sync", mode, "b32"], Some(to), [from, lane, clamp]) => {
                let mode = match *mode {
                    "up" => Shuffle::Up,
                    "down" => Shuffle::Down,
                    "bfly" => Shuffle::Butterfly,
                    "idx" => Shuffle::Index,
                    _ => return Err("has no such mode".into()),
                };
                let to = self.destination(to, Width::B32)?;
                let [from, lane, clamp] = [from, lane, clamp].map(|operand| self.source(operand, Width::B32));
                Act::Shuffle { mode, to, valid, from: from?, lane: lane?, clamp: clamp? }
            }
            (["vote", "sync", mode, of], Some(to), [votes]) => {
                let (mode, width) = match (*mode, *of) {
                    ("all", "pred") => (Vote::All, Width::Predicate),
                    ("any", "pred") => (Vote::Any, Width::Predicate),
                    ("uni", "pred") => (Vote::Uniform, Width::Predicate),
                    ("ballot", "b32") => (Vote::Ballot, Width::B32),
                    _ => return Err("has no such mode".into()),
                };
                Act::Vote { mode, to: self.destination(to, width)?, of: self.source(votes, Width::Predicate)? }
            }
            (["match", mode @ ("any" | "all"), "sync", of], Some(to), [value]) => {
                let width = match *of {
                    "b32" => Width::B32,
                    "b64" => Width::B64,
                    _ => return Err("has no such type".into()),
                };
                let of = self.source(value, width)?;
                Act::Match { all: *mode == "all", width, to: self.destination(to, Width::B32)?, valid, of }
            }
            (["redux", "sync", by, of], Some(to), [value]) => {
                let by: fn(u32, u32) -> u32 = match (*by, *of) {
                    ("add", "u32" | "s32") => u32::wrapping_add,
                    ("min", "u32") => u32::min,
                    ("max", "u32") => u32::max,
                    ("min", "s32") => |a, b| (a as i32).min(b as i32) as u32,
                    ("max", "s32") => |a, b| (a as i32).max(b as i32) as u32,
                    ("and", "b32") => |a, b| a & b,
                    ("or", "b32") => |a, b| a | b,
                    ("xor", "b32") => |a, b| a ^ b,
                    _ => return Err("has no such operation".into()),
                };
                Act::Reduce { by, to: self.destination(to, Width::B32)?, of: self.source(value, Width::B32)? }
            }
            (["elect", "sync"], Some(to), []) => {
                let to = if *to == Operand::Sink { None } else { Some(self.destination(to, Width::B32)?) };
                Act::Elect { to, is: valid.ok_or("lacks a predicate")? }
            }
            _ => return Err("is not known with these modifiers and operands".into()),
        };
        Ok(Action::Collective(Box::new(Collective { members, act })))
    }
}

/// `activemask`: the lanes that are here together now.
struct ActiveMask {
    to: u32,
}

impl Run for ActiveMask {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the register.
        lanes(mask).for_each(|lane| unsafe { step.set(self.to, Width::B32, lane, mask.into()) });
        Next::On
    }
}
