//! One of two (section 9.7.6: selp, slct).

use super::kind::{F32, Kind, Pred, S32, U16, U32, U64};
use super::run::{three, three_plain};
use super::table::{by_type, ternary};
use super::{Asked, Found};

ternary! {
    Select<K: Kind>: (K, K, Pred) -> K = |a, b, c| if c { a } else { b };
    BySign<K: Kind>: (K, K, S32) -> K = |a, b, c| if c >= 0 { a } else { b };
    // A NaN selects `b`, and negative zero is zero.
    ByFloat<K: Kind>: (K, K, F32<false>) -> K = |a, b, c| if c >= 0.0 { a } else { b };
    ByFlushed<K: Kind>: (K, K, F32<true>) -> K = |a, b, c| if c >= 0.0 { a } else { b };
}

macro_rules! any {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa,
            "b16" | "u16" | "s16" => U16, "b32" | "u32" | "s32" | "f32" => U32, "b64" | "u64" | "s64" | "f64" => U64)
    };
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "selp" => any!(words.last()?, three, Select, isa),
        "slct" => {
            let ftz = words.flag("ftz");
            let what = words.take()?;
            match (words.last()?, ftz) {
                ("s32", false) => any!(what, three_plain, BySign, isa),
                ("f32", false) => any!(what, three_plain, ByFloat, isa),
                ("f32", true) => any!(what, three_plain, ByFlushed, isa),
                _ => None,
            }
        }
        _ => None,
    }
}
