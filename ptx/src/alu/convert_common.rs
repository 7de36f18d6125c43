//! The conversions that programs are full of, as vectors.

use super::Found;
use super::integer::Integer;
use super::kind::{Bf16, F16, F32, F64, S8, S16, S32, S64, U8, U16, U32, U64};
use super::run::one;
use super::table::{by_flags, unary};
use crate::lane::Isa;
use crate::number::convert::Manner;
use crate::number::int::Int;
use crate::number::round::Round;
use crate::number::single;

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

/// The conversion of `from` to `to`, if it is one of these.
pub fn find(isa: Isa, to: &str, from: &str, manner: Manner) -> Option<Found> {
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
