//! f64 (section 9.7.3): to nearest by the processor, otherwise in integers, as an error term may be too small for f64.

use super::exact;
use super::round::{Mode, Round};
use super::soft::{self, F64, Value};

#[inline(always)]
fn soft2<M: Mode>(a: f64, b: f64, operation: fn(Value, Value, Round) -> Value) -> f64 {
    let result = operation(soft::decode(F64, a.to_bits()), soft::decode(F64, b.to_bits()), M::ROUND);
    f64::from_bits(soft::encode(F64, M::ROUND, result))
}

/// `a + b`.
#[inline(always)]
pub fn add<M: Mode>(a: f64, b: f64) -> f64 {
    if M::ROUND == Round::Nearest { a + b } else { soft2::<M>(a, b, exact::add) }
}

/// `a * b`.
#[inline(always)]
pub fn mul<M: Mode>(a: f64, b: f64) -> f64 {
    if M::ROUND == Round::Nearest { a * b } else { soft2::<M>(a, b, |a, b, _| exact::mul(a, b)) }
}

/// `a / b`.
#[inline(always)]
pub fn div<M: Mode>(a: f64, b: f64) -> f64 {
    if M::ROUND == Round::Nearest { a / b } else { soft2::<M>(a, b, |a, b, _| exact::div(a, b)) }
}

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma<M: Mode>(a: f64, b: f64, c: f64) -> f64 {
    if M::ROUND == Round::Nearest {
        return a.mul_add(b, c);
    }
    let product = exact::mul(soft::decode(F64, a.to_bits()), soft::decode(F64, b.to_bits()));
    let sum = exact::add(product, soft::decode(F64, c.to_bits()), M::ROUND);
    f64::from_bits(soft::encode(F64, M::ROUND, sum))
}

/// The square root of `a`.
#[inline(always)]
pub fn sqrt<M: Mode>(a: f64) -> f64 {
    if M::ROUND == Round::Nearest {
        return a.sqrt();
    }
    f64::from_bits(soft::encode(F64, M::ROUND, exact::sqrt(soft::decode(F64, a.to_bits()))))
}

/// The smaller of two; a NaN gives way to a number. Negative zero is less than positive zero.
#[inline(always)]
pub fn min(a: f64, b: f64) -> f64 {
    let smaller = if a < b { a } else { b };
    let ordered = if a == b { f64::from_bits(a.to_bits() | b.to_bits()) } else { smaller };
    if a.is_nan() {
        b
    } else if b.is_nan() {
        a
    } else {
        ordered
    }
}

/// The larger of two; a NaN gives way to a number. Negative zero is less than positive zero.
#[inline(always)]
pub fn max(a: f64, b: f64) -> f64 {
    let larger = if a > b { a } else { b };
    let ordered = if a == b { f64::from_bits(a.to_bits() & b.to_bits()) } else { larger };
    if a.is_nan() {
        b
    } else if b.is_nan() {
        a
    } else {
        ordered
    }
}
