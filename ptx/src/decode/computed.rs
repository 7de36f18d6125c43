//! Instructions that compute lanes from lanes: where each operand goes.

use super::{Decoder, Refusal};
use crate::alu::{self, Found, Written};
use crate::code::Action;
use crate::lane::{Operands, Place, Width};
use crate::text::tree::Operand;

impl Decoder<'_> {
    pub(super) fn computed(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let found = self.found(parts, operands).ok_or("is not known with these modifiers and operands")?;
        let mut written = Vec::new();
        for operand in operands {
            match operand {
                Operand::Pair(first, second) => written.extend([&**first, &**second]),
                operand => written.push(operand),
            }
        }
        let mut places = Operands { control: found.control, ..Operands::default() };
        let mut written = written.into_iter();
        for slot in &found.slots {
            let offset = match slot.place {
                Place::Carry => self.carry(),
                Place::D | Place::P => self.destination(written.next().ok_or("lacks operands")?, slot.width)?,
                _ => self.source(written.next().ok_or("lacks operands")?, slot.width)?,
            };
            let field = match slot.place {
                Place::D => &mut places.d,
                Place::P | Place::Carry => &mut places.p,
                Place::A => &mut places.a,
                Place::B => &mut places.b,
                Place::C => &mut places.c,
                Place::E => &mut places.e,
                Place::F => &mut places.f,
            };
            *field = offset;
        }
        match written.next() {
            Some(_) => Err("has too many operands".into()),
            None => Ok(Action::Alu(found.run, places)),
        }
    }

    fn found(&self, parts: &[&str], operands: &[Operand]) -> Option<Found> {
        let pair = matches!(operands.first(), Some(Operand::Pair(..)));
        let selects = |operand: &Operand| matches!(operand, Operand::Part(..));
        let found = alu::find(self.around.isa, parts, operands.len(), pair);
        if operands.iter().any(selects) || found.is_none() && parts[0].starts_with('v') {
            let written = |operand: &'_ Operand| match operand {
                Operand::Part(_, selector, negative) => (selector.clone(), *negative),
                _ => (String::new(), false),
            };
            let written: Vec<(String, bool)> = operands.iter().map(written).collect();
            let written: Vec<Written<'_>> =
                written.iter().map(|(selector, negative)| Written { selector, negative: *negative }).collect();
            return alu::find_video(parts, &written);
        }
        let found = found?;
        // Conversions alone take registers that are wider than their types (ISA 9.4.1).
        let wider = |at: usize| self.width_of(&operands[at]).filter(|has| *has != Width::Predicate);
        match (parts[0], &found.slots[..]) {
            ("cvt", [to, from]) => {
                let (d, a) = (wider(0).unwrap_or(to.width), wider(1).unwrap_or(from.width));
                if (d, a) == (to.width, from.width) { Some(found) } else { alu::find_cvt(self.around.isa, parts, d, a) }
            }
            _ => Some(found),
        }
    }

    fn carry(&mut self) -> u32 {
        match self.carry {
            Some(carry) => carry,
            None => {
                let carry = self.reserve(Width::Predicate);
                self.carry = Some(carry);
                carry
            }
        }
    }
}
