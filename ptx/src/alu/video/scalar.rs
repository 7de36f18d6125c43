//! Scalar video instructions (9.7.18.1): of one byte, half-word or word each.

use super::{Form, OPERATIONS, Operation, Written, found, operate, relation, signed};
use crate::alu::Found;
use crate::alu::words::Words;

/// Parts of a word; the whole is first.
const PARTS: [&str; 7] = ["", "b0", "b1", "b2", "b3", "h0", "h1"];

/// Where a part begins and how many bits it has.
fn span(part: u32) -> (u32, u32) {
    match part {
        0 => (0, 32),
        1..=4 => (8 * (part - 1), 8),
        _ => (16 * (part - 5), 16),
    }
}

fn part(operand: Written) -> Option<u32> {
    PARTS.iter().position(|known| *known == operand.selector).map(|at| at as u32)
}

/// The part of `word`, extended by its sign if `signed`.
fn select(word: u32, part: u32, signed: bool) -> i128 {
    let (from, bits) = span(part);
    let unused = 64 - bits;
    let raised = ((word >> from) as u64) << unused;
    if signed { (raised as i64 >> unused) as i128 } else { (raised >> unused) as i128 }
}

/// Within `bits`, signed or not.
pub fn clamp(value: i128, bits: u32, signed: bool) -> i128 {
    if signed { value.clamp(-1 << (bits - 1), (1 << (bits - 1)) - 1) } else { value.clamp(0, (1 << bits) - 1) }
}

/// A form: four bits of operation, three signs, `.sat`, three bits of part each for `d`, `a` and `b`, two for what is done with `c`
/// (nothing, add, min, max), three for the relation, one for shifts that wrap.
struct Scalar;

const SECOND: [&str; 4] = ["", "add", "min", "max"];

impl Form for Scalar {
    fn word(control: u32, a: u32, b: u32, c: u32) -> u32 {
        scalar(control, a, b, c)
    }
}

fn scalar(form: u32, a: u32, b: u32, c: u32) -> u32 {
    let flag = |at: u32| form >> at & 1 != 0;
    let operation = OPERATIONS[(form & 15) as usize];
    let (signed_d, into) = (flag(4), form >> 8 & 7);
    let a = select(a, form >> 11 & 7, flag(5));
    let b = select(b, form >> 14 & 7, flag(6));
    let b = match operation {
        Operation::ShiftLeft | Operation::ShiftRight if flag(22) => b & 31,
        Operation::ShiftLeft | Operation::ShiftRight => b.min(32),
        _ => b,
    };
    let value = operate(operation, form >> 19 & 7, a, b);
    let (from, bits) = span(into);
    let value = if flag(7) { clamp(value, bits, signed_d) } else { value } as u32;
    let value = match (form >> 17 & 3, signed_d) {
        (1, _) => value.wrapping_add(c),
        (2, false) => value.min(c),
        (2, true) => (value as i32).min(c as i32) as u32,
        (3, false) => value.max(c),
        (3, true) => (value as i32).max(c as i32) as u32,
        _ => value,
    };
    if into == 0 {
        return value;
    }
    let place = ((1u32 << bits) - 1) << from;
    value << from & place | c & !place
}

pub fn find(operation: Operation, mut words: Words, operands: &[Written]) -> Option<Found> {
    let shift = matches!(operation, Operation::ShiftLeft | Operation::ShiftRight);
    // vset's result is unsigned, and a shift's second operand.
    let signed_d = if operation == Operation::Set { false } else { signed(&mut words)? };
    let signed_a = signed(&mut words)?;
    let signed_b = signed(&mut words)?;
    if shift && signed_b {
        return None;
    }
    let sat = operation != Operation::Set && words.flag("sat");
    let wrap = if shift { words.choice(&[("clamp", false), ("wrap", true)])? } else { false };
    let relation = if operation == Operation::Set { relation(&mut words)? } else { 0 };
    let second = if words.done() { "" } else { words.last()? };
    let second = SECOND.iter().position(|known| *known == second)? as u32;
    let (&[d, a, b], more) = operands.split_first_chunk()?;
    let into = part(d)?;
    // There is a `c` if it is used, once.
    let used = (second != 0) as usize + (into != 0) as usize;
    if used > 1 || more.len() != used || more.iter().any(|c| !c.selector.is_empty()) {
        return None;
    }
    let flags = [signed_d, signed_a, signed_b, sat]
        .into_iter()
        .enumerate()
        .fold(0, |all, (at, flag)| all | (flag as u32) << at);
    let control = operation as u32
        | flags << 4
        | into << 8
        | part(a)? << 11
        | part(b)? << 14
        | second << 17
        | relation << 19
        | (wrap as u32) << 22;
    Some(found::<Scalar>(operands.len(), control))
}

/// vmad: signs of the types, three bits each of part for `a` and `b`, `.sat`, `.po`, the product's and `c`'s minus, places of the
/// scale (0, 7 or 15).
struct Mad;

impl Form for Mad {
    fn word(control: u32, a: u32, b: u32, c: u32) -> u32 {
        mad(control, a, b, c)
    }
}

fn mad(form: u32, a: u32, b: u32, c: u32) -> u32 {
    let flag = |at: u32| form >> at & 1 != 0;
    let [signed_a, signed_b, sat, plus_one, minus_product, minus_c] = std::array::from_fn(|at| flag(at as u32));
    let product = select(a, form >> 6 & 7, signed_a) * select(b, form >> 9 & 7, signed_b);
    let signed_result = signed_a || signed_b || minus_product || minus_c;
    let extended = |word: u32| if signed_result { word as i32 as i128 } else { word as i128 };
    // A negative number is the complement and one more.
    let sum = match (plus_one, minus_product, minus_c) {
        (true, ..) => product + extended(c) + 1,
        (_, true, _) => !product + extended(c) + 1,
        (_, _, true) => product + extended(!c) + 1,
        _ => product + extended(c),
    };
    let scaled = (sum >> (form >> 12 & 15)) as u64;
    if !sat {
        return scaled as u32;
    }
    if signed_result { clamp(scaled as i64 as i128, 32, true) as u32 } else { scaled.min(u32::MAX as u64) as u32 }
}

pub fn find_mad(mut words: Words, operands: &[Written]) -> Option<Found> {
    // The result's type does not matter: what is signed follows from the rest.
    signed(&mut words)?;
    let (signed_a, signed_b) = (signed(&mut words)?, signed(&mut words)?);
    let plus_one = words.flag("po");
    let sat = words.flag("sat");
    let scale = words.choice(&[("shr7", 7), ("shr15", 15)]).unwrap_or(0u32);
    let &[d, a, b, c] = operands else { return None };
    if !words.done() || !d.selector.is_empty() || !c.selector.is_empty() || d.negative {
        return None;
    }
    let minus_product = a.negative != b.negative;
    // One more and a minus exclude each other, and so do two of them.
    if plus_one && (a.negative || b.negative || c.negative) || minus_product && c.negative {
        return None;
    }
    let flags = [signed_a, signed_b, sat, plus_one, minus_product, c.negative];
    let flags = flags.into_iter().enumerate().fold(0, |all, (at, flag)| all | (flag as u32) << at);
    Some(found::<Mad>(4, flags | part(a)? << 6 | part(b)? << 9 | scale << 12))
}
