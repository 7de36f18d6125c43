//! Conversions between all types, in all manners.

use super::check::{Operand, check, has, mode, names};
use super::exact::{self, BF16, E4M3, E5M2, F16, F32, F64, Format, Real, TF32};
use super::floats::limited;

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Integer(u32, bool),
    Float(Format),
}

fn kind(name: &str) -> Type {
    match name {
        "f16" => Type::Float(F16),
        "bf16" => Type::Float(BF16),
        "f32" => Type::Float(F32),
        "f64" => Type::Float(F64),
        _ => Type::Integer(name[1..].parse().expect("a width"), name.starts_with('s')),
    }
}

fn types(name: &str) -> (Type, Type) {
    let parts: Vec<&str> = name.split('.').collect();
    (kind(parts[parts.len() - 2]), kind(parts[parts.len() - 1]))
}

fn operands(name: &str) -> Vec<Operand> {
    match types(name).1 {
        // Above the low 8 bits of a register may be anything.
        Type::Integer(8, _) => vec![Operand::Integer(16)],
        Type::Integer(bits, _) => vec![Operand::Integer(bits)],
        Type::Float(format) => vec![Operand::Float(format)],
    }
}

fn integer(bits: u64, width: u32, signed: bool) -> i128 {
    let value = (bits & (u64::MAX >> (64 - width))) as i128;
    if signed && value >> (width - 1) != 0 { value - (1 << width) } else { value }
}

/// A whole number within the type; large ones are limited anyway.
fn limit(value: &Real, width: u32, signed: bool) -> i128 {
    let (least, most) =
        if signed { (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1) } else { (0, (1 << width) - 1) };
    match value {
        Real::Nan => panic!("it has a value of its own"),
        Real::Infinite(negative) => {
            if *negative {
                least
            } else {
                most
            }
        }
        Real::Finite { negative, top, .. } => {
            let magnitude = i128::try_from(top).unwrap_or(i128::MAX);
            (if *negative { -magnitude } else { magnitude }).clamp(least, most)
        }
    }
}

/// In a register of the type's width; 8 bits with a sign have it up to bit 15.
fn register(value: i128, width: u32, signed: bool) -> u64 {
    let bits = value as u64 & (u64::MAX >> (64 - width));
    if width == 8 && signed && bits >= 128 { bits | 0xff00 } else { bits }
}

fn reference(name: &str, sources: &[u64]) -> Vec<u64> {
    let (to, from) = types(name);
    let ftz = has(name, "ftz");
    let whole = ["rni", "rzi", "rmi", "rpi"].into_iter().find(|part| has(name, part)).map(|part| &part[..2]);
    let value = match from {
        Type::Integer(width, signed) => Real::integer(integer(sources[0], width, signed)),
        Type::Float(F32) if ftz => exact::decode(F32, F32.flush(sources[0])),
        Type::Float(format) => exact::decode(format, sources[0]),
    };
    let value = match whole {
        Some(mode) => exact::integral(mode, &value),
        None => value,
    };
    vec![match to {
        Type::Integer(width, signed) => match (from, &value) {
            (Type::Float(format), Real::Nan) if format == F64 || width == 64 => {
                register(1 << (width - 1), width, signed)
            }
            (Type::Float(_), Real::Nan) => 0,
            (Type::Float(_), value) => register(limit(value, width, signed), width, signed),
            (Type::Integer(..), value) if has(name, "sat") => register(limit(value, width, signed), width, signed),
            (Type::Integer(width_from, signed_from), _) => {
                register(integer(sources[0], width_from, signed_from), width, signed)
            }
        },
        Type::Float(format) => {
            let bits = exact::encode(format, mode(name), &limited(name, value.clone()));
            let infinite = bits & !format.sign() == format.infinity();
            let bits = if has(name, "satfinite") && infinite { bits - 1 } else { bits };
            if ftz && format == F32 { format.flush(bits) } else { bits }
        }
    }]
}

const INTEGERS: &[&str] = &["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"];
const FLOATS: &[&str] = &["f16", "bf16", "f32", "f64"];
const WHOLE: &[&str] = &["rni", "rzi", "rmi", "rpi"];
const MODES: &[&str] = &["rn", "rz", "rm", "rp"];

/// Names with `ftz` only where there is an f32.
fn sensible(all: Vec<String>) -> Vec<String> {
    let short = |name: &String| name.split('.').any(|part| part == "f32");
    let half = |name: &String| name.split('.').any(|part| part == "bf16");
    all.into_iter().filter(|name| (!has(name, "ftz") || short(name)) && !(has(name, "sat") && half(name))).collect()
}

#[test]
fn integers_to_integers() {
    check(&names(&[&["cvt"], INTEGERS, INTEGERS]), operands, reference);
    let saturating = |name: &String| {
        let (Type::Integer(to, signed), Type::Integer(from, signed_from)) = types(name) else { unreachable!() };
        let holds = if signed_from { signed && to >= from } else { to - signed as u32 >= from };
        !holds
    };
    let names: Vec<String> = names(&[&["cvt"], &["sat"], INTEGERS, INTEGERS]).into_iter().filter(saturating).collect();
    check(&names, operands, reference);
}

