//! Loads and stores (ISA 9.7.9).

use super::fault::Kind;
use super::reach::Reach;
use super::step::{Next, Step};
use super::{lanes, words};
use crate::lane::{Isa, Width};
use crate::watch::{LONGEST, Span};

/// A load or store.
pub struct Transfer {
    pub run: Run,
    pub reach: Reach,
    /// Of each element.
    pub registers: [u32; 8],
    pub count: u8,
    /// Bytes of an element in memory: 1, 2, 4, 8 or 16.
    pub bytes: u8,
    /// Of the registers.
    pub width: Width,
    /// Whether a load fills wider registers with the sign.
    pub signed: bool,
    /// `.volatile`, `.relaxed` and stronger.
    pub strong: bool,
}

/// Does a transfer for the lanes of a mask.
///
/// # Safety
/// The transfer's registers lie in the frame of `step`.
pub type Run = unsafe fn(&mut Step<'_, '_>, u32, &Transfer) -> Next;

/// The function that does loads of `bytes` a time.
pub fn load(isa: Isa, bytes: u8, width: Width) -> Run {
    match (bytes, width) {
        (4, Width::B32) => words::load(isa),
        _ => load_any,
    }
}

/// The function that does stores.
pub fn store(isa: Isa, bytes: u8, width: Width) -> Run {
    match (bytes, width) {
        (4, Width::B32) => words::store(isa),
        _ => store_any,
    }
}

/// Loads of any size into registers of any width.
unsafe fn load_any(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let Transfer { reach, registers, count, bytes, width, signed, strong, .. } = transfer;
    let (count, each) = (usize::from(*count), u64::from(*bytes));
    let total = each * count as u64;
    // SAFETY: registers lie in the frame; pointers were checked for as many bytes.
    unsafe {
        let at = match reach.pointers(step, mask, total, Kind::Read) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if step.watch.is_some()
            && !reach.is_own()
            && let Err(next) = step.tell(&at, mask, total, Kind::Read, *strong)
        {
            return next;
        }
        for (number, register) in registers[..count].iter().enumerate() {
            for lane in lanes(mask) {
                let from = at[lane] + number as u64 * each;
                let value = match (bytes, signed) {
                    (1, false) => u64::from(*(from as *const u8)),
                    (1, true) => i64::from(*(from as *const i8)) as u64,
                    (2, false) => u64::from(*(from as *const u16)),
                    (2, true) => i64::from(*(from as *const i16)) as u64,
                    (4, false) => u64::from(*(from as *const u32)),
                    (4, true) => i64::from(*(from as *const i32)) as u64,
                    (8, _) => *(from as *const u64),
                    _ => {
                        let to = step.words.add(*register as usize).cast::<[u64; 2]>().add(lane);
                        to.write(*(from as *const [u64; 2]));
                        continue;
                    }
                };
                step.set(*register, *width, lane, value);
            }
        }
    }
    Next::On
}

/// Stores of any size from registers of any width.
unsafe fn store_any(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let Transfer { reach, registers, count, bytes, width, strong, .. } = transfer;
    let (count, each) = (usize::from(*count), u64::from(*bytes));
    let total = each * count as u64;
    // SAFETY: registers lie in the frame; pointers were checked for as many bytes.
    unsafe {
        let at = match reach.pointers(step, mask, total, Kind::Write) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if step.watch.is_some() && !reach.is_own() {
            let words = step.words;
            let values = |lane: usize| {
                let mut values = [0; LONGEST];
                let each = each as usize;
                for (register, to) in registers[..count].iter().zip(values.chunks_exact_mut(each)) {
                    let value: [u64; 2] = match width {
                        Width::B128 => words.add(*register as usize).cast::<[u64; 2]>().add(lane).read(),
                        Width::B64 => [words.add(*register as usize).cast::<u64>().add(lane).read(), 0],
                        _ => [u64::from(*words.add(*register as usize + lane)), 0],
                    };
                    to.copy_from_slice(&(u128::from(value[0]) | u128::from(value[1]) << 64).to_le_bytes()[..each]);
                }
                values
            };
            let span = Span::of(&at, mask, total);
            if let Err(next) = step.tell_values(&at, mask, total, (Kind::Write, *strong), Some(&values), span) {
                return next;
            }
        }
        for lane in step.launch.order.lanes(mask) {
            for (number, register) in registers[..count].iter().enumerate() {
                let to = at[lane] + number as u64 * each;
                let value = step.get(*register, *width, lane);
                match bytes {
                    1 => *(to as *mut u8) = value as u8,
                    2 => *(to as *mut u16) = value as u16,
                    4 => *(to as *mut u32) = value as u32,
                    8 => *(to as *mut u64) = value,
                    _ => {
                        let from = step.words.add(*register as usize).cast::<[u64; 2]>().add(lane);
                        *(to as *mut [u64; 2]) = from.read();
                    }
                }
            }
        }
    }
    Next::On
}
