//! Loads and stores of 32-bit words, one to four of them a lane: what kernels do most. Addresses that lie one after the other, or are all
//! the same, are looked at once.

use super::access::{Run, Transfer};
use super::fault::Kind;
use super::reach::Reach;
use super::step::{Next, Step};
use super::{lanes, quads};
use crate::lane::{Isa, LANES};
use crate::watch::{LONGEST, Pattern, Span};

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

wide!(load_words: load_avx2 load_avx512);
wide!(store_words: store_avx2 store_avx512);

/// The function that loads words.
pub fn load(isa: Isa) -> Run {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => load_avx512,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => load_avx2,
        _ => load_words,
    }
}

/// The function that stores words.
pub fn store(isa: Isa) -> Run {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => store_avx512,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => store_avx2,
        _ => store_words,
    }
}

/// Looks at addresses of a whole warp, `bytes` each, which it makes pointers: how they lie. None where they are neither side by side nor
/// the same, or anything is wrong with them.
#[inline(always)]
fn alike(reach: &Reach, step: &Step<'_, '_>, at: &mut [u64; LANES], bytes: u64, kind: Kind) -> Option<Span> {
    let pattern = Pattern::of(at, bytes);
    let total = match pattern {
        Pattern::SideBySide => LANES as u64 * bytes,
        Pattern::Same => bytes,
        Pattern::Any => return None,
    };
    if at[0] & (bytes - 1) != 0 {
        return None;
    }
    let added = reach.added(step, at[0], total, kind)?;
    let first = at[0].wrapping_add(added);
    if step.watch.is_some() {
        for address in at {
            *address = address.wrapping_add(added);
        }
    }
    Some(Span { pattern, first, end: first + total })
}

#[inline(always)]
unsafe fn load_words(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let (reach, count) = (&transfer.reach, usize::from(transfer.count));
    let bytes = 4 * count as u64;
    // SAFETY: registers lie in the frame; pointers were checked for as many bytes.
    unsafe {
        let register = |words: *mut u32, number: usize| words.add(transfer.registers[number] as usize);
        let to = |words| [0, 1, 2, 3].map(|number| register(words, number));
        let watched = step.watch.is_some() && !reach.is_own();
        if mask == u32::MAX && !step.around.flight.is_busy() {
            let mut at = reach.addresses(step.words);
            let span = alike(reach, step, &mut at, bytes, Kind::Read);
            if let Some(span) = span.filter(|_| watched)
                && let Err(next) = step.tell_values(&at, mask, bytes, (Kind::Read, transfer.strong), None, span)
            {
                return next;
            }
            match span {
                Some(Span { pattern: Pattern::SideBySide, first: from, .. }) => {
                    match count {
                        1 => *register(step.words, 0).cast::<[u32; LANES]>() = *(from as *const [u32; LANES]),
                        2 | 4 => quads::load(count, |lane| from + lane as u64 * bytes, to(step.words)),
                        _ => {
                            for number in 0..count {
                                let to = register(step.words, number);
                                (0..LANES)
                                    .for_each(|lane| *to.add(lane) = *(from as *const u32).add(lane * count + number));
                            }
                        }
                    }
                    return Next::On;
                }
                Some(Span { first: from, .. }) => {
                    for number in 0..count {
                        let word = *(from as *const u32).add(number);
                        *register(step.words, number).cast::<[u32; LANES]>() = [word; LANES];
                    }
                    return Next::On;
                }
                None => {}
            }
        }
        let at = match reach.pointers(step, mask, bytes, Kind::Read) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if watched {
            let span = Span::around(&at, mask, bytes);
            if let Err(next) = step.tell_values(&at, mask, bytes, (Kind::Read, transfer.strong), None, span) {
                return next;
            }
        }
        match (mask, count) {
            (u32::MAX, 2 | 4) => quads::load(count, |lane| at[lane], to(step.words)),
            (u32::MAX, 1) => load_halves(&at, register(step.words, 0)),
            _ => {
                for lane in lanes(mask) {
                    for number in 0..count {
                        *register(step.words, number).add(lane) = *(at[lane] as *const u32).add(number);
                    }
                }
            }
        }
    }
    Next::On
}

/// Loads a word for each lane, half a warp at once where its words lie one after the other or are the same: rows of tiles 16 wide.
///
/// # Safety
/// A word lies at each place, and a register at the destination.
#[inline(always)]
unsafe fn load_halves(at: &[u64; LANES], to: *mut u32) {
    for (half, at) in at.as_chunks::<16>().0.iter().enumerate() {
        let step = at[1].wrapping_sub(at[0]);
        let mut apart = 0;
        for (lane, address) in at.iter().enumerate() {
            apart |= address ^ at[0].wrapping_add(lane as u64 * step);
        }
        // SAFETY: the caller's promise.
        unsafe {
            let to = to.add(16 * half);
            match (apart, step) {
                (0, 4) => *to.cast::<[u32; 16]>() = *(at[0] as *const [u32; 16]),
                (0, 0) => *to.cast::<[u32; 16]>() = [*(at[0] as *const u32); 16],
                _ => {
                    for (lane, from) in at.iter().enumerate() {
                        *to.add(lane) = *(*from as *const u32);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn store_words(step: &mut Step<'_, '_>, mask: u32, transfer: &Transfer) -> Next {
    let (reach, count) = (&transfer.reach, usize::from(transfer.count));
    let bytes = 4 * count as u64;
    // SAFETY: as in `load_words`.
    unsafe {
        let register = |words: *mut u32, number: usize| words.add(transfer.registers[number] as usize);
        let register_values = |words: *mut u32| {
            move |lane: usize| {
                let mut values = [0; LONGEST];
                for (number, to) in values.chunks_exact_mut(4).take(count).enumerate() {
                    to.copy_from_slice(&(*register(words, number).add(lane)).to_le_bytes());
                }
                values
            }
        };
        let watched = step.watch.is_some() && !reach.is_own();
        let mut addresses = reach.addresses(step.words);
        if mask == u32::MAX
            && !step.around.flight.is_busy()
            && let Some(span) = alike(reach, step, &mut addresses, bytes, Kind::Write)
            && let Span { pattern: Pattern::SideBySide, first: to, .. } = span
        {
            let values = register_values(step.words);
            if watched
                && let Err(next) =
                    step.tell_values(&addresses, mask, bytes, (Kind::Write, transfer.strong), Some(&values), span)
            {
                return next;
            }
            match count {
                1 => *(to as *mut [u32; LANES]) = *register(step.words, 0).cast::<[u32; LANES]>(),
                _ => {
                    for number in 0..count {
                        let from = &*register(step.words, number).cast::<[u32; LANES]>();
                        (0..LANES).for_each(|lane| *(to as *mut u32).add(lane * count + number) = from[lane]);
                    }
                }
            }
            return Next::On;
        }
        let at = match reach.pointers(step, mask, bytes, Kind::Write) {
            Ok(at) => at,
            Err(next) => return next,
        };
        if watched {
            let values = register_values(step.words);
            let span = Span::of(&at, mask, bytes);
            if let Err(next) = step.tell_values(&at, mask, bytes, (Kind::Write, transfer.strong), Some(&values), span) {
                return next;
            }
        }
        for lane in step.launch.order.lanes(mask) {
            for number in 0..count {
                *(at[lane] as *mut u32).add(number) = *register(step.words, number).add(lane);
            }
        }
    }
    Next::On
}
