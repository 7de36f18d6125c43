//! Counts, fields and bytes, each by the loop over bits that the manual gives.

use super::check::{Operand, check, has, names};

fn width(name: &str) -> u32 {
    name[name.len() - 2..].parse().expect("a width")
}

fn signed(name: &str) -> bool {
    name.rsplit('.').next().expect("a name").starts_with('s')
}

#[test]
fn counts() {
    let reference = |name: &str, sources: &[u64]| {
        let (a, width) = (sources[0], width(name));
        let set = |at: u32| a >> at & 1 != 0;
        vec![match name.split('.').next().expect("a name") {
            "popc" => (0..width).filter(|&at| set(at)).count() as u64,
            "clz" => (0..width).rev().take_while(|&at| !set(at)).count() as u64,
            "brev" => (0..width).map(|at| (set(at) as u64) << (width - 1 - at)).sum(),
            _ => {
                // The first bit that is not the sign.
                let sign = signed(name) && set(width - 1);
                let found = (0..width).rev().find(|&at| set(at) != sign);
                found.map_or(0xffff_ffff, |at| if has(name, "shiftamt") { width - 1 - at } else { at } as u64)
            }
        }]
    };
    let operands = |name: &str| vec![Operand::Integer(width(name))];
    check(&names(&[&["popc", "clz", "brev"], &["b32", "b64"]]), operands, reference);
    check(&names(&[&["bfind"], &["", "shiftamt"], &["u32", "u64", "s32", "s64"]]), operands, reference);
}

#[test]
fn fields() {
    let extract = |name: &str, sources: &[u64]| {
        let (a, place, length, top) = (sources[0], sources[1] & 255, sources[2] & 255, width(name) as u64 - 1);
        let bit = |at: u64| a >> at & 1;
        let fill = if !signed(name) || length == 0 { 0 } else { bit((place + length - 1).min(top)) };
        vec![(0..=top).map(|i| if i < length && place + i <= top { bit(place + i) << i } else { fill << i }).sum()]
    };
    let operands = |name: &str| vec![Operand::Integer(width(name)), Operand::Small(300), Operand::Small(300)];
    check(&names(&[&["bfe"], &["u32", "s32", "u64", "s64"]]), operands, extract);
    let close = |name: &str| vec![Operand::Integer(width(name)), Operand::Small(40), Operand::Small(40)];
    check(&names(&[&["bfe"], &["u32", "s32", "u64", "s64"]]), close, extract);
    let insert = |name: &str, sources: &[u64]| {
        let (place, length, top) = (sources[2] & 255, sources[3] & 255, width(name) as u64 - 1);
        let mut result = sources[1];
        for i in (0..length).take_while(|i| place + i <= top) {
            result = result & !(1 << (place + i)) | (sources[0] >> i & 1) << (place + i);
        }
        vec![result]
    };
    let operands = |name: &str| {
        let word = Operand::Integer(width(name));
        vec![word, word, Operand::Small(70), Operand::Small(70)]
    };
    check(&names(&[&["bfi"], &["b32", "b64"]]), operands, insert);
}

#[test]
fn the_nth_bit() {
    let reference = |_: &str, sources: &[u64]| {
        let (mask, base, offset) = (sources[0], sources[1] as i64, sources[2] as i32 as i64);
        let set = |at: i64| (0..32).contains(&at) && mask >> at & 1 != 0;
        if offset == 0 {
            return vec![if set(base) { base as u64 } else { 0xffff_ffff }];
        }
        let step = offset.signum();
        let places = (0..32).map(|i| base + step * i).filter(|&at| set(at));
        vec![places.skip(offset.unsigned_abs() as usize - 1).map(|at| at as u64).next().unwrap_or(0xffff_ffff)]
    };
    let operands = |_: &str| vec![Operand::Integer(32), Operand::Small(31), Operand::Around(9)];
    check(&names(&[&["fns.b32"]]), operands, reference);
}

#[test]
fn masks_and_extensions() {
    let mask = |name: &str, sources: &[u64]| {
        let wrap = has(name, "wrap");
        let [place, length] = [sources[0], sources[1]].map(|value| if wrap { value % 32 } else { value });
        vec![(0..32).filter(|&at| at >= place && at < place + length).map(|at| 1u64 << at).sum()]
    };
    let places = |_: &str| vec![Operand::Small(40), Operand::Small(40)];
    check(&names(&[&["bmsk"], &["clamp", "wrap"], &["b32"]]), places, mask);
    let extend = |name: &str, sources: &[u64]| {
        let length = if has(name, "wrap") { sources[1] % 32 } else { sources[1].min(32) };
        let low = sources[0] & ((1 << length) - 1);
        let negative = signed(name) && length > 0 && low >> (length - 1) != 0;
        vec![if negative { (low | u64::MAX << length) as u32 as u64 } else { low }]
    };
    let operands = |_: &str| vec![Operand::Integer(32), Operand::Small(40)];
    check(&names(&[&["szext"], &["clamp", "wrap"], &["u32", "s32"]]), operands, extend);
}

#[test]
fn dots() {
    let part = |word: u64, at: u32, bits: u32, signed: bool| {
        let value = (word >> (at * bits) & ((1 << bits) - 1)) as i64;
        if signed && value >> (bits - 1) != 0 { value - (1 << bits) } else { value }
    };
    let reference = |name: &str, sources: &[u64]| {
        let types: Vec<bool> =
            name.split('.').filter(|part| part.len() == 3).map(|part| part.starts_with('s')).collect();
        let (a, b) = (types[0], types[1]);
        let sum: i64 = if name.starts_with("dp4a") {
            (0..4).map(|i| part(sources[0], i, 8, a) * part(sources[1], i, 8, b)).sum()
        } else {
            let from = if has(name, "hi") { 2 } else { 0 };
            (0..2).map(|i| part(sources[0], i, 16, a) * part(sources[1], from + i, 8, b)).sum()
        };
        vec![(sources[2] as i64 + sum) as u32 as u64]
    };
    let words = |_: &str| vec![Operand::Integer(32); 3];
    check(&names(&[&["dp4a", "dp2a.lo", "dp2a.hi"], &["u32", "s32"], &["u32", "s32"]]), words, reference);
}

#[test]
fn permutations() {
    let reference = |name: &str, sources: &[u64]| {
        let both = sources[1] << 32 | sources[0];
        let n = sources[2] % 4;
        // The byte for each place, as the manual's table of modes has it; 8 and more for a byte's sign.
        let chosen: [u64; 4] = match name.rsplit('.').next() {
            Some("f4e") => [n, n + 1, n + 2, n + 3],
            Some("b4e") => [n, (n + 7) % 8, (n + 6) % 8, (n + 5) % 8],
            Some("rc8") => [n; 4],
            Some("ecl") => std::array::from_fn(|i| n.max(i as u64)),
            Some("ecr") => std::array::from_fn(|i| n.min(i as u64)),
            Some("rc16") => [n % 2 * 2, n % 2 * 2 + 1, n % 2 * 2, n % 2 * 2 + 1],
            _ => std::array::from_fn(|i| sources[2] >> (4 * i) & 15),
        };
        let byte = |choice: u64| {
            let byte = both >> (8 * (choice % 8)) & 255;
            if choice < 8 { byte } else { byte / 128 * 255 }
        };
        vec![chosen.iter().enumerate().map(|(i, &choice)| byte(choice) << (8 * i)).sum()]
    };
    let words = |_: &str| vec![Operand::Integer(32); 3];
    check(&names(&[&["prmt.b32"], &["", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"]]), words, reference);
}
