//! Sums of floats against exact arithmetic: fixed-point integers of 128 bits, rounded by integer arithmetic, that share
//! nothing with the machine's floats.

use warptape_ptx::tensor::element::Element::{self, *};
use warptape_ptx::tensor::fragment::{a, b, c};

use super::mma::named;
use super::{Random, get, put, registers};

/// Numbers are multiples of 2⁻⁶⁴.
const POINT: i32 = 64;

/// The value of a float with so many bits of exponent and fraction, bias included, in fixed point.
fn fixed(bits: u64, exponent: u32, fraction: u32, bias: i32) -> i128 {
    let power = (bits >> fraction & ((1 << exponent) - 1)) as i32;
    let part = (bits & ((1 << fraction) - 1)) as i128;
    let whole = if power == 0 { part } else { part | 1 << fraction };
    let shift = power.max(1) - bias - fraction as i32 + POINT;
    assert!((0..100).contains(&shift) || whole == 0);
    let value = whole << shift.clamp(0, 100);
    if bits >> (exponent + fraction) & 1 == 1 { -value } else { value }
}

/// Fixed point rounded to nearest even with so many significant bits, none below 2^`least`.
fn rounded(value: i128, significant: u32, least: i32) -> i128 {
    let magnitude = value.unsigned_abs();
    let shift = (128 - magnitude.leading_zeros()).saturating_sub(significant).max((least + POINT) as u32);
    let (kept, lost) = (magnitude >> shift, magnitude & ((1 << shift) - 1));
    let half = (1u128 << shift) >> 1;
    let up = shift > 0 && (lost > half || lost == half && kept & 1 == 1);
    let result = ((kept + u128::from(up)) << shift) as i128;
    if value < 0 { -result } else { result }
}

/// The fixed-point value of an element, and bits of one whose exponent is not extreme.
fn value(element: Element, bits: u64) -> i128 {
    match element {
        F16 => fixed(bits, 5, 10, 15),
        Bf16 => fixed(bits, 8, 7, 127),
        Tf32 | F32 => fixed(bits, 8, 23, 127),
        E4m3 => fixed(bits, 4, 3, 7),
        _ => fixed(bits, 5, 2, 15),
    }
}

fn finite(element: Element, random: &mut Random) -> u64 {
    let bits = random.next();
    // Exponents of 8 bits from -15 to 16.
    let middle = |fraction: u32| {
        (bits & 1) << 31 | (112 + (bits >> 1) % 32) << 23 | bits >> 20 & ((1 << fraction) - 1) << (23 - fraction)
    };
    match element {
        F16 if bits >> 10 & 31 == 31 => bits & 0x83ff,
        F16 => bits & 0xffff,
        Bf16 => middle(7) >> 16,
        Tf32 => middle(10),
        F32 => middle(23),
        E4m3 if bits & 0x7f == 0x7f => 0x7e,
        E4m3 => bits & 0xff,
        _ if bits >> 2 & 31 == 31 => bits & 0x83,
        _ => bits & 0xff,
    }
}

