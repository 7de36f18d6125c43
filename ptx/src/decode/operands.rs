//! Operands: registers, immediates, special registers, addresses of variables.

use super::{Decoder, Refusal};
use crate::alu;
use crate::code::{Action, Clock, Op, Special, UNGUARDED};
use crate::lane::{Operands, Width};
use crate::run::call::FUNCTIONS;
use crate::run::reach::Reach;
use crate::text::tree::{Operand, Space};

impl Decoder<'_> {
    /// A place for a register that the text does not have. It stays what it is set to: no other one gets it.
    pub(super) fn reserve(&mut self, width: Width) -> u32 {
        let offset = self.out.words as u32;
        self.out.words += width.words().next_multiple_of(32) as usize;
        offset
    }

    /// A register that always holds `value`.
    pub(super) fn constant(&mut self, width: Width, value: u128) -> u32 {
        let known = self.out.constants.iter().find(|(_, w, v)| (*w, *v) == (width, value));
        if let Some(&(offset, ..)) = known {
            return offset;
        }
        let offset = self.reserve(width);
        self.out.constants.push((offset, width, value));
        offset
    }

    fn register(&self, number: u32, width: Width) -> Result<u32, Refusal> {
        let has = self.function.registers[number as usize];
        match has == width {
            true => Ok(self.offsets[number as usize]),
            false => Err(format!("has a register of {} where one of {} belongs", name(has), name(width))),
        }
    }

    /// Where a result goes: a register, or one that nobody looks at.
    pub(super) fn destination(&mut self, operand: &Operand, width: Width) -> Result<u32, Refusal> {
        match operand {
            Operand::Register(number) | Operand::Part(number, ..) => self.register(*number, width),
            Operand::Sink => Ok(self.reserve(width)),
            _ => Err("writes to what is no register".into()),
        }
    }

    /// Where a source's value is.
    pub(super) fn source(&mut self, operand: &Operand, width: Width) -> Result<u32, Refusal> {
        match operand {
            Operand::Register(number) | Operand::Part(number, ..) => self.register(*number, width),
            Operand::Negated(number) => {
                let from = self.register(*number, Width::Predicate)?;
                if width != Width::Predicate {
                    return Err("negates what is no predicate".into());
                }
                let to = self.reserve(Width::Predicate);
                let found = alu::find(self.around.isa, &["not", "pred"], 2, false).ok_or("cannot negate predicates")?;
                let operands = Operands { d: to, a: from, control: found.control, ..Operands::default() };
                self.before.push(Op { guard: UNGUARDED, flip: 0, action: Action::Alu(found.run, operands) });
                Ok(to)
            }
            Operand::Special(name) => self.special(name, width),
            other => {
                let value = self.immediate(other, width)?;
                Ok(self.constant(width, value))
            }
        }
    }

    fn special(&mut self, written: &str, width: Width) -> Result<u32, Refusal> {
        if let Some((clock, has)) = Clock::named(written) {
            let to = self.reserve(has);
            let read = Box::new(super::flow::ReadClock { clock, to, width: has });
            self.before.push(Op { guard: UNGUARDED, flip: 0, action: Action::Other(read) });
            return Ok(to);
        }
        let Some((special, has)) = Special::named(written) else { return Err(format!("'{written}' is not known")) };
        // Coordinates may be read as 16 bits, as they were once.
        if has != width && (has, width) != (Width::B32, Width::B16) {
            return Err(format!("'{written}' is a register of {}", name(has)));
        }
        let known = self.out.specials.iter().find(|(_, known)| *known == special);
        Ok(known.map(|(offset, _)| *offset).unwrap_or_else(|| {
            let offset = self.reserve(has);
            self.out.specials.push((offset, special));
            offset
        }))
    }

    /// The bits of an immediate, or of the address of a variable or function.
    pub(super) fn immediate(&self, operand: &Operand, width: Width) -> Result<u128, Refusal> {
        let bits = 8 * match width {
            Width::Predicate => 0,
            Width::B16 => 2,
            Width::B32 => 4,
            Width::B64 => 8,
            Width::B128 => 16,
        };
        match (operand, width) {
            (Operand::Integer(value), Width::Predicate) => Ok(u128::from(*value != 0)),
            // Larger ones are cut off, as ptxas does.
            (Operand::Integer(value), _) => Ok(*value as u128 & (u128::MAX >> (128 - bits))),
            (Operand::Single(single), Width::B32) => Ok((*single).into()),
            (Operand::Single(single), Width::B64) => Ok(f64::from(f32::from_bits(*single)).to_bits().into()),
            (Operand::Double(double), Width::B64) => Ok((*double).into()),
            (Operand::Double(double), Width::B32) => Ok((f64::from_bits(*double) as f32).to_bits().into()),
            (Operand::Symbol(number, offset), Width::B32 | Width::B64) => {
                let address = self.address_of(*number)?.wrapping_add(*offset as u64);
                Ok(u128::from(address) & (u128::MAX >> (128 - bits)))
            }
            (Operand::Function(name), Width::B64) => {
                let number = self.around.module.functions.iter().position(|function| function.name == *name);
                let number = number.ok_or_else(|| format!("'{name}' is no function"))?;
                Ok(u128::from(FUNCTIONS + 16 * number as u64))
            }
            (other, _) => Err(format!("cannot have {other:?} here")),
        }
    }

    /// A variable's address in its own space.
    pub(super) fn address_of(&self, number: usize) -> Result<u64, Refusal> {
        let variable = &self.around.module.variables[number];
        match variable.space {
            Space::Global | Space::Constant => Ok(self.around.addresses[number]),
            Space::Shared => self.around.shared[number].ok_or_else(|| format!("'{}' has no place", variable.name)),
            Space::Local if self.function.kernel => Ok(self.locals[&number]),
            Space::Local => Err(format!("the address of '{}' is another one in each call", variable.name)),
            Space::Param if self.function.kernel && self.function.params.contains(&number) => {
                Ok(self.params[&number].offset as u64)
            }
            _ => Err(format!("'{}' has no address that can be taken", variable.name)),
        }
    }

    /// What `[a+4]` points to.
    pub(super) fn reach(&mut self, operand: &Operand, space: Space) -> Result<Reach, Refusal> {
        let Operand::Address(base, offset, _) = operand else { return Err("lacks an address in brackets".into()) };
        let (register, wide) = match &**base {
            Operand::Register(number) => {
                let width = self.function.registers[*number as usize];
                if !matches!(width, Width::B32 | Width::B64) {
                    return Err(format!("has an address in a register of {}", name(width)));
                }
                (self.offsets[*number as usize], width == Width::B64)
            }
            base => {
                let value = self.immediate(base, Width::B64)?;
                (self.constant(Width::B64, value), true)
            }
        };
        Ok(Reach { space, base: register, wide, offset: *offset })
    }

    /// Registers of a vector, or the one register.
    pub(super) fn vector<'o>(&self, operand: &'o Operand) -> &'o [Operand] {
        match operand {
            Operand::Vector(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// How wide a register is.
    pub(super) fn width_of(&self, operand: &Operand) -> Option<Width> {
        match operand {
            Operand::Register(number) | Operand::Part(number, ..) => Some(self.function.registers[*number as usize]),
            _ => None,
        }
    }
}

/// What a width is called.
pub(super) fn name(width: Width) -> &'static str {
    match width {
        Width::Predicate => "a predicate",
        Width::B16 => "16 bits",
        Width::B32 => "32 bits",
        Width::B64 => "64 bits",
        Width::B128 => "128 bits",
    }
}
