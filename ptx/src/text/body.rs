//! What stands in a function: declarations, labels, instructions and their operands.

use super::header::{Failure, Parser, space};
use super::lex::Word;
use super::scope::Name;
use super::tree::{Function, Instruction, Operand, Place};
use crate::lane::LANES;

impl<'a> Parser<'a> {
    /// From the brace to its end.
    pub(super) fn body(&mut self, function: &mut Function) -> Result<(), Failure> {
        self.expect(b'{')?;
        let mut code = Vec::new();
        let mut place = Place::default();
        loop {
            match self.peek() {
                Some(Word::Sign(b'{')) => {
                    self.expect(b'{')?;
                    self.scopes.open();
                }
                Some(Word::Sign(b'}')) => {
                    self.expect(b'}')?;
                    if !self.scopes.close() {
                        break;
                    }
                }
                Some(Word::Sign(b';')) => self.expect(b';')?,
                Some(Word::Name(name)) if name.starts_with('.') => {
                    self.name()?;
                    self.inner_directive(name, function, &mut place)?;
                }
                Some(_) if self.is_label() => self.label(function, code.len())?,
                _ => code.push(self.instruction(place)?),
            }
        }
        for instruction in &mut code {
            for operand in &mut instruction.operands {
                self.settle(operand)?;
            }
        }
        let lists = std::mem::take(&mut function.targets);
        let settled = lists.into_iter().map(|list| list.into_iter().map(|label| self.settled_label(label)).collect());
        function.targets = settled.collect::<Result<_, _>>()?;
        function.registers = std::mem::take(&mut self.scopes.registers);
        function.labels = std::mem::take(&mut self.scopes.labels);
        function.body = Some(code);
        Ok(())
    }

    fn settled_label(&self, pending: usize) -> Result<usize, Failure> {
        match self.settled(pending)? {
            Operand::Label(label) => Ok(label),
            _ => self.fail(".branchtargets names what is no label"),
        }
    }

    fn settled(&self, pending: usize) -> Result<Operand, Failure> {
        self.scopes.settle(pending, |name| self.module.functions.iter().any(|function| function.name == name))
    }

