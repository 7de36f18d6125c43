//! Comparisons, selections, minima and maxima.

use super::check::{Operand, check, has, names};
use super::exact::{BF16, F16, F32, F64, Format};
use std::cmp::Ordering;

const INTEGERS: &[&str] = &["u16", "u32", "u64", "s16", "s32", "s64"];
const BITS: &[&str] = &["b16", "b32", "b64"];

/// The floating-point format of a type, if it is one.
fn format(kind: &str) -> Option<Format> {
    match kind {
        "f16" | "f16x2" => Some(F16),
        "bf16" | "bf16x2" => Some(BF16),
        "f32" => Some(F32),
        "f64" => Some(F64),
        _ => None,
    }
}

fn operand(kind: &str) -> Operand {
    match format(kind) {
        Some(format) if kind.ends_with("x2") => Operand::Pair(format),
        Some(format) => Operand::Float(format),
        None => Operand::Integer(kind[1..].parse().expect("a width")),
    }
}

/// A number's place in the order of all numbers; both zeros have the same.
fn rank(format: Format, bits: u64) -> i128 {
    let magnitude = (bits & (format.sign() - 1)) as i128;
    if bits & format.sign() != 0 { -magnitude } else { magnitude }
}

/// How `a` and `b` compare as `kind`; None if one is a NaN.
fn order(kind: &str, ftz: bool, a: u64, b: u64) -> Option<Ordering> {
    match format(kind) {
        Some(format) if format.is_nan(a) || format.is_nan(b) => None,
        Some(format) => {
            let [a, b] = [a, b].map(|bits| rank(format, if ftz { format.flush(bits) } else { bits }));
            Some(a.cmp(&b))
        }
        None if kind.starts_with('s') => {
            let unused = 64 - kind[1..].parse::<u32>().expect("a width");
            Some(((a << unused) as i64).cmp(&((b << unused) as i64)))
        }
        None => Some(a.cmp(&b)),
    }
}

fn holds(relation: &str, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return relation == "nan" || (relation.len() == 3 && relation.ends_with('u')) };
    match relation.strip_suffix('u').filter(|stem| stem.len() == 2).unwrap_or(relation) {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" | "lo" => order.is_lt(),
        "le" | "ls" => order.is_le(),
        "gt" | "hi" => order.is_gt(),
        "ge" | "hs" => order.is_ge(),
        "num" => true,
        _ => false,
    }
}

fn joined(name: &str, truth: bool, c: Option<&u64>) -> bool {
    let c = c.is_some_and(|&c| c != 0);
    if has(name, "and") {
        truth && c
    } else if has(name, "or") {
        truth || c
    } else if has(name, "xor") {
        truth != c
    } else {
        truth
    }
}

fn parts(name: &str) -> (Vec<&str>, &str) {
    let parts: Vec<&str> = name.split('.').collect();
    let last = parts[parts.len() - 1];
    (parts, last)
}

/// Sources of set and setp.
fn sources(name: &str) -> Vec<Operand> {
    let (_, last) = parts(name);
    let joins = ["and", "or", "xor"].iter().any(|part| has(name, part));
    [vec![operand(last); 2], if joins { vec![Operand::Bit] } else { vec![] }].concat()
}

/// The truths of a comparison: of both halves if there are two.
fn truths(name: &str, sources: &[u64]) -> Vec<bool> {
    let (parts, last) = parts(name);
    let bits = format(last).map_or(64, |format| format.bits());
    let halves = if last.ends_with("x2") { vec![0, bits] } else { vec![0] };
    let all = u64::MAX >> (64 - bits);
    halves
        .into_iter()
        .map(|shift| {
            let [a, b] = [sources[0], sources[1]].map(|word| word >> shift & all);
            holds(parts[1], order(last, has(name, "ftz"), a, b))
        })
        .collect()
}

const SIMPLE: &[&str] = &["eq", "ne", "lt", "le", "gt", "ge"];
const UNSIGNED: &[&str] = &["lo", "ls", "hi", "hs"];
const FLOATING: &[&str] = &["equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"];
const JOINS: &[&str] = &["", "and", "or", "xor"];

