//! Integers, in 128 bits or more, bit by bit where the manual's text is so.

use super::check::{Operand, check, check_on, has, names, vectors};

const TYPES: &[&str] = &["u16", "u32", "u64", "s16", "s32", "s64"];

/// The type at the end of a name: its bits, and whether it is signed.
fn kind(name: &str) -> (u32, bool) {
    let last = name.rsplit('.').next().expect("a name");
    (last[1..].parse().expect("a width"), last.starts_with('s'))
}

fn value(bits: u64, width: u32, signed: bool) -> i128 {
    let value = (bits & (u64::MAX >> (64 - width))) as i128;
    if signed && value >> (width - 1) != 0 { value - (1 << width) } else { value }
}

fn cut(value: i128, width: u32) -> u64 {
    value as u64 & (u64::MAX >> (64 - width))
}

fn limit(value: i128, width: u32, signed: bool) -> i128 {
    let (least, most) =
        if signed { (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1) } else { (0, (1 << width) - 1) };
    value.max(least).min(most)
}

fn same(count: usize) -> impl Fn(&str) -> Vec<Operand> {
    move |name| vec![Operand::Integer(kind(name).0); count]
}

fn arithmetic(name: &str, sources: &[u64]) -> Vec<u64> {
    let (width, signed) = kind(name);
    let v: Vec<i128> = sources.iter().map(|&bits| value(bits, width, signed)).collect();
    let result = match name.split('.').next().expect("a name") {
        "add" => v[0] + v[1],
        "sub" => v[0] - v[1],
        "min" => v[0].min(v[1]),
        "max" => v[0].max(v[1]),
        "abs" => v[0].abs(),
        "neg" => -v[0],
        "sad" => v[2] + (v[0] - v[1]).abs(),
        "div" if v[1] == 0 => -1,
        "div" => v[0] / v[1],
        "rem" if v[1] == 0 => v[0],
        "rem" => v[0] % v[1],
        _ => panic!("no {name}"),
    };
    let result = if has(name, "sat") { limit(result, width, signed) } else { result };
    let result = if has(name, "relu") { result.max(0) } else { result };
    vec![cut(result, width)]
}

#[test]
fn sums() {
    check(&names(&[&["add", "sub", "min", "max"], TYPES]), same(2), arithmetic);
    check(&names(&[&["add", "sub"], &["sat"], &["s32"]]), same(2), arithmetic);
    check(&names(&[&["min", "max"], &["relu"], &["s32"]]), same(2), arithmetic);
    check(&names(&[&["abs", "neg"], &["s16", "s32", "s64"]]), same(1), arithmetic);
    check(&names(&[&["sad"], TYPES]), same(3), arithmetic);
}

#[test]
fn quotients() {
    check(&names(&[&["div", "rem"], TYPES]), same(2), arithmetic);
}

#[test]
fn products() {
    // A product of 64 bits by 64 does not fit in an i128 if unsigned: its halves are made of four parts.
    let product = |name: &str, a: u64, b: u64| {
        let (width, signed) = kind(name);
        if width < 64 || signed {
            let product = value(a, width, signed) * value(b, width, signed);
            return (cut(product, width), (product >> width) as u64 & (u64::MAX >> (64 - width)), product);
        }
        let product = a as u128 * b as u128;
        (product as u64, (product >> 64) as u64, product as i128)
    };
    let reference = |name: &str, sources: &[u64]| {
        let (width, signed) = kind(name);
        let (low, high, all) = product(name, sources[0], sources[1]);
        if has(name, "wide") {
            let sum = all + sources.get(2).map_or(0, |&c| value(c, 2 * width, signed));
            return vec![cut(sum, 2 * width)];
        }
        let part = if has(name, "hi") { high } else { low };
        let Some(&c) = sources.get(2) else { return vec![part] };
        let sum = value(part, width, signed) + value(c, width, signed);
        vec![cut(if has(name, "sat") { limit(sum, width, signed) } else { sum }, width)]
    };
    check(&names(&[&["mul"], &["lo", "hi"], TYPES]), same(2), reference);
    check(&names(&[&["mad"], &["lo", "hi"], TYPES]), same(3), reference);
    check(&names(&[&["mad.hi.sat.s32"]]), same(3), reference);
    let narrow = &["u16", "u32", "s16", "s32"];
    check(&names(&[&["mul"], &["wide"], narrow]), same(2), reference);
    let wide = |name: &str| {
        let width = kind(name).0;
        vec![Operand::Integer(width), Operand::Integer(width), Operand::Integer(2 * width)]
    };
    check(&names(&[&["mad"], &["wide"], narrow]), wide, reference);
}

#[test]
fn products_of_24_bits() {
    let reference = |name: &str, sources: &[u64]| {
        let (_, signed) = kind(name);
        let product = value(sources[0], 24, signed) * value(sources[1], 24, signed);
        let part = if has(name, "hi") { product >> 16 } else { product };
        let Some(&c) = sources.get(2) else { return vec![cut(part, 32)] };
        let sum = value(cut(part, 32), 32, signed) + value(c, 32, signed);
        vec![cut(if has(name, "sat") { limit(sum, 32, signed) } else { sum }, 32)]
    };
    check(&names(&[&["mul24"], &["lo", "hi"], &["u32", "s32"]]), same(2), reference);
    check(&names(&[&["mad24"], &["lo", "hi"], &["u32", "s32"]]), same(3), reference);
    check(&names(&[&["mad24.hi.sat.s32"]]), same(3), reference);
}

