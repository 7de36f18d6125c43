//! From a text's instructions to those that run: registers and variables get places, names become functions.

mod atomics;
mod bulk;
mod calls;
mod cluster;
mod computed;
mod copies;
mod flow;
mod live;
mod mbarrier;
mod meet;
mod moves;
mod operands;
mod remote;
mod surfaces;
mod tensormap;
mod tensors;
mod textures;
mod transfers;
mod warpgroup;
mod whole;

use crate::code::{Action, Function, Op, Param, Touch, UNGUARDED};
use crate::lane::Isa;
use crate::text::header::Failure;
use crate::text::tree::{self, Instruction, Module, Space};

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
        let mut numbers = std::collections::HashMap::new();
        let multiplies = body.iter().any(|instruction| instruction.name.starts_with("wgmma.mma_async"));
        for instruction in body {
            starts.push(self.out.ops.len() as u32);
            let failed = |why: Refusal| (instruction.text_line, format!("'{}': {why}", instruction.name));
            let action = self.instruction(instruction).map_err(failed)?;
            let (guard, flip) = match instruction.guard {
                None => (UNGUARDED, 0),
                Some((register, negated)) => (self.offsets[register as usize], if negated { u32::MAX } else { 0 }),
            };
            for op in self.before.drain(..) {
                self.out.ops.push(op);
                self.out.places.push((instruction.place, instruction.text_line));
                self.out.names.push(None);
            }
            if multiplies {
                self.out.touches.resize(self.out.ops.len(), Touch::default());
                let own = instruction.name.starts_with("wgmma.");
                self.out.touches.push(if own { Touch::default() } else { live::touch(instruction, &self.offsets) });
            }
            self.out.ops.push(Op { guard, flip, action });
            self.out.places.push((instruction.place, instruction.text_line));
            let number = *numbers.entry(&instruction.name[..]).or_insert_with(|| {
                self.out.written.push(instruction.name.clone());
                self.out.written.len() as u32 - 1
            });
            self.out.names.push(Some(number));
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
            "tex" | "tld4" => return self.texture(&parts, operands),
            "suld" | "sust" => return self.surface(&parts, operands),
            "txq" | "suq" => return self.query(&parts, operands),
            "wgmma" => return self.warpgroup(&parts, operands),
            "mma" | "wmma" | "ldmatrix" | "stmatrix" | "movmatrix" | "setmaxnreg" => {
                return self.whole(&parts, operands);
            }
            _ => {}
        }
        self.computed(&parts, operands)
    }
}
