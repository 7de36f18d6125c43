//! From a text's instructions to those that run: registers and variables get places, names become functions.

mod atomics;
mod bulk;
mod calls;
mod cluster;
mod copies;
mod flow;
mod live;
mod mbarrier;
mod meet;
mod moves;
mod operands;
mod remote;
mod tensormap;
mod tensors;
mod transfers;
mod warpgroup;
mod whole;

use crate::alu;
use crate::code::{Action, Function, Op, Param, UNGUARDED};
use crate::lane::{Isa, Operands, Place, Width};
use crate::text::header::Failure;
use crate::text::tree::{self, Instruction, Module, Operand, Space, Type};

/// What functions are decoded with.
pub struct Surroundings<'a> {
    pub module: &'a Module,
    pub isa: Isa,
    /// By variable: addresses in global and constant space.
    pub addresses: &'a [u64],
    /// Offsets in shared space.
    pub shared: &'a [Option<u64>],
}

/// Decodes all functions of a module; those that are only declared have no instructions.
///
/// # Errors
/// The line of an instruction that is not known, or used in a way that is not.
pub fn functions(
    module: &Module,
    isa: Isa,
    addresses: &[u64],
    shared: &[Option<u64>],
) -> Result<Vec<Function>, Failure> {
    let around = Surroundings { module, isa, addresses, shared };
    module.functions.iter().map(|function| Decoder::new(&around, function).run()).collect()
}

/// A function while it is decoded.
pub struct Decoder<'a> {
    around: &'a Surroundings<'a>,
    function: &'a tree::Function,
    /// Of registers.
    offsets: Vec<u32>,
    /// Of its `.param` and `.local` variables, by their numbers.
    params: std::collections::HashMap<usize, Param>,
    locals: std::collections::HashMap<usize, u64>,
    out: Function,
    /// Instructions that one of the text has become so far, before its last.
    before: Vec<Op>,
    /// The place of the thread's carry flag, once it is used.
    carry: Option<u32>,
}

/// Why an instruction cannot be decoded.
pub type Refusal = String;

impl<'a> Decoder<'a> {
    fn new(around: &'a Surroundings<'a>, function: &'a tree::Function) -> Self {
        let live::Places { offsets, words } = live::place(function);
        let out = Function {
            name: function.name.clone(),
            kernel: function.kernel,
            variable_words: words as usize,
            words: words as usize,
            directives: function.directives.clone(),
            ..Function::default()
        };
        let (params, locals) = Default::default();
        Self { around, function, offsets, params, locals, out, before: Vec::new(), carry: None }
    }

    fn run(mut self) -> Result<Function, Failure> {
        self.place_variables();
        let Some(body) = &self.function.body else { return Ok(self.out) };
        // An instruction may become several, so labels are looked up at the end.
        let mut starts = Vec::with_capacity(body.len() + 1);
        for instruction in body {
            starts.push(self.out.ops.len() as u32);
            let failed = |why: Refusal| (instruction.text_line, format!("'{}': {why}", instruction.name));
            let action = self.instruction(instruction).map_err(failed)?;
            let (guard, flip) = match instruction.guard {
                None => (UNGUARDED, 0),
                Some((register, negated)) => (self.offsets[register as usize], if negated { u32::MAX } else { 0 }),
            };
            for op in self.before.drain(..).chain([Op { guard, flip, action }]) {
                self.out.ops.push(op);
                self.out.places.push((instruction.place, instruction.text_line));
            }
        }
        starts.push(self.out.ops.len() as u32);
        // Who runs past the end, returns.
        self.out.ops.push(Op { guard: UNGUARDED, flip: 0, action: Action::Return });
        let last = self.out.places.last().copied().unwrap_or_default();
        self.out.places.push(last);
        let target = |label: &u32| starts[self.function.labels[*label as usize]];
        for op in &mut self.out.ops {
            match &mut op.action {
                Action::Jump(label) => *label = target(label),
                Action::Table(_, labels) => labels.iter_mut().for_each(|label| *label = target(label)),
                _ => {}
            }
        }
        Ok(self.out)
    }

