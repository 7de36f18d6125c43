//! Loads and stores (ISA 9.7.9).

use super::fault::{Kind, What};
use super::lanes;
use super::reach::Reach;
use super::step::{Next, Step};
use crate::lane::{Isa, LANES, Width};
use crate::watch::Access;

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
    match (isa, bytes, width) {
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512, 4, Width::B32) => load_words_avx512,
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2, 4, Width::B32) => load_words_avx2,
        (_, 4, Width::B32) => load_words,
        _ => load_any,
    }
}

/// The function that does stores.
pub fn store(isa: Isa, bytes: u8, width: Width) -> Run {
    match (isa, bytes, width) {
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512, 4, Width::B32) => store_words_avx512,
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2, 4, Width::B32) => store_words_avx2,
        (_, 4, Width::B32) => store_words,
        _ => store_any,
    }
}

/// Instantiates a function for processors with wide vectors.
macro_rules! wide {
    ($body:ident: $avx2:ident $avx512:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi2")]
        unsafe fn $avx2(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
            // SAFETY: the caller's promise.
            unsafe { $body(step, mask, transfer) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
        unsafe fn $avx512(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
            // SAFETY: the caller's promise.
            unsafe { $body(step, mask, transfer) }
        }
    };
}

wide!(load_words: load_words_avx2 load_words_avx512);
wide!(store_words: store_words_avx2 store_words_avx512);

/// What the addresses of a warp have in common.
enum Pattern {
    /// One after the other, without gaps, from the first lane on, all lanes.
    Dense,
    /// All the same.
    Same,
    Any,
}

#[inline(always)]
fn pattern(at: &[u64; LANES], mask: u32, bytes: u64) -> Pattern {
    if mask != u32::MAX {
        return Pattern::Any;
    }
    let (mut dense, mut same) = (0, 0);
    for (lane, address) in at.iter().enumerate() {
        dense |= address ^ at[0].wrapping_add(lane as u64 * bytes);
        same |= address ^ at[0];
    }
    match (dense, same) {
        (0, _) => Pattern::Dense,
        (_, 0) => Pattern::Same,
        _ => Pattern::Any,
    }
}

#[inline(always)]
unsafe fn load_words(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let count = usize::from(transfer.count);
    let bytes = 4 * count as u64;
    // SAFETY: registers lie in the frame; pointers were checked for as many bytes.
    unsafe {
        let at = match transfer.reach.pointers(step, mask, bytes, Kind::Read) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if step.watch.is_some()
            && let Err(next) = step.tell(&at, mask, bytes, Kind::Read, transfer.strong)
        {
            return next;
        }
        let register = |number: usize| step.words.add(transfer.registers[number] as usize);
        match pattern(&at, mask, bytes) {
            Pattern::Dense if count == 1 => *register(0).cast::<[u32; LANES]>() = *(at[0] as *const [u32; LANES]),
            Pattern::Dense => {
                let from = at[0] as *const u32;
                for number in 0..count {
                    let mut taken = [0; LANES];
                    (0..LANES).for_each(|lane| taken[lane] = *from.add(lane * count + number));
                    *register(number).cast::<[u32; LANES]>() = taken;
                }
            }
            Pattern::Same => {
                let from = at[0] as *const u32;
                (0..count).for_each(|number| *register(number).cast::<[u32; LANES]>() = [*from.add(number); LANES]);
            }
            Pattern::Any => {
                for number in 0..count {
                    let to = register(number);
                    for lane in lanes(mask) {
                        *to.add(lane) = *(at[lane] as *const u32).add(number);
                    }
                }
            }
        }
    }
    Next::On
}

#[inline(always)]
unsafe fn store_words(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let count = usize::from(transfer.count);
    let bytes = 4 * count as u64;
    // SAFETY: as in `load_words`.
    unsafe {
        let at = match transfer.reach.pointers(step, mask, bytes, Kind::Write) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if step.watch.is_some()
            && let Err(next) = step.tell(&at, mask, bytes, Kind::Write, transfer.strong)
        {
            return next;
        }
        let register = |number: usize| step.words.add(transfer.registers[number] as usize);
        match pattern(&at, mask, bytes) {
            Pattern::Dense if count == 1 => *(at[0] as *mut [u32; LANES]) = *register(0).cast::<[u32; LANES]>(),
            Pattern::Dense => {
                let to = at[0] as *mut u32;
                for number in 0..count {
                    let from = &*register(number).cast::<[u32; LANES]>();
                    (0..LANES).for_each(|lane| *to.add(lane * count + number) = from[lane]);
                }
            }
            _ => {
                for lane in step.launch.order.lanes(mask) {
                    for number in 0..count {
                        *(at[lane] as *mut u32).add(number) = *register(number).add(lane);
                    }
                }
            }
        }
    }
    Next::On
}

/// Loads of any size into registers of any width.
unsafe fn load_any(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let Transfer { reach, registers, count, bytes, width, signed, strong, .. } = transfer;
    let (count, each) = (usize::from(*count), u64::from(*bytes));
    let total = each * count as u64;
    // SAFETY: as in `load_words`.
    unsafe {
        let at = match reach.pointers(step, mask, total, Kind::Read) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if let Err(next) = step.tell(&at, mask, total, Kind::Read, *strong) {
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
    // SAFETY: as in `load_words`.
    unsafe {
        let at = match reach.pointers(step, mask, total, Kind::Write) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if let Err(next) = step.tell(&at, mask, total, Kind::Write, *strong) {
            return next;
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

impl Step<'_, '_> {
    /// Tells the watch, if there is one, of an access that is about to be made.
    pub fn tell(&mut self, at: &[u64; LANES], mask: u32, bytes: u64, kind: Kind, strong: bool) -> Result<(), Next> {
        let Some(watch) = self.watch.as_deref_mut() else { return Ok(()) };
        let access =
            Access { at: self.at, warp: self.warp.number, kind, mask, bytes: bytes as u32, addresses: at, strong };
        match watch.access(&access) {
            true => Ok(()),
            false => Err(Next::Fault(self.fault(mask.trailing_zeros() as usize, What::Other("was stopped".into())))),
        }
    }
}
