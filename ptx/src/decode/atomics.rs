//! Atomic operations (ISA 9.7.13: `atom`, `red`).

use super::transfers::{is_hint, space};
use super::{Decoder, Refusal};
use crate::code::Action;
use crate::lane::Width;
use crate::run::atomic::{self, Atomic};
use crate::run::atomic_pair::Atomic128;
use crate::text::tree::{Operand, Space, Type};

impl Decoder<'_> {
    pub(super) fn atomic(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (mut at, mut count, mut of, mut what) = (Space::Generic, 1, None, None);
        for part in &parts[1..] {
            if let Some(space) = space(part) {
                at = space;
            } else if let (Some(number), None) = (part.strip_prefix('v'), is_hint(part)) {
                count = number.parse().ok().filter(|n| [2, 4, 8].contains(n)).ok_or("has no such vectors")?;
            } else if Type::named(part).is_some() {
                of = Some(*part);
            } else if is_hint(part).is_none() && *part != "noftz" {
                what = Some(*part);
            }
        }
        let (what, name) = (what.ok_or("lacks an operation")?, of.ok_or("lacks a type")?);
        if name == "b128" && parts[0] == "atom" && count == 1 {
            return self.atomic_pair(what, at, operands);
        }
        let operation = atomic::operation(what, name).ok_or_else(|| format!("cannot do '{what}' with '{name}'"))?;
        let of = Type::named(name).ok_or("lacks a type")?;
        let (to, address, rest) = match (operands, parts[0]) {
            ([to, address, rest @ ..], "atom") => (Some(to), address, rest),
            ([address, rest @ ..], "red") => (None, address, rest),
            _ => return Err("lacks operands".into()),
        };
        let (by, swap) = match (rest, what) {
            ([by, swap, ..], "cas") => (by, Some(self.source(swap, of.width())?)),
            ([by, ..], _) if what != "cas" => (by, None),
            _ => return Err("lacks operands".into()),
        };
        let by: Vec<u32> = self.vector(by).iter().map(|o| self.source(o, of.width())).collect::<Result<_, _>>()?;
        let to = match to {
            None | Some(Operand::Sink) => Vec::new(),
            Some(to) => self.vector(to).iter().map(|o| self.destination(o, of.width())).collect::<Result<_, _>>()?,
        };
        if by.len() != count || !to.is_empty() && to.len() != count {
            return Err(format!("has registers for {} elements of {count}", by.len()));
        }
        self.out.orders_blocks |= !matches!(at, Space::Shared | Space::Cluster);
        let reach = self.reach(address, at)?;
        let (bytes, width) = (of.bytes as u8, of.width());
        Ok(Action::Atomic(Box::new(Atomic { reach, bytes, to, by, swap, width, operation })))
    }

    /// `atom.exch.b128`, `atom.cas.b128`.
    fn atomic_pair(&mut self, what: &str, at: Space, operands: &[Operand]) -> Result<Action, Refusal> {
        let (to, address, by, swap) = match (what, operands) {
            ("exch", [to, address, by]) => (to, address, by, None),
            ("cas", [to, address, by, swap]) => (to, address, by, Some(self.source(swap, Width::B128)?)),
            _ => return Err(format!("cannot do '{what}' with 'b128', or not with these operands")),
        };
        self.out.orders_blocks |= !matches!(at, Space::Shared | Space::Cluster);
        let (to, by) = (self.destination(to, Width::B128)?, self.source(by, Width::B128)?);
        Ok(Action::Other(Box::new(Atomic128 { reach: self.reach(address, at)?, to, by, swap })))
    }
}
