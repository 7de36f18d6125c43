//! Video instructions (section 9.7.18): sums and the like of bytes and half-words that operands select. They are rare and have
//! thousands of forms, so a form is a word ([`crate::lane::Operands::control`]) that is read as they run.

mod scalar;
mod simd;

use std::marker::PhantomData;

use super::Found;
use super::kind::U32;
use super::level::{Level, Run, plain};
use super::run::slot;
use super::words::Words;
use crate::lane::{LANES, Operands, Place};

/// An operand as it is written: `-r1.b0`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written<'a> {
    /// The part after the dot: `b0`, `h10`, …; empty if there is none.
    pub selector: &'a str,
    pub negative: bool,
}

/// The operations on two values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Add,
    Sub,
    AbsDiff,
    Min,
    Max,
    Average,
    ShiftLeft,
    ShiftRight,
    Set,
}

const OPERATIONS: [Operation; 9] = {
    use Operation::*;
    [Add, Sub, AbsDiff, Min, Max, Average, ShiftLeft, ShiftRight, Set]
};

/// The relations of vset.
const RELATIONS: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

/// Whether `a` and `b` are in relation [`RELATIONS`]`[relation]`.
fn related(relation: u32, a: i128, b: i128) -> bool {
    match relation {
        0 => a == b,
        1 => a != b,
        2 => a < b,
        3 => a <= b,
        4 => a > b,
        _ => a >= b,
    }
}

fn operate(operation: Operation, relation: u32, a: i128, b: i128) -> i128 {
    match operation {
        Operation::Add => a + b,
        Operation::Sub => a - b,
        Operation::AbsDiff => (a - b).abs(),
        Operation::Min => a.min(b),
        Operation::Max => a.max(b),
        Operation::Average => (a + b + (a + b >= 0) as i128) >> 1,
        // A word shifted by 32 places at most.
        Operation::ShiftLeft => a << b,
        Operation::ShiftRight => a >> b,
        Operation::Set => related(relation, a, b) as i128,
    }
}

/// Whether the next type is signed: `u32` or `s32`.
fn signed(words: &mut Words) -> Option<bool> {
    words.choice(&[("u32", false), ("s32", true)])
}

/// The relation's place in [`RELATIONS`].
fn relation(words: &mut Words) -> Option<u32> {
    let word = words.take()?;
    RELATIONS.iter().position(|known| *known == word).map(|at| at as u32)
}

/// Registers of 32 bits: the result and `a`, `b`, maybe `c`.
/// What an instruction makes of three words, by its [`Operands::control`].
trait Form {
    fn word(control: u32, a: u32, b: u32, c: u32) -> u32;
}

struct Formed<F>(PhantomData<F>);

impl<F: Form> Run for Formed<F> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: registers have words of 32 bits. What is not there is at 0.
            unsafe {
                let [a, b, c] = [o.a, o.b, o.c].map(|offset| *words.add(offset as usize + lane));
                *words.add(o.d as usize + lane) = F::word(o.control, a, b, c);
            }
        }
    }
}

fn found<F: Form>(operands: usize, control: u32) -> Found {
    let places = [Place::D, Place::A, Place::B, Place::C];
    Found::new(plain::<Formed<F>>(), places.into_iter().take(operands).map(slot::<U32>)).with_control(control)
}

/// The instruction `op`, the other parts of whose name are `words`.
pub fn find(op: &str, words: Words, operands: &[Written]) -> Option<Found> {
    let lanes = match op.as_bytes().last() {
        Some(b'2') => 2,
        Some(b'4') => 4,
        _ => 1,
    };
    let stem = op.trim_end_matches(['2', '4']);
    let operation = match (stem, lanes) {
        ("vmad", 1) => return scalar::find_mad(words, operands),
        ("vadd", _) => Operation::Add,
        ("vsub", _) => Operation::Sub,
        ("vabsdiff", _) => Operation::AbsDiff,
        ("vmin", _) => Operation::Min,
        ("vmax", _) => Operation::Max,
        ("vset", _) => Operation::Set,
        ("vavrg", 2 | 4) => Operation::Average,
        ("vshl", 1) => Operation::ShiftLeft,
        ("vshr", 1) => Operation::ShiftRight,
        _ => return None,
    };
    // Only vmad has signs.
    if operands.iter().any(|operand| operand.negative) {
        return None;
    }
    if lanes == 1 { scalar::find(operation, words, operands) } else { simd::find(operation, lanes, words, operands) }
}