/// Every spelling of a comparison, with what `result` stands before the type compared.
fn spellings(op: &str, result: &[&str]) -> Vec<String> {
    let op = &[op];
    let floats = [SIMPLE, FLOATING].concat();
    [
        names(&[op, &["eq", "ne"], JOINS, result, BITS]),
        names(&[op, SIMPLE, JOINS, result, INTEGERS]),
        names(&[op, UNSIGNED, JOINS, result, &["u16", "u32", "u64"]]),
        names(&[op, &floats, JOINS, &["", "ftz"], result, &["f32"]]),
        names(&[op, &floats, JOINS, result, &["f64"]]),
    ]
    .concat()
}

#[test]
fn predicates() {
    // `named` finds the form with one predicate first; of two numbers there are always two.
    let one = |name: &str, values: &[u64]| vec![joined(name, truths(name, values)[0], values.get(2)) as u64];
    check(&spellings("setp", &[""]), sources, one);
    let floats = [SIMPLE, FLOATING].concat();
    check(&names(&[&["setp"], &floats, JOINS, &["", "ftz"], &["f16"]]), sources, one);
    check(&names(&[&["setp"], &floats, JOINS, &["bf16"]]), sources, one);
    let two = |name: &str, values: &[u64]| {
        truths(name, values).into_iter().map(|truth| joined(name, truth, values.get(2)) as u64).collect()
    };
    check(&names(&[&["setp"], &floats, JOINS, &["", "ftz"], &["f16x2"]]), sources, two);
    check(&names(&[&["setp"], &floats, JOINS, &["bf16x2"]]), sources, two);
}

#[test]
fn a_predicate_and_its_opposite() {
    let both = |name: &str, values: &[u64]| {
        let truth = truths(name, values)[0];
        [truth, !truth].map(|truth| joined(name, truth, values.get(2)) as u64).to_vec()
    };
    super::check::check_pairs(&spellings("setp", &[""]), sources, both);
}

#[test]
fn values() {
    let reference = |name: &str, values: &[u64]| {
        let (parts, _) = parts(name);
        let yes = match parts[parts.len() - 2] {
            "f32" => 0x3f80_0000,
            "f16" | "f16x2" => 0x3c00,
            "bf16" | "bf16x2" => 0x3f80,
            "u16" | "s16" => 0xffff,
            _ if name.ends_with("x2") => 0xffff,
            _ => 0xffff_ffff,
        };
        let truths = truths(name, values).into_iter().map(|truth| joined(name, truth, values.get(2)) as u64 * yes);
        vec![truths.enumerate().map(|(half, value)| value << (16 * half)).sum()]
    };
    check(&spellings("set", &["u32", "s32", "f32", "f16"]), sources, reference);
    let floats = [SIMPLE, FLOATING].concat();
    let halves = names(&[&["set"], &floats, JOINS, &["u16", "s16", "u32", "s32", "f16"], &["f16"]]);
    check(&halves, sources, reference);
    let halves = names(&[&["set"], &floats, JOINS, &["u16", "s16", "u32", "s32", "bf16"], &["bf16"]]);
    check(&halves, sources, reference);
    check(&names(&[&["set"], &floats, JOINS, &["", "ftz"], &["f16x2", "u32", "s32"], &["f16x2"]]), sources, reference);
    check(&names(&[&["set"], &floats, JOINS, &["bf16x2", "u32", "s32"], &["bf16x2"]]), sources, reference);
}

#[test]
fn selections() {
    let types = &[INTEGERS, BITS, &["f32", "f64"]].concat();
    let select = |_: &str, values: &[u64]| vec![values[if values[2] != 0 { 0 } else { 1 }]];
    let bits = |kind: &str| Operand::Integer(kind[1..].parse().expect("a width"));
    let operands = |name: &str| vec![bits(parts(name).1), bits(parts(name).1), Operand::Bit];
    check(&names(&[&["selp"], types]), operands, select);
    let by_sign = |name: &str, values: &[u64]| {
        let c = order(parts(name).1, has(name, "ftz"), values[2], 0);
        vec![values[if c.is_some_and(Ordering::is_ge) { 0 } else { 1 }]]
    };
    let operands = |name: &str| {
        let (parts, last) = parts(name);
        let what = bits(parts[parts.len() - 2]);
        vec![what, what, operand(last)]
    };
    check(&names(&[&["slct"], types, &["s32", "f32"]]), operands, by_sign);
    check(&names(&[&["slct"], &["ftz"], types, &["f32"]]), operands, by_sign);
}

