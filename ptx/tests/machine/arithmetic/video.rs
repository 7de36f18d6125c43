//! Video instructions: the manual's steps, one after another.

use super::random::Random;
use super::warp::Warp;
use warptape_ptx::alu::{Written, find_video};
use warptape_ptx::lane::Isa;

const RELATIONS: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

fn compare(relation: &str, a: i64, b: i64) -> i64 {
    (match relation {
        "eq" => a == b,
        "ne" => a != b,
        "lt" => a < b,
        "le" => a <= b,
        "gt" => a > b,
        _ => a >= b,
    }) as i64
}

/// Bits of a word, extended by their sign or by zeros.
fn bits(word: u64, from: u32, width: u32, signed: bool) -> i64 {
    let value = (word >> from & ((1 << width) - 1)) as i64;
    if signed && value >= 1 << (width - 1) { value - (1 << width) } else { value }
}

fn span(selector: &str) -> (u32, u32) {
    let digit = selector.chars().nth(1).and_then(|digit| digit.to_digit(10)).unwrap_or(0);
    match selector.chars().next() {
        Some('b') => (8 * digit, 8),
        Some('h') => (16 * digit, 16),
        _ => (0, 32),
    }
}

fn saturated(value: i128, width: u32, signed: bool) -> i128 {
    if signed { value.clamp(-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { value.clamp(0, (1 << width) - 1) }
}

/// Runs `name` on one lane of random sources and compares with `reference`.
fn check(random: &mut Random, name: &str, operands: &[Written], reference: impl Fn(u64, u64, u64) -> u32) {
    let found =
        find_video(&name.split('.').collect::<Vec<_>>(), operands).unwrap_or_else(|| panic!("no {name} {operands:?}"));
    let mut warp = Warp::new(Isa::Base, found);
    let sources = warp.sources();
    for lane in 0..32 {
        for &at in &sources {
            warp.set(at, lane, random.integer(32));
        }
    }
    warp.run(u32::MAX);
    for lane in 0..32 {
        let values: Vec<u64> = sources.iter().map(|&at| warp.get(at, lane)).collect();
        let want = reference(values[0], values[1], values.get(2).copied().unwrap_or(0)) as u64;
        assert_eq!(warp.get(0, lane), want, "{name} {operands:?} of {values:x?}");
    }
}

fn written(selector: &str) -> Written<'_> {
    Written { selector, negative: false }
}

const SIGNS: [&str; 2] = ["u32", "s32"];
const PARTS: [&str; 7] = ["", "b0", "b1", "b2", "b3", "h0", "h1"];

#[test]
fn scalar() {
    let mut random = Random::new(7);
    for _ in 0..super::check::vectors() / 32 {
        let op = random.pick(&["vadd", "vsub", "vabsdiff", "vmin", "vmax", "vshl", "vshr", "vset"]);
        let [d, a, mut b] = [(); 3].map(|()| random.pick(&SIGNS));
        let (part_a, part_b) = (random.pick(&PARTS), random.pick(&PARTS));
        let shift = matches!(op, "vshl" | "vshr");
        if shift {
            b = "u32";
        }
        let sat = op != "vset" && random.next() & 1 != 0;
        let wrap = random.next() & 1 != 0;
        let relation = random.pick(&RELATIONS);
        // Nothing with `c`, a second operation, or a part of it.
        let use_c = random.below(3);
        let second = if use_c == 1 { random.pick(&["add", "min", "max"]) } else { "" };
        let into = if use_c == 2 { random.pick(&PARTS[1..]) } else { "" };
        let mut name = if op == "vset" { format!("{op}.{a}.{b}.{relation}") } else { format!("{op}.{d}.{a}.{b}") };
        if sat {
            name += ".sat";
        }
        if shift {
            name += if wrap { ".wrap" } else { ".clamp" };
        }
        if !second.is_empty() {
            name = format!("{name}.{second}");
        }
        let mut operands = vec![written(into), written(part_a), written(part_b)];
        operands.extend((use_c > 0).then(|| written("")));
        let signed_d = op != "vset" && d == "s32";
        check(&mut random, &name, &operands, |x, y, c| {
            let ((from_a, width_a), (from_b, width_b)) = (span(part_a), span(part_b));
            let (x, y) = (bits(x, from_a, width_a, a == "s32"), bits(y, from_b, width_b, b == "s32"));
            let by = if wrap { y & 31 } else { y.min(32) };
            let value = match op {
                "vadd" => (x + y) as i128,
                "vsub" => (x - y) as i128,
                "vabsdiff" => (x - y).abs() as i128,
                "vmin" => x.min(y) as i128,
                "vmax" => x.max(y) as i128,
                "vshl" => (x as i128) << by,
                "vshr" => x as i128 >> by,
                _ => compare(relation, x, y) as i128,
            };
            let (from, width) = span(into);
            let value = if sat { saturated(value, width, signed_d) } else { value } as u32;
            let c = c as u32;
            match second {
                "add" => return value.wrapping_add(c),
                "min" if signed_d => return (value as i32).min(c as i32) as u32,
                "min" => return value.min(c),
                "max" if signed_d => return (value as i32).max(c as i32) as u32,
                "max" => return value.max(c),
                _ => {}
            }
            if into.is_empty() {
                return value;
            }
            let place = (((1u64 << width) - 1) << from) as u32;
            (value as u64).wrapping_shl(from) as u32 & place | c & !place
        });
    }
}

#[test]
fn multiply_add() {
    let mut random = Random::new(8);
    for _ in 0..super::check::vectors() / 32 {
        let [d, a, b] = [(); 3].map(|()| random.pick(&SIGNS));
        let (part_a, part_b) = (random.pick(&PARTS), random.pick(&PARTS));
        let (sat, scale) = (random.next() & 1 != 0, random.pick(&[0u32, 7, 15]));
        // Plain, one more, minus the product, minus `c`.
        let form = random.below(4);
        let mut name = format!("vmad.{d}.{a}.{b}");
        if form == 1 {
            name += ".po";
        }
        if sat {
            name += ".sat";
        }
        if scale > 0 {
            name = format!("{name}.shr{scale}");
        }
        let operands = [
            written(""),
            Written { selector: part_a, negative: form == 2 },
            written(part_b),
            Written { selector: "", negative: form == 3 },
        ];
        check(&mut random, &name, &operands, |x, y, c| {
            let ((from_a, width_a), (from_b, width_b)) = (span(part_a), span(part_b));
            let (x, y) = (bits(x, from_a, width_a, a == "s32"), bits(y, from_b, width_b, b == "s32"));
            let signed = a == "s32" || b == "s32" || form >= 2;
            let product = x as i128 * y as i128;
            // Minus `c` is its complement, extended, and one more.
            let extend = |c: u32| if signed { c as i32 as i128 } else { c as i128 };
            let sum = match form {
                1 => product + extend(c as u32) + 1,
                2 => extend(c as u32) - product,
                3 => product + extend(!(c as u32)) + 1,
                _ => product + extend(c as u32),
            };
            let result = (sum >> scale) as u64;
            if !sat {
                return result as u32;
            }
            if signed {
                saturated(result as i64 as i128, 32, true) as u32
            } else {
                saturated(result as i128, 32, false) as u32
            }
        });
    }
}

#[test]
fn several_at_once() {
    let mut random = Random::new(9);
    for _ in 0..super::check::vectors() / 32 {
        let lanes = random.pick(&[2usize, 4]);
        let width = 32 / lanes as u32;
        let letter = if lanes == 2 { "h" } else { "b" };
        let op = random.pick(&["vadd", "vsub", "vavrg", "vabsdiff", "vmin", "vmax", "vset"]);
        let [d, a, b] = [(); 3].map(|()| random.pick(&SIGNS));
        let relation = random.pick(&RELATIONS);
        let finish = if op == "vset" { random.pick(&["", ".add"]) } else { random.pick(&["", ".sat", ".add"]) };
        let name = match op {
            "vset" => format!("{op}{lanes}.{a}.{b}.{relation}{finish}"),
            _ => format!("{op}{lanes}.{d}.{a}.{b}{finish}"),
        };
        // What each lane selects, lane 0's first, and how that is written.
        let mut selection = |default: u64| {
            let chosen: Vec<u64> = if random.next() & 3 == 0 {
                (default..default + lanes as u64).collect()
            } else {
                (0..lanes).map(|_| random.below(2 * lanes as u64)).collect()
            };
            let text = if chosen[0] == default && chosen.is_sorted_by(|x, y| x + 1 == *y) {
                String::new()
            } else {
                format!("{letter}{}", chosen.iter().rev().map(u64::to_string).collect::<String>())
            };
            (chosen, text)
        };
        let ((chosen_a, text_a), (chosen_b, text_b)) = (selection(0), selection(lanes as u64));
        let mask = random.below((1 << lanes) - 1) + 1;
        let digits: String =
            (0..lanes).rev().filter(|lane| mask >> lane & 1 != 0).map(|lane| lane.to_string()).collect();
        let text_d = if mask == (1 << lanes) - 1 { String::new() } else { format!("{letter}{digits}") };
        let operands = [written(&text_d), written(&text_a), written(&text_b), written("")];
        check(&mut random, &name, &operands, |x, y, c| {
            let both = y << 32 | x;
            let mut sum = c as u32;
            let mut merged = 0u32;
            for lane in 0..lanes {
                let place = (((1u64 << width) - 1) << (width * lane as u32)) as u32;
                if mask >> lane & 1 == 0 {
                    merged |= c as u32 & place;
                    continue;
                }
                let pick = |chosen: &[u64], signed| bits(both, width * chosen[lane] as u32, width, signed);
                let (x, y) = (pick(&chosen_a, a == "s32"), pick(&chosen_b, b == "s32"));
                let value = match op {
                    "vadd" => x + y,
                    "vsub" => x - y,
                    "vavrg" if x + y >= 0 => (x + y + 1) >> 1,
                    "vavrg" => (x + y) >> 1,
                    "vabsdiff" => (x - y).abs(),
                    "vmin" => x.min(y),
                    "vmax" => x.max(y),
                    _ => compare(relation, x, y),
                };
                let value = if finish == ".sat" { saturated(value as i128, width, d == "s32") as i64 } else { value };
                sum = sum.wrapping_add(value as u32);
                merged |= (value as u32) << (width * lane as u32) & place;
            }
            if finish == ".add" { sum } else { merged }
        });
    }
}
