//! f16, bf16 and their pairs (section 9.7.4), and min and max of f32 (9.7.3), which have the same forms.

use super::kind::{Bf16, F16, F32, Kind, Narrow, U16, U32};
use super::pair::{pair1, pair1_plain, pair2, pair2_plain, pair3, pair3_plain};
use super::run::{one, one_plain, three, three_plain, two, two_plain};
use super::table::{binary, by_flags, ternary, unary};
use super::{Asked, Found};
use crate::number::{approx, half, single};

/// A type of 16 bits, and how a product is added to: exact or rounded to odd.
pub trait Small: Kind<Lane = f32> + Narrow {
    /// The bits of [`half::OUTSIDE`] as f32.
    const OUTSIDE: u32;

    fn fma(a: f32, b: f32, c: f32) -> f32;
}

impl<const FTZ: bool> Small for F16<FTZ> {
    const OUTSIDE: u32 = 0x7f80_0000 | (half::OUTSIDE as u32 & 0x3ff) << 13;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        half::fma_f16(a, b, c)
    }
}

impl<const FTZ: bool> Small for Bf16<FTZ> {
    const OUTSIDE: u32 = (half::OUTSIDE as u32) << 16;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        half::fma_bf16(a, b, c)
    }
}

unary! {
    Ex2<K: Small>: (K) -> K = |a| approx::ex2(a);
    Tanh<K: Small>: (K) -> K = |a| approx::tanh(a);
    // The absolute value and the negative of what may be flushed; a NaN becomes the canonical one.
    Abs<K: Small>: (K) -> K = |a| a.abs();
    Neg<K: Small>: (K) -> K = |a| -a;
    AbsBits: (U16) -> U16 = |a| a & 0x7fff;
    NegBits: (U16) -> U16 = |a| a ^ 0x8000;
    AbsBits2: (U32) -> U32 = |a| a & 0x7fff_7fff;
    NegBits2: (U32) -> U32 = |a| a ^ 0x8000_8000;
}

// The sum of two is exact in f32, or so long that rounding twice does no harm (24 bits are twice 11 and two more). A product is
// exact unless it is less than half of the least bf16: then f32 makes it that half at most, which goes to zero, too.
binary! {
    Add<K: Small>[SAT]: (K, K) -> K = |a, b| limit::<SAT>(a + b);
    Sub<K: Small>[SAT]: (K, K) -> K = |a, b| limit::<SAT>(a - b);
    Mul<K: Small>[SAT]: (K, K) -> K = |a, b| limit::<SAT>(a * b);
    Min<K: Float>[NAN]: (K, K) -> K = |a, b| single::min::<NAN>(a, b);
    Max<K: Float>[NAN]: (K, K) -> K = |a, b| single::max::<NAN>(a, b);
    MinXor<K: Float>[NAN]: (K, K) -> K = |a, b| signed(a, b, single::min::<NAN>(a.abs(), b.abs()));
    MaxXor<K: Float>[NAN]: (K, K) -> K = |a, b| signed(a, b, single::max::<NAN>(a.abs(), b.abs()));
}

ternary! {
    Fma<K: Small>[SAT]: (K, K, K) -> K = |a, b, c| limit::<SAT>(K::fma(a, b, c));
    FmaRelu<K: Small>: (K, K, K) -> K = |a, b, c| single::relu(K::fma(a, b, c));
    FmaOob<K: Small>[RELU]: (K, K, K) -> K = |a, b, c| {
        let sum = K::fma(a, b, c);
        let outside = [a, b, c].map(|value| value.to_bits() == K::OUTSIDE);
        if outside[0] | outside[1] | outside[2] { 0.0 } else if RELU { single::relu(sum) } else { sum }
    };
    Min3<K: Float>[NAN, ABS]: (K, K, K) -> K = |a, b, c| {
        let [a, b, c] = [a, b, c].map(|value| if ABS { value.abs() } else { value });
        single::min::<NAN>(single::min::<NAN>(a, b), c)
    };
    Max3<K: Float>[NAN, ABS]: (K, K, K) -> K = |a, b, c| {
        let [a, b, c] = [a, b, c].map(|value| if ABS { value.abs() } else { value });
        single::max::<NAN>(single::max::<NAN>(a, b), c)
    };
}