#[test]
fn floats_to_integers() {
    check(&sensible(names(&[&["cvt"], WHOLE, &["", "ftz"], &["", "sat"], INTEGERS, FLOATS])), operands, reference);
}

#[test]
fn integers_to_floats() {
    check(&sensible(names(&[&["cvt"], MODES, &["", "ftz"], &["", "sat"], FLOATS, INTEGERS])), operands, reference);
}

#[test]
fn floats_to_floats() {
    let up = names(&[&["cvt"], &["", "ftz"], &["", "sat"], &["f32.f16", "f64.f16", "f64.f32", "f32.bf16", "f64.bf16"]]);
    check(&sensible(up), operands, reference);
    let down = &["f16.f32", "f16.f64", "f32.f64", "bf16.f32", "bf16.f64", "f16.bf16", "bf16.f16"];
    check(&sensible(names(&[&["cvt"], MODES, &["", "ftz"], &["", "sat"], down])), operands, reference);
    let same = &["f16.f16", "bf16.bf16", "f32.f32", "f64.f64"];
    check(&sensible(names(&[&["cvt"], WHOLE, &["", "ftz"], &["", "sat"], same])), operands, reference);
    check(&sensible(names(&[&["cvt"], &["", "ftz"], &["sat"], same])), operands, reference);
    check(
        &names(&[&["cvt"], &["rn", "rz"], &["relu", "satfinite", "relu.satfinite"], &["f16.f32", "bf16.f32"]]),
        operands,
        reference,
    );
}

/// What an e4m3 rounds to: it has no infinity, and the numbers with the largest exponent are finite but for one.
fn e4m3(mode: &str, value: &Real) -> u64 {
    // With one more bit of exponent it is an ordinary format, whose bias is 8 more.
    const WIDER: Format = Format { exponent: 5, fraction: 3 };
    let scaled = match value {
        Real::Nan => return 0x7f,
        Real::Finite { negative, top, bottom, power } => {
            Real::Finite { negative: *negative, top: top.clone(), bottom: bottom.clone(), power: *power }
        }
        other => other.clone(),
    };
    let sign = if scaled.is_negative() { 0x80 } else { 0 };
    let wide = exact::encode(WIDER, mode, &scaled) & 0xff;
    // Numbers of the wider format from 2^-6 up have the same fraction; below, this one's are subnormal: rounded as integers.
    let least = 9 << 3;
    if wide >= least {
        return sign | (wide - (8 << 3)).min(0x7e);
    }
    let Real::Finite { negative, top, bottom, power } = &scaled else { unreachable!("a small number is finite") };
    let ninth = Real::Finite { negative: *negative, top: top.clone(), bottom: bottom.clone(), power: power + 9 };
    let Real::Finite { top, .. } = exact::integral(mode, &ninth) else { unreachable!("it was finite") };
    sign | u64::try_from(top).expect("it is small")
}

fn small(name: &str, format: &str, value: Real) -> u64 {
    let value = limited(name, value);
    match format {
        "e4m3x2" => e4m3(mode(name), &value),
        _ => {
            let format = match format {
                "e5m2x2" => E5M2,
                "f16x2" => F16,
                _ => BF16,
            };
            let bits = exact::encode(format, mode(name), &value);
            let infinite = bits & !format.sign() == format.infinity();
            if has(name, "satfinite") && infinite { bits - 1 } else { bits }
        }
    }
}

#[test]
fn pairs() {
    let from_f32 = |name: &str, sources: &[u64]| {
        let to = name.split('.').rev().nth(1).expect("a type");
        let bits = if to.ends_with("16x2") { 16 } else { 8 };
        let [high, low] = [sources[0], sources[1]].map(|bits| small(name, to, exact::decode(F32, bits)));
        vec![high << bits | low]
    };
    let singles = |_: &str| vec![Operand::Float(F32); 2];
    let wide =
        names(&[&["cvt"], &["rn", "rz"], &["", "relu", "satfinite", "relu.satfinite"], &["f16x2", "bf16x2"], &["f32"]]);
    check(&wide, singles, from_f32);
    let eight = names(&[&["cvt.rn.satfinite"], &["", "relu"], &["e4m3x2", "e5m2x2"], &["f32"]]);
    check(&eight, singles, from_f32);
    // Near the numbers of 8 bits, too.
    let halves = |_: &str| vec![Operand::Pair(F16)];
    let from_f16 = |name: &str, sources: &[u64]| {
        let to = name.split('.').rev().nth(1).expect("a type");
        let [high, low] = [sources[0] >> 16, sources[0] & 0xffff].map(|bits| small(name, to, exact::decode(F16, bits)));
        vec![high << 8 | low]
    };
    check(&names(&[&["cvt.rn.satfinite"], &["", "relu"], &["e4m3x2", "e5m2x2"], &["f16x2"]]), halves, from_f16);
    let to_f16 = |name: &str, sources: &[u64]| {
        let value = |bits: u64| {
            if name.ends_with("e5m2x2") {
                return exact::decode(E5M2, bits);
            }
            // The largest exponent is an ordinary one.
            if bits & 0x7f == 0x7f {
                return Real::Nan;
            }
            if bits & 0x78 == 0x78 {
                let lower = exact::decode(E4M3, bits - 8);
                return exact::mul(&lower, &Real::integer(2));
            }
            exact::decode(E4M3, bits)
        };
        let [high, low] = [sources[0] >> 8 & 255, sources[0] & 255];
        let half = |bits| exact::encode(F16, "rn", &limited(name, value(bits)));
        vec![half(high) << 16 | half(low)]
    };
    let eights = |_: &str| vec![Operand::Integer(16)];
    check(&names(&[&["cvt.rn"], &["", "relu"], &["f16x2"], &["e4m3x2", "e5m2x2"]]), eights, to_f16);
}

