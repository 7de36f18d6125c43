//! Swizzles and the matrices that descriptors find, against the manual's figures and CuTe's canonical layouts.

use warptape_ptx::tensor::element::Element::*;
use warptape_ptx::tensor::swizzle::Swizzle;
use warptape_ptx::tensor::wgmma::{Descriptor, Major, Operand};

/// The figures of 5.5.7: which unit of 16 bytes lies where in rows of 128 bytes; they repeat.
const FIGURES: [(Swizzle, &[[u32; 8]]); 4] = [
    (Swizzle::None, &[[0, 1, 2, 3, 4, 5, 6, 7]]),
    (Swizzle::B32, &[[0, 1, 2, 3, 4, 5, 6, 7], [1, 0, 3, 2, 5, 4, 7, 6]]),
    (
        Swizzle::B64,
        &[[0, 1, 2, 3, 4, 5, 6, 7], [1, 0, 3, 2, 5, 4, 7, 6], [2, 3, 0, 1, 6, 7, 4, 5], [3, 2, 1, 0, 7, 6, 5, 4]],
    ),
    (
        Swizzle::B128,
        &[
            [0, 1, 2, 3, 4, 5, 6, 7],
            [1, 0, 3, 2, 5, 4, 7, 6],
            [2, 3, 0, 1, 6, 7, 4, 5],
            [3, 2, 1, 0, 7, 6, 5, 4],
            [4, 5, 6, 7, 0, 1, 2, 3],
            [5, 4, 7, 6, 1, 0, 3, 2],
            [6, 7, 4, 5, 2, 3, 0, 1],
            [7, 6, 5, 4, 3, 2, 1, 0],
        ],
    ),
];

#[test]
fn units_change_places_as_in_the_figures() {
    for (swizzle, figure) in FIGURES {
        for row in 0..64 {
            for (place, unit) in figure[row % figure.len()].iter().enumerate() {
                let (row, place) = (row as u32, place as u32);
                assert_eq!(
                    swizzle.apply(128 * row + 16 * unit + 5, 0),
                    128 * row + 16 * place + 5,
                    "{swizzle:?} {row}"
                );
                // A pattern that begins three rows further down.
                let below = 128 * (row + 3);
                assert_eq!(swizzle.apply(below + 16 * unit, 3), below + 16 * place, "{swizzle:?} {row}");
            }
        }
    }
}

/// One of CuTe's canonical layouts, `Swizzle<bits, 4, 3> o ((T, w, m), (8, k)) : ((1, T, a), (b, c))` or `((8, m), (T, 2)) :
/// ((a, b), (1, c))`, with 4 for 2 where A is sparse: extents and strides, in elements, of each of the five or four parts,
/// then the swizzle.
pub struct Canonical {
    mn: Vec<(usize, usize)>,
    k: Vec<(usize, usize)>,
    bits: u32,
}

impl Canonical {
    /// The byte of element (mn, k) from the beginning of the pattern on.
    pub fn byte(&self, mn: usize, k: usize, size: usize) -> usize {
        let walk = |parts: &[(usize, usize)], mut index: usize| {
            let mut offset = 0;
            for (extent, stride) in parts {
                offset += index % extent * stride;
                index /= extent;
            }
            offset
        };
        let byte = (walk(&self.mn, mn) + walk(&self.k, k)) * size;
        // Swizzle<bits, 4, 3>: bits from 7 on, exclusive-ored to those from 4 on.
        byte ^ (byte >> 3 & (((1 << self.bits) - 1) << 4))
    }
}

const HUGE: usize = 1 << 20;

