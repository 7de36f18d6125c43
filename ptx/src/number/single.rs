//! f32 (section 9.7.3). Rounding other than to nearest goes by way of f64, in which products of two f32 are exact.

use super::odd;
use super::round::{Mode, Round};

/// `near` moved to its neighbour where `M` asks for it: `below` says that the exact result is less, `above` that it is more.
#[inline(always)]
fn settle<M: Mode>(near: f32, below: bool, above: bool) -> f32 {
    let bits = near.to_bits();
    let negative = bits >> 31 != 0;
    let (down, up) = match M::ROUND {
        Round::Nearest | Round::Away => (false, false),
        Round::Zero => (below & !negative, above & negative),
        Round::Down => (below, false),
        Round::Up => (false, above),
    };
    let lower = if negative {
        bits.wrapping_add(1)
    } else if bits == 0 {
        0x8000_0001
    } else {
        bits - 1
    };
    let higher = if bits == 0x8000_0000 {
        1
    } else if negative {
        bits - 1
    } else {
        bits + 1
    };
    f32::from_bits(if down {
        lower
    } else if up {
        higher
    } else {
        bits
    })
}

/// f64 to f32, rounded by `M`.
#[inline(always)]
pub fn narrow<M: Mode>(value: f64) -> f32 {
    let near = value as f32;
    settle::<M>(near, near as f64 > value, (near as f64) < value)
}

/// The zero that a sum of `a` and `b` is: rounded down, it is negative unless both are positive zeros (IEEE 754, 6.3).
#[inline(always)]
fn zero_sum<M: Mode>(sum: f64, a: f64, b: f64) -> f64 {
    if M::ROUND == Round::Down && sum == 0.0 && (a.to_bits() | b.to_bits()) != 0 { -0.0 } else { sum }
}

/// `a + b`.
#[inline(always)]
pub fn add<M: Mode>(a: f32, b: f32) -> f32 {
    if M::ROUND == Round::Nearest {
        return a + b;
    }
    let (a, b) = (a as f64, b as f64);
    narrow::<M>(zero_sum::<M>(odd::add64(a, b), a, b))
}

/// `a * b`.
#[inline(always)]
pub fn mul<M: Mode>(a: f32, b: f32) -> f32 {
    if M::ROUND == Round::Nearest { a * b } else { narrow::<M>(a as f64 * b as f64) }
}

/// `a * b + c`, rounded once. `FUSED` says that the processor has the instruction.
#[inline(always)]
pub fn fma<M: Mode, const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if M::ROUND == Round::Nearest && FUSED {
        return a.mul_add(b, c);
    }
    let (product, c) = (a as f64 * b as f64, c as f64);
    narrow::<M>(zero_sum::<M>(odd::add64(product, c), product, c))
}

/// `a / b`.
#[inline(always)]
pub fn div<M: Mode>(a: f32, b: f32) -> f32 {
    let near = a / b;
    // The remainder's sign says on which side the exact quotient lies. By zero or infinity there is none: zero times infinity, which
    // compares with nothing.
    let back = near as f64 * b as f64;
    let (less, more) = (back > a as f64, back < a as f64);
    let flip = b.is_sign_negative();
    settle::<M>(near, if flip { more } else { less }, if flip { less } else { more })
}

/// The square root of `a`.
#[inline(always)]
pub fn sqrt<M: Mode>(a: f32) -> f32 {
    let near = a.sqrt();
    let back = near as f64 * near as f64;
    settle::<M>(near, back > a as f64, back < a as f64)
}

/// `.sat`: limited to 0 to 1; NaN gives 0.
#[inline(always)]
pub fn saturate(a: f32) -> f32 {
    // Negative zero becomes positive; a comparison with NaN is false.
    let positive = if a > 0.0 { a } else { 0.0 };
    if positive < 1.0 { positive } else { 1.0 }
}

/// `.relu`: negative numbers become 0; NaN stays.
#[inline(always)]
pub fn relu(a: f32) -> f32 {
    if a <= 0.0 { 0.0 } else { a }
}

/// The smaller of two; a NaN gives way to a number unless `NAN`. Negative zero is less than positive zero.
#[inline(always)]
pub fn min<const NAN: bool>(a: f32, b: f32) -> f32 {
    let smaller = if a < b { a } else { b };
    let ordered = if a == b { f32::from_bits(a.to_bits() | b.to_bits()) } else { smaller };
    one_nan::<NAN>(a, b, ordered)
}

/// The larger of two; a NaN gives way to a number unless `NAN`. Negative zero is less than positive zero.
#[inline(always)]
pub fn max<const NAN: bool>(a: f32, b: f32) -> f32 {
    let larger = if a > b { a } else { b };
    let ordered = if a == b { f32::from_bits(a.to_bits() & b.to_bits()) } else { larger };
    one_nan::<NAN>(a, b, ordered)
}

#[inline(always)]
fn one_nan<const NAN: bool>(a: f32, b: f32, ordered: f32) -> f32 {
    let (first, second) = if NAN { (a, b) } else { (b, a) };
    if a.is_nan() {
        first
    } else if b.is_nan() {
        second
    } else {
        ordered
    }
}

/// Cut to an i32; what is too large is limited, NaN gives 0.
#[inline(always)]
pub fn cut_s32(a: f32) -> i32 {
    // By way of f64, which has both limits.
    let limited = (a as f64).clamp(i32::MIN as f64, i32::MAX as f64);
    let number = if a.is_nan() { 0.0 } else { limited };
    // SAFETY: it is within the limits.
    unsafe { number.to_int_unchecked() }
}

/// Cut to a u32; what is too large or negative is limited, NaN gives 0.
#[inline(always)]
pub fn cut_u32(a: f32) -> u32 {
    const LIMIT: f32 = 4_294_967_296.0;
    let inside = if a > 0.0 && a < LIMIT { a } else { 0.0 };
    // SAFETY: it is from 0 to 2^32.
    let cut: u32 = unsafe { inside.to_int_unchecked() };
    if a >= LIMIT { u32::MAX } else { cut }
}
