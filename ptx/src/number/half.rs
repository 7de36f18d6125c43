//! f16 and bf16 (section 9.7.4): their values as f32, and f32 rounded to them. Free of branches, so that compilers make vectors of it.

use super::odd;

/// What tensor copies may fill what lies outside of a tensor with: the "OOB-NaN" of f16 and bf16, which `fma.oob` takes for zero.
/// The manual does not say which NaN that is; this is none that anything computes.
pub const OUTSIDE: u16 = 0x7ffe;

/// `a * b + c` of f16, rounded to odd in f32: the product of two is exact there.
#[inline(always)]
pub fn fma_f16(a: f32, b: f32, c: f32) -> f32 {
    odd::add32(a * b, c)
}

/// `a * b + c` of bf16, rounded to odd in f32.
#[inline(always)]
pub fn fma_bf16(a: f32, b: f32, c: f32) -> f32 {
    odd::narrow(odd::add64(a as f64 * b as f64, c as f64))
}

/// The value of an f16.
#[inline(always)]
pub fn from_f16(bits: u16) -> f32 {
    let sign = ((bits & 0x8000) as u32) << 16;
    let magnitude = ((bits & 0x7fff) as u32) << 13;
    // As f32 the exponent lacks 112 of its bias; the multiplication makes subnormals normal, too.
    let finite = (f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23)).to_bits();
    let special = magnitude | 0x7f80_0000;
    f32::from_bits(sign | if bits & 0x7c00 == 0x7c00 { special } else { finite })
}

/// Rounded to the nearest even f16; NaN becomes the canonical 0x7fff.
#[inline(always)]
pub fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let rounded = magnitude.wrapping_add(0xfff + (magnitude >> 13 & 1));
    let normal = (rounded >> 13).wrapping_sub(112 << 10).min(0x7c00);
    // The last place of a number from 0.5 to 1 is that of subnormal f16.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let finite = if magnitude < 0x3880_0000 { subnormal } else { normal };
    let sign = (bits >> 16 & 0x8000) as u16;
    if value.is_nan() { 0x7fff } else { sign | finite as u16 }
}

/// The value of a bf16.
#[inline(always)]
pub fn from_bf16(bits: u16) -> f32 {
    f32::from_bits((bits as u32) << 16)
}

/// Rounded to the nearest even bf16; NaN becomes the canonical 0x7fff.
#[inline(always)]
pub fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    // A mask, as compilers make branches of choices.
    let nan = (value.is_nan() as u32).wrapping_neg();
    (rounded & !nan | 0x7fff & nan) as u16
}