    /// Replaces names that were not known yet.
    fn settle(&self, operand: &mut Operand) -> Result<(), Failure> {
        match operand {
            Operand::Label(pending) => *operand = self.settled(*pending)?,
            Operand::Vector(all) | Operand::List(all) => all.iter_mut().try_for_each(|operand| self.settle(operand))?,
            Operand::Address(base, _, rest) => {
                self.settle(base)?;
                rest.iter_mut().try_for_each(|operand| self.settle(operand))?;
            }
            Operand::Pair(first, second) => {
                self.settle(first)?;
                self.settle(second)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn inner_directive(&mut self, name: &str, function: &mut Function, place: &mut Place) -> Result<(), Failure> {
        match name {
            ".loc" => *place = self.line_directive()?,
            ".pragma" => self.skip_to(b';')?,
            ".reg" => {
                let (_, _, of) = self.declared_type()?;
                loop {
                    let name = self.name()?;
                    let count = match self.takes(b'<') {
                        true => Some(self.number()?),
                        false => None,
                    };
                    if count.is_some() {
                        self.expect(b'>')?;
                    }
                    if !self.scopes.declare_registers(name, of.width(), count) {
                        return self.fail(format!("'{name}' is declared twice"));
                    }
                    if !self.takes(b',') {
                        break;
                    }
                }
                self.expect(b';')?;
            }
            _ => match space(name) {
                Some(space) => {
                    let numbers = self.variables(space, false)?;
                    function.variables.extend(numbers);
                }
                None => return self.fail(format!("the directive '{name}' is not known")),
            },
        }
        Ok(())
    }

    fn is_label(&mut self) -> bool {
        let at = self.mark();
        let is = self.name().is_ok() && self.peek() == Some(Word::Sign(b':'));
        self.back_to(at);
        is
    }

    fn label(&mut self, function: &mut Function, at: usize) -> Result<(), Failure> {
        let name = self.name()?;
        self.expect(b':')?;
        let known = match self.peek() {
            Some(Word::Name(".branchtargets")) => {
                self.name()?;
                let mut list = Vec::new();
                loop {
                    let line = self.line();
                    let target = self.name()?;
                    if let Operand::Label(pending) = self.scopes.later(target, line) {
                        list.push(pending);
                    }
                    if !self.takes(b',') {
                        break;
                    }
                }
                self.expect(b';')?;
                function.targets.push(list);
                self.scopes.declare(name, Name::Targets(function.targets.len() - 1))
            }
            Some(Word::Name(".calltargets")) => {
                self.skip_to(b';')?;
                function.prototypes.push(Default::default());
                self.scopes.declare(name, Name::Prototype(function.prototypes.len() - 1))
            }
            Some(Word::Name(".callprototype")) => {
                self.name()?;
                let returns = self.prototype_params()?;
                self.name()?;
                let params = self.prototype_params()?;
                self.skip_to(b';')?;
                function.prototypes.push((returns, params));
                self.scopes.declare(name, Name::Prototype(function.prototypes.len() - 1))
            }
            _ => self.scopes.label(name, at),
        };
        if known { Ok(()) } else { self.fail(format!("the label '{name}' stands here twice")) }
    }

    /// Bytes of a prototype's parameters.
    fn prototype_params(&mut self) -> Result<Vec<u64>, Failure> {
        let mut all = Vec::new();
        if self.takes(b'(') {
            while !self.takes(b')') {
                self.name()?;
                let (_, each, _) = self.declared_type()?;
                self.name()?;
                all.push(self.dimensions(each)?.unwrap_or(0));
                self.takes(b',');
            }
        }
        Ok(all)
    }

    fn instruction(&mut self, place: Place) -> Result<Instruction, Failure> {
        let text_line = self.line();
        let mut guard = None;
        if self.takes(b'@') {
            let negated = self.takes(b'!');
            let name = self.name()?;
            let Some(Name::Register(register)) = self.scopes.find(name) else {
                return self.fail(format!("'{name}' is no predicate"));
            };
            guard = Some((register, negated));
        }
        let name = self.name()?.to_owned();
        let mut operands = Vec::new();
        while !self.takes(b';') {
            operands.push(self.operand()?);
            if !self.takes(b',') {
                self.expect(b';')?;
                break;
            }
        }
        Ok(Instruction { guard, name, operands, text_line, place })
    }

    fn operand(&mut self) -> Result<Operand, Failure> {
        let line = self.line();
        let first = match self.next()? {
            Word::Integer(value) => Operand::Integer(value),
            Word::Single(bits) => Operand::Single(bits),
            Word::Double(bits) => Operand::Double(bits),
            Word::Sign(b'-') => match self.next()? {
                Word::Integer(value) => Operand::Integer(-value),
                Word::Single(bits) => Operand::Single(bits ^ 1 << 31),
                Word::Double(bits) => Operand::Double(bits ^ 1 << 63),
                Word::Name(name) => match self.part(name) {
                    Some((register, selector)) => Operand::Part(register, selector, true),
                    None => return self.fail(format!("'{name}' is no register")),
                },
                other => return self.fail(format!("a number should stand here, not {other:?}")),
            },
            Word::Sign(b'!') => {
                let name = self.name()?;
                match self.scopes.find(name) {
                    Some(Name::Register(register)) => Operand::Negated(register),
                    _ => return self.fail(format!("'{name}' is no predicate")),
                }
            }
            Word::Sign(b'{') => Operand::Vector(self.list(b'}')?),
            Word::Sign(b'(') => Operand::List(self.list(b')')?),
            Word::Sign(b'[') => {
                let base = self.operand()?;
                let (base, offset) = match base {
                    Operand::Symbol(number, offset) => (Operand::Symbol(number, 0), offset),
                    base => (base, self.offset()?),
                };
                self.takes(b',');
                let rest = self.list(b']')?;
                Operand::Address(Box::new(base), offset, rest)
            }
            Word::Name("_") => Operand::Sink,
            Word::Name("WARP_SZ") => Operand::Integer(LANES as i128),
            Word::Name(name) => match self.scopes.find(name) {
                Some(Name::Register(register)) => Operand::Register(register),
                Some(Name::Variable(number)) => Operand::Symbol(number, self.offset()?),
                _ if name.starts_with('%') => match self.part(name) {
                    Some((register, selector)) => Operand::Part(register, selector, false),
                    None => Operand::Special(name.into()),
                },
                _ => self.scopes.later(name, line),
            },
            other => return self.fail(format!("an operand should stand here, not {other:?}")),
        };
        if self.takes(b'|') {
            let second = self.operand()?;
            return Ok(Operand::Pair(Box::new(first), Box::new(second)));
        }
        Ok(first)
    }

    /// A register with what stands behind its dot.
    fn part(&self, name: &str) -> Option<(u32, String)> {
        let (register, selector) = name.rsplit_once('.').unwrap_or((name, ""));
        match self.scopes.find(register) {
            Some(Name::Register(register)) => Some((register, selector.into())),
            _ => None,
        }
    }

    /// `+4`, `+-4`, `-4`; 0 if nothing of the kind is next.
    fn offset(&mut self) -> Result<i64, Failure> {
        match self.peek() {
            Some(Word::Sign(b'+')) => {
                self.takes(b'+');
                self.number()
            }
            Some(Word::Sign(b'-')) => self.number(),
            _ => Ok(0),
        }
    }

    fn list(&mut self, end: u8) -> Result<Vec<Operand>, Failure> {
        let mut all = Vec::new();
        while !self.takes(end) {
            all.push(self.operand()?);
            if !self.takes(b',') {
                self.expect(end)?;
                break;
            }
        }
        Ok(all)
    }
}
