//! Integer arithmetic (section 9.7.1).

use super::kind::{Kind, Lane, S16, S32, S64, U16, U32, U64};
use super::run::{one, three, three_plain, two, two_plain};
use super::table::{binary, by_flags, by_type, ternary, unary};
use super::{Asked, Found};
use crate::number::int::{self, Int};

/// A type of integers.
pub trait Integer: Kind<Lane: Int> {}
impl<K: Kind<Lane: Int>> Integer for K {}

/// A type whose products have a type of twice the bits.
pub trait Doubled: Integer {
    type Wide: Integer;
    fn widen(lane: Lane<Self>) -> Lane<Self::Wide>;
}

macro_rules! doubled {
    ($($kind:ty => $wide:ty;)*) => {$(
        impl Doubled for $kind {
            type Wide = $wide;
            #[inline(always)]
            fn widen(lane: Lane<Self>) -> Lane<$wide> {
                lane.into()
            }
        }
    )*};
}
doubled! { U16 => U32; S16 => S32; U32 => U64; S32 => S64; }

unary! {
    Abs<K: Integer>: (K) -> K = |a| a.abs();
    Neg<K: Integer>: (K) -> K = |a| a.neg();
}

binary! {
    Add<K: Integer>: (K, K) -> K = |a, b| a.add(b);
    Sub<K: Integer>: (K, K) -> K = |a, b| a.sub(b);
    AddSat: (S32, S32) -> S32 = |a, b| a.saturating_add(b);
    SubSat: (S32, S32) -> S32 = |a, b| a.saturating_sub(b);
    MulLow<K: Integer>: (K, K) -> K = |a, b| a.low(b);
    MulHigh<K: Integer>: (K, K) -> K = |a, b| a.high(b);
    MulWide<K: Doubled>: (K, K) -> K::Wide = |a, b| K::widen(a).low(K::widen(b));
    Mul24U[HIGH]: (U32, U32) -> U32 = |a, b| int::mul24_u32::<HIGH>(a, b);
    Mul24S[HIGH]: (S32, S32) -> S32 = |a, b| int::mul24_s32::<HIGH>(a, b);
    Div<K: Integer>: (K, K) -> K = |a, b| a.div(b);
    Rem<K: Integer>: (K, K) -> K = |a, b| a.rem(b);
    Min<K: Integer>: (K, K) -> K = |a, b| if a < b { a } else { b };
    Max<K: Integer>: (K, K) -> K = |a, b| if a > b { a } else { b };
    MinRelu: (S32, S32) -> S32 = |a, b| a.min(b).max(0);
    MaxRelu: (S32, S32) -> S32 = |a, b| a.max(b).max(0);
    Add2: (U32, U32) -> U32 = |a, b| each_u16(a, b, u16::wrapping_add);
    MinU2: (U32, U32) -> U32 = |a, b| each_u16(a, b, u16::min);
    MaxU2: (U32, U32) -> U32 = |a, b| each_u16(a, b, u16::max);
    MinS2[RELU]: (U32, U32) -> U32 = |a, b| each_s16::<RELU>(a, b, i16::min);
    MaxS2[RELU]: (U32, U32) -> U32 = |a, b| each_s16::<RELU>(a, b, i16::max);
}

ternary! {
    MadLow<K: Integer>: (K, K, K) -> K = |a, b, c| a.low(b).add(c);
    MadHigh<K: Integer>: (K, K, K) -> K = |a, b, c| a.high(b).add(c);
    MadWide<K: Doubled>: (K, K, K::Wide) -> K::Wide = |a, b, c| K::widen(a).low(K::widen(b)).add(c);
    MadHighSat: (S32, S32, S32) -> S32 = |a, b, c| a.high(b).saturating_add(c);
    Mad24U[HIGH]: (U32, U32, U32) -> U32 = |a, b, c| int::mul24_u32::<HIGH>(a, b).wrapping_add(c);
    Mad24S[HIGH]: (S32, S32, S32) -> S32 = |a, b, c| int::mul24_s32::<HIGH>(a, b).wrapping_add(c);
    Mad24HighSat: (S32, S32, S32) -> S32 = |a, b, c| int::mul24_s32::<true>(a, b).saturating_add(c);
    Sad<K: Integer>: (K, K, K) -> K = |a, b, c| int::sad(a, b, c);
}

#[inline(always)]
fn each_u16(a: u32, b: u32, operation: impl Fn(u16, u16) -> u16) -> u32 {
    let low = operation(a as u16, b as u16) as u32;
    low | (operation((a >> 16) as u16, (b >> 16) as u16) as u32) << 16
}