#[test]
fn pairs_of_16_bits() {
    let reference = |name: &str, sources: &[u64]| {
        let signed = name.ends_with("s16x2");
        let half = |shift: u32| {
            let [a, b] = [sources[0], sources[1]].map(|word| value(word >> shift, 16, signed));
            let result = match name.split('.').next() {
                Some("add") => a + b,
                Some("min") => a.min(b),
                _ => a.max(b),
            };
            cut(if has(name, "relu") { result.max(0) } else { result }, 16) << shift
        };
        vec![half(0) | half(16)]
    };
    let words = |_: &str| vec![Operand::Integer(32); 2];
    check(&names(&[&["add", "min", "max"], &["u16x2", "s16x2"]]), words, reference);
    check(&names(&[&["min", "max"], &["relu"], &["s16x2"]]), words, reference);
}

#[test]
fn carries() {
    let reference = |name: &str, sources: &[u64]| {
        let (width, signed) = kind(name);
        let op = name.split('.').next().expect("a name");
        let (given, carry) = sources.split_at(sources.len() - 1);
        let carry_in = if op.ends_with('c') && op != "cc" { carry[0] as i128 } else { 0 };
        let plain = |bits: u64| value(bits, width, false);
        let sum = match op {
            "add" | "addc" => plain(given[0]) + plain(given[1]) + carry_in,
            "sub" | "subc" => plain(given[0]) - plain(given[1]) - carry_in,
            _ => {
                let part = if width == 64 && !signed {
                    let product = given[0] as u128 * given[1] as u128;
                    (if has(name, "hi") { product >> 64 } else { product }) as u64
                } else {
                    let product = value(given[0], width, signed) * value(given[1], width, signed);
                    cut(if has(name, "hi") { product >> width } else { product }, width)
                };
                plain(part) + plain(given[2]) + carry_in
            }
        };
        // The flag of a difference is its borrow.
        let flag = (sum < 0 || sum >> width != 0) as u64;
        vec![cut(sum, width), if has(name, "cc") { flag } else { carry[0] }]
    };
    let types = &["u32", "s32", "u64", "s64"];
    check(&names(&[&["add.cc", "addc", "addc.cc", "sub.cc", "subc", "subc.cc"], types]), same(2), reference);
    let parts = &["mad.lo.cc", "mad.hi.cc", "madc.lo", "madc.hi", "madc.lo.cc", "madc.hi.cc"];
    check(&names(&[parts, types]), same(3), reference);
}

#[test]
fn logic() {
    let reference = |name: &str, sources: &[u64]| {
        let width = if has(name, "pred") { 1 } else { kind(name).0 };
        let all = u64::MAX >> (64 - width);
        vec![match name.split('.').next().expect("a name") {
            "and" => sources[0] & sources[1],
            "or" => sources[0] | sources[1],
            "xor" => sources[0] ^ sources[1],
            "not" => sources[0] ^ all,
            "mov" => sources[0],
            _ => (sources[0] == 0) as u64,
        }]
    };
    let operand = |name: &str| if has(name, "pred") { Operand::Bit } else { Operand::Integer(kind(name).0) };
    check(&names(&[&["and", "or", "xor"], &["pred", "b16", "b32", "b64"]]), |name| vec![operand(name); 2], reference);
    check(&names(&[&["not", "mov"], &["pred", "b16", "b32", "b64"]]), |name| vec![operand(name)], reference);
    check(&names(&[&["cnot"], &["b16", "b32", "b64"]]), |name| vec![operand(name)], reference);
}

#[test]
fn shifts() {
    let reference = |name: &str, sources: &[u64]| {
        let (width, signed) = kind(name);
        let by = sources[1].min(width as u64) as u32;
        let from = value(sources[0], width, signed);
        vec![cut(if name.starts_with("shl") { from << by } else { from >> by }, width)]
    };
    let operands = |name: &str| vec![Operand::Integer(kind(name).0), Operand::Small(70)];
    check(&names(&[&["shl"], &["b16", "b32", "b64"]]), operands, reference);
    check(&names(&[&["shr"], &["b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64"]]), operands, reference);
    let funnel = |name: &str, sources: &[u64]| {
        let by = if has(name, "wrap") { sources[2] % 32 } else { sources[2].min(32) };
        let both = (sources[1] << 32 | sources[0]) as u128;
        vec![if has(name, "l") { (both << by >> 32) as u32 as u64 } else { (both >> by) as u32 as u64 }]
    };
    let operands = |_: &str| vec![Operand::Integer(32), Operand::Integer(32), Operand::Small(70)];
    check(&names(&[&["shf"], &["l", "r"], &["wrap", "clamp"], &["b32"]]), operands, funnel);
}

#[test]
fn tables_of_three() {
    // The table must be the same in all lanes, so that it is a constant of the test.
    for table in (0..256u64).step_by(7).chain([0x96, 0xe8, 0xff]) {
        let reference = |_: &str, sources: &[u64]| {
            let bit = |at: u32| {
                let [a, b, c] = [sources[0], sources[1], sources[2]].map(|word| word >> at & 1);
                (table >> (4 * a + 2 * b + c) & 1) << at
            };
            vec![(0..32).map(bit).sum()]
        };
        let operands = |_: &str| [vec![Operand::Integer(32); 3], vec![Operand::Exactly(table)]].concat();
        check_on(vectors() / 40, &names(&[&["lop3.b32"]]), operands, reference);
        let joined = |name: &str, sources: &[u64]| {
            let d = reference(name, &sources[..3])[0];
            let (any, q) = ((d != 0) as u64, sources[4]);
            vec![d, if has(name, "or") { any | q } else { any & q }]
        };
        let operands = |name: &str| [operands(name), vec![Operand::Bit]].concat();
        check_on(vectors() / 40, &names(&[&["lop3.or.b32", "lop3.and.b32"]]), operands, joined);
    }
}
