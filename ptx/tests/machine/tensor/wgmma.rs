//! `wgmma.mma_async` against a plain triple loop, with A and B in memory as CuTe's canonical layouts say.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::element::Element::{self, *};
use warptape_ptx::tensor::mma::Meets;
use warptape_ptx::tensor::swizzle::Swizzle;
use warptape_ptx::tensor::wgmma::{Descriptor, Major, Operand, Source, Sums, Wgmma, find, place_a, place_d};

use super::swizzle::{SWIZZLES, canonical};
use super::{Random, encode, get, put};

pub fn named(isa: Isa, name: &str) -> Option<Wgmma> {
    let (sparse, name) = name.strip_prefix("sp.").map_or(("", name), |name| ("sp.", name));
    let name = format!("wgmma.mma_async.{sparse}sync.aligned.{name}");
    find(isa, &name.split('.').collect::<Vec<_>>())
}

/// A matrix of integers in shared memory.
struct Stored {
    values: Vec<i64>,
    depth: usize,
    operand: Operand,
}

fn stored(
    memory: &mut [u8],
    start: usize,
    element: Element,
    major: Major,
    swizzle: Swizzle,
    (mn, bytes): (usize, usize),
    seed: u64,
) -> Stored {
    let (depth, units, mut random) = (8 * bytes / element.bits(), bytes / 16, Random(seed));
    let values: Vec<i64> = (0..mn * depth).map(|_| random.integer(element)).collect();
    // A pattern after the other along k, then along the rows: patterns of rows that mn-major reaches in `leading` steps.
    let (leading, stride) = match (major, swizzle) {
        (_, Swizzle::None) => (128, 128 * units),
        (Major::K, _) => (16, swizzle.period() as usize),
        (Major::Mn, _) => (units * swizzle.period() as usize, swizzle.period() as usize),
    };
    for (index, value) in values.iter().enumerate() {
        let (row, k) = (index / depth, index % depth);
        if element == B1 {
            // As bytes that hold eight bits each.
            let byte = start + canonical(major, swizzle, leading, stride, 1).byte(row, k / 8, 1);
            memory[byte] |= (*value as u8) << (k % 8);
        } else {
            let size = element.bits() / 8;
            let byte = start + canonical(major, swizzle, leading, stride, size).byte(row, k, size);
            memory[byte..byte + size].copy_from_slice(&encode(element, *value).to_le_bytes()[..size]);
        }
    }
    let descriptor =
        Descriptor { start: start as u32, leading: leading as u32, stride: stride as u32, base: 0, swizzle };
    Stored { values, depth, operand: Operand::new(descriptor.encode(), element, major, mn, bytes).unwrap() }
}

fn read(memory: &[u8]) -> impl Fn(u32) -> [u32; 4] {
    |address| {
        let words = memory[address as usize..][..16].as_chunks().0;
        std::array::from_fn(|word| u32::from_le_bytes(words[word]))
    }
}

#[derive(Clone, Copy)]
pub struct Case {
    pub swizzle: Swizzle,
    pub a_major: Major,
    pub b_major: Major,
    pub registers: bool,
    pub sums: Sums,
}

/// Multiplies matrices of integers and holds every element of D against the plain sum.
fn check(name: &str, case: Case) {
    let instruction = named(Isa::detect(), name).unwrap_or_else(|| panic!("{name} is not found"));
    hold(name, instruction, case, None, |_, k| k);
}

/// Likewise, where an element of A at a row and k meets a row of B that `place` tells.
pub fn hold(
    name: &str,
    instruction: Wgmma,
    Case { swizzle, a_major, b_major, registers, sums }: Case,
    meets: Option<[&Meets; 4]>,
    place: impl Fn(usize, usize) -> usize,
) {
    let n = instruction.shape.n;
    let (a_bytes, b_bytes) = instruction.depths();
    let mut memory = vec![0; 0x14000];
    let a = stored(&mut memory, 0x1000, instruction.a, a_major, swizzle, (64, a_bytes), 11);
    let b = stored(&mut memory, 0x4000, instruction.b, b_major, swizzle, (n, b_bytes), 12);
    let mut in_registers: [Vec<Lanes>; 4] = std::array::from_fn(|_| vec![[0; 32]; 4]);
    for (warp, registers) in in_registers.iter_mut().enumerate() {
        for (lane, index) in (0..32).flat_map(|lane| (0..4 * instruction.a.per_register()).map(move |i| (lane, i))) {
            let (row, k) = place_a(instruction.a, warp, lane, index);
            put(registers, instruction.a, lane, index, encode(instruction.a, a.values[row * a.depth + k]));
        }
    }
    let sum = instruction.d.element;
    let per_lane = instruction.d.registers * sum.per_register();
    assert_eq!(per_lane, n / 2);
    let mut random = Random(13);
    let before: Vec<i64> = (0..64 * n).map(|_| random.integer(F32)).collect();
    let mut d: [Vec<Lanes>; 4] = std::array::from_fn(|_| vec![[0; 32]; instruction.d.registers]);
    let cells =
        || (0..4).flat_map(move |warp| (0..32 * per_lane).map(move |cell| (warp, cell / per_lane, cell % per_lane)));
    for (warp, lane, index) in cells() {
        let (row, column) = place_d(warp, lane, index);
        put(&mut d[warp], sum, lane, index, encode(sum, before[row * n + column]));
    }
    let source = if registers {
        Source::Registers(std::array::from_fn(|warp| in_registers[warp].as_slice()))
    } else {
        Source::Shared(a.operand)
    };
    let sums_of = d.each_mut().map(|registers| registers.as_mut_slice());
    instruction.run(sums_of, (source, meets), &b.operand, sums, read(&memory));
    for (warp, lane, index) in cells() {
        let (row, column) = place_d(warp, lane, index);
        let terms = (0..a.depth).map(|k| a.values[row * a.depth + k] * b.values[column * b.depth + place(row, k)]);
        let product = terms.sum::<i64>() * if sums.negate { -1 } else { 1 };
        let expected = product + if sums.add { before[row * n + column] } else { 0 };
        // Sums of f16 are rounded as values of f32 are, which hold these exactly.
        let found = get(&d[warp], sum, lane, index);
        assert_eq!(found, encode(sum, expected), "{name} {swizzle:?} {a_major:?} {b_major:?}: {row}, {column}");
    }
}

