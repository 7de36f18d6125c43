//! Floating point of 32 and 64 bits (section 9.7.3), and sums of f32 with 16-bit terms (9.7.5).

use super::kind::{F32, F64, Pred, U32, U64};
use super::level::Level;
use super::run::{one, one_plain, three, three_plain, two, two_plain};
use super::table::{binary, by_flags, by_round, ternary, unary};
use super::{Asked, Found, mixed};
use crate::lane::Isa;
use crate::number::round::{Mode, Rm, Rn, Round, Rp, Rz};
use crate::number::{approx, double, single};

/// `.rnd`, as most instructions have it.
pub const ROUNDS: [(&str, Round); 4] =
    [("rn", Round::Nearest), ("rz", Round::Zero), ("rm", Round::Down), ("rp", Round::Up)];

/// `.sat`, where it is.
#[inline(always)]
fn limit<const SAT: bool>(a: f32) -> f32 {
    if SAT { single::saturate(a) } else { a }
}

/// `a * b + c` by the instruction where there is one.
#[inline(always)]
fn fused<M: Mode, L: Level>(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_arch = "x86_64") && L::ISA == Isa::Base {
        single::fma::<M, false>(a, b, c)
    } else {
        single::fma::<M, true>(a, b, c)
    }
}

binary! {
    Add<M: Mode>[FTZ, SAT]: (F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b| limit::<SAT>(single::add::<M>(a, b));
    Sub<M: Mode>[FTZ, SAT]: (F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b| limit::<SAT>(single::add::<M>(a, -b));
    Mul<M: Mode>[FTZ, SAT]: (F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b| limit::<SAT>(single::mul::<M>(a, b));
    Div<M: Mode>[FTZ]: (F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b| single::div::<M>(a, b);
    DivApprox[FTZ]: (F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b| approx::div(a, b);
    Add64<M: Mode>: (F64, F64) -> F64 = |a, b| double::add::<M>(a, b);
    Sub64<M: Mode>: (F64, F64) -> F64 = |a, b| double::add::<M>(a, -b);
    Mul64<M: Mode>: (F64, F64) -> F64 = |a, b| double::mul::<M>(a, b);
    Div64<M: Mode>: (F64, F64) -> F64 = |a, b| double::div::<M>(a, b);
    Min64: (F64, F64) -> F64 = |a, b| double::min(a, b);
    Max64: (F64, F64) -> F64 = |a, b| double::max(a, b);
    CopySign: (U32, U32) -> U32 = |a, b| a & 1 << 31 | b & !(1 << 31);
    CopySign64: (U64, U64) -> U64 = |a, b| a & 1 << 63 | b & !(1 << 63);
}

ternary! {
    Fma<M: Mode>[FTZ, SAT]: (F32<FTZ>, F32<FTZ>, F32<FTZ>) -> F32<FTZ> = |a, b, c| limit::<SAT>(fused::<M, L>(a, b, c));
    Fma64<M: Mode>: (F64, F64, F64) -> F64 = |a, b, c| double::fma::<M>(a, b, c);
}

unary! {
    // A NaN stays as it is but for its sign: the manual leaves it open.
    Abs[FTZ]: (F32<FTZ>) -> U32 = |a| a.abs().to_bits();
    Neg[FTZ]: (F32<FTZ>) -> U32 = |a| (-a).to_bits();
    Abs64: (U64) -> U64 = |a| a & !(1 << 63);
    Neg64: (U64) -> U64 = |a| a ^ 1 << 63;
    Rcp<M: Mode>[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| single::div::<M>(1.0, a);
    Sqrt<M: Mode>[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| single::sqrt::<M>(a);
    Rcp64<M: Mode>: (F64) -> F64 = |a| double::div::<M>(1.0, a);
    Sqrt64<M: Mode>: (F64) -> F64 = |a| double::sqrt::<M>(a);
    Rsqrt[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| approx::rsqrt(a);
    Sin[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| approx::sin(a);
    Cos[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| approx::cos(a);
    Lg2[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| approx::lg2(a);
    Ex2[FTZ]: (F32<FTZ>) -> F32<FTZ> = |a| approx::ex2(a);
    Tanh: (F32<false>) -> F32<false> = |a| approx::tanh(a);
    RcpUpper: (U64) -> U64 = |a| approx::rcp64(a);
    RsqrtUpper: (U64) -> U64 = |a| approx::rsqrt64(a);
    Rsqrt64: (F64) -> F64 = |a| 1.0 / a.sqrt();
    Finite: (F32<false>) -> Pred = |a| a.is_finite();
    Infinite: (F32<false>) -> Pred = |a| a.is_infinite();
    Number: (F32<false>) -> Pred = |a| !a.is_nan();
    NotNumber: (F32<false>) -> Pred = |a| a.is_nan();
    Normal: (F32<false>) -> Pred = |a| a.is_normal();
    Subnormal: (F32<false>) -> Pred = |a| a.is_subnormal();
    Finite64: (F64) -> Pred = |a| a.is_finite();
    Infinite64: (F64) -> Pred = |a| a.is_infinite();
    Number64: (F64) -> Pred = |a| !a.is_nan();
    NotNumber64: (F64) -> Pred = |a| a.is_nan();
    Normal64: (F64) -> Pred = |a| a.is_normal();
    Subnormal64: (F64) -> Pred = |a| a.is_subnormal();
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    match op {
        "add" | "sub" | "mul" | "fma" | "mad" => arithmetic(asked),
        "div" | "rcp" | "sqrt" | "rsqrt" => quotient(asked),
        "sin" | "cos" | "lg2" | "ex2" | "tanh" => {
            words.flag("approx").then_some(())?;
            let ftz = words.flag("ftz");
            (words.last()? == "f32").then_some(())?;
            match op {
                "sin" => by_flags!(one, Sin[], isa, ftz),
                "cos" => by_flags!(one, Cos[], isa, ftz),
                "lg2" => by_flags!(one, Lg2[], isa, ftz),
                "ex2" => by_flags!(one, Ex2[], isa, ftz),
                _ if ftz => None,
                _ => one::<Tanh>(isa),
            }
        }
        "abs" | "neg" => {
            let ftz = words.flag("ftz");
            match (op, words.last()?) {
                ("abs", "f32") => by_flags!(one, Abs[], isa, ftz),
                ("neg", "f32") => by_flags!(one, Neg[], isa, ftz),
                ("abs", "f64") if !ftz => one::<Abs64>(isa),
                ("neg", "f64") if !ftz => one::<Neg64>(isa),
                _ => None,
            }
        }
        "min" if words.last()? == "f64" => two::<Min64>(isa),
        "max" if words.last()? == "f64" => two::<Max64>(isa),
        "copysign" => match words.last()? {
            "f32" => two::<CopySign>(isa),
            "f64" => two::<CopySign64>(isa),
            _ => None,
        },
        "testp" => test(words.take()?, words.last()?, isa),
        _ => None,
    }
}

fn test(property: &str, last: &str, isa: Isa) -> Option<Found> {
    match (property, last) {
        ("finite", "f32") => one_plain::<Finite>(isa),
        ("infinite", "f32") => one_plain::<Infinite>(isa),
        ("number", "f32") => one_plain::<Number>(isa),
        ("notanumber", "f32") => one_plain::<NotNumber>(isa),
        ("normal", "f32") => one_plain::<Normal>(isa),
        ("subnormal", "f32") => one_plain::<Subnormal>(isa),
        ("finite", "f64") => one_plain::<Finite64>(isa),
        ("infinite", "f64") => one_plain::<Infinite64>(isa),
        ("number", "f64") => one_plain::<Number64>(isa),
        ("notanumber", "f64") => one_plain::<NotNumber64>(isa),
        ("normal", "f64") => one_plain::<Normal64>(isa),
        ("subnormal", "f64") => one_plain::<Subnormal64>(isa),
        _ => None,
    }
}

/// add, sub, mul, fma and mad: `{.rnd}{.ftz}{.sat}`.
fn arithmetic(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let round = words.choice(&ROUNDS);
    // A sum or a product without a rounding mode is rounded to nearest; fma has one always, and so has mad from sm_20 on.
    let fused = matches!(op, "fma" | "mad");
    let round = if fused { round? } else { round.unwrap_or(Round::Nearest) };
    let ftz = words.flag("ftz");
    let sat = words.flag("sat");
    let last = words.take()?;
    if !words.done() {
        return if ftz || last != "f32" { None } else { mixed::find(op, round, sat, words.last()?) };
    }
    match (op, last) {
        ("add", "f32") => by_round!(round, two, two_plain, Add, isa, ftz, sat),
        ("sub", "f32") => by_round!(round, two, two_plain, Sub, isa, ftz, sat),
        ("mul", "f32") => by_round!(round, two, two_plain, Mul, isa, ftz, sat),
        (_, "f32") if fused && sat && round != Round::Nearest => {
            by_round!(round, three_plain, three_plain, Fma, isa, ftz, sat)
        }
        (_, "f32") if fused => by_round!(round, three, three, Fma, isa, ftz, sat),
        _ if ftz || sat => None,
        ("add", "f64") => by_round!(round, two, two_plain, Add64, isa),
        ("sub", "f64") => by_round!(round, two, two_plain, Sub64, isa),
        ("mul", "f64") => by_round!(round, two, two_plain, Mul64, isa),
        (_, "f64") if fused => by_round!(round, three, three_plain, Fma64, isa),
        _ => None,
    }
}

/// div, rcp, sqrt and rsqrt: exact with a rounding mode, or approximate.
fn quotient(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let round = words.choice(&ROUNDS);
    let approximate = round.is_none() && words.flag("approx");
    let full = round.is_none() && !approximate && words.flag("full");
    let ftz = words.flag("ftz");
    let last = words.last()?;
    if let Some(round) = round {
        return match (op, last) {
            ("div", "f32") => by_round!(round, two, two_plain, Div, isa, ftz),
            ("rcp", "f32") => by_round!(round, one, one_plain, Rcp, isa, ftz),
            ("sqrt", "f32") => by_round!(round, one, one_plain, Sqrt, isa, ftz),
            _ if ftz => None,
            ("div", "f64") => by_round!(round, two, two_plain, Div64, isa),
            ("rcp", "f64") => by_round!(round, one, one_plain, Rcp64, isa),
            ("sqrt", "f64") => by_round!(round, one, one_plain, Sqrt64, isa),
            _ => None,
        };
    }
    match (op, last) {
        ("div", "f32") if approximate => by_flags!(two, DivApprox[], isa, ftz),
        ("div", "f32") if full => by_flags!(two, Div[Rn], isa, ftz),
        _ if !approximate => None,
        ("rcp", "f32") => by_flags!(one, Rcp[Rn], isa, ftz),
        ("sqrt", "f32") => by_flags!(one, Sqrt[Rn], isa, ftz),
        ("rsqrt", "f32") => by_flags!(one, Rsqrt[], isa, ftz),
        ("rcp", "f64") if ftz => one_plain::<RcpUpper>(isa),
        ("rsqrt", "f64") if ftz => one_plain::<RsqrtUpper>(isa),
        ("rsqrt", "f64") => one::<Rsqrt64>(isa),
        _ => None,
    }
}
