//! Approximations, within the manual's bounds and with its special results. The reference is f64, whose own error is far below.

use super::check::{Operand, check_bounds, has, names};
use super::exact::{BF16, F16, F32, F64, Format};
use super::warp::lane;

fn single(bits: u64) -> f64 {
    f32::from_bits(bits as u32) as f64
}

fn operands(name: &str) -> Vec<Operand> {
    let format = if has(name, "f64") { F64 } else { F32 };
    vec![Operand::Float(format); if name.starts_with("div") { 2 } else { 1 }]
}

/// The size of f32's last place at `value`.
fn ulp(value: f64) -> f64 {
    2f64.powi((value.abs().log2().floor() as i32).max(-126) - 23)
}

/// An f32 result beside what it should be: NaN with NaN, infinite with infinite, else within `bound`. Flushed results are checked as
/// zeros of their sign; `edge` is what may round to the least normal number.
fn close(name: &str, got: u64, want: f64, bound: f64) -> bool {
    if want.is_nan() {
        return got == 0x7fff_ffff;
    }
    let got = single(got);
    if has(name, "ftz") && want.abs() < f32::MIN_POSITIVE as f64 {
        return got == 0.0 && got.is_sign_negative() == want.is_sign_negative() || (got - want).abs() <= bound;
    }
    if want.abs() > f32::MAX as f64 {
        return got == want.signum() * f64::INFINITY || (got - want).abs() <= bound;
    }
    (got - want).abs() <= bound && (want != 0.0 || got.is_sign_negative() == want.is_sign_negative())
}

fn flushed(name: &str, bits: u64) -> f64 {
    single(if has(name, "ftz") { F32.flush(bits) } else { bits })
}

#[test]
fn quotients() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let (a, b) = (flushed(name, sources[0]), flushed(name, sources[1]));
        let large = has(name, "approx") && b.abs() > 2f64.powi(126) && b.is_finite();
        let want = if large { a * 0f64.copysign(b) } else { a / b };
        close(name, got[0], want, 2.0 * ulp(want))
    };
    check_bounds(&names(&[&["div"], &["approx", "full"], &["", "ftz"], &["f32"]]), operands, within);
}

#[test]
fn reciprocals_and_roots() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let a = flushed(name, sources[0]);
        let (want, bound) = match name.split('.').next() {
            Some("rcp") => (1.0 / a, ulp(1.0 / a)),
            Some("sqrt") => (a.sqrt(), a.sqrt() * 2f64.powi(-23)),
            // Subnormal roots there are none.
            _ => (1.0 / a.sqrt(), (1.0 / a.sqrt()).abs() * 2f64.powf(-22.9)),
        };
        close(name, got[0], want, bound)
    };
    check_bounds(&names(&[&["rcp", "sqrt", "rsqrt"], &["approx"], &["", "ftz"], &["f32"]]), operands, within);
}

#[test]
fn exponentials_and_logarithms() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let a = flushed(name, sources[0]);
        if name.starts_with("ex2") {
            let want = a.exp2();
            return close(name, got[0], want, 2.0 * ulp(want));
        }
        let want = a.log2();
        let bound = if a > 0.5 && a < 2.0 { 2f64.powi(-22) } else { want.abs() * 2f64.powi(-22) };
        if a == 1.0 { got[0] == 0 } else { close(name, got[0], want, bound) }
    };
    check_bounds(&names(&[&["ex2", "lg2"], &["approx"], &["", "ftz"], &["f32"]]), operands, within);
}

#[test]
fn angles() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let a = flushed(name, sources[0]);
        let want = if name.starts_with("sin") { a.sin() } else { a.cos() };
        let turns = a.abs() / std::f64::consts::TAU;
        let bound = match turns {
            ..=1.0 => 2f64.powf(-20.5),
            ..=50.0 => 2f64.powf(-14.7),
            // No more than that it is a sine.
            _ => return want.is_nan() == (got[0] == 0x7fff_ffff) && (want.is_nan() || single(got[0]).abs() <= 1.0),
        };
        (single(got[0]) - want).abs() <= bound
            && (a != 0.0 || single(got[0]).is_sign_negative() == want.is_sign_negative())
    };
    check_bounds(&names(&[&["sin", "cos"], &["approx"], &["", "ftz"], &["f32"]]), operands, within);
}

#[test]
fn hyperbolic_tangents() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let want = single(sources[0]).tanh();
        close(name, got[0], want, want.abs() * 2f64.powi(-11))
    };
    check_bounds(&names(&[&["tanh.approx.f32"]]), operands, within);
}