/// The layout, with leading and stride byte offsets, for elements of `size` bytes.
pub fn canonical(major: Major, swizzle: Swizzle, leading: usize, stride: usize, size: usize) -> Canonical {
    let (t, lbo, sbo) = (16 / size, leading / size, stride / size);
    let bits = match swizzle {
        Swizzle::None => 0,
        Swizzle::B32 => 1,
        Swizzle::B64 => 2,
        Swizzle::B128 => 3,
    };
    let (mn, k) = match (major, swizzle) {
        (Major::Mn, Swizzle::None) => (vec![(t, 1), (1, t), (HUGE, sbo)], vec![(8, t), (HUGE, lbo)]),
        (Major::Mn, Swizzle::B32) => (vec![(t, 1), (2, t), (HUGE, lbo)], vec![(8, 2 * t), (HUGE, sbo)]),
        (Major::Mn, Swizzle::B64) => (vec![(t, 1), (4, t), (HUGE, lbo)], vec![(8, 4 * t), (HUGE, sbo)]),
        (Major::Mn, Swizzle::B128) => (vec![(t, 1), (8, t), (HUGE, lbo)], vec![(8, 8 * t), (HUGE, sbo)]),
        (Major::K, Swizzle::None) => (vec![(8, t), (HUGE, sbo)], vec![(t, 1), (HUGE, lbo)]),
        (Major::K, Swizzle::B32) => (vec![(8, 2 * t), (HUGE, sbo)], vec![(t, 1), (HUGE, t)]),
        (Major::K, Swizzle::B64) => (vec![(8, 4 * t), (HUGE, sbo)], vec![(t, 1), (HUGE, t)]),
        (Major::K, Swizzle::B128) => (vec![(8, 8 * t), (HUGE, sbo)], vec![(t, 1), (HUGE, t)]),
    };
    Canonical { mn, k, bits }
}

pub const SWIZZLES: [Swizzle; 4] = [Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128];

#[test]
fn descriptors_find_the_canonical_layouts() {
    for (major, element, depth) in
        [(Major::K, F16, 16), (Major::Mn, Bf16, 16), (Major::K, Tf32, 8), (Major::K, E4m3, 32), (Major::K, S8, 32)]
    {
        for swizzle in SWIZZLES {
            for (leading, stride) in [(4096, 1024), (2048, 8192), (1024, 3072)] {
                let layout = canonical(major, swizzle, leading, stride, element.bits() / 8);
                let descriptor =
                    Descriptor { start: 0x2000, leading: leading as u32, stride: stride as u32, base: 0, swizzle };
                let operand = Operand::new(descriptor.encode(), element, major, 64, 32).unwrap();
                for (mn, k) in (0..64).flat_map(|mn| (0..depth).map(move |k| (mn, k))) {
                    let expected = 0x2000 + layout.byte(mn, k, element.bits() / 8) as u32;
                    assert_eq!(operand.address(mn, k), expected, "{major:?} {element:?} {swizzle:?} {mn} {k}");
                }
                // Units are whole, and together they are the matrix.
                let per = 128 / element.bits();
                let mut seen = std::collections::BTreeSet::new();
                for (mn, k, address) in operand.units() {
                    assert_eq!(address % 16, 0);
                    for further in 0..per {
                        let (mn, k) = if major == Major::K { (mn, k + further) } else { (mn + further, k) };
                        assert_eq!(operand.address(mn, k), address + (further * element.bits() / 8) as u32);
                        assert!(seen.insert((mn, k)));
                    }
                }
                assert_eq!(seen.len(), 64 * depth);
            }
        }
    }
}

#[test]
fn patterns_may_begin_where_the_base_offset_says_and_k_may_advance() {
    // The second 32 bytes of k of rows of 128 bytes.
    let descriptor = Descriptor { start: 0x420, leading: 0, stride: 1024, base: 0, swizzle: Swizzle::B128 };
    let operand = Operand::new(descriptor.encode(), F16, Major::K, 8, 32).unwrap();
    // Figure: unit 2 of row 0 lies at place 2, of row 1 at 3, of row 7 at 5; unit 3 of row 6 at 5.
    assert_eq!(operand.address(0, 0), 0x400 + 2 * 16);
    assert_eq!(operand.address(1, 0), 0x400 + 128 + 3 * 16);
    assert_eq!(operand.address(7, 0), 0x400 + 7 * 128 + 5 * 16);
    assert_eq!(operand.address(6, 9), 0x400 + 6 * 128 + 5 * 16 + 2);
    // The pattern begins at 0x480.
    let descriptor = Descriptor { start: 0x480, base: 1, ..descriptor };
    let operand = Operand::new(descriptor.encode(), F16, Major::K, 8, 32).unwrap();
    assert_eq!(operand.address(0, 0), 0x480);
    assert_eq!(operand.address(1, 0), 0x480 + 128 + 16);
    assert_eq!(operand.address(7, 8), 0x480 + 7 * 128 + 6 * 16);
}