/// A type whose lanes are f32.
pub trait Float: Kind<Lane = f32> {}
impl<K: Kind<Lane = f32>> Float for K {}

#[inline(always)]
fn limit<const SAT: bool>(a: f32) -> f32 {
    if SAT { single::saturate(a) } else { a }
}

/// `.xorsign`: `magnitude` with the signs of `a` and `b` multiplied; a NaN stays.
#[inline(always)]
fn signed(a: f32, b: f32, magnitude: f32) -> f32 {
    f32::from_bits(magnitude.to_bits() | (a.to_bits() ^ b.to_bits()) & 1 << 31)
}

/// An instruction for the type that `$last` names: `$one` makes that of one number, `$pair` that of two. Flushing is as rare as the
/// forms that `_plain` is for.
macro_rules! small {
    ($last:expr, $isa:expr, $ftz:expr, $one:ident, $one_rare:ident, $pair:ident, $pair_rare:ident, $op:ident $($flags:tt)*) => {
        match ($last, $ftz) {
            ("f16", false) => small!(@ $one, $op, F16<false>, $isa $($flags)*),
            ("f16x2", false) => small!(@ $pair, $op, F16<false>, $isa $($flags)*),
            ("f16", true) => small!(@ $one_rare, $op, F16<true>, $isa $($flags)*),
            ("f16x2", true) => small!(@ $pair_rare, $op, F16<true>, $isa $($flags)*),
            ("bf16", false) => small!(@ $one, $op, Bf16<false>, $isa $($flags)*),
            ("bf16x2", false) => small!(@ $pair, $op, Bf16<false>, $isa $($flags)*),
            _ => None,
        }
    };
    (@ $make:ident, $op:ident, $kind:ty, $isa:expr) => {
        $make::<$op<$kind>>($isa)
    };
    (@ $make:ident, $op:ident, $kind:ty, $isa:expr, [$($flag:literal),+]) => {
        $make::<$op<$kind, $($flag),+>>($isa)
    };
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "add" | "sub" | "mul" | "fma" => arithmetic(asked),
        "min" | "max" => extreme(asked),
        "abs" | "neg" => {
            let ftz = words.flag("ftz");
            match (op, words.last()?, ftz) {
                ("abs", "f16" | "bf16", false) => one_plain::<AbsBits>(isa),
                ("neg", "f16" | "bf16", false) => one_plain::<NegBits>(isa),
                ("abs", "f16x2" | "bf16x2", false) => one_plain::<AbsBits2>(isa),
                ("neg", "f16x2" | "bf16x2", false) => one_plain::<NegBits2>(isa),
                ("abs", "f16", true) => one_plain::<Abs<F16<true>>>(isa),
                ("neg", "f16", true) => one_plain::<Neg<F16<true>>>(isa),
                ("abs", "f16x2", true) => pair1_plain::<Abs<F16<true>>>(isa),
                ("neg", "f16x2", true) => pair1_plain::<Neg<F16<true>>>(isa),
                _ => None,
            }
        }
        "ex2" | "tanh" => {
            words.flag("approx").then_some(())?;
            let ftz = words.flag("ftz");
            match (op, words.last()?, ftz) {
                ("ex2", "f16", false) => one::<Ex2<F16<false>>>(isa),
                ("ex2", "f16x2", false) => pair1::<Ex2<F16<false>>>(isa),
                ("ex2", "bf16", true) => one::<Ex2<Bf16<true>>>(isa),
                ("ex2", "bf16x2", true) => pair1::<Ex2<Bf16<true>>>(isa),
                ("tanh", last, false) => small!(last, isa, false, one, one_plain, pair1, pair1_plain, Tanh),
                _ => None,
            }
        }
        _ => None,
    }
}

