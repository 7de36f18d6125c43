//! Conversions (section 9.7.9.21, cvt) of one number to one number.
//!
//! All are done by [`convert::convert`], one lane at a time; those that programs are full of have instructions of their own.

use super::float::ROUNDS;
use super::integer::Integer;
use super::kind::{Bf16, F16, F32, F64, S8, S16, S32, S64, U8, U16, U32, U64};
use super::level::{Level, Run, plain};
use super::run::one;
use super::table::{by_flags, unary};
use super::{Asked, Found};
use crate::lane::{LANES, Operands, Place, Slot, Width};
use crate::number::convert::{self, Manner, TYPES, Type};
use crate::number::int::Int;
use crate::number::round::Round;
use crate::number::{single, soft};

unary! {
    Resize<A: Integer, D: Integer>: (A) -> D = |a| D::Lane::cut(a.long());
    FromS16: (S16) -> F32<false> = |a| a as f32;
    FromU16: (U16) -> F32<false> = |a| a as f32;
    FromS32: (S32) -> F32<false> = |a| a as f32;
    FromU32: (U32) -> F32<false> = |a| a as f32;
    FromS64: (S64) -> F32<false> = |a| a as f32;
    FromU64: (U64) -> F32<false> = |a| a as f32;
    LongFromS32: (S32) -> F64 = |a| a as f64;
    LongFromU32: (U32) -> F64 = |a| a as f64;
    LongFromS64: (S64) -> F64 = |a| a as f64;
    LongFromU64: (U64) -> F64 = |a| a as f64;
    CutS32[FTZ]: (F32<FTZ>) -> S32 = |a| single::cut_s32(a);
    CutU32[FTZ]: (F32<FTZ>) -> U32 = |a| single::cut_u32(a);
    NearS32[FTZ]: (F32<FTZ>) -> S32 = |a| single::cut_s32(near(a));
    DownS32[FTZ]: (F32<FTZ>) -> S32 = |a| single::cut_s32(down(a));
    Near[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| near(a);
    Down[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| down(a);
    Narrow64[FTZ]: (F64) -> F32<FTZ> = |a| a as f32;
    Widen64[FTZ]: (F32<FTZ>) -> F64 = |a| a as f64;
    WidenF16: (F16<false>) -> F32<false> = |a| a;
    WidenBf16: (Bf16<false>) -> F32<false> = |a| a;
    NarrowF16[FTZ]: (F32<FTZ>) -> F16<false> = |a| a;
    NarrowBf16[FTZ]: (F32<FTZ>) -> Bf16<false> = |a| a;
    Saturate[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| single::saturate(a);
}

/// To the nearest integer, the even one of two: what lies beyond 2^23 has no fraction.
#[inline(always)]
fn near(a: f32) -> f32 {
    const SHIFTER: f32 = 8_388_608.0;
    let magnitude = a.abs();
    let whole = (magnitude + SHIFTER) - SHIFTER;
    (if magnitude < SHIFTER { whole } else { magnitude }).copysign(a)
}

/// To the next integer below.
#[inline(always)]
fn down(a: f32) -> f32 {
    let near = near(a);
    if near > a { near - 1.0 } else { near }
}

/// Any conversion, as [`Operands::control`] says.
struct Any;

/// The conversion in a word: four bits each for the types, then [`pack_manner`].
fn pack(to: usize, from: usize, manner: Manner) -> u32 {
    to as u32 | (from as u32) << 4 | pack_manner(manner) << 8
}

/// Three bits for the rounding, and a flag for each of the rest.
pub fn pack_manner(manner: Manner) -> u32 {
    let flags = [manner.integral, manner.ftz, manner.sat, manner.relu, manner.satfinite];
    flags.iter().enumerate().fold(manner.round as u32, |all, (at, &flag)| all | (flag as u32) << (3 + at))
}

/// What [`pack_manner`] made.
pub fn unpack_manner(word: u32) -> Manner {
    const MODES: [Round; 8] = {
        let mut modes = [Round::Nearest; 8];
        modes[Round::Zero as usize] = Round::Zero;
        modes[Round::Down as usize] = Round::Down;
        modes[Round::Up as usize] = Round::Up;
        modes[Round::Away as usize] = Round::Away;
        modes
    };
    let flag = |at: u32| word >> (3 + at) & 1 != 0;
    let round = MODES[(word & 7) as usize];
    Manner { round, integral: flag(0), ftz: flag(1), sat: flag(2), relu: flag(3), satfinite: flag(4) }
}

impl Run for Any {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let (to, from) = (TYPES[(o.control & 15) as usize].1, TYPES[(o.control >> 4 & 15) as usize].1);
        let manner = unpack_manner(o.control >> 8);
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: registers have the widths of the types.
            unsafe {
                let bits = if from.bits() == 64 {
                    *words.add(o.a as usize).cast::<u64>().add(lane)
                } else {
                    *words.add(o.a as usize + lane) as u64
                };
                let result = convert::convert(to, from, manner, bits);
                match to {
                    Type::Integer { bits: 64, .. } | Type::Float(soft::F64) => {
                        *words.add(o.d as usize).cast::<u64>().add(lane) = result;
                    }
                    // Extended to the 16 bits of its register.
                    Type::Integer { bits: 8, signed: true } => {
                        *words.add(o.d as usize + lane) = result as i8 as u16 as u32;
                    }
                    _ => *words.add(o.d as usize + lane) = result as u32,
                }
            }
        }
    }
}

/// The register that a type lies in.
fn width(of: Type) -> Width {
    match of.bits() {
        8 | 16 => Width::B16,
        32 => Width::B32,
        _ => Width::B64,
    }
}

const INTEGRAL: [(&str, Round); 4] =
    [("rni", Round::Nearest), ("rzi", Round::Zero), ("rmi", Round::Down), ("rpi", Round::Up)];

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { op, mut words, .. } = asked;
    if op != "cvt" {
        return None;
    }
    let float_round = words.choice(&ROUNDS);
    let integral = if float_round.is_none() { words.choice(&INTEGRAL) } else { None };
    let ftz = words.flag("ftz");
    let relu = words.flag("relu");
    let satfinite = words.flag("satfinite");
    let sat = words.flag("sat");
    let (to_name, from_name) = (words.take()?, words.last()?);
    let place = |name: &str| TYPES.iter().position(|(known, _)| *known == name);
    let (to_at, from_at) = (place(to_name)?, place(from_name)?);
    let (to, from) = (TYPES[to_at].1, TYPES[from_at].1);
    legal(to, from, float_round.is_some(), integral.is_some(), sat)?;
    let f32 = Type::Float(soft::F32);
    // Only f32 is flushed, and only 16-bit results of f32 have the other limits.
    if ftz && to != f32 && from != f32 {
        return None;
    }
    // There is no saturation with bf16.
    let bf16 = Type::Float(soft::BF16);
    if sat && (to == bf16 || from == bf16) {
        return None;
    }
    if (relu || satfinite) && !matches!(float_round, Some(Round::Nearest | Round::Zero)) {
        return None;
    }
    if (relu || satfinite) && (ftz || sat || from != f32 || !matches!(to_name, "f16" | "bf16")) {
        return None;
    }
    let round = float_round.or(integral).unwrap_or(Round::Nearest);
    let manner = Manner { round, integral: integral.is_some(), ftz, sat, relu, satfinite };
    let slots = [Slot { place: Place::D, width: width(to) }, Slot { place: Place::A, width: width(from) }];
    common(asked, to_name, from_name, manner)
        .or_else(|| Some(Found::new(plain::<Any>(), slots).with_control(pack(to_at, from_at, manner))))
}