#[test]
fn sums_are_those_of_exact_arithmetic() {
    let mut random = Random(41);
    for (name, runs) in [
        ("m16n8k16.row.col.f32.f16.f16.f32", 1600),
        ("m16n8k8.row.col.f16.f16.f16.f16", 1600),
        ("m16n8k16.row.col.f32.bf16.bf16.f32", 1600),
        ("m16n8k8.row.col.f32.tf32.tf32.f32", 1600),
        ("m16n8k32.row.col.f32.e4m3.e5m2.f32", 1600),
        ("m16n8k16.row.col.f16.e5m2.e4m3.f16", 1600),
    ] {
        let mma = named(&format!("mma.sync.aligned.{name}"));
        let (k, sum) = (mma.shape.k, mma.d.element);
        // 128 sums each: more than 200 000.
        for _ in 0..runs {
            let mut of = [registers(mma.a), registers(mma.b), registers(mma.c), registers(mma.d)];
            let (mut left, mut right, mut before) = (vec![0; 16 * k], vec![0; 8 * k], vec![0; 128]);
            for lane in 0..32 {
                for index in 0..mma.a.registers * mma.a.element.per_register() {
                    let (row, column) = a(mma.a.element, 16, lane, index);
                    let bits = finite(mma.a.element, &mut random);
                    put(&mut of[0], mma.a.element, lane, index, bits);
                    left[row * k + column] = value(mma.a.element, bits);
                }
                for index in 0..mma.b.registers * mma.b.element.per_register() {
                    let (row, column) = b(mma.b.element, lane, index);
                    let bits = finite(mma.b.element, &mut random);
                    put(&mut of[1], mma.b.element, lane, index, bits);
                    right[row * 8 + column] = value(mma.b.element, bits);
                }
                for index in 0..4 {
                    let (row, column) = c(lane, index);
                    let bits = finite(sum, &mut random);
                    put(&mut of[2], sum, lane, index, bits);
                    before[row * 8 + column] = value(sum, bits);
                }
            }
            let [a_registers, b_registers, c_registers, d] = &mut of;
            mma.run(a_registers, b_registers, c_registers, d);
            for (lane, index) in (0..32).flat_map(|lane| (0..4).map(move |index| (lane, index))) {
                let (row, column) = c(lane, index);
                let mut total = before[row * 8 + column];
                for step in 0..k {
                    // Both factors are multiples of 2⁻³², so that their product is one of 2⁻⁶⁴.
                    let product = (left[row * k + step] >> 32) * (right[step * 8 + column] >> 32);
                    total = rounded(total + product, 24, -63);
                }
                let found = get(d, sum, lane, index);
                if sum == F16 {
                    total = rounded(total, 11, -24);
                    let infinite = total.unsigned_abs() >= 1 << (16 + POINT);
                    assert_eq!(found & 0x7c00 == 0x7c00, infinite, "{name}: {row}, {column}");
                    if infinite {
                        continue;
                    }
                }
                assert_eq!(value(sum, found), total, "{name}: {row}, {column}");
            }
        }
    }
}

#[test]
fn doubles_round_where_they_are_told() {
    let mut random = Random(43);
    for (mode, which) in [("rn", 0), ("rz", 1), ("rm", 2), ("rp", 3)] {
        let mma = named(&format!("mma.sync.aligned.m8n8k4.row.col.{mode}.f64.f64.f64.f64"));
        let trailing = named(&format!("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64.{mode}"));
        assert_eq!(mma, trailing);
        for _ in 0..200 {
            // Integers of 53 bits, C's times 2⁵⁰: products and sums have up to 109 bits.
            let mut integers = |count, shift: u32| -> Vec<i128> {
                (0..count).map(|_| (random.next() as i64 >> 11 | 1) as i128).map(|value| value << shift).collect()
            };
            let (left, right, before) = (integers(32, 0), integers(32, 0), integers(64, 50));
            let mut of = [registers(mma.a), registers(mma.b), registers(mma.c), registers(mma.d)];
            for (which, values) in [&left, &right, &before].into_iter().enumerate() {
                for (cell, value) in values.iter().enumerate() {
                    put(&mut of[which], F64, cell % 32, cell / 32, (*value as f64).to_bits());
                }
            }
            let [a_registers, b_registers, c_registers, d] = &mut of;
            mma.run(a_registers, b_registers, c_registers, d);
            for (lane, index) in (0..32).flat_map(|lane| [(lane, 0), (lane, 1)]) {
                let (row, column) = c(lane, index);
                let total = (0..4).fold(before[32 * index + lane], |total, k| {
                    let exact = total + left[4 * row + k] * right[4 * column + k];
                    let near = rounded(exact, 53, -POINT);
                    // Toward where the mode says: one step of the last place if the nearer number lies on the other side.
                    let place = 1i128 << (128 - exact.unsigned_abs().leading_zeros()).saturating_sub(53);
                    let (below, above) = if near <= exact { (near, near + place) } else { (near - place, near) };
                    match (near == exact, which) {
                        (true, _) | (_, 0) => near,
                        (_, 1) => {
                            if exact < 0 {
                                above
                            } else {
                                below
                            }
                        }
                        (_, 2) => below,
                        _ => above,
                    }
                });
                assert_eq!(get(d, F64, lane, index), (total as f64).to_bits(), "{mode}: {row}, {column}");
            }
        }
    }
}