#[test]
fn tf32() {
    let reference = |name: &str, sources: &[u64]| {
        let bits = exact::encode(TF32, mode(name), &limited(name, exact::decode(F32, sources[0])));
        let infinite = bits & !TF32.sign() == TF32.infinity();
        vec![(if has(name, "satfinite") && infinite { bits - 1 } else { bits }) << 13]
    };
    let single = |_: &str| vec![Operand::Float(F32)];
    check(&names(&[&["cvt.rna"], &["", "satfinite"], &["tf32.f32"]]), single, reference);
    check(&names(&[&["cvt"], &["rn", "rz"], &["", "satfinite"], &["", "relu"], &["tf32.f32"]]), single, reference);
}

#[test]
fn packs() {
    let reference = |name: &str, sources: &[u64]| {
        let parts: Vec<&str> = name.split('.').collect();
        let (width, signed) = (parts[3][1..].parse::<u32>().expect("a width"), parts[3].starts_with('s'));
        let [a, b] = [sources[0], sources[1]].map(|bits| {
            let value = Real::integer(bits as u32 as i32 as i128);
            limit(&value, width, signed) as u64 & ((1 << width) - 1)
        });
        let above = sources.get(2).map_or(0, |c| c << (2 * width));
        vec![(above | a << width | b) as u32 as u64]
    };
    check(&names(&[&["cvt.pack.sat"], &["u16", "s16"], &["s32"]]), |_| vec![Operand::Integer(32); 2], reference);
    let narrow = names(&[&["cvt.pack.sat"], &["u8", "s8", "u4", "s4", "u2", "s2"], &["s32.b32"]]);
    check(&narrow, |_| vec![Operand::Integer(32); 3], reference);
}

#[test]
fn registers_wider_than_types() {
    use super::warp::Warp;
    use warptape_ptx::alu::find_cvt;
    use warptape_ptx::lane::{Isa, LANES, Width::*};
    for (name, d, a, source, result) in [
        ("cvt.s64.s8", B64, B64, 0xffff_ffff_ffff_ff7f, 0x7f),
        ("cvt.s64.s8", B64, B64, 0x80, 0xffff_ffff_ffff_ff80),
        ("cvt.s32.s8", B32, B32, 0x1280, 0xffff_ff80),
        ("cvt.s8.s32", B32, B32, 0x80, 0xffff_ff80),
        ("cvt.u8.s32", B64, B32, 0x1ff, 0xff),
        ("cvt.s16.s32", B64, B32, 0x8000, 0xffff_ffff_ffff_8000),
        ("cvt.u16.u64", B32, B64, 0xffff_ffff, 0xffff),
        ("cvt.u32.u16", B32, B64, 0x1_ffff, 0xffff),
        ("cvt.rn.f16.f32", B32, B32, 0xbf80_0000, 0xbc00),
        ("cvt.f32.f16", B32, B32, 0x1234_bc00, 0xbf80_0000),
        ("cvt.rzi.s8.f32", B64, B32, 0xc000_0000, 0xffff_ffff_ffff_fffe),
        ("cvt.s32.s8", B32, B16, 0x80, 0xffff_ff80),
    ] {
        let found = find_cvt(Isa::detect(), &name.split('.').collect::<Vec<_>>(), d, a).expect(name);
        let mut warp = Warp::new(Isa::detect(), found);
        for lane in 0..LANES {
            warp.set(0, lane, u64::MAX);
            warp.set(1, lane, source);
        }
        warp.run(u32::MAX - 1);
        assert!((1..LANES).all(|lane| warp.get(0, lane) == result), "{name}: {:x}", warp.get(0, 1));
        assert_ne!(warp.get(0, 0), result, "{name}");
    }
    let known = |name: &str, d, a| find_cvt(Isa::Base, &name.split('.').collect::<Vec<_>>(), d, a).is_some();
    assert!(!known("cvt.f32.bf16", B32, B32) && !known("cvt.u64.u32", B32, B32) && !known("cvt.u32.u64", B32, B32));
    assert!(known("cvt.f32.bf16", B32, B16) && !known("cvt.u16.u32", Predicate, B32) && !known("mov.b32", B32, B32));
}