#[test]
fn extremes() {
    let one = |name: &str, format: Format, values: &[u64]| {
        let xor = values.iter().fold(0, |all, bits| all ^ bits & format.sign());
        let strip = |bits: u64| if has(name, "abs") { bits & !format.sign() } else { bits };
        let values: Vec<u64> =
            values.iter().map(|&bits| strip(if has(name, "ftz") { format.flush(bits) } else { bits })).collect();
        let numbers: Vec<u64> = values.iter().copied().filter(|&bits| !format.is_nan(bits)).collect();
        if numbers.is_empty() || (has(name, "NaN") && numbers.len() < values.len()) {
            return format.nan();
        }
        // Negative zero is less than positive zero.
        let key = |&bits: &u64| (rank(format, bits), bits & format.sign() == 0);
        let chosen = if name.starts_with("min") {
            numbers.iter().min_by_key(|bits| key(bits))
        } else {
            numbers.iter().max_by_key(|bits| key(bits))
        };
        chosen.expect("there is a number") | if has(name, "xorsign") { xor } else { 0 }
    };
    let reference = |name: &str, values: &[u64]| {
        let (_, last) = parts(name);
        let format = format(last).expect("a format");
        if !last.ends_with("x2") {
            return vec![one(name, format, values)];
        }
        let half = |shift: u32| {
            one(name, format, &values.iter().map(|word| word >> shift & 0xffff).collect::<Vec<_>>()) << shift
        };
        vec![half(0) | half(16)]
    };
    let two = |name: &str| vec![operand(parts(name).1); 2];
    let op = &["min", "max"];
    check(&names(&[op, &["", "ftz"], &["", "NaN"], &["", "xorsign.abs"], &["f32", "f16", "f16x2"]]), two, reference);
    check(&names(&[op, &["", "NaN"], &["", "xorsign.abs"], &["bf16", "bf16x2"]]), two, reference);
    check(&names(&[op, &["f64"]]), two, reference);
    let three = |name: &str| vec![operand(parts(name).1); 3];
    super::check::check_operands(
        4,
        &names(&[op, &["", "ftz"], &["", "NaN"], &["", "abs"], &["f32"]]),
        three,
        reference,
    );
}

#[test]
fn signs() {
    let reference = |name: &str, values: &[u64]| {
        let (parts, last) = parts(name);
        let format = format(last).expect("a format");
        let signs = if last.ends_with("x2") { format.sign() | format.sign() << 16 } else { format.sign() };
        let flushed = if !has(name, "ftz") {
            values[0]
        } else if last.ends_with("x2") {
            format.flush(values[0] & 0xffff) | format.flush(values[0] >> 16) << 16
        } else {
            format.flush(values[0])
        };
        vec![match parts[0] {
            "abs" => flushed & !signs,
            "neg" => flushed ^ signs,
            "copysign" => values[0] & signs | values[1] & !signs,
            _ => {
                let magnitude = values[0] & !signs;
                let (nan, infinite) = (magnitude > format.infinity(), magnitude == format.infinity());
                let small = magnitude != 0 && magnitude & format.infinity() == 0;
                (match parts[1] {
                    "finite" => !nan && !infinite,
                    "infinite" => infinite,
                    "number" => !nan,
                    "notanumber" => nan,
                    "subnormal" => small,
                    _ => !nan && !infinite && !small && magnitude != 0,
                }) as u64
            }
        }]
    };
    let one = |name: &str| vec![operand(parts(name).1)];
    let types = &["f32", "f64", "f16", "f16x2", "bf16", "bf16x2"];
    check(&names(&[&["abs", "neg"], types]), one, reference);
    check(&names(&[&["abs", "neg"], &["ftz"], &["f32"]]), one, reference);
    check(&names(&[&["copysign"], &["f32", "f64"]]), |name| vec![operand(parts(name).1); 2], reference);
    let properties = &["finite", "infinite", "number", "notanumber", "normal", "subnormal"];
    check(&names(&[&["testp"], properties, &["f32", "f64"]]), one, reference);
}
