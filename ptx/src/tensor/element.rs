//! Elements of matrices: their names, sizes and values.

use super::Lanes;
use crate::lane::Width;
use crate::number::half;

/// The type of a matrix's elements (5.2 Types, 9.7.14.2 Matrix Data-types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    F64,
    F32,
    /// In a word whose 13 low bits are not looked at.
    Tf32,
    F16,
    Bf16,
    E4m3,
    E5m2,
    S32,
    S8,
    U8,
    S4,
    U4,
    B1,
}

impl Element {
    /// The type written `name`, without its dot.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "f64" => Element::F64,
            "f32" => Element::F32,
            "tf32" => Element::Tf32,
            "f16" => Element::F16,
            "bf16" => Element::Bf16,
            "e4m3" => Element::E4m3,
            "e5m2" => Element::E5m2,
            "s32" => Element::S32,
            "s8" => Element::S8,
            "u8" => Element::U8,
            "s4" => Element::S4,
            "u4" => Element::U4,
            "b1" => Element::B1,
            _ => return None,
        })
    }

    /// Bits that an element takes in a register and in memory.
    pub const fn bits(self) -> usize {
        match self {
            Element::F64 => 64,
            Element::F32 | Element::Tf32 | Element::S32 => 32,
            Element::F16 | Element::Bf16 => 16,
            Element::E4m3 | Element::E5m2 | Element::S8 | Element::U8 => 8,
            Element::S4 | Element::U4 => 4,
            Element::B1 => 1,
        }
    }

    /// Elements that a lane's register holds: of 64-bit ones one, of others as many as fill 32 bits.
    pub const fn per_register(self) -> usize {
        if self.bits() > 32 { 1 } else { 32 / self.bits() }
    }

    /// The width of the registers that hold elements.
    pub const fn width(self) -> Width {
        if self.bits() == 64 { Width::B64 } else { Width::B32 }
    }

    /// Writes the elements of registers as f32, exactly: element `i` of register `r` to `out[r * per_register + i]`, a lane
    /// each. Only of floats of 32 bits and fewer.
    #[inline(always)]
    pub(super) fn floats(self, registers: &[Lanes], out: &mut [[f32; 32]]) {
        match self {
            Element::F16 => planes(registers, out, 16, f16_to_f32),
            Element::Bf16 => planes(registers, out, 16, bf16_to_f32),
            Element::E4m3 => planes(registers, out, 8, e4m3_to_f32),
            Element::E5m2 => planes(registers, out, 8, e5m2_to_f32),
            Element::Tf32 => planes(registers, out, 32, tf32_to_f32),
            Element::F32 => planes(registers, out, 32, f32::from_bits),
            _ => unreachable!("elements of type {self:?} are no floats of 32 bits"),
        }
    }

    /// Writes the elements of registers as integers of 32 bits (in two's complement), as [`Element::floats`] does.
    #[inline(always)]
    pub(super) fn integers(self, registers: &[Lanes], out: &mut [[u32; 32]]) {
        match self {
            Element::S8 => planes(registers, out, 8, |bits| bits as u8 as i8 as u32),
            Element::U8 => planes(registers, out, 8, |bits| bits & 0xff),
            Element::S4 => planes(registers, out, 4, |bits| (((bits << 28) as i32) >> 28) as u32),
            Element::U4 => planes(registers, out, 4, |bits| bits & 0xf),
            _ => unreachable!("elements of type {self:?} are no integers of 8 or 4 bits"),
        }
    }
}

/// Writes the elements of consecutive words as f32, exactly, in the order of memory: floats of 32 bits and fewer, integers
/// of 8 bits.
#[inline(always)]
pub(super) fn numbers(element: Element, words: &[u32], out: &mut [f32]) {
    match element {
        Element::F16 => in_order::<2>(words, out, f16_to_f32),
        Element::Bf16 => in_order::<2>(words, out, bf16_to_f32),
        Element::E4m3 => in_order::<4>(words, out, e4m3_to_f32),
        Element::E5m2 => in_order::<4>(words, out, e5m2_to_f32),
        Element::Tf32 => in_order::<1>(words, out, tf32_to_f32),
        Element::S8 => in_order::<4>(words, out, |bits| f32::from(bits as u8 as i8)),
        Element::U8 => in_order::<4>(words, out, |bits| f32::from(bits as u8)),
        _ => unreachable!("elements of type {element:?} are no factors that f32 holds"),
    }
}

#[inline(always)]
fn in_order<const PER: usize>(words: &[u32], out: &mut [f32], value: impl Fn(u32) -> f32) {
    for (word, out) in words.iter().zip(out.chunks_exact_mut(PER)) {
        for (index, element) in out.iter_mut().enumerate() {
            *element = value(word >> (index * (32 / PER)));
        }
    }
}

/// One plane of 32 lanes for each element of a register: bits above the element are `value`'s to drop.
#[inline(always)]
fn planes<T: Copy>(registers: &[Lanes], out: &mut [[T; 32]], bits: usize, value: impl Fn(u32) -> T) {
    for (register, out) in registers.iter().zip(out.chunks_exact_mut(32 / bits)) {
        for (index, plane) in out.iter_mut().enumerate() {
            for (element, word) in plane.iter_mut().zip(register) {
                *element = value(word >> (index * bits));
            }
        }
    }
}

