//! Moves of vectors and addresses (ISA 9.7.9: `mov`, `cvta`, `isspacep`).

use super::transfers::space;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::{Next, Step, lanes};
use crate::text::tree::{Operand, Space, Type};

impl Decoder<'_> {
    /// None for a move of one register to another.
    pub(super) fn moves(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Option<Action>, Refusal> {
        let action: Box<dyn Run> = match (parts, operands) {
            (["mov", of], [to, Operand::Vector(from)]) => {
                let whole = Type::named(of).ok_or("has no such type")?;
                let (part, each) = halves(whole, from.len())?;
                let to = self.destination(to, whole.width())?;
                let from = from.iter().map(|operand| self.source(operand, part)).collect::<Result<_, _>>()?;
                Box::new(Pack { to, width: whole.width(), from, part, each })
            }
            (["mov", of], [Operand::Vector(to), from]) => {
                let whole = Type::named(of).ok_or("has no such type")?;
                let (part, each) = halves(whole, to.len())?;
                let from = self.source(from, whole.width())?;
                let to = to.iter().map(|operand| match operand {
                    Operand::Sink => Ok(None),
                    operand => self.destination(operand, part).map(Some),
                });
                Box::new(Unpack { to: to.collect::<Result<_, _>>()?, part, each, from, width: whole.width() })
            }
            (["mov", _], [to, Operand::Symbol(number, offset)])
                if !self.function.kernel && self.locals.contains_key(number) =>
            {
                let offset = self.locals[number].wrapping_add(*offset as u64);
                Box::new(LocalAddress { to: self.destination(to, Width::B64)?, offset })
            }
            (["mov", ..], _) => return Ok(None),
            (["cvta", "to", from, "u64"], [to, operand]) => {
                let space = space(from).ok_or("has no such space")?;
                let (to, operand) = (self.destination(to, Width::B64)?, self.source(operand, Width::B64)?);
                Box::new(Convert { to_generic: false, space, to, from: operand })
            }
            (["cvta", from, "u64"], [to, operand]) => {
                let space = space(from).ok_or("has no such space")?;
                let (to, operand) = (self.destination(to, Width::B64)?, self.source(operand, Width::B64)?);
                Box::new(Convert { to_generic: true, space, to, from: operand })
            }
            (["isspacep", of], [to, operand]) => {
                let space = space(of).ok_or("has no such space")?;
                Box::new(IsIn {
                    space,
                    to: self.destination(to, Width::Predicate)?,
                    of: self.source(operand, Width::B64)?,
                })
            }
            _ => return Err("is not known with these modifiers and operands".into()),
        };
        Ok(Some(Action::Other(action)))
    }
}

/// The registers that a vector of `count` makes of one of `whole`, and bits of each part.
fn halves(whole: Type, count: usize) -> Result<(Width, u32), Refusal> {
    let bits = 8 * whole.bytes / count as u32;
    match (count, bits) {
        (2 | 4, 8 | 16) => Ok((Width::B16, bits)),
        (2 | 4, 32) => Ok((Width::B32, 32)),
        (2, 64) => Ok((Width::B64, 64)),
        _ => Err("has a vector of no known size".into()),
    }
}

struct Pack {
    to: u32,
    width: Width,
    from: Vec<u32>,
    part: Width,
    each: u32,
}

impl Run for Pack {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                if self.width == Width::B128 {
                    let words = self.from.iter().flat_map(|from| {
                        let value = step.get(*from, self.part, lane);
                        [value as u32, (value >> 32) as u32].into_iter().take(self.each as usize / 32)
                    });
                    let words: Vec<u32> = words.collect();
                    let to = step.words.add(self.to as usize + 4 * lane);
                    words.iter().enumerate().for_each(|(at, word)| *to.add(at) = *word);
                    continue;
                }
                let value = self.from.iter().rev().fold(0, |value, from| {
                    let part = step.get(*from, self.part, lane) & (u64::MAX >> (64 - self.each));
                    value << self.each | part
                });
                step.set(self.to, self.width, lane, value);
            }
        }
        Next::On
    }
}

struct Unpack {
    to: Vec<Option<u32>>,
    part: Width,
    each: u32,
    from: u32,
    width: Width,
}

impl Run for Unpack {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                let value = match self.width {
                    Width::B128 => step.words.add(self.from as usize).cast::<u128>().add(lane).read_unaligned(),
                    width => step.get(self.from, width, lane).into(),
                };
                for (number, to) in self.to.iter().enumerate() {
                    let part = (value >> (self.each * number as u32)) as u64 & (u64::MAX >> (64 - self.each));
                    if let Some(to) = to {
                        step.set(*to, self.part, lane, part);
                    }
                }
            }
        }
        Next::On
    }
}

/// The address of a device function's local variable: another one in each call.
struct LocalAddress {
    to: u32,
    offset: u64,
}

impl Run for LocalAddress {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let frame = step.warp.groups[step.group].frame;
        let address = step.warp.frames[frame].local + self.offset;
        // SAFETY: the decoder placed the register.
        lanes(mask).for_each(|lane| unsafe { step.set(self.to, Width::B64, lane, address) });
        Next::On
    }
}

/// `cvta`: between an address of a space and a generic one.
struct Convert {
    to_generic: bool,
    space: Space,
    to: u32,
    from: u32,
}

impl Run for Convert {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let base = step.base(self.space, lane);
            // SAFETY: the decoder placed the registers.
            unsafe {
                let address = step.get(self.from, Width::B64, lane);
                let converted = match (self.space, self.to_generic) {
                    (Space::Cluster, true) => step.generic_of_cluster(address),
                    (Space::Cluster, false) => step.cluster_address(address),
                    (_, true) => address.wrapping_add(base),
                    (_, false) => address.wrapping_sub(base),
                };
                step.set(self.to, Width::B64, lane, converted);
            }
        }
        Next::On
    }
}

/// `isspacep`.
struct IsIn {
    space: Space,
    to: u32,
    of: u32,
}

impl Run for IsIn {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                let address = step.get(self.of, Width::B64, lane);
                let space = step.space_of(address);
                let is = space == self.space || (space, self.space) == (Space::Shared, Space::Cluster);
                step.set(self.to, Width::Predicate, lane, is.into());
            }
        }
        Next::On
    }
}