    /// Parameters first, then results, then what it passes on; local variables.
    fn place_variables(&mut self) {
        let tree::Function { params, returns, variables, .. } = self.function;
        let module = self.around.module;
        let of_space = |space| variables.iter().copied().filter(move |v| module.variables[*v].space == space);
        let mut end = 0;
        for number in params.iter().copied().chain(returns.iter().copied()).chain(of_space(Space::Param)) {
            let variable = &module.variables[number];
            let bytes = variable.bytes.unwrap_or(0) as usize;
            let offset = usize::next_multiple_of(end, variable.align as usize);
            end = offset + bytes;
            self.params.insert(number, Param { offset, bytes });
        }
        self.out.params = params.iter().map(|number| self.params[number]).collect();
        self.out.returns = returns.iter().map(|number| self.params[number]).collect();
        self.out.param_bytes = end;
        let mut end = 0;
        for number in of_space(Space::Local) {
            let variable = &module.variables[number];
            let offset = u64::next_multiple_of(end, variable.align.into());
            end = offset + variable.bytes.unwrap_or(0);
            self.locals.insert(number, offset);
        }
        self.out.local_bytes = end as usize;
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<Action, Refusal> {
        let parts: Vec<&str> = instruction.name.split('.').collect();
        let operands = &instruction.operands[..];
        match parts[0] {
            "st" | "red" if parts.get(1) == Some(&"async") => return self.remote(&parts, operands),
            "ld" | "ldu" | "st" => return self.transfer(&parts, operands),
            "atom" | "red" => return self.atomic(&parts, operands),
            "bra" | "brx" | "ret" | "exit" | "trap" | "brkpt" => return self.flow(&parts, operands),
            "call" => return self.call(&parts, operands),
            "barrier" if parts.get(1) == Some(&"cluster") => return self.cluster(&parts, operands),
            "mapa" | "getctarank" => return self.cluster(&parts, operands),
            "mbarrier" => return self.mbarrier(&parts, operands),
            "bar" | "barrier" | "shfl" | "vote" | "match" | "redux" | "elect" | "activemask" => {
                return self.meeting(&parts, operands);
            }
            "mov" | "cvta" | "isspacep" | "istypep" => {
                if let Some(action) = self.moves(&parts, operands)? {
                    return Ok(action);
                }
            }
            "membar" | "fence" | "nanosleep" | "prefetch" | "prefetchu" | "discard" | "applypriority" | "pmevent"
            | "griddepcontrol" | "createpolicy" => return self.quiet(&parts, operands),
            "cp" if parts.contains(&"tensor") => return self.tensors(&parts, operands),
            "cp" if parts.contains(&"bulk") => return self.bulk(&parts, operands),
            "cp" => return self.copies(&parts, operands),
            "tensormap" => return self.tensormap(&parts, operands),
            "wgmma" => return self.warpgroup(&parts, operands),
            "mma" | "wmma" | "ldmatrix" | "stmatrix" | "movmatrix" | "setmaxnreg" => {
                return self.whole(&parts, operands);
            }
            _ => {}
        }
        self.alu(&parts, operands)
    }

    /// An instruction that computes lanes from lanes.
    fn alu(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let pair = matches!(operands.first(), Some(Operand::Pair(..)));
        let Some(found) = alu::find(self.around.isa, parts, operands.len(), pair) else {
            return Err("is not known with these modifiers and operands".into());
        };
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
                Place::D | Place::P => {
                    let operand = written.next().ok_or("lacks operands")?;
                    match self.is_wider(parts, operand, slot.width) {
                        Some(_) => return self.widening(parts, operands),
                        None => self.destination(operand, slot.width)?,
                    }
                }
                _ => {
                    let operand = written.next().ok_or("lacks operands")?;
                    match self.is_wider(parts, operand, slot.width) {
                        Some(width) => self.narrowed(operand, width, slot.width)?,
                        None => self.source(operand, slot.width)?,
                    }
                }
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
        if written.next().is_some() {
            return Err("has too many operands".into());
        }
        Ok(Action::Alu(found.run, places))
    }

    /// The width of a register that is wider than what it holds, which conversions allow (ISA 9.4.1).
    fn is_wider(&self, parts: &[&str], operand: &Operand, width: Width) -> Option<Width> {
        let has = self.width_of(operand).filter(|has| *has != Width::Predicate)?;
        (parts[0] == "cvt" && has.words() > width.words()).then_some(has)
    }

    /// The low bits of a wider register.
    fn narrowed(&mut self, operand: &Operand, has: Width, width: Width) -> Result<u32, Refusal> {
        let (from, to) = (self.source(operand, has)?, self.reserve(width));
        self.convert(to, width, from, has, false)?;
        Ok(to)
    }

    /// A conversion whose result fills a wider register, with its sign or with zeros.
    fn widening(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let types: Vec<Type> = parts.iter().filter_map(|part| Type::named(part)).collect();
        let (of, has) = (types.first().ok_or("lacks a type")?, self.width_of(&operands[0]).ok_or("lacks a register")?);
        let to = self.destination(&operands[0], has)?;
        let between = self.reserve(of.width());
        let rest: Vec<&Operand> = operands[1..].iter().collect();
        let found =
            alu::find(self.around.isa, parts, operands.len(), false).ok_or("is not known with these modifiers")?;
        let [source] = rest[..] else { return Err("has too many operands".into()) };
        let width = found.slots[1].width;
        let from = match self.is_wider(parts, source, width) {
            Some(has) => self.narrowed(source, has, width)?,
            None => self.source(source, width)?,
        };
        let operands = Operands { d: between, a: from, control: found.control, ..Operands::default() };
        self.before.push(Op { guard: UNGUARDED, flip: 0, action: Action::Alu(found.run, operands) });
        self.convert(to, has, between, of.width(), of.kind == tree::Kind::Signed)?;
        // The last step is the guarded one.
        Ok(self.before.pop().expect("the conversion was just put there").action)
    }

    /// Copies low bits, or fills up.
    fn convert(&mut self, to: u32, width: Width, from: u32, has: Width, signed: bool) -> Result<(), Refusal> {
        let bits = |width: Width| match width {
            Width::B16 => "16",
            Width::B32 => "32",
            _ => "64",
        };
        let sign = if signed { 's' } else { 'u' };
        let (to_type, from_type) = (format!("{sign}{}", bits(width)), format!("{sign}{}", bits(has)));
        let found = alu::find(self.around.isa, &["cvt", &to_type, &from_type], 2, false).ok_or("cannot be narrowed")?;
        let operands = Operands { d: to, a: from, control: found.control, ..Operands::default() };
        self.before.push(Op { guard: UNGUARDED, flip: 0, action: Action::Alu(found.run, operands) });
        Ok(())
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
