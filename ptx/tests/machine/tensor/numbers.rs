//! What sums of matrix multiplies are: order, rounding, NaN, saturation; the same with every instruction set.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::element::f32_to_f16;
use warptape_ptx::tensor::mma::find;

use super::mma::named;
use super::{Random, get, put, registers};

/// D of lane 0's first register, of A's row 0 and B's column 0 with the given words in each lane of their quads.
fn first(name: &str, a: &[[u32; 4]], b: &[[u32; 4]], c: u32) -> u32 {
    let mma = named(name);
    let (mut of_a, mut of_b, mut of_c, mut d) =
        (registers(mma.a), registers(mma.b), registers(mma.c), registers(mma.d));
    // Of 16 rows, every second register of A holds rows 8 to 15.
    a.iter().enumerate().for_each(|(index, words)| of_a[2 * index][..4].copy_from_slice(words));
    b.iter().enumerate().for_each(|(index, words)| of_b[index][..4].copy_from_slice(words));
    of_c[0][0] = c;
    mma.run(&of_a, &of_b, &of_c, &mut d);
    d[0][0]
}

/// D's first element, of one product of 1 and `b` added to `c`, all in f64.
fn first_f64(name: &str, b: f64, c: f64) -> u64 {
    let mma = named(name);
    let mut of = [registers(mma.a), registers(mma.b), registers(mma.c), registers(mma.d)];
    for (registers, value) in of.iter_mut().zip([1.0, b, c]) {
        put(registers, mma.a.element, 0, 0, value.to_bits());
    }
    let [a, b, c, d] = &mut of;
    mma.run(a, b, c, d);
    get(d, mma.d.element, 0, 0)
}

const F16: &str = "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32";
const INTO_F16: &str = "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16";

#[test]
fn sums_are_f32_in_the_order_of_k_from_c_on() {
    let half = |value: f32| f32_to_f16(value);
    let ones = [[half(1.0) * 0x10001; 4]];
    // 2²⁴ swallows ones that come one by one.
    let a = [[half(1.0) * 0x10001; 4]];
    assert_eq!(first(F16, &a, &ones, 16777216f32.to_bits()), 16777216f32.to_bits());
    // Had C come last, eight ones would have counted.
    assert_eq!(first(F16, &a, &ones, 16777215f32.to_bits()), 16777216f32.to_bits());
    // A product is exact: (1 + 2⁻¹⁰)² - (1 + 2⁻⁹) = 2⁻²⁰.
    let a = [[half(1.0 + 1.0 / 1024.0) | half(-(1.0 + 1.0 / 512.0)) << 16, 0, 0, 0]];
    let b = [[half(1.0 + 1.0 / 1024.0) | half(1.0) << 16, 0, 0, 0]];
    assert_eq!(first(F16, &a, &b, 0), (1.0f32 / 1048576.0).to_bits());
    // Subnormals count, in tf32 without its 13 low bits.
    let a = [[1, 0, 0, 0]];
    assert_eq!(first(F16, &a, &ones, 0), 2f32.powi(-24).to_bits());
    let tf32 = "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32";
    assert_eq!(first(tf32, &[[0x3f80_1fff, 0, 0, 0]], &[[0x4000_1fff, 0, 0, 0]], 0), 2f32.to_bits());
}

#[test]
fn sums_of_f16_are_rounded_once() {
    let ones = [[f32_to_f16(1.0) * 0x10001; 4]];
    // 2048 + 1 is no f16, 2048 + 8 is.
    let c = f32_to_f16(2048.0);
    assert_eq!(first(INTO_F16, &ones, &ones, c) & 0xffff, f32_to_f16(2056.0));
    let a = [[f32_to_f16(65504.0), 0, 0, 0]];
    assert_eq!(first(INTO_F16, &a, &ones, f32_to_f16(65504.0)) & 0xffff, 0x7c00);
}

