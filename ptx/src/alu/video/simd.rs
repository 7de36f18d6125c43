//! SIMD video instructions (9.7.18.2): of two half-words or four bytes at once, each selected from `b:a`.

use super::scalar::clamp;
use super::{Form, OPERATIONS, Operation, Written, found, operate, relation, signed};
use crate::alu::Found;
use crate::alu::words::Words;

/// What is computed in each lane: one of [`OPERATIONS`], and behind those vset's relations. A form's word holds all but that and the
/// number of lanes: two signs, two bits of [`Finish`], four of mask, and three for each lane that `a` and `b` select.
struct Simd<const CODE: usize, const FOUR: bool>;

/// What is done with the lanes.
#[derive(Clone, Copy, PartialEq)]
enum Finish {
    /// Merged with those of `c`.
    Merge,
    /// Limited as unsigned numbers, then merged.
    LimitUnsigned,
    /// Limited as signed numbers, then merged.
    LimitSigned,
    /// Added to `c`.
    Sum,
}

impl<const CODE: usize, const FOUR: bool> Form for Simd<CODE, FOUR> {
    fn word(control: u32, a: u32, b: u32, c: u32) -> u32 {
        simd(CODE, FOUR, control, a, b, c)
    }
}

fn simd(code: usize, four: bool, form: u32, a: u32, b: u32, c: u32) -> u32 {
    let (lanes, bits) = if four { (4, 8) } else { (2, 16) };
    let (operation, relation) = match code.checked_sub(OPERATIONS.len()) {
        Some(relation) => (Operation::Set, relation as u32),
        None => (OPERATIONS[code], 0),
    };
    let finish = [Finish::Merge, Finish::LimitUnsigned, Finish::LimitSigned, Finish::Sum][(form >> 2 & 3) as usize];
    let both = (b as u64) << 32 | a as u64;
    let select = |at: u32, signed: bool| {
        let raised = (both >> (bits * (form >> at & 7))) << (64 - bits);
        if signed { (raised as i64 >> (64 - bits)) as i128 } else { (raised >> (64 - bits)) as i128 }
    };
    let mut result = if finish == Finish::Sum { c } else { 0 };
    for lane in 0..lanes {
        let place = ((1u32 << bits) - 1) << (bits * lane);
        if form >> (4 + lane) & 1 == 0 {
            result |= if finish == Finish::Sum { 0 } else { c & place };
            continue;
        }
        let value =
            operate(operation, relation, select(8 + 3 * lane, form & 1 != 0), select(20 + 3 * lane, form & 2 != 0));
        match finish {
            Finish::Sum => result = result.wrapping_add(value as u32),
            Finish::Merge => result |= (value as u32) << (bits * lane) & place,
            Finish::LimitUnsigned => result |= (clamp(value, bits, false) as u32) << (bits * lane) & place,
            Finish::LimitSigned => result |= (clamp(value, bits, true) as u32) << (bits * lane) & place,
        }
    }
    result
}

/// The digits of a selector, lane 0's first: `h10` has 0, 1.
fn digits(selector: &str, letter: char, most: u32) -> Option<Vec<u32>> {
    let digits = selector.strip_prefix(letter)?;
    digits.chars().rev().map(|digit| digit.to_digit(10).filter(|&digit| digit <= most)).collect()
}

/// What each lane selects, three bits each.
fn selectors(operand: Written, default: u32, lanes: usize) -> Option<u32> {
    let letter = if lanes == 4 { 'b' } else { 'h' };
    let chosen = if operand.selector.is_empty() {
        (default..default + lanes as u32).collect()
    } else {
        digits(operand.selector, letter, 2 * lanes as u32 - 1)?
    };
    (chosen.len() == lanes).then(|| chosen.iter().enumerate().fold(0, |all, (lane, digit)| all | digit << (3 * lane)))
}

/// A bit for each lane that is written; digits descend.
fn mask(operand: Written, lanes: usize) -> Option<u32> {
    if operand.selector.is_empty() {
        return Some((1 << lanes) - 1);
    }
    let letter = if lanes == 4 { 'b' } else { 'h' };
    let chosen = digits(operand.selector, letter, lanes as u32 - 1)?;
    (!chosen.is_empty() && chosen.is_sorted_by(|a, b| a < b))
        .then(|| chosen.iter().fold(0, |all, digit| all | 1 << digit))
}

/// `found` for a code that is known only now.
macro_rules! by_code {
    ($code:expr, $four:expr, $control:expr, $($known:literal)*) => {
        match ($code, $four) {
            $(($known, false) => Some(found::<Simd<$known, false>>(4, $control)),
            ($known, true) => Some(found::<Simd<$known, true>>(4, $control)),)*
            _ => None,
        }
    };
}

pub fn find(operation: Operation, lanes: usize, mut words: Words, operands: &[Written]) -> Option<Found> {
    let set = operation == Operation::Set;
    let signed_d = if set { false } else { signed(&mut words)? };
    let (signed_a, signed_b) = (signed(&mut words)?, signed(&mut words)?);
    let code = if set { OPERATIONS.len() + relation(&mut words)? as usize } else { operation as usize };
    let sat = !set && words.flag("sat");
    let sum = !sat && words.flag("add");
    let &[d, a, b, c] = operands else { return None };
    if !words.done() || !c.selector.is_empty() {
        return None;
    }
    let finish = match (sat, sum, signed_d) {
        (true, _, false) => Finish::LimitUnsigned,
        (true, _, true) => Finish::LimitSigned,
        (_, true, _) => Finish::Sum,
        _ => Finish::Merge,
    };
    let signs = signed_a as u32 | (signed_b as u32) << 1;
    let chosen = selectors(a, 0, lanes)? << 8 | selectors(b, lanes as u32, lanes)? << 20;
    let control = signs | (finish as u32) << 2 | mask(d, lanes)? << 4 | chosen;
    by_code!(code, lanes == 4, control, 0 1 2 3 4 5 9 10 11 12 13 14)
}
