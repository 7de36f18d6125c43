//! Conversions (section 9.7.9.21, cvt) of two numbers at once, conversions to tf32, and cvt.pack (9.7.9.22).

use super::convert::{pack_manner, unpack_manner};
use super::half::Small;
use super::kind::{Bf16, F16, F32, Kind, Lanes, S32, U32, lanes};
use super::level::{Level, Run, best, plain};
use super::run::{halves, one, slot, three_plain, two_plain};
use super::table::{binary, ternary, unary};
use super::{Asked, Found, vector};
use crate::lane::{LANES, Operands, Place, Slot, Width};
use crate::number::convert::{Manner, output, power};
use crate::number::round::Round;
use crate::number::single;
use crate::number::soft::{self, BF16, E2M1, E2M3, E3M2, E4M3, E5M2, F16 as HALF, Format, TF32};
use std::marker::PhantomData;

unary! {
    // The place that is rounded to is bit 13; infinities and NaN have none below. A NaN becomes the canonical one of tf32.
    Tf32Away: (F32<false>) -> U32 = |a| tf32(a, 0x1000);
    Tf32Near: (F32<false>) -> U32 = |a| tf32(a, 0xfff + (a.to_bits() >> 13 & 1));
}

#[inline(always)]
fn tf32(a: f32, half: u32) -> u32 {
    if a.is_nan() { 0x7fff_e000 } else { a.to_bits().wrapping_add(half) & 0xffff_e000 }
}

/// Two f32 to two 16-bit numbers, `a` above.
struct Two<K, const RELU: bool>(PhantomData<K>);

/// The patterns of one of the two.
///
/// # Safety
/// As [`Kind::read`].
#[inline(always)]
unsafe fn rounded<L: Level, K: Small, const RELU: bool>(words: *const u32, offset: u32, chunk: usize) -> Lanes<u32> {
    // SAFETY: the caller's promise.
    let cells = unsafe { F32::<false>::read::<L>(words, offset, chunk) };
    K::round::<L>(lanes::<L, _>(|i| {
        let value = f32::from_bits(cells[i]);
        K::encode(if RELU { single::relu(value) } else { value })
    }))
}

impl<K: Small, const RELU: bool> Run for Two<K, RELU> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let high = rounded::<L, K, RELU>(words, o.a, chunk);
                let low = rounded::<L, K, RELU>(words, o.b, chunk);
                vector::write32::<L>(words, o.d, chunk, mask, lanes::<L, _>(|i| high[i] << 16 | low[i]));
            }
        }
    }
}

/// Formats of which there are several in a register.
#[derive(Clone, Copy, PartialEq)]
enum Packed {
    Float(Format),
    /// Powers of two.
    Ue8m0,
}

/// By name, with the bits that each takes in a register.
const PACKED: [(&str, (Packed, u32)); 8] = [
    ("f16x2", (Packed::Float(HALF), 16)),
    ("bf16x2", (Packed::Float(BF16), 16)),
    ("e4m3x2", (Packed::Float(E4M3), 8)),
    ("e5m2x2", (Packed::Float(E5M2), 8)),
    ("e2m3x2", (Packed::Float(E2M3), 8)),
    ("e3m2x2", (Packed::Float(E3M2), 8)),
    ("e2m1x2", (Packed::Float(E2M1), 4)),
    ("ue8m0x2", (Packed::Ue8m0, 8)),
];

/// [`Operands::control`] of [`Any`]: where in [`PACKED`] the types are, eight for f32 and, as a result alone, nine for tf32.
const F32_AT: u32 = 8;
const TF32_AT: u32 = 9;

/// Any conversion of two numbers, or of one to tf32.
struct Any;

impl Run for Any {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let (to, from) = (o.control & 15, o.control >> 4 & 15);
        let manner = unpack_manner(o.control >> 8);
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: all registers have words of 32 bits.
            unsafe {
                let (a, b) = (*words.add(o.a as usize + lane), *words.add(o.b as usize + lane));
                *words.add(o.d as usize + lane) = if to == TF32_AT {
                    (output(TF32, manner, soft::decode(soft::F32, a as u64)) << 13) as u32
                } else {
                    two(to, from, manner, a, b)
                };
            }
        }
    }
}

/// Two numbers in f32 `a` and `b`, or both in `a`, to two, the first above.
fn two(to: u32, from: u32, manner: Manner, a: u32, b: u32) -> u32 {
    let values = if from == F32_AT {
        [a, b].map(|bits| soft::decode(soft::F32, bits as u64))
    } else {
        let (packed, bits) = PACKED[from as usize].1;
        [a >> bits, a].map(|word| {
            let word = (word & ((1u32 << bits) - 1)) as u64;
            match packed {
                Packed::Float(format) => soft::decode(format, word & ((1 << format.bits()) - 1)),
                // 2^-127 is no normal bf16, but it is one of its numbers.
                Packed::Ue8m0 if word == 0xff => soft::Value::Nan,
                Packed::Ue8m0 => soft::Value::Finite { negative: false, exponent: word as i32 - 127, significand: 1 },
            }
        })
    };
    let (packed, bits) = PACKED[to as usize].1;
    let [high, low] = values.map(|value| match packed {
        Packed::Float(format) => output(format, manner, value) as u32,
        Packed::Ue8m0 => power(manner.round, manner.satfinite, value) as u32,
    });
    high << bits | low
}

