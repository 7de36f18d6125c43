//! Conversions to and from formats of 4, 6 and 8 bits that have few enough numbers to try them all.

use super::check::{Operand, check, has, names};
use super::exact::{BF16, F16, F32};

/// The numbers of a format by their bits, from zero up: `exponent` and `fraction` bits, all finite.
fn numbers(name: &str) -> impl ExactSizeIterator<Item = f64> {
    let (exponent, fraction) = match name {
        "e2m1x2" => (2, 1),
        "e2m3x2" => (2, 3),
        "e3m2x2" => (3, 2),
        other => panic!("no format {other}"),
    };
    let bias = (1 << (exponent - 1)) - 1;
    let steps = 1 << fraction;
    (0..1 << (exponent + fraction)).map(move |bits| match bits / steps {
        0 => (bits % steps) as f64 / steps as f64 * 2f64.powi(1 - bias),
        field => (1.0 + (bits % steps) as f64 / steps as f64) * 2f64.powi(field - bias),
    })
}

/// The bits of the number nearest to `value`, the even of two; the largest for what is larger and for a NaN.
fn nearest(name: &str, value: f64) -> u64 {
    let all = numbers(name).len() as u64;
    if value.is_nan() {
        return all - 1;
    }
    if has(name, "relu") && value < 0.0 {
        return 0;
    }
    let mut best = (f64::INFINITY, 0);
    for (at, number) in numbers(name).enumerate() {
        let distance = (value.abs().min(1e9) - number).abs();
        if distance < best.0 || (distance == best.0 && at % 2 == 0) {
            best = (distance, at as u64);
        }
    }
    best.1 | if value.is_sign_negative() { all } else { 0 }
}

fn f16(bits: u64) -> f64 {
    let magnitude = match bits >> 10 & 31 {
        0 => (bits & 1023) as f64 * 2f64.powi(-24),
        31 if bits & 1023 != 0 => f64::NAN,
        31 => f64::INFINITY,
        exponent => (1024 + (bits & 1023)) as f64 * 2f64.powi(exponent as i32 - 25),
    };
    if bits & 0x8000 != 0 { -magnitude } else { magnitude }
}

fn single(bits: u64) -> f64 {
    f32::from_bits(bits as u32) as f64
}

const FORMATS: &[&str] = &["e2m1x2", "e2m3x2", "e3m2x2"];

/// `high` and `low` as they lie in a register.
fn packed(format: &str, high: u64, low: u64) -> u64 {
    high << if format == "e2m1x2" { 4 } else { 8 } | low
}

#[test]
fn to_tiny() {
    let one = |name: &str, to: &str, value: f64| {
        let value = if has(name, "relu") && value <= 0.0 { 0.0 } else { value };
        nearest(to, value)
    };
    let from_f32 = |name: &str, sources: &[u64]| {
        let to = name.split('.').rev().nth(1).expect("a type");
        let [high, low] = [sources[0], sources[1]].map(|bits| one(name, to, single(bits)));
        vec![packed(to, high, low)]
    };
    check(
        &names(&[&["cvt.rn.satfinite"], &["", "relu"], FORMATS, &["f32"]]),
        |_| vec![Operand::Float(F32); 2],
        from_f32,
    );
    let from_pair = |name: &str, sources: &[u64]| {
        let to = name.split('.').rev().nth(1).expect("a type");
        let value = |bits: u64| if name.ends_with("bf16x2") { single(bits << 16) } else { f16(bits) };
        let [high, low] = [sources[0] >> 16, sources[0] & 0xffff].map(|bits| one(name, to, value(bits)));
        vec![packed(to, high, low)]
    };
    let pairs = |name: &str| vec![Operand::Pair(if name.ends_with("bf16x2") { BF16 } else { F16 })];
    check(&names(&[&["cvt.rn.satfinite"], &["", "relu"], FORMATS, &["f16x2", "bf16x2"]]), pairs, from_pair);
}

#[test]
fn from_tiny() {
    let reference = |name: &str, sources: &[u64]| {
        let from = name.rsplit('.').next().expect("a type");
        let all = numbers(from).len();
        let shift = if from == "e2m1x2" { 4 } else { 8 };
        let half = |bits: u64| {
            let (sign, magnitude) =
                (bits & all as u64 != 0, numbers(from).nth(bits as usize % all).expect("it is one"));
            if has(name, "relu") && sign {
                return 0;
            }
            // All but zero are normal f16.
            let found = (magnitude.to_bits() >> 42).saturating_sub((1023 - 15) << 10);
            found | if sign { 0x8000 } else { 0 }
        };
        vec![half(sources[0] >> shift) << 16 | half(sources[0])]
    };
    check(&names(&[&["cvt.rn"], &["", "relu"], &["f16x2"], FORMATS]), |_| vec![Operand::Integer(16)], reference);
}

#[test]
fn powers_of_two() {
    let power = |name: &str, value: f64| -> u64 {
        let most = if has(name, "satfinite") { 0xfe } else { 0xff };
        if value.is_nan() {
            return 0xff;
        }
        // The power next above or below, by trying.
        let value = value.abs();
        let reach = (0..255).find(|&code| 2f64.powi(code - 127) >= value);
        match reach {
            Some(code) if 2f64.powi(code - 127) == value || has(name, "rp") => code as u64,
            Some(code) => (code as u64).saturating_sub(1),
            // Between the largest power and twice as much, cut.
            None if value < 2f64.powi(128) && has(name, "rz") => 0xfe,
            None => most,
        }
    };
    let from_f32 =
        |name: &str, sources: &[u64]| vec![power(name, single(sources[0])) << 8 | power(name, single(sources[1]))];
    check(
        &names(&[&["cvt"], &["rz", "rp"], &["", "satfinite"], &["ue8m0x2.f32"]]),
        |_| vec![Operand::Float(F32); 2],
        from_f32,
    );
    let from_pair = |name: &str, sources: &[u64]| {
        let [high, low] =
            [sources[0] & 0xffff_0000, sources[0] << 16 & 0xffff_ffff].map(|bits| power(name, single(bits)));
        vec![high << 8 | low]
    };
    check(
        &names(&[&["cvt"], &["rz", "rp"], &["", "satfinite"], &["ue8m0x2.bf16x2"]]),
        |_| vec![Operand::Pair(BF16)],
        from_pair,
    );
    let back = |_: &str, sources: &[u64]| {
        let half = |code: u64| match code {
            0xff => 0x7fff,
            code => ((2f64.powi(code as i32 - 127) as f32).to_bits() >> 16) as u64,
        };
        vec![half(sources[0] >> 8) << 16 | half(sources[0] & 255)]
    };
    check(&names(&[&["cvt.rn.bf16x2.ue8m0x2"]]), |_| vec![Operand::Integer(16)], back);
}
