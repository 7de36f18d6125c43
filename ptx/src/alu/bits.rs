//! Bits and bytes of integers (section 9.7.1: popc to dp2a; 9.7.9: prmt).

use super::kind::{S32, S64, U32, U64};
use super::run::{Quaternary, four, four_plain, one, one_plain, three, three_plain, two_plain};
use super::table::{binary, by_flags, ternary, unary};
use super::{Asked, Found};
use crate::number::bits;

unary! {
    Ones32: (U32) -> U32 = |a| a.count_ones();
    Ones64: (U64) -> U32 = |a| a.count_ones();
    Zeros32: (U32) -> U32 = |a| a.leading_zeros();
    Zeros64: (U64) -> U32 = |a| a.leading_zeros();
    Reverse32: (U32) -> U32 = |a| a.reverse_bits();
    Reverse64: (U64) -> U64 = |a| a.reverse_bits();
    LeadU32[SHIFT]: (U32) -> U32 = |a| bits::leading::<SHIFT, 32>(a.leading_zeros());
    LeadS32[SHIFT]: (S32) -> U32 = |a| bits::leading::<SHIFT, 32>((a ^ a >> 31).leading_zeros());
    LeadU64[SHIFT]: (U64) -> U32 = |a| bits::leading::<SHIFT, 64>(a.leading_zeros());
    LeadS64[SHIFT]: (S64) -> U32 = |a| bits::leading::<SHIFT, 64>((a ^ a >> 63).leading_zeros());
}

binary! {
    ExtendU[WRAP]: (U32, U32) -> U32 = |a, b| bits::extend_u32::<WRAP>(a, b);
    ExtendS[WRAP]: (S32, U32) -> S32 = |a, b| bits::extend_s32::<WRAP>(a, b);
    Mask[WRAP]: (U32, U32) -> U32 = |a, b| bits::mask::<WRAP>(a, b);
}

ternary! {
    FieldU32: (U32, U32, U32) -> U32 = |a, b, c| bits::field_u32(a, b, c);
    FieldS32: (S32, U32, U32) -> S32 = |a, b, c| bits::field_s32(a, b, c);
    FieldU64: (U64, U32, U32) -> U64 = |a, b, c| bits::field_u64(a, b, c);
    FieldS64: (S64, U32, U32) -> S64 = |a, b, c| bits::field_s64(a, b, c);
    NthSet: (U32, U32, S32) -> U32 = |a, b, c| bits::nth_set(a, b, c);
    Dot4[SIGNED_A, SIGNED_B]: (U32, U32, U32) -> U32 = |a, b, c| bits::dot4::<SIGNED_A, SIGNED_B>(a, b, c);
    Dot2Low[SIGNED_A, SIGNED_B]: (U32, U32, U32) -> U32 = |a, b, c| bits::dot2::<SIGNED_A, SIGNED_B>(a, b, c);
    Dot2High[SIGNED_A, SIGNED_B]: (U32, U32, U32) -> U32 = |a, b, c| bits::dot2::<SIGNED_A, SIGNED_B>(a, b >> 16, c);
    Permute: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, c);
    Forward: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x3210, 0x4321, 0x5432, 0x6543][c as usize & 3]);
    Backward: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x5670, 0x6701, 0x7012, 0x0123][c as usize & 3]);
    Byte: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x0000, 0x1111, 0x2222, 0x3333][c as usize & 3]);
    EdgeLeft: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x3210, 0x3211, 0x3222, 0x3333][c as usize & 3]);
    EdgeRight: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x0000, 0x1110, 0x2210, 0x3210][c as usize & 3]);
    Half: (U32, U32, U32) -> U32 = |a, b, c| bits::permute(a, b, [0x1010, 0x3232, 0x1010, 0x3232][c as usize & 3]);
}

struct Insert32;
struct Insert64;

impl Quaternary for Insert32 {
    type D = U32;
    type A = U32;
    type B = U32;
    type C = U32;
    type E = U32;
    #[inline(always)]
    fn lane<L: super::level::Level>(a: u32, b: u32, c: u32, e: u32) -> u32 {
        bits::insert_u32(a, b, c, e)
    }
}

impl Quaternary for Insert64 {
    type D = U64;
    type A = U64;
    type B = U64;
    type C = U32;
    type E = U32;
    #[inline(always)]
    fn lane<L: super::level::Level>(a: u64, b: u64, c: u32, e: u32) -> u64 {
        bits::insert_u64(a, b, c, e)
    }
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "bfind" => {
            let shift = words.flag("shiftamt");
            match words.last()? {
                "u32" => by_flags!(one, LeadU32[], isa, shift),
                "s32" => by_flags!(one_plain, LeadS32[], isa, shift),
                "u64" => by_flags!(one_plain, LeadU64[], isa, shift),
                "s64" => by_flags!(one_plain, LeadS64[], isa, shift),
                _ => None,
            }
        }
        "szext" | "bmsk" => {
            let wrap = words.choice(&[("clamp", false), ("wrap", true)])?;
            match (op, words.last()?) {
                ("szext", "u32") => by_flags!(two_plain, ExtendU[], isa, wrap),
                ("szext", "s32") => by_flags!(two_plain, ExtendS[], isa, wrap),
                ("bmsk", "b32") => by_flags!(two_plain, Mask[], isa, wrap),
                _ => None,
            }
        }
        "dp4a" => {
            let (a, b) = dot_types(words)?;
            by_flags!(three, Dot4[], isa, a, b)
        }
        "dp2a" => {
            let high = words.choice(&[("lo", false), ("hi", true)])?;
            let (a, b) = dot_types(words)?;
            if high {
                by_flags!(three_plain, Dot2High[], isa, a, b)
            } else {
                by_flags!(three_plain, Dot2Low[], isa, a, b)
            }
        }
        "prmt" => {
            words.flag("b32").then_some(())?;
            if words.done() {
                return three::<Permute>(isa);
            }
            match words.last()? {
                "f4e" => three_plain::<Forward>(isa),
                "b4e" => three_plain::<Backward>(isa),
                "rc8" => three_plain::<Byte>(isa),
                "ecl" => three_plain::<EdgeLeft>(isa),
                "ecr" => three_plain::<EdgeRight>(isa),
                "rc16" => three_plain::<Half>(isa),
                _ => None,
            }
        }
        _ => match (op, words.last()?) {
            ("popc", "b32") => one::<Ones32>(isa),
            ("popc", "b64") => one::<Ones64>(isa),
            ("clz", "b32") => one::<Zeros32>(isa),
            ("clz", "b64") => one::<Zeros64>(isa),
            ("brev", "b32") => one::<Reverse32>(isa),
            ("brev", "b64") => one_plain::<Reverse64>(isa),
            ("bfe", "u32") => three::<FieldU32>(isa),
            ("bfe", "s32") => three::<FieldS32>(isa),
            ("bfe", "u64") => three_plain::<FieldU64>(isa),
            ("bfe", "s64") => three_plain::<FieldS64>(isa),
            ("bfi", "b32") => four::<Insert32>(isa),
            ("bfi", "b64") => four_plain::<Insert64>(isa),
            ("fns", "b32") => three_plain::<NthSet>(isa),
            _ => None,
        },
    }
}

/// Whether each factor's type is signed.
fn dot_types(mut words: super::Words) -> Option<(bool, bool)> {
    const TYPES: [(&str, bool); 2] = [("u32", false), ("s32", true)];
    let types = (words.choice(&TYPES)?, words.choice(&TYPES)?);
    words.done().then_some(types)
}