binary! {
    PackU16: (S32, S32) -> U32 = |a, b| packed(a, b, 0, 65_535, 16);
    PackS16: (S32, S32) -> U32 = |a, b| packed(a, b, -32_768, 32_767, 16);
}

ternary! {
    PackU8: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, 0, 255, 8) | c << 16;
    PackS8: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, -128, 127, 8) | c << 16;
    PackU4: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, 0, 15, 4) | c << 8;
    PackS4: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, -8, 7, 4) | c << 8;
    PackU2: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, 0, 3, 2) | c << 4;
    PackS2: (S32, S32, U32) -> U32 = |a, b, c| packed(a, b, -2, 1, 2) | c << 4;
}

/// `a` and, below, `b`, limited and cut to some bits.
#[inline(always)]
fn packed(a: i32, b: i32, least: i32, most: i32, bits: u32) -> u32 {
    let [a, b] = [a, b].map(|value| value.clamp(least, most) as u32 & ((1 << bits) - 1));
    a << bits | b
}

/// The register of two numbers.
fn width(bits: u32) -> Width {
    if bits == 16 { Width::B32 } else { Width::B16 }
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    if op != "cvt" {
        return None;
    }
    if words.flag("pack") {
        return pack(asked);
    }
    let rounds = [("rn", Round::Nearest), ("rz", Round::Zero), ("rp", Round::Up), ("rna", Round::Away)];
    let round = words.choice(&rounds)?;
    let relu = words.flag("relu");
    let satfinite = words.flag("satfinite");
    let (to, from) = (words.take()?, words.last()?);
    let manner = Manner { round, integral: false, ftz: false, sat: false, relu, satfinite };
    if (to, from) == ("tf32", "f32") {
        return match (round, relu, satfinite) {
            (Round::Away, false, false) => one::<Tf32Away>(isa),
            (Round::Nearest, false, false) => one::<Tf32Near>(isa),
            (Round::Up, ..) | (Round::Away, true, _) => None,
            _ => {
                let control = TF32_AT | F32_AT << 4 | pack_manner(manner) << 8;
                let slots = [slot::<U32>(Place::D), slot::<U32>(Place::A)];
                Some(Found::new(plain::<Any>(), slots).with_control(control))
            }
        };
    }
    let place = |name: &str| PACKED.iter().position(|(known, _)| *known == name).map(|at| at as u32);
    let to_at = place(to)?;
    let (packed, bits) = PACKED[to_at as usize].1;
    let small = bits < 16;
    let legal = match (to, from, round) {
        ("f16x2" | "bf16x2", "f32", Round::Nearest | Round::Zero) => true,
        ("ue8m0x2", "f32" | "bf16x2", Round::Zero | Round::Up) => !relu,
        ("bf16x2", "ue8m0x2", Round::Nearest) => !relu && !satfinite,
        ("f16x2", "e4m3x2" | "e5m2x2" | "e2m3x2" | "e3m2x2" | "e2m1x2", Round::Nearest) => !satfinite,
        (_, "f32" | "f16x2" | "bf16x2", Round::Nearest) => small && packed != Packed::Ue8m0 && satfinite,
        _ => false,
    };
    legal.then_some(())?;
    let d = Slot { place: Place::D, width: width(bits) };
    if from == "f32" {
        let slots = [d, slot::<U32>(Place::A), slot::<U32>(Place::B)];
        let run = match (to, round, satfinite, relu) {
            ("f16x2", Round::Nearest, false, false) => best::<Two<F16<false>, false>>(isa),
            ("f16x2", Round::Nearest, false, true) => best::<Two<F16<false>, true>>(isa),
            ("bf16x2", Round::Nearest, false, false) => best::<Two<Bf16<false>, false>>(isa),
            ("bf16x2", Round::Nearest, false, true) => best::<Two<Bf16<false>, true>>(isa),
            _ => plain::<Any>(),
        };
        return Some(Found::new(run, slots).with_control(to_at | F32_AT << 4 | pack_manner(manner) << 8));
    }
    let from_at = place(from)?;
    let a = Slot { place: Place::A, width: width(PACKED[from_at as usize].1.1) };
    Some(Found::new(plain::<Any>(), [d, a]).with_control(to_at | from_at << 4 | pack_manner(manner) << 8))
}

/// cvt.pack.
fn pack(asked: Asked) -> Option<Found> {
    let Asked { isa, mut words, .. } = asked;
    (words.flag("pack") && words.flag("sat")).then_some(())?;
    let to = words.take()?;
    words.flag("s32").then_some(())?;
    if words.done() {
        return match to {
            "u16" => two_plain::<PackU16>(isa),
            "s16" => two_plain::<PackS16>(isa),
            _ => None,
        };
    }
    match (to, words.last()?) {
        ("u8", "b32") => three_plain::<PackU8>(isa),
        ("s8", "b32") => three_plain::<PackS8>(isa),
        ("u4", "b32") => three_plain::<PackU4>(isa),
        ("s4", "b32") => three_plain::<PackS4>(isa),
        ("u2", "b32") => three_plain::<PackU2>(isa),
        ("s2", "b32") => three_plain::<PackS2>(isa),
        _ => None,
    }
}