fn arithmetic(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let nearest = words.flag("rn");
    if op == "fma" && nearest && words.flag("oob") {
        let relu = words.flag("relu");
        let last = words.last()?;
        return match relu {
            false => small!(last, isa, false, three_plain, three_plain, pair3_plain, pair3_plain, FmaOob, [false]),
            true => small!(last, isa, false, three_plain, three_plain, pair3_plain, pair3_plain, FmaOob, [true]),
        };
    }
    let ftz = words.flag("ftz");
    let sat = words.flag("sat");
    let relu = !sat && words.flag("relu");
    let last = words.last()?;
    // bf16 has no saturation, and only fma must say how it rounds.
    if (sat && last.starts_with('b')) || (op == "fma" && !nearest) || (op != "fma" && relu) {
        return None;
    }
    match (op, sat) {
        ("add", false) => small!(last, isa, ftz, two, two_plain, pair2, pair2_plain, Add, [false]),
        ("sub", false) => small!(last, isa, ftz, two, two_plain, pair2, pair2_plain, Sub, [false]),
        ("mul", false) => small!(last, isa, ftz, two, two_plain, pair2, pair2_plain, Mul, [false]),
        ("add", true) => small!(last, isa, ftz, two_plain, two_plain, pair2_plain, pair2_plain, Add, [true]),
        ("sub", true) => small!(last, isa, ftz, two_plain, two_plain, pair2_plain, pair2_plain, Sub, [true]),
        ("mul", true) => small!(last, isa, ftz, two_plain, two_plain, pair2_plain, pair2_plain, Mul, [true]),
        (_, _) if relu => small!(last, isa, ftz, three, three_plain, pair3, pair3_plain, FmaRelu),
        (_, false) => small!(last, isa, ftz, three, three_plain, pair3, pair3_plain, Fma, [false]),
        (_, true) => small!(last, isa, ftz, three_plain, three_plain, pair3_plain, pair3_plain, Fma, [true]),
    }
}

/// min and max: `{.ftz}{.NaN}{.xorsign.abs}`, for f32 also of three.
fn extreme(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, operands, .. } = asked;
    let ftz = words.flag("ftz");
    let nan = words.flag("NaN");
    let xor = words.flag("xorsign");
    let abs = words.flag("abs");
    let last = words.last()?;
    let min = op == "min";
    if last == "f32" && operands == 4 {
        let make = if xor { return None } else { (nan, abs) };
        macro_rules! three_of {
            ($kind:ty) => {
                match min {
                    true => by_flags!(three_plain, Min3[$kind], isa, make.0, make.1),
                    false => by_flags!(three_plain, Max3[$kind], isa, make.0, make.1),
                }
            };
        }
        return if ftz { three_of!(F32<true>) } else { three_of!(F32<false>) };
    }
    (xor == abs).then_some(())?;
    macro_rules! two_of {
        ($op:ident, $op_xor:ident) => {
            match (last, ftz, nan, xor) {
                ("f32", false, nan, false) => by_flags!(two, $op[F32<false>], isa, nan),
                ("f32", true, nan, false) => by_flags!(two, $op[F32<true>], isa, nan),
                ("f32", false, nan, true) => by_flags!(two_plain, $op_xor[F32<false>], isa, nan),
                ("f32", true, nan, true) => by_flags!(two_plain, $op_xor[F32<true>], isa, nan),
                (_, _, false, false) => small!(last, isa, ftz, two, two_plain, pair2, pair2_plain, $op, [false]),
                (_, _, true, false) => small!(last, isa, ftz, two, two_plain, pair2, pair2_plain, $op, [true]),
                (_, _, false, true) => small!(last, isa, ftz, two_plain, two_plain, pair2_plain, pair2_plain, $op_xor, [false]),
                (_, _, true, true) => small!(last, isa, ftz, two_plain, two_plain, pair2_plain, pair2_plain, $op_xor, [true]),
            }
        };
    }
    if min { two_of!(Min, MinXor) } else { two_of!(Max, MaxXor) }
}