#[inline(always)]
fn each_s16<const RELU: bool>(a: u32, b: u32, operation: impl Fn(i16, i16) -> i16) -> u32 {
    let least = if RELU { 0 } else { i16::MIN };
    each_u16(a, b, |a, b| operation(a as i16, b as i16).max(least) as u16)
}

/// Which part of a product.
#[derive(Clone, Copy)]
enum Part {
    Low,
    High,
    Wide,
}

const PARTS: [(&str, Part); 3] = [("lo", Part::Low), ("hi", Part::High), ("wide", Part::Wide)];

macro_rules! alike {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa, "u16" | "s16" => U16, "u32" | "s32" => U32, "u64" | "s64" => U64)
    };
}

macro_rules! each {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa,
            "u16" => U16, "u32" => U32, "u64" => U64, "s16" => S16, "s32" => S32, "s64" => S64)
    };
}

macro_rules! signed {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa, "s16" => S16, "s32" => S32, "s64" => S64)
    };
}

macro_rules! wide {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa, "u16" => U16, "u32" => U32, "s16" => S16, "s32" => S32)
    };
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "add" | "sub" | "min" | "max" => simple(asked),
        "mul" | "mad" => product(asked),
        "mul24" | "mad24" => product24(asked),
        "sad" => {
            let last = words.take()?;
            words.done().then_some(())?;
            each!(last, three_plain, Sad, isa)
        }
        "div" => match words.last()? {
            "u32" => two::<Div<U32>>(isa),
            "s32" => two::<Div<S32>>(isa),
            last => by_type!(last, two_plain, Div, isa, "u16" => U16, "s16" => S16, "u64" => U64, "s64" => S64),
        },
        "rem" => match words.last()? {
            "u32" => two::<Rem<U32>>(isa),
            "s32" => two::<Rem<S32>>(isa),
            last => by_type!(last, two_plain, Rem, isa, "u16" => U16, "s16" => S16, "u64" => U64, "s64" => S64),
        },
        "abs" => signed!(words.last()?, one, Abs, isa),
        "neg" => signed!(words.last()?, one, Neg, isa),
        _ => None,
    }
}

/// add, sub, min and max.
fn simple(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let saturated = words.flag("sat");
    let relu = words.flag("relu");
    match (op, words.last()?, saturated, relu) {
        ("add", "s32", true, false) => two_plain::<AddSat>(isa),
        ("sub", "s32", true, false) => two_plain::<SubSat>(isa),
        ("add", "u16x2" | "s16x2", false, false) => two_plain::<Add2>(isa),
        ("min", "u16x2", false, false) => two_plain::<MinU2>(isa),
        ("max", "u16x2", false, false) => two_plain::<MaxU2>(isa),
        ("min", "s16x2", false, relu) => by_flags!(two_plain, MinS2[], isa, relu),
        ("max", "s16x2", false, relu) => by_flags!(two_plain, MaxS2[], isa, relu),
        ("min", "s32", false, true) => two_plain::<MinRelu>(isa),
        ("max", "s32", false, true) => two_plain::<MaxRelu>(isa),
        ("add", last, false, false) => alike!(last, two, Add, isa),
        ("sub", last, false, false) => alike!(last, two, Sub, isa),
        ("min", last, false, false) => each!(last, two, Min, isa),
        ("max", last, false, false) => each!(last, two, Max, isa),
        _ => None,
    }
}

fn product(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let part = words.choice(&PARTS)?;
    let saturated = words.flag("sat");
    match (op, part, words.last()?, saturated) {
        ("mul", Part::Low, last, false) => alike!(last, two, MulLow, isa),
        ("mul", Part::High, last, false) => each!(last, two, MulHigh, isa),
        ("mul", Part::Wide, last, false) => wide!(last, two, MulWide, isa),
        ("mad", Part::Low, last, false) => alike!(last, three, MadLow, isa),
        ("mad", Part::High, last, false) => each!(last, three, MadHigh, isa),
        ("mad", Part::Wide, last, false) => wide!(last, three, MadWide, isa),
        ("mad", Part::High, "s32", true) => three_plain::<MadHighSat>(isa),
        _ => None,
    }
}

fn product24(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let high = match words.choice(&PARTS)? {
        Part::Low => false,
        Part::High => true,
        Part::Wide => return None,
    };
    let saturated = words.flag("sat");
    match (op, words.last()?, saturated) {
        ("mul24", "u32", false) => by_flags!(two_plain, Mul24U[], isa, high),
        ("mul24", "s32", false) => by_flags!(two_plain, Mul24S[], isa, high),
        ("mad24", "u32", false) => by_flags!(three_plain, Mad24U[], isa, high),
        ("mad24", "s32", false) => by_flags!(three_plain, Mad24S[], isa, high),
        ("mad24", "s32", true) if high => three_plain::<Mad24HighSat>(isa),
        _ => None,
    }
}
