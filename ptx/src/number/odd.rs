//! Results rounded to odd: what lies between two numbers goes to the one whose last bit is 1. Rounding such a result again, to
//! at least two bits fewer, in any mode, gives what rounding the exact result would have given.

/// `a + b` in f64, rounded to odd. Exact sums and errors must not overflow: sums of products of f32 do not.
#[inline(always)]
pub fn add64(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let part = sum - a;
    let error = (a - (sum - part)) + (b - part);
    // Infinite or NaN operands give a NaN error, which counts as none.
    let inexact = error.abs() > 0.0;
    let outside = inexact & ((error < 0.0) == (sum > 0.0));
    f64::from_bits(sum.to_bits().wrapping_sub(outside as u64) | inexact as u64)
}

/// `a + b` in f32, rounded to odd, where neither overflows.
#[inline(always)]
pub fn add32(a: f32, b: f32) -> f32 {
    let sum = a + b;
    let part = sum - a;
    let error = (a - (sum - part)) + (b - part);
    let inexact = error.abs() > 0.0;
    let outside = inexact & ((error < 0.0) == (sum > 0.0));
    f32::from_bits(sum.to_bits().wrapping_sub(outside as u32) | inexact as u32)
}

/// An f64 as f32, rounded to odd. What is too large becomes the largest f32, as that is odd.
#[inline(always)]
pub fn narrow(value: f64) -> f32 {
    let near = value as f32;
    let back = near as f64;
    let inexact = (back != value) & !value.is_nan();
    let outside = back.abs() > value.abs();
    f32::from_bits(near.to_bits().wrapping_sub(outside as u32) | inexact as u32)
}
