//! Atomic operations (ISA 9.7.13: `atom`, `red`), lane after lane.

use super::fault::Kind;
use super::reach::Reach;
use super::step::{Next, Step};
use crate::lane::Width;
use crate::number::half;

/// An atomic operation.
pub struct Atomic {
    pub reach: Reach,
    /// Bytes of each element: 2, 4 or 8; and how many there are.
    pub bytes: u8,
    /// What was there before, of each element; none for `red`.
    pub to: Vec<u32>,
    /// Operands of each element, and what `cas` puts there.
    pub by: Vec<u32>,
    pub swap: Option<u32>,
    pub width: Width,
    pub operation: Operation,
}

/// What is there then, from what was there, and one or two operands.
pub type Operation = fn(u64, u64, u64) -> u64;

/// The operation that is written `name` for a type.
pub fn operation(name: &str, of: &str) -> Option<Operation> {
    match (name, of) {
        ("add", "u32" | "s32") => Some(|a, b, _| u64::from((a as u32).wrapping_add(b as u32))),
        ("add", "u64" | "s64") => Some(|a, b, _| a.wrapping_add(b)),
        ("min", "u32") => Some(|a, b, _| u64::from((a as u32).min(b as u32))),
        ("max", "u32") => Some(|a, b, _| u64::from((a as u32).max(b as u32))),
        ("min", "s32") => Some(|a, b, _| u64::from((a as i32).min(b as i32) as u32)),
        ("max", "s32") => Some(|a, b, _| u64::from((a as i32).max(b as i32) as u32)),
        ("min", "u64") => Some(|a, b, _| a.min(b)),
        ("max", "u64") => Some(|a, b, _| a.max(b)),
        ("min", "s64") => Some(|a, b, _| (a as i64).min(b as i64) as u64),
        ("max", "s64") => Some(|a, b, _| (a as i64).max(b as i64) as u64),
        // What is counted up to, or down from, is the operand.
        ("inc", "u32") => Some(|a, b, _| if a >= b { 0 } else { a + 1 }),
        ("dec", "u32") => Some(|a, b, _| if a == 0 || a > b { b } else { a - 1 }),
        ("add", "f32") => Some(|a, b, _| single(f32::from_bits(a as u32) + f32::from_bits(b as u32))),
        ("add", "f64") => Some(|a, b, _| (f64::from_bits(a) + f64::from_bits(b)).to_bits()),
        _ => exact(name, of).or_else(|| halves(name, of)),
    }
}

fn single(value: f32) -> u64 {
    u64::from(if value.is_nan() { 0x7FFF_FFFF } else { value.to_bits() })
}

/// Operations on bits as they are.
fn exact(name: &str, of: &str) -> Option<Operation> {
    match (name, of) {
        ("and", "b32" | "b64") => Some(|a, b, _| a & b),
        ("or", "b32" | "b64") => Some(|a, b, _| a | b),
        ("xor", "b32" | "b64") => Some(|a, b, _| a ^ b),
        ("exch", "b32" | "b64") => Some(|_, b, _| b),
        ("cas", "b16" | "b32" | "b64") => Some(|a, b, c| if a == b { c } else { a }),
        _ => None,
    }
}

/// Operations on half types: computed as floats, which hold the exact result of two of them.
fn halves(name: &str, of: &str) -> Option<Operation> {
    fn half(a: u64, b: u64, of: fn(f32, f32) -> f32) -> u64 {
        half::to_f16(of(half::from_f16(a as u16), half::from_f16(b as u16))).into()
    }
    fn brain(a: u64, b: u64, of: fn(f32, f32) -> f32) -> u64 {
        half::to_bf16(of(half::from_bf16(a as u16), half::from_bf16(b as u16))).into()
    }
    fn pair(a: u64, b: u64, of: fn(u64, u64) -> u64) -> u64 {
        of(a & 0xFFFF, b & 0xFFFF) | of(a >> 16, b >> 16) << 16
    }
    fn add(a: f32, b: f32) -> f32 {
        a + b
    }
    match (name, of) {
        ("add", "f16") => Some(|a, b, _| half(a, b, add)),
        ("min", "f16") => Some(|a, b, _| half(a, b, f32::min)),
        ("max", "f16") => Some(|a, b, _| half(a, b, f32::max)),
        ("add", "bf16") => Some(|a, b, _| brain(a, b, add)),
        ("min", "bf16") => Some(|a, b, _| brain(a, b, f32::min)),
        ("max", "bf16") => Some(|a, b, _| brain(a, b, f32::max)),
        ("add", "f16x2") => Some(|a, b, _| pair(a, b, |a, b| half(a, b, add))),
        ("min", "f16x2") => Some(|a, b, _| pair(a, b, |a, b| half(a, b, f32::min))),
        ("max", "f16x2") => Some(|a, b, _| pair(a, b, |a, b| half(a, b, f32::max))),
        ("add", "bf16x2") => Some(|a, b, _| pair(a, b, |a, b| brain(a, b, add))),
        ("min", "bf16x2") => Some(|a, b, _| pair(a, b, |a, b| brain(a, b, f32::min))),
        ("max", "bf16x2") => Some(|a, b, _| pair(a, b, |a, b| brain(a, b, f32::max))),
        _ => None,
    }
}

impl Atomic {
    /// # Safety
    /// The instruction's registers lie in the frame.
    pub unsafe fn run(&self, step: &mut Step<'_, '_>, active: u32) -> Next {
        let each = u64::from(self.bytes);
        let total = each * self.by.len() as u64;
        // SAFETY: registers lie in the frame; pointers were checked for as many bytes.
        unsafe {
            let at = match self.reach.pointers(step, active, total, Kind::Atomic) {
                Ok(at) => at,
                Err(next) => return next,
            };
            if let Err(next) = step.tell(&at, active, total, Kind::Atomic, true) {
                return next;
            }
            for lane in step.launch.order.lanes(active) {
                for (number, by) in self.by.iter().enumerate() {
                    let pointer = at[lane] + number as u64 * each;
                    let before = match each {
                        2 => u64::from(*(pointer as *const u16)),
                        4 => u64::from(*(pointer as *const u32)),
                        _ => *(pointer as *const u64),
                    };
                    let by = step.get(*by, self.width, lane);
                    let swap = self.swap.map_or(0, |swap| step.get(swap, self.width, lane));
                    let after = (self.operation)(before, by, swap);
                    match each {
                        2 => *(pointer as *mut u16) = after as u16,
                        4 => *(pointer as *mut u32) = after as u32,
                        _ => *(pointer as *mut u64) = after,
                    }
                    if let Some(to) = self.to.get(number) {
                        step.set(*to, self.width, lane, before);
                    }
                }
            }
        }
        Next::On
    }
}
