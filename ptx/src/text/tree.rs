//! What a PTX text says, with names resolved.

use std::collections::BTreeMap;

use crate::lane::Width;

/// A whole PTX file.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// `.version`.
    pub version: (u32, u32),
    /// `.target`: `sm_90a`.
    pub target: String,
    /// All variables, of the module and of its functions; [`Operand::Symbol`] are numbers of them.
    pub variables: Vec<Variable>,
    pub functions: Vec<Function>,
    /// Source files by number (`.file`).
    pub files: BTreeMap<u32, String>,
    /// Calls that functions were inlined at, which may lie in inlined functions themselves.
    pub calls: Vec<Place>,
}

/// A state space (ISA 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    Global,
    Constant,
    Shared,
    /// Shared memory of any block of the cluster (`.shared::cluster`): the rank of another block, and one, in bits 24 and above.
    Cluster,
    Local,
    Param,
    Generic,
}

/// A fundamental type's width and how its bits are read (ISA 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Bytes in memory; 0 for predicates.
    pub bytes: u32,
    pub kind: Kind,
}

/// How bits are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Bits,
    Unsigned,
    Signed,
    Float,
    Predicate,
}

impl Type {
    /// The type that is written `name`, without its dot.
    pub fn named(name: &str) -> Option<Self> {
        let (kind, bits) = match name {
            "pred" => (Kind::Predicate, 0),
            "f16x2" | "bf16x2" => (Kind::Float, 32),
            "bf16" => (Kind::Float, 16),
            "tf32" => (Kind::Float, 32),
            _ => {
                let kind = match name.as_bytes().first()? {
                    b'b' => Kind::Bits,
                    b'u' => Kind::Unsigned,
                    b's' => Kind::Signed,
                    b'f' => Kind::Float,
                    _ => return None,
                };
                let bits: u32 = name[1..].parse().ok()?;
                let known: &[u32] = match kind {
                    Kind::Bits => &[8, 16, 32, 64, 128],
                    Kind::Float => &[16, 32, 64],
                    _ => &[8, 16, 32, 64],
                };
                known.contains(&bits).then_some((kind, bits))?
            }
        };
        Some(Self { bytes: bits / 8, kind })
    }

    /// The register that holds one.
    pub fn width(self) -> Width {
        match self.bytes {
            0 => Width::Predicate,
            1 | 2 => Width::B16,
            4 => Width::B32,
            8 => Width::B64,
            _ => Width::B128,
        }
    }
}

/// A variable of a state space.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub space: Space,
    pub align: u32,
    /// None where the launch tells (`extern .shared x[]`).
    pub bytes: Option<u64>,
    /// Bytes as they are initialised, zeros after them.
    pub contents: Vec<u8>,
    /// Addresses among the contents.
    pub addresses: Vec<Initial>,
    pub external: bool,
}

/// An address in a variable's initial contents.
#[derive(Clone, Debug)]
pub struct Initial {
    /// Where in the contents; its size is eight bytes, or as many as a mask (`0xFF00(x)`) leaves.
    pub at: usize,
    pub bytes: usize,
    /// Which bytes of the address: shifted right by as many bits.
    pub shift: u32,
    pub name: String,
    pub offset: i64,
    /// Whether as a generic address (`generic(x)`).
    pub generic: bool,
}

/// A function or kernel.
#[derive(Clone, Debug, Default)]
pub struct Function {
    pub name: String,
    /// Whether it is an `.entry`.
    pub kernel: bool,
    /// Numbers of its return values and parameters in [`Module::variables`].
    pub returns: Vec<usize>,
    pub params: Vec<usize>,
    /// Performance directives by name: `maxntid` with its numbers.
    pub directives: Vec<(String, Vec<u32>)>,
    /// Widths of its registers.
    pub registers: Vec<Width>,
    /// Numbers of variables that it declares.
    pub variables: Vec<usize>,
    /// None if it is only declared.
    pub body: Option<Vec<Instruction>>,
    /// Where labels stand: numbers of instructions, which may be one behind the last.
    pub labels: Vec<usize>,
    /// `.branchtargets`, lists of numbers of labels; `.calltargets` need not be known.
    pub targets: Vec<Vec<usize>>,
    /// `.callprototype`: bytes of returns and parameters.
    pub prototypes: Vec<(Vec<u64>, Vec<u64>)>,
}

/// A place in the source: number of the file, line, and the call it was inlined at: its number in [`Module::calls`] from 1, or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    pub file: u32,
    pub line: u32,
    pub via: u32,
}

/// An instruction as it is written.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The register `@p` that guards it, and whether negated.
    pub guard: Option<(u32, bool)>,
    /// What stands before the operands: `fma.rn.f32`.
    pub name: String,
    pub operands: Vec<Operand>,
    /// The line of the PTX text, from 1.
    pub text_line: u32,
    pub place: Place,
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register of the function, by number.
    Register(u32),
    /// A part of a register, or one with its sign changed, of a video instruction: `-%r1.b0`.
    Part(u32, String, bool),
    /// A predicate register, negated.
    Negated(u32),
    /// An integer, in two's complement.
    Integer(i128),
    /// Bits of an f32 (`0f3F800000`).
    Single(u32),
    /// Bits of an f64; a decimal number, too.
    Double(u64),
    /// A special register, with its `%`.
    Special(String),
    /// A variable, by number, and bytes from its start.
    Symbol(usize, i64),
    /// A function's name.
    Function(String),
    /// A label, by number in [`Function::labels`].
    Label(usize),
    /// A `.branchtargets` list, by number.
    Targets(usize),
    /// A `.callprototype`, by number.
    Prototype(usize),
    /// `[base+offset]`, with what else stands in the brackets.
    Address(Box<Operand>, i64, Vec<Operand>),
    /// `{a, b}`.
    Vector(Vec<Operand>),
    /// `(a, b)`, of a call.
    List(Vec<Operand>),
    /// `d|p`.
    Pair(Box<Operand>, Box<Operand>),
    /// `_`.
    Sink,
}