#[test]
fn halves() {
    let value = |format: Format, bits: u64| {
        let f32s = if format == F16 { half_value(bits) } else { f32::from_bits((bits as u32) << 16) as f64 };
        if format.is_nan(bits) { f64::NAN } else { f32s }
    };
    let within = move |name: &str, sources: &[u64], got: &[u64]| {
        let format = if has(name, "bf16") || has(name, "bf16x2") { BF16 } else { F16 };
        let halves = if name.ends_with("x2") { vec![0, 16] } else { vec![0] };
        halves.into_iter().all(|shift| {
            let [a, got] = [sources[0], got[0]].map(|word| word >> shift & 0xffff);
            let a = value(format, if has(name, "ftz") { format.flush(a) } else { a });
            let want = if name.starts_with("ex2") { a.exp2() } else { a.tanh() };
            if want.is_nan() {
                return got == format.nan();
            }
            let most = value(format, format.infinity() - 1);
            let bound = match (name.starts_with("ex2"), format == F16) {
                (true, true) => want * 2f64.powf(-9.9) + 2f64.powi(-25),
                (true, false) => want * 2f64.powi(-7),
                (false, true) => 2f64.powf(-10.987),
                (false, false) => 2f64.powi(-8),
            };
            let got = value(format, got);
            if has(name, "ftz") && want < f32::MIN_POSITIVE as f64 {
                return got == 0.0 || (got - want).abs() <= bound;
            }
            if want > most { got == f64::INFINITY || (got - want).abs() <= bound } else { (got - want).abs() <= bound }
        })
    };
    let kinds = |name: &str| {
        vec![match name.rsplit('.').next() {
            Some("f16") => Operand::Float(F16),
            Some("bf16") => Operand::Float(BF16),
            Some("f16x2") => Operand::Pair(F16),
            _ => Operand::Pair(BF16),
        }]
    };
    let all = ["ex2.approx.f16", "ex2.approx.f16x2", "ex2.approx.ftz.bf16", "ex2.approx.ftz.bf16x2"];
    check_bounds(&all.map(String::from), kinds, within);
    check_bounds(&names(&[&["tanh.approx"], &["f16", "f16x2", "bf16", "bf16x2"]]), kinds, within);
}

/// The value of a finite or infinite f16.
fn half_value(bits: u64) -> f64 {
    let (exponent, fraction) = ((bits >> 10 & 31) as i32, (bits & 1023) as f64);
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 => f64::INFINITY,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 != 0 { -magnitude } else { magnitude }
}

#[test]
fn gross_f64() {
    let within = |name: &str, sources: &[u64], got: &[u64]| {
        let a = f64::from_bits(sources[0]);
        let full = name == "rsqrt.approx.f64";
        let upper = if full { a } else { f64::from_bits(F64.flush(sources[0] & 0xffff_ffff_0000_0000)) };
        let want = if name.starts_with("rcp") { 1.0 / upper } else { 1.0 / upper.sqrt() };
        let value = f64::from_bits(got[0]);
        if want.is_nan() || a.is_nan() {
            return got[0] == if full { 0xfff8_0000_0000_0000 } else { 0x7fff_ffff_0000_0000 };
        }
        if !full && (got[0] & 0xffff_ffff != 0 || want.abs() < f64::MIN_POSITIVE) {
            return got[0] & 0x7fff_ffff_ffff_ffff == 0;
        }
        value == want || (value - want).abs() <= want.abs() * 2f64.powi(if full { -50 } else { -20 })
    };
    check_bounds(
        &["rcp.approx.ftz.f64", "rsqrt.approx.ftz.f64", "rsqrt.approx.f64"].map(String::from),
        operands,
        within,
    );
}

#[test]
fn special_results() {
    let f = |value: f32| value.to_bits() as u64;
    let (inf, nan) = (f32::INFINITY, 0x7fff_ffff);
    for (name, input, result) in [
        ("rcp.approx.f32", f(-inf), f(-0.0)),
        ("rcp.approx.ftz.f32", f(-1e-40), f(-inf)),
        ("rcp.approx.f32", f(0.0), f(inf)),
        ("sqrt.approx.f32", f(-0.0), f(-0.0)),
        ("sqrt.approx.ftz.f32", f(-1e-40), f(-0.0)),
        ("sqrt.approx.f32", f(-1.0), nan),
        ("rsqrt.approx.f32", f(-0.0), f(-inf)),
        ("rsqrt.approx.ftz.f32", f(1e-40), f(inf)),
        ("rsqrt.approx.f32", f(inf), f(0.0)),
        ("sin.approx.f32", f(-0.0), f(-0.0)),
        ("sin.approx.f32", f(inf), nan),
        ("cos.approx.f32", f(-0.0), f(1.0)),
        ("cos.approx.f32", f(-inf), nan),
        ("lg2.approx.f32", f(-0.0), f(-inf)),
        ("lg2.approx.ftz.f32", f(1e-40), f(-inf)),
        ("lg2.approx.f32", f(-1.0), nan),
        ("lg2.approx.f32", f(-inf), nan),
        ("lg2.approx.f32", f(inf), f(inf)),
        ("ex2.approx.f32", f(-inf), f(0.0)),
        ("ex2.approx.f32", f(-0.0), f(1.0)),
        ("ex2.approx.f32", f(inf), f(inf)),
        ("ex2.approx.f32", f(-149.0), 1),
        ("tanh.approx.f32", f(-inf), f(-1.0)),
        ("tanh.approx.f32", f(-0.0), f(-0.0)),
        ("tanh.approx.f32", 0x8000_0001, 0x8000_0001),
        ("ex2.approx.ftz.bf16", 0x0001, 0x3f80),
    ] {
        assert_eq!(lane(name, &[input]), [result], "{name} of {input:x}");
    }
    assert_eq!(lane("div.approx.f32", &[f(inf), f(2e38)]), [nan]);
    assert_eq!(lane("div.approx.f32", &[f(1e38), f(-2e38)]), [f(-0.0)]);
}