#[test]
fn what_no_descriptor_can_say_is_an_error() {
    let good = Descriptor { start: 0x400, leading: 16, stride: 1024, base: 0, swizzle: Swizzle::B128 };
    let error = |descriptor: Descriptor, element, major, mn| {
        Operand::new(descriptor.encode(), element, major, mn, 32).expect_err("no error")
    };
    assert!(Operand::new(good.encode(), F16, Major::K, 64, 32).is_ok());
    assert!(Descriptor::decode(good.encode() | 1 << 14).unwrap_err().contains("belong to no field"));
    assert!(Descriptor::decode(good.encode() | 1 << 46).unwrap_err().contains("belong to no field"));
    let plain = Descriptor { base: 2, swizzle: Swizzle::None, ..good };
    assert!(error(plain, F16, Major::K, 64).contains("without swizzle has base offset 2"));
    assert!(error(good, Tf32, Major::Mn, 64).contains("of 32 bits lie along k"));
    assert!(error(Descriptor { start: 0x480, ..good }, F16, Major::K, 64).contains("does not begin where"));
    assert!(error(Descriptor { base: 1, ..good }, F16, Major::K, 64).contains("does not begin where"));
    assert!(error(Descriptor { start: 0x470, ..good }, F16, Major::K, 64).contains("112 bytes into a row"));
    assert!(error(Descriptor { start: 0x410, ..good }, F16, Major::Mn, 64).contains("needs 128 bytes"));
    assert!(Operand::new(Descriptor { start: 0x410, ..good }.encode(), F16, Major::Mn, 8, 32).is_ok());
    let narrow = Descriptor { start: 0x300, swizzle: Swizzle::B32, ..good };
    assert!(Operand::new(narrow.encode(), F16, Major::K, 64, 32).is_ok());
    assert!(error(Descriptor { start: 0x320, ..narrow }, F16, Major::K, 64).contains("repeats every 256 bytes"));
    assert_eq!(Descriptor::decode(narrow.encode()), Ok(narrow));
}

/// The value of a layout that the manual spells, `((8,2),(4,4)):((4,32),(1,64))` under `Swizzle<bits, 4, 3>`, in bytes.
fn spelled(parts: [&[(usize, usize)]; 2], bits: u32, mn: usize, k: usize, size: usize) -> u32 {
    Canonical { mn: parts[0].to_vec(), k: parts[1].to_vec(), bits }.byte(mn, k, size) as u32
}

#[test]
fn the_manuals_examples() {
    // Figures 166 to 170: exact layouts, and leading and stride offsets as they are encoded.
    let tf32 = (Tf32, Major::K, 16, 8);
    let bf16 = |rows| (Bf16, Major::Mn, rows, 16);
    type Example<'a> =
        ((warptape_ptx::tensor::element::Element, Major, usize, usize), [&'a [(usize, usize)]; 2], u32, u64, [u64; 2]);
    let examples: [Example; 5] = [
        (tf32, [&[(8, 4), (2, 32)], &[(4, 1), (4, 64)]], 0, 0, [16, 8]),
        (tf32, [&[(8, 8), (2, 64)], &[(4, 1), (4, 4)]], 1, 3, [1, 16]),
        (bf16(16), [&[(8, 1), (1, 8), (2, 64)], &[(8, 8), (2, 128)]], 0, 0, [16, 8]),
        (bf16(32), [&[(8, 1), (2, 8), (2, 128)], &[(8, 16), (2, 256)]], 1, 3, [16, 32]),
        (bf16(64), [&[(8, 1), (4, 8), (2, 256)], &[(8, 32), (2, 512)]], 2, 2, [32, 64]),
    ];
    for ((element, major, rows, depth), layout, bits, mode, [leading, stride]) in examples {
        let descriptor = 0x4000 >> 4 | leading << 16 | stride << 32 | mode << 62;
        let operand = Operand::new(descriptor, element, major, rows, 32).unwrap();
        for (mn, k) in (0..rows).flat_map(|mn| (0..depth).map(move |k| (mn, k))) {
            let expected = 0x4000 + spelled(layout, bits, mn, k, element.bits() / 8);
            assert_eq!(operand.address(mn, k), expected, "{element:?} {major:?} mode {mode}: {mn}, {k}");
        }
    }
}