pub const PLAIN: Case = Case {
    swizzle: Swizzle::B128,
    a_major: Major::K,
    b_major: Major::K,
    registers: false,
    sums: Sums { add: true, negate: false },
};

#[test]
fn every_layout_gives_the_product() {
    for swizzle in SWIZZLES {
        for name in
            ["m64n8k8.f32.tf32.tf32", "m64n40k32.f32.e4m3.e5m2", "m64n48k32.s32.s8.u8", "m64n16k256.s32.b1.b1.and.popc"]
        {
            check(name, Case { swizzle, ..PLAIN });
            check(name, Case { swizzle, registers: true, ..PLAIN });
        }
        for (a_major, b_major) in
            [(Major::K, Major::K), (Major::K, Major::Mn), (Major::Mn, Major::K), (Major::Mn, Major::Mn)]
        {
            for name in ["m64n64k16.f32.f16.f16", "m64n128k16.f32.bf16.bf16", "m64n256k16.f16.f16.f16"] {
                check(name, Case { swizzle, a_major, b_major, ..PLAIN });
            }
            let registers = a_major == Major::K;
            check("m64n192k16.f32.f16.f16", Case { swizzle, a_major, b_major, registers, ..PLAIN });
        }
    }
}

#[test]
fn every_width_of_every_type_there_is() {
    for n in 1..=256 {
        for types in [
            "16.f32.f16.f16",
            "16.f16.f16.f16",
            "16.f32.bf16.bf16",
            "8.f32.tf32.tf32",
            "32.f32.e4m3.e4m3",
            "32.f16.e5m2.e4m3",
        ] {
            let name = format!("m64n{n}k{types}");
            if n % 8 == 0 {
                check(&name, Case { registers: n % 16 == 0, ..PLAIN });
            } else {
                assert_eq!(named(Isa::Base, &name), None);
            }
        }
        // 9.7.15.5.2: sums of integers and bits.
        let listed = [8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256].contains(&n);
        for types in ["32.s32.s8.s8", "32.s32.u8.s8", "32.s32.u8.u8.satfinite", "256.s32.b1.b1.and.popc"] {
            let name = format!("m64n{n}k{types}");
            if listed {
                check(&name, PLAIN);
            } else {
                assert_eq!(named(Isa::Base, &name), None, "{name}");
            }
        }
    }
}

#[test]
fn scales_change_signs_and_drop_d() {
    for (add, negate) in [(false, false), (false, true), (true, true)] {
        check("m64n24k16.f32.f16.f16", Case { sums: Sums { add, negate }, ..PLAIN });
        check("m64n24k8.f32.tf32.tf32", Case { sums: Sums { add, negate }, registers: true, ..PLAIN });
        check("m64n24k32.f16.e4m3.e4m3", Case { sums: Sums { add, negate }, ..PLAIN });
    }
    check("m64n24k32.s32.u8.s8", Case { sums: Sums { add: false, negate: false }, ..PLAIN });
    check("m64n24k256.s32.b1.b1.and.popc", Case { sums: Sums { add: false, negate: false }, ..PLAIN });
}