#[test]
fn each_nan_is_the_same() {
    let infinite = "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64";
    let infinities = first_f64(infinite, f64::INFINITY, f64::NEG_INFINITY);
    assert_eq!((infinities, first_f64(infinite, f64::from_bits(0x7ff8 << 48 | 5), 1.0)), (0xfff8 << 48, 0xfff8 << 48));
    let ones = [[f32_to_f16(1.0) * 0x10001; 4]];
    assert_eq!(first(F16, &[[0xfe01, 0, 0, 0]], &ones, 0), 0x7fff_ffff);
    assert_eq!(first(F16, &[[0x7c00 | 0xfc00 << 16, 0, 0, 0]], &ones, 0), 0x7fff_ffff);
    assert_eq!(first(F16, &ones, &ones, 0xffc1_2345), 0x7fff_ffff);
    assert_eq!(first(INTO_F16, &ones, &ones, 0xfe01) & 0xffff, 0x7fff);
    assert_eq!(first(F16, &[[0x7c00, 0, 0, 0]], &ones, 0), f32::INFINITY.to_bits());
}

#[test]
fn integers_wrap_or_stop() {
    let (low, high) = (i32::MIN as u32, i32::MAX as u32);
    let up = [[0x0101_0101; 4]];
    let down = [[0xffff_ffff; 4]];
    let wraps = "mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32";
    let stops = "mma.sync.aligned.m16n8k16.row.col.satfinite.s32.s8.s8.s32";
    assert_eq!(first(wraps, &up, &up, high), low + 15);
    assert_eq!(first(stops, &up, &up, high), high);
    assert_eq!(first(stops, &up, &down, low + 3), low);
    assert_eq!(first(stops, &up, &up, high - 16), high);
    assert_eq!(first(wraps, &up, &down, low), high - 15);
}

#[test]
fn doubles_are_chains_of_fma() {
    let mut random = Random(3);
    let mma = named("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64");
    let value = |random: &mut Random| (random.next() as i64 as f64) / 3e10;
    let (a, b): (Vec<f64>, Vec<f64>) = (0..32).map(|_| (value(&mut random), value(&mut random))).unzip();
    let c: Vec<f64> = (0..64).map(|_| value(&mut random)).collect();
    let words = |values: &[f64]| -> Vec<Lanes> {
        let words: Vec<u32> = values.iter().flat_map(|v| [v.to_bits() as u32, (v.to_bits() >> 32) as u32]).collect();
        words.as_chunks().0.to_vec()
    };
    let mut d = registers(mma.d);
    mma.run(&words(&a), &words(&b), &words(&c), &mut d);
    for (lane, index) in (0..32).flat_map(|lane| [(lane, 0), (lane, 1)]) {
        let (row, column) = (lane / 4, lane % 4 * 2 + index);
        // Element (row, k) is lane 4 row + k's, (k, column) lane 4 column + k's.
        let sum = (0..4).fold(c[32 * index + lane], |sum, k| a[4 * row + k].mul_add(b[4 * column + k], sum));
        assert_eq!(get(&d, mma.d.element, lane, index), sum.to_bits());
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let mut random = Random(5);
    for (types, shape) in [
        ("f32.f16.f16.f32", "m16n8k16"),
        ("f16.f16.f16.f16", "m16n8k8"),
        ("f32.bf16.bf16.f32", "m16n8k16"),
        ("f32.tf32.tf32.f32", "m16n8k8"),
        ("f32.e4m3.e5m2.f32", "m16n8k32"),
        ("f16.e5m2.e5m2.f16", "m16n8k16"),
        ("f64.f64.f64.f64", "m16n8k16"),
        ("s32.s8.u8.s32.satfinite", "m16n8k32"),
        ("s32.u4.s4.s32", "m16n8k64"),
        ("s32.b1.b1.s32.xor.popc", "m16n8k256"),
        ("f32.f16.f16.f16", "m8n8k4"),
    ] {
        let name = format!("mma.sync.aligned.{shape}.row.col.{types}");
        let parts: Vec<&str> = name.split('.').collect();
        for _ in 0..50 {
            let mma = find(Isa::Base, &parts).unwrap();
            let mut fill = |fragment| {
                let mut registers = registers(fragment);
                registers.as_flattened_mut().iter_mut().for_each(|word| *word = random.word());
                registers
            };
            let (a, b, c) = (fill(mma.a), fill(mma.b), fill(mma.c));
            let mut expected = registers(mma.d);
            mma.run(&a, &b, &c, &mut expected);
            for isa in [Isa::Avx2, Isa::Avx512] {
                if isa == Isa::detect() || Isa::detect() == Isa::Avx512 {
                    let mut found = registers(mma.d);
                    find(isa, &parts).unwrap().run(&a, &b, &c, &mut found);
                    assert_eq!(found, expected, "{name} with {isa:?}");
                }
            }
        }
    }
}
