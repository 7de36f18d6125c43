//! Floating point, exact to the last bit in every rounding mode.

use super::check::{Operand, check, check_on, has, mode, names};
use super::exact::{self, BF16, F16, F32, F64, Format, Real};

const MODES: &[&str] = &["rn", "rz", "rm", "rp"];

/// The format of an instruction's result, and whether there are two in a register.
fn format(name: &str) -> (Format, bool) {
    match name.rsplit('.').next().expect("a name") {
        "f32" => (F32, false),
        "f64" => (F64, false),
        "f32x2" => (F32, true),
        "f16" => (F16, false),
        "bf16" => (BF16, false),
        "f16x2" => (F16, true),
        "bf16x2" => (BF16, true),
        other => panic!("no type {other}"),
    }
}

/// `.sat` and `.relu` on the exact result: both are monotone, so it does not matter that rounding follows.
pub fn limited(name: &str, value: Real) -> Real {
    let zero = Real::integer(0);
    if has(name, "sat") {
        if matches!(value, Real::Nan) || value.is_negative() {
            return zero;
        }
        let above = matches!(value, Real::Infinite(_)) || exact::encode(F64, "rz", &value) >= 1f64.to_bits();
        return if above { Real::integer(1) } else { value };
    }
    if has(name, "relu") && value.is_negative() { zero } else { value }
}

fn compute(name: &str, format: Format, sources: &[u64]) -> u64 {
    let ftz = has(name, "ftz");
    let flush = |bits| if ftz { format.flush(bits) } else { bits };
    let values: Vec<Real> = sources.iter().map(|&bits| exact::decode(format, flush(bits))).collect();
    let mode = mode(name);
    let value = match (name.split('.').next().expect("a name"), &values[..]) {
        ("add", [a, b]) => exact::add(mode, a, b),
        ("sub", [a, b]) => exact::add(mode, a, &exact::negate(b.clone())),
        ("mul", [a, b]) => exact::mul(a, b),
        ("div", [a, b]) => exact::div(a, b),
        ("rcp", [a]) => exact::div(&Real::integer(1), a),
        ("sqrt", [a]) => exact::sqrt(a),
        ("fma" | "mad", [a, b, c]) => exact::add(mode, &exact::mul(a, b), c),
        _ => panic!("no {name}"),
    };
    flush(exact::encode(format, mode, &limited(name, value)))
}

fn reference(name: &str, sources: &[u64]) -> Vec<u64> {
    let (format, pair) = format(name);
    if !pair {
        return vec![compute(name, format, sources)];
    }
    let bits = format.bits();
    let part = |shift: u32| {
        let parts: Vec<u64> = sources.iter().map(|&word| word >> shift & (format.sign() * 2).wrapping_sub(1)).collect();
        compute(name, format, &parts) << shift
    };
    vec![part(0) | part(bits)]
}

fn operands(name: &str) -> Vec<Operand> {
    let (format, pair) = format(name);
    let count = match name.split('.').next() {
        Some("rcp" | "sqrt") => 1,
        Some("fma" | "mad") => 3,
        _ => 2,
    };
    vec![if pair { Operand::Pair(format) } else { Operand::Float(format) }; count]
}

#[test]
fn sums_and_products_of_f32() {
    let all = [&[""], MODES].concat();
    check(&names(&[&["add", "sub", "mul"], &all, &["", "ftz"], &["", "sat"], &["f32"]]), operands, reference);
}

#[test]
fn fused_f32() {
    check(&names(&[&["fma", "mad"], MODES, &["", "ftz"], &["", "sat"], &["f32"]]), operands, reference);
}

#[test]
fn quotients_and_roots_of_f32() {
    check(&names(&[&["div", "rcp", "sqrt"], MODES, &["", "ftz"], &["f32"]]), operands, reference);
}

#[test]
fn sums_and_products_of_f64() {
    check(&names(&[&["add", "sub", "mul"], MODES, &["f64"]]), operands, reference);
}

#[test]
fn fused_f64() {
    check(&names(&[&["fma", "mad"], MODES, &["f64"]]), operands, reference);
}

#[test]
fn quotients_and_roots_of_f64() {
    check(&names(&[&["div", "rcp", "sqrt"], MODES, &["f64"]]), operands, reference);
}

#[test]
fn pairs_of_f32() {
    let sums = names(&[&["add", "sub", "mul", "fma"], MODES, &["", "ftz"], &["f32x2"]]);
    check(&sums, operands, reference);
}

#[test]
fn halves() {
    let types = &["f16", "f16x2"];
    check(&names(&[&["add", "sub", "mul"], &["", "rn"], &["", "ftz"], &["", "sat"], types]), operands, reference);
    check(&names(&[&["fma"], &["rn"], &["", "ftz"], &["", "sat", "relu"], types]), operands, reference);
    let types = &["bf16", "bf16x2"];
    check(&names(&[&["add", "sub", "mul"], &["", "rn"], types]), operands, reference);
    check(&names(&[&["fma"], &["rn"], &["", "relu"], types]), operands, reference);
}

#[test]
fn halves_outside_of_tensors_are_zero() {
    // What copies of tensors fill with, and the NaN that computations give.
    const OUTSIDE: u64 = 0x7ffe;
    const NAN: u64 = 0x7fff;
    let all = names(&[&["fma"], &["rn"], &["oob"], &["", "relu"], &["f16", "f16x2", "bf16", "bf16x2"]]);
    let expected = |name: &str, sources: &[u64]| {
        let result = reference(name, sources)[0];
        let halves = if format(name).1 { 2 } else { 1 };
        let part = |half: u32| {
            let outside = sources.iter().any(|word| word >> (16 * half) & 0xffff == OUTSIDE);
            if outside { 0 } else { result & 0xffff << (16 * half) }
        };
        vec![(0..halves).map(part).sum()]
    };
    check(&all, operands, expected);
    for place in 0..3 {
        for (low, high) in [(OUTSIDE, OUTSIDE), (OUTSIDE, 0x3c00), (NAN, OUTSIDE), (0x3c00, NAN)] {
            let special = |name: &str| {
                let mut all = operands(name);
                all[place] = Operand::Exactly(if format(name).1 { high << 16 | low } else { low });
                all
            };
            check_on(2_000, &all, special, expected);
        }
    }
}

#[test]
fn sums_with_halves() {
    let small = |name: &str| if has(name, "bf16") { BF16 } else { F16 };
    let all = [&[""], MODES].concat();
    let types = &["f32.f16", "f32.bf16"];
    let sums = |name: &str, sources: &[u64]| {
        let (a, b) = (exact::decode(small(name), sources[0]), exact::decode(F32, sources[1]));
        let b = if name.starts_with("sub") { exact::negate(b) } else { b };
        vec![exact::encode(F32, mode(name), &limited(name, exact::add(mode(name), &a, &b)))]
    };
    let kinds = |name: &str| vec![Operand::Float(small(name)), Operand::Float(F32)];
    check(&names(&[&["add", "sub"], &all, &["", "sat"], types]), kinds, sums);
    let products = |name: &str, sources: &[u64]| {
        let [a, b] = [sources[0], sources[1]].map(|bits| exact::decode(small(name), bits));
        let sum = exact::add(mode(name), &exact::mul(&a, &b), &exact::decode(F32, sources[2]));
        vec![exact::encode(F32, mode(name), &limited(name, sum))]
    };
    let kinds = |name: &str| vec![Operand::Float(small(name)), Operand::Float(small(name)), Operand::Float(F32)];
    check(&names(&[&["fma"], MODES, &["", "sat"], types]), kinds, products);
}