#[test]
fn lanes_hold_what_the_figures_show() {
    // "WGMMA .m64nNk16 register fragment layout for accumulator matrix D": warp 0's T0 d0 d1, T3; T28; d2 d3 below; warps.
    assert_eq!([0, 1, 4, 5].map(|index| place_d(0, 0, index)), [(0, 0), (0, 1), (0, 8), (0, 9)]);
    assert_eq!([2, 3, 6, 7].map(|index| place_d(0, 0, index)), [(8, 0), (8, 1), (8, 8), (8, 9)]);
    assert_eq!([0, 1].map(|index| place_d(0, 3, index)), [(0, 6), (0, 7)]);
    assert_eq!([0, 3].map(|index| place_d(0, 31, index)), [(7, 6), (15, 7)]);
    // T32, T127; the last of n256.
    assert_eq!(place_d(1, 0, 0), (16, 0));
    assert_eq!([0, 127].map(|index| place_d(3, 31, index)), [(55, 6), (63, 255)]);
    // "... for matrix A": T0 a0 a1, a2 a3 below, a4 a5 right; T33.
    assert_eq!([0, 1, 2, 4, 6].map(|index| place_a(F16, 0, 0, index)), [(0, 0), (0, 1), (8, 0), (0, 8), (8, 8)]);
    assert_eq!([0, 3, 4, 8, 12].map(|index| place_a(S8, 1, 1, index)), [(16, 4), (16, 7), (24, 4), (16, 20), (24, 20)]);
    assert_eq!([0, 1, 2, 3].map(|index| place_a(Tf32, 3, 31, index)), [(55, 3), (63, 3), (55, 7), (63, 7)]);
}

#[test]
fn sums_stop_wrap_and_forget() {
    let mut memory = vec![0; 0x8000];
    memory[0x1000..0x1000 + 64 * 32].fill(1);
    memory[0x4000..0x4000 + 8 * 32].fill(127);
    let operand = |start, mn| {
        let descriptor = Descriptor { start, leading: 128, stride: 256, base: 0, swizzle: Swizzle::None };
        Operand::new(descriptor.encode(), S8, Major::K, mn, 32).unwrap()
    };
    for (name, before, add, after) in [
        ("m64n8k32.s32.s8.s8", i32::MAX, true, i32::MIN + 32 * 127 - 1),
        ("m64n8k32.s32.s8.s8.satfinite", i32::MAX, true, i32::MAX),
        ("m64n8k32.satfinite.s32.s8.s8", i32::MAX - 4065, true, i32::MAX - 1),
        ("m64n8k32.s32.s8.s8.satfinite", i32::MAX, false, 32 * 127),
    ] {
        let mut d: [Vec<Lanes>; 4] = std::array::from_fn(|_| vec![[before as u32; 32]; 4]);
        let (a, b) = (Source::Shared(operand(0x1000, 64)), operand(0x4000, 8));
        let sums = Sums { add, negate: false };
        let instruction = named(Isa::detect(), name).unwrap();
        instruction.run(d.each_mut().map(|registers| registers.as_mut_slice()), (a, None), &b, sums, read(&memory));
        assert!(d.iter().flatten().flatten().all(|sum| *sum == after as u32), "{name}");
    }
    // Without scale-d, not even a NaN of D matters.
    let mut d: [Vec<Lanes>; 4] = std::array::from_fn(|_| vec![[u32::MAX; 32]; 4]);
    let instruction = named(Isa::detect(), "m64n8k32.f32.e4m3.e4m3").unwrap();
    let (a, b) = (Source::Shared(operand(0x6000, 64)), operand(0x4000, 8));
    let sums = Sums { add: false, negate: false };
    memory[0x4000..0x4000 + 8 * 32].fill(0x7e);
    instruction.run(d.each_mut().map(|registers| registers.as_mut_slice()), (a, None), &b, sums, read(&memory));
    assert!(d.iter().flatten().flatten().all(|sum| *sum == 0));
}

#[test]
fn what_is_no_instruction_is_not_found() {
    for name in [
        "m64n8k16.f16.bf16.bf16",
        "m64n8k16.f32.f16.bf16",
        "m64n8k16.f32.f16.f16.satfinite",
        "m64n8k8.f32.f16.f16",
        "m64n264k16.f32.f16.f16",
        "m128n8k16.f32.f16.f16",
        "m64n8k256.s32.b1.b1.xor.popc",
        "m64n8k256.s32.b1.b1",
        "m64n8k16.f32.f16.f16.and.popc",
        "m64n8k64.s32.s4.s4",
    ] {
        assert_eq!(named(Isa::Base, name), None, "{name}");
    }
    let operands = |name| named(Isa::Base, name).map(|found| (found.scales(), found.transposes()));
    assert_eq!(operands("m64n8k16.f32.bf16.bf16"), Some((true, true)));
    assert_eq!(operands("m64n8k8.f32.tf32.tf32"), Some((true, false)));
    assert_eq!(operands("m64n8k32.f16.e4m3.e4m3"), Some((true, false)));
    assert_eq!(operands("m64n8k32.s32.s8.s8"), Some((false, false)));
    assert_eq!(operands("m64n8k256.s32.b1.b1.and.popc"), Some((false, false)));
}
