//! Shifts (section 9.7.8: shl, shr, shf).

use super::integer::Integer;
use super::kind::{S16, S32, S64, U16, U32, U64};
use super::run::{three, two};
use super::table::{binary, by_flags, by_type, ternary};
use super::{Asked, Found};
use crate::number::int::Int;

binary! {
    Left<K: Integer>: (K, U32) -> K = |a, b| a.shl(b);
    Right<K: Integer>: (K, U32) -> K = |a, b| a.shr(b);
}

ternary! {
    /// The upper half of `b:a` shifted left.
    FunnelLeft[WRAP]: (U32, U32, U32) -> U32 = |a, b, c| ((joined(a, b) << amount::<WRAP>(c)) >> 32) as u32;
    /// The lower half of `b:a` shifted right.
    FunnelRight[WRAP]: (U32, U32, U32) -> U32 = |a, b, c| (joined(a, b) >> amount::<WRAP>(c)) as u32;
}

#[inline(always)]
fn joined(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

#[inline(always)]
fn amount<const WRAP: bool>(by: u32) -> u64 {
    (if WRAP { by & 31 } else { by.min(32) }) as u64
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "shl" => by_type!(words.last()?, two, Left, isa, "b16" => U16, "b32" => U32, "b64" => U64),
        "shr" => by_type!(words.last()?, two, Right, isa,
            "b16" | "u16" => U16, "b32" | "u32" => U32, "b64" | "u64" => U64, "s16" => S16, "s32" => S32, "s64" => S64),
        "shf" => {
            let left = words.choice(&[("l", true), ("r", false)])?;
            let wrap = words.choice(&[("clamp", false), ("wrap", true)])?;
            (words.last()? == "b32").then_some(())?;
            if left { by_flags!(three, FunnelLeft[], isa, wrap) } else { by_flags!(three, FunnelRight[], isa, wrap) }
        }
        _ => None,
    }
}