/// The value of the f16 in the low 16 bits, exactly.
#[inline(always)]
pub fn f16_to_f32(bits: u32) -> f32 {
    half::from_f16(bits as u16)
}

/// The value of the bf16 in the low 16 bits.
#[inline(always)]
pub fn bf16_to_f32(bits: u32) -> f32 {
    half::from_bf16(bits as u16)
}

/// The value of a tf32: an f32 whose 13 low bits count as zero, so that a NaN that lies in those alone is an infinity.
#[inline(always)]
pub fn tf32_to_f32(bits: u32) -> f32 {
    f32::from_bits(bits & !0x1fff)
}

/// The value of the e4m3 in the low 8 bits, exactly: no infinities, NaN when all bits but the sign are set.
#[inline(always)]
pub fn e4m3_to_f32(bits: u32) -> f32 {
    let magnitude = f32::from_bits((bits & 0x7f) << 20) * f32::from_bits((127 + 120) << 23);
    let nan = if bits & 0x7f == 0x7f { 0x7fc0_0000 } else { 0 };
    f32::from_bits(magnitude.to_bits() | nan | (bits & 0x80) << 24)
}

/// The value of the e5m2 in the low 8 bits, exactly: the upper half of an f16.
#[inline(always)]
pub fn e5m2_to_f32(bits: u32) -> f32 {
    f16_to_f32((bits & 0xff) << 8)
}

/// The f16 nearest to a value, ties to even, in the low 16 bits; NaN is 0x7fff.
#[inline(always)]
pub fn f32_to_f16(value: f32) -> u32 {
    half::to_f16(value).into()
}

/// The bits of an f32 result, each NaN as the one that instructions give: 0x7fffffff.
#[inline(always)]
pub fn f32_bits(value: f32) -> u32 {
    if value.is_nan() { 0x7fff_ffff } else { value.to_bits() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that sign, exponent and fraction spell, in f64: none if it is not finite.
    fn spelled(bits: u32, exponent: u32, fraction: u32, bias: i32) -> f64 {
        let part = f64::from(bits & ((1 << fraction) - 1)) / f64::from(1u32 << fraction);
        let power = (bits >> fraction & ((1 << exponent) - 1)) as i32;
        let value = if power == 0 { part * 2f64.powi(1 - bias) } else { (1.0 + part) * 2f64.powi(power - bias) };
        if bits >> (exponent + fraction) & 1 == 1 { -value } else { value }
    }

    #[test]
    fn small_floats_are_what_their_bits_spell() {
        for bits in 0..1u32 << 16 {
            let half = f64::from(f16_to_f32(bits | 0xabcd_0000));
            match (bits >> 10 & 31, bits & 0x3ff) {
                (31, 0) => assert_eq!(half, if bits >> 15 == 1 { f64::NEG_INFINITY } else { f64::INFINITY }),
                (31, _) => assert!(half.is_nan()),
                _ => assert_eq!(half.to_bits(), spelled(bits, 5, 10, 15).to_bits(), "f16 {bits:#x}"),
            }
        }
        for bits in 0..1u32 << 8 {
            let value = f64::from(e4m3_to_f32(bits | 0xffff_ff00));
            if bits & 0x7f == 0x7f {
                assert!(value.is_nan());
            } else {
                assert_eq!(value.to_bits(), spelled(bits, 4, 3, 7).to_bits(), "e4m3 {bits:#x}");
            }
            let value = f64::from(e5m2_to_f32(bits | 0xffff_ff00));
            if bits & 0x7c != 0x7c {
                assert_eq!(value.to_bits(), spelled(bits, 5, 2, 15).to_bits(), "e5m2 {bits:#x}");
            }
        }
        assert_eq!(e4m3_to_f32(0x7e), 448.0);
        assert_eq!(e5m2_to_f32(0x7b), 57344.0);
        assert_eq!(e5m2_to_f32(0xfc), f32::NEG_INFINITY);
        assert!(e5m2_to_f32(0x7d).is_nan());
        assert_eq!(tf32_to_f32(0x3f80_1fff), 1.0);
        assert_eq!(bf16_to_f32(0xdead_c049), -3.140625);
    }

    #[test]
    fn f16_is_the_nearest_ties_to_even() {
        for bits in (0..0x7c00u32).filter(|bits| bits % 7 == 0 || *bits > 0x7be0 || *bits < 0x420) {
            let (here, next) = (f16_to_f32(bits), if bits == 0x7bff { 65536.0 } else { f16_to_f32(bits + 1) });
            let middle = (here + next) / 2.0;
            assert_eq!(f32_to_f16(here), bits);
            assert_eq!(f32_to_f16(f32::from_bits(middle.to_bits() - 1)), bits);
            assert_eq!(f32_to_f16(f32::from_bits(middle.to_bits() + 1)), bits + 1);
            assert_eq!(f32_to_f16(-middle), 0x8000 | (bits + bits % 2));
        }
        assert_eq!(f32_to_f16(f32::INFINITY), 0x7c00);
        assert_eq!(f32_to_f16(-f32::MAX), 0xfc00);
        assert_eq!(f32_to_f16(-f32::NAN), 0x7fff);
        assert_eq!(f32_to_f16(-0.0), 0x8000);
    }
}
