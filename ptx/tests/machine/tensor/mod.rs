//! Tensor instructions: layouts against the manual's figures as typed, products against plain loops.

mod exact;
mod figures;
mod im2col;
mod map;
mod matrix;
mod mma;
mod numbers;
mod round_trip;
mod sparse;
mod swizzle;
mod wgmma;
mod wgmma_sparse;
mod wmma;

use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::element::{Element, e4m3_to_f32, e5m2_to_f32, f32_to_f16};
use warptape_ptx::tensor::fragment::Fragment;

/// Numbers that look random and are the same each time.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let mixed = (self.0 ^ self.0 >> 33).wrapping_mul(0xff51afd7ed558ccd);
        mixed ^ mixed >> 29
    }

    pub fn word(&mut self) -> u32 {
        self.next() as u32
    }

    /// An integer that `element` holds exactly, and of which sums of many products are exact in f32.
    pub fn integer(&mut self, element: Element) -> i64 {
        let (low, high) = match element {
            Element::S8 => (-128, 127),
            Element::U8 => (0, 255),
            Element::S4 => (-8, 7),
            Element::U4 => (0, 15),
            Element::B1 => (0, 1),
            Element::E5m2 => (-8, 8),
            Element::E4m3 => (-16, 16),
            _ => (-31, 31),
        };
        low + (self.next() % (high - low + 1) as u64) as i64
    }
}

/// The bits of an integer as an element.
pub fn encode(element: Element, value: i64) -> u64 {
    let search = |of: fn(u32) -> f32| (0..256u32).find(|bits| of(*bits) == value as f32).expect("no such value").into();
    match element {
        Element::F64 => (value as f64).to_bits(),
        Element::F32 | Element::Tf32 => (value as f32).to_bits().into(),
        Element::F16 => f32_to_f16(value as f32).into(),
        Element::Bf16 => ((value as f32).to_bits() >> 16).into(),
        Element::E4m3 => search(e4m3_to_f32),
        Element::E5m2 => search(e5m2_to_f32),
        _ => value as u64 & ((1 << element.bits()) - 1),
    }
}

/// Registers of a fragment, empty.
pub fn registers(fragment: Fragment) -> Vec<Lanes> {
    vec![[0; 32]; fragment.lanes()]
}

/// Writes element `index` of a lane's registers.
pub fn put(registers: &mut [Lanes], element: Element, lane: usize, index: usize, bits: u64) {
    if element.bits() == 64 {
        let words = &mut registers.as_flattened_mut()[64 * index + 2 * lane..][..2];
        words.copy_from_slice(&[bits as u32, (bits >> 32) as u32]);
    } else {
        let per = element.per_register();
        registers[index / per][lane] |= (bits as u32) << (index % per * element.bits());
    }
}

/// Reads element `index` of a lane's registers.
pub fn get(registers: &[Lanes], element: Element, lane: usize, index: usize) -> u64 {
    if element.bits() == 64 {
        let words = &registers.as_flattened()[64 * index + 2 * lane..];
        return u64::from(words[0]) | u64::from(words[1]) << 32;
    }
    let per = element.per_register();
    u64::from(registers[index / per][lane]) >> (index % per * element.bits()) & ((1u64 << element.bits()) - 1)
}
