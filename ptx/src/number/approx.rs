//! The approximations of section 9.7.3, within its bounds and with its special results. They are computed in f64 without fused
//! operations, so that all processors give the same bits.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, LN_2, LOG2_E};

/// Adding it leaves an integer in the low bits of a sum that is not too large.
const SHIFTER: f64 = 6_755_399_441_055_744.0;

/// div.approx: within 2 ulp where `b` is up to 2^126; a larger one gives 0, and NaN for an infinite `a`.
#[inline(always)]
pub fn div(a: f32, b: f32) -> f32 {
    let large = b.abs() > f32::from_bits((127 + 126) << 23) && b.is_finite();
    let zero = a * 0.0f32.copysign(b);
    if large { zero } else { a / b }
}

/// rsqrt.approx: relative error below 2^-22.9.
#[inline(always)]
pub fn rsqrt(a: f32) -> f32 {
    (1.0 / (a as f64).sqrt()) as f32
}

/// `2^a`, within a relative error of 2^-27, for `a` from -1000 to 1000.
#[inline(always)]
fn exp2(a: f64) -> f64 {
    let shifted = a + SHIFTER;
    let x = (a - (shifted - SHIFTER)) * LN_2;
    let series = 1.0
        + x * (1.0
            + x * (1.0 / 2.0
                + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x / 5040.0))))));
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    series * scale
}

/// ex2.approx: within 2 ulp.
#[inline(always)]
pub fn ex2(a: f32) -> f32 {
    let limited = a.clamp(-200.0, 200.0);
    if a.is_nan() { a } else { exp2(limited as f64) as f32 }
}

/// lg2.approx: absolute error below 2^-22 from 0.5 to 2, relative error below 2^-22 elsewhere.
#[inline(always)]
pub fn lg2(a: f32) -> f32 {
    let bits = (a as f64).to_bits();
    // Halves of the significand's range around 1: from 0.707 to 1.414.
    const LEAST: u64 = 0x3fe6_a09e_0000_0000;
    let exponent = (bits.wrapping_sub(LEAST) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((exponent as u64) << 52));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = s * (2.0 + z * (2.0 / 3.0 + z * (2.0 / 5.0 + z * (2.0 / 7.0 + z * (2.0 / 9.0 + z * (2.0 / 11.0))))));
    // To f64 by way of an i32, for which every processor has the instruction.
    let result = (exponent as i32 as f64 + series * LOG2_E) as f32;
    let special = if a == 0.0 {
        f32::NEG_INFINITY
    } else if a > 0.0 {
        f32::INFINITY
    } else {
        f32::NAN
    };
    if a > 0.0 && a < f32::INFINITY { result } else { special }
}

/// The sine of `a` plus `quarters` right angles.
#[inline(always)]
fn sine(a: f32, quarters: u64) -> f32 {
    let shifted = a as f64 * FRAC_2_PI + SHIFTER;
    let rest = a as f64 - (shifted - SHIFTER) * FRAC_PI_2;
    // A huge angle leaves no meaningful rest ("best effort only"), but the result is to be a sine.
    let x = rest.clamp(-1.0, 1.0);
    let z = x * x;
    let sin = x * (1.0 + z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z * (1.0 / 362_880.0)))));
    let cos = 1.0
        + z * (-1.0 / 2.0 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40_320.0 + z * (-1.0 / 3_628_800.0)))));
    let quarter = shifted.to_bits().wrapping_add(quarters);
    let value = if quarter & 1 != 0 { cos } else { sin };
    f64::from_bits(value.to_bits() ^ (quarter & 2) << 62) as f32
}

/// sin.approx: absolute error below 2^-20.5 within two turns, below 2^-14.7 within fifty.
#[inline(always)]
pub fn sin(a: f32) -> f32 {
    sine(a, 0)
}

/// cos.approx: as [`sin`].
#[inline(always)]
pub fn cos(a: f32) -> f32 {
    sine(a, 1)
}

/// tanh.approx: relative error below 2^-11.
#[inline(always)]
pub fn tanh(a: f32) -> f32 {
    let x = a as f64;
    let limited = x.clamp(-20.0, 20.0);
    let e = exp2(limited * (2.0 * LOG2_E));
    let far = (e - 1.0) / (e + 1.0);
    let near = x * (1.0 - x * x * (1.0 / 3.0 - x * x * (2.0 / 15.0)));
    if x.abs() < 0.0625 { near as f32 } else { far as f32 }
}

/// rcp.approx.ftz.f64: from the upper half of `a`, to the upper half of the result; NaN is 0x7fffffff00000000.
#[inline(always)]
pub fn rcp64(a: u64) -> u64 {
    upper(a, |x| 1.0 / x)
}

/// rsqrt.approx.ftz.f64: as [`rcp64`].
#[inline(always)]
pub fn rsqrt64(a: u64) -> u64 {
    upper(a, |x| 1.0 / x.sqrt())
}

#[inline(always)]
fn upper(a: u64, operation: impl Fn(f64) -> f64) -> u64 {
    let flush = |bits: u64| if bits & 0x7ff0_0000_0000_0000 == 0 { bits & 1 << 63 } else { bits };
    // NaN is told from all of `a`: its upper half alone may be that of an infinity.
    let result = operation(f64::from_bits(flush(a & 0xffff_ffff_0000_0000)));
    let cut = flush(result.to_bits() & 0xffff_ffff_0000_0000);
    if result.is_nan() || f64::from_bits(a).is_nan() { 0x7fff_ffff_0000_0000 } else { cut }
}