/// Whether types go with roundings: each is needed where something may be lost and illegal where nothing is.
fn legal(to: Type, from: Type, float_round: bool, integral: bool, sat: bool) -> Option<()> {
    let sat_is_legal;
    let rounding_is_legal = match (to, from) {
        (Type::Integer { bits, signed }, Type::Integer { bits: bits_from, signed: signed_from }) => {
            // The type holds all that it is made of.
            let holds = if signed_from { signed && bits >= bits_from } else { bits - signed as u32 >= bits_from };
            sat_is_legal = !holds;
            !float_round && !integral
        }
        (Type::Integer { .. }, Type::Float(_)) => {
            sat_is_legal = true;
            integral
        }
        (Type::Float(_), Type::Integer { .. }) => {
            sat_is_legal = true;
            float_round
        }
        (Type::Float(format), Type::Float(source)) => {
            sat_is_legal = true;
            if format == source {
                !float_round
            } else if format.exponent >= source.exponent && format.significand >= source.significand {
                // Nothing is lost, but of bf16 the manual's examples say how it would be rounded.
                (!float_round || source == soft::BF16) && !integral
            } else {
                float_round
            }
        }
    };
    (rounding_is_legal && (!sat || sat_is_legal)).then_some(())
}

/// The conversions that programs are full of.
fn common(asked: Asked, to: &str, from: &str, manner: Manner) -> Option<Found> {
    let isa = asked.isa;
    let Manner { round, integral, ftz, sat, relu, satfinite } = manner;
    if relu || satfinite || (sat && (to, from, integral) != ("f32", "f32", false)) {
        return None;
    }
    macro_rules! resize {
        ($kind:ty) => {
            match to {
                "u8" => one::<Resize<$kind, U8>>(isa),
                "s8" => one::<Resize<$kind, S8>>(isa),
                "u16" | "s16" => one::<Resize<$kind, U16>>(isa),
                "u32" | "s32" => one::<Resize<$kind, U32>>(isa),
                "u64" | "s64" => one::<Resize<$kind, U64>>(isa),
                _ => None,
            }
        };
    }
    match (to, from, integral, round) {
        ("f32", "u16", false, Round::Nearest) => one::<FromU16>(isa),
        ("f32", "s16", false, Round::Nearest) => one::<FromS16>(isa),
        ("f32", "u32", false, Round::Nearest) => one::<FromU32>(isa),
        ("f32", "s32", false, Round::Nearest) => one::<FromS32>(isa),
        ("f32", "u64", false, Round::Nearest) => one::<FromU64>(isa),
        ("f32", "s64", false, Round::Nearest) => one::<FromS64>(isa),
        ("f64", "u32", false, Round::Nearest) => one::<LongFromU32>(isa),
        ("f64", "s32", false, Round::Nearest) => one::<LongFromS32>(isa),
        ("f64", "u64", false, Round::Nearest) => one::<LongFromU64>(isa),
        ("f64", "s64", false, Round::Nearest) => one::<LongFromS64>(isa),
        ("s32", "f32", true, Round::Zero) => by_flags!(one, CutS32[], isa, ftz),
        ("u32", "f32", true, Round::Zero) => by_flags!(one, CutU32[], isa, ftz),
        ("s32", "f32", true, Round::Nearest) => by_flags!(one, NearS32[], isa, ftz),
        ("s32", "f32", true, Round::Down) => by_flags!(one, DownS32[], isa, ftz),
        ("f32", "f32", true, Round::Nearest) => by_flags!(one, Near[], isa, ftz),
        ("f32", "f32", true, Round::Down) => by_flags!(one, Down[], isa, ftz),
        ("f32", "f32", false, _) if sat => by_flags!(one, Saturate[], isa, ftz),
        ("f32", "f64", false, Round::Nearest) => by_flags!(one, Narrow64[], isa, ftz),
        ("f64", "f32", false, _) => by_flags!(one, Widen64[], isa, ftz),
        ("f32", "f16", false, _) if !ftz => one::<WidenF16>(isa),
        ("f32", "bf16", false, _) if !ftz => one::<WidenBf16>(isa),
        ("f16", "f32", false, Round::Nearest) => by_flags!(one, NarrowF16[], isa, ftz),
        ("bf16", "f32", false, Round::Nearest) => by_flags!(one, NarrowBf16[], isa, ftz),
        (_, "u8", ..) => resize!(U8),
        (_, "s8", ..) => resize!(S8),
        (_, "u16", ..) => resize!(U16),
        (_, "s16", ..) => resize!(S16),
        (_, "u32", ..) => resize!(U32),
        (_, "s32", ..) => resize!(S32),
        (_, "u64" | "s64", ..) => resize!(U64),
        _ => None,
    }
}
