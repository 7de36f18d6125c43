//! Sixteen lanes in memory and out of it, and what compilers do not make of plain text.

use super::kind::{self, CHUNK, Lanes};
use super::level::{Base, Level};
use crate::lane::Isa;
use crate::number::half;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// # Safety
/// A register of 32-bit cells lies at `words + offset`, aligned to 64 bytes.
#[inline(always)]
pub unsafe fn read32(words: *const u32, offset: u32, chunk: usize) -> Lanes<u32> {
    // SAFETY: the caller's promise.
    unsafe { *(words.add(offset as usize).add(CHUNK * chunk) as *const Lanes<u32>) }
}

/// # Safety
/// A register of 64-bit cells lies at `words + offset`, aligned to 64 bytes.
#[inline(always)]
pub unsafe fn read64(words: *const u32, offset: u32, chunk: usize) -> Lanes<u64> {
    // SAFETY: the caller's promise.
    unsafe { *(words.add(offset as usize).add(2 * CHUNK * chunk) as *const Lanes<u64>) }
}

/// Writes the cells of `mask`.
///
/// # Safety
/// As [`read32`].
#[inline(always)]
pub unsafe fn write32<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<u32>) {
    // SAFETY: the caller's promise; the processor has AVX-512 where `L` says so.
    unsafe {
        let place = words.add(offset as usize).add(CHUNK * chunk) as *mut Lanes<u32>;
        if mask == u16::MAX {
            *place = cells;
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if L::ISA == Isa::Avx512 {
            _mm512_mask_storeu_epi32(place.cast(), mask, _mm512_loadu_si512(cells.as_ptr().cast()));
            return;
        }
        let old = *place;
        *place = kind::lanes::<L, _>(|lane| if mask >> lane & 1 != 0 { cells[lane] } else { old[lane] });
    }
}

/// Writes the cells of `mask`.
///
/// # Safety
/// As [`read64`].
#[inline(always)]
pub unsafe fn write64<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<u64>) {
    // SAFETY: the caller's promise; the processor has AVX-512 where `L` says so.
    unsafe {
        let place = words.add(offset as usize).add(2 * CHUNK * chunk) as *mut Lanes<u64>;
        if mask == u16::MAX {
            *place = cells;
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if L::ISA == Isa::Avx512 {
            let (low, high) =
                (_mm512_loadu_si512(cells.as_ptr().cast()), _mm512_loadu_si512(cells[8..].as_ptr().cast()));
            _mm512_mask_storeu_epi64(place.cast(), mask as u8, low);
            _mm512_mask_storeu_epi64(place.cast::<i64>().add(8), (mask >> 8) as u8, high);
            return;
        }
        let old = *place;
        *place = kind::lanes::<L, _>(|lane| if mask >> lane & 1 != 0 { cells[lane] } else { old[lane] });
    }
}

/// A bit for each lane.
#[inline(always)]
pub fn bits<L: Level>(lanes: Lanes<bool>) -> u16 {
    #[cfg(target_arch = "x86_64")]
    {
        let spread = kind::map::<L, _, _>(lanes, |lane| -(lane as i32));
        if L::ISA == Isa::Avx512 {
            // SAFETY: the processor has what `L` says.
            return unsafe { _mm512_movepi32_mask(_mm512_loadu_si512(spread.as_ptr().cast())) };
        }
        // SAFETY: every x86-64 processor has SSE2.
        let four = |at: usize| unsafe {
            _mm_movemask_ps(_mm_castsi128_ps(_mm_loadu_si128(spread[4 * at..].as_ptr().cast()))) << (4 * at)
        };
        (four(0) | four(1) | four(2) | four(3)) as u16
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let mut word = 0;
        for (lane, set) in lanes.into_iter().enumerate() {
            word |= (set as u16) << lane;
        }
        word
    }
}

/// The values of sixteen f16.
#[inline(always)]
pub fn from_f16<L: Level>(bits: Lanes<u16>) -> Lanes<f32> {
    #[cfg(target_arch = "x86_64")]
    if L::ISA != Isa::Base {
        let mut values = [0.0f32; CHUNK];
        // SAFETY: the processor has what `L` says; the arrays are as long as is read and written.
        unsafe {
            if L::ISA == Isa::Avx512 {
                _mm512_storeu_ps(values.as_mut_ptr(), _mm512_cvtph_ps(_mm256_loadu_si256(bits.as_ptr().cast())));
            } else {
                for at in [0, 8] {
                    let eight = _mm256_cvtph_ps(_mm_loadu_si128(bits[at..].as_ptr().cast()));
                    _mm256_storeu_ps(values[at..].as_mut_ptr(), eight);
                }
            }
        }
        return values;
    }
    from_f16_soft(bits)
}

/// In a function of its own, as there is much of it.
#[inline(never)]
fn from_f16_soft(bits: Lanes<u16>) -> Lanes<f32> {
    kind::map::<Base, _, _>(bits, half::from_f16)
}

#[inline(never)]
fn to_f16_soft(values: Lanes<f32>) -> Lanes<u32> {
    kind::map::<Base, _, _>(values, |value| half::to_f16(value) as u32)
}

/// Rounded to the nearest even f16.
#[inline(always)]
pub fn to_f16<L: Level>(values: Lanes<f32>) -> Lanes<u32> {
    #[cfg(target_arch = "x86_64")]
    if L::ISA != Isa::Base {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
        let mut bits = [0u32; CHUNK];
        // SAFETY: the processor has what `L` says; the arrays are as long as is read and written.
        unsafe {
            if L::ISA == Isa::Avx512 {
                let sixteen = _mm512_cvtps_ph::<{ NEAREST | _MM_FROUND_NO_EXC }>(_mm512_loadu_ps(values.as_ptr()));
                _mm512_storeu_si512(bits.as_mut_ptr().cast(), _mm512_cvtepu16_epi32(sixteen));
            } else {
                for at in [0, 8] {
                    let eight = _mm256_cvtps_ph::<NEAREST>(_mm256_loadu_ps(values[at..].as_ptr()));
                    _mm256_storeu_si256(bits[at..].as_mut_ptr().cast(), _mm256_cvtepu16_epi32(eight));
                }
            }
        }
        return bits;
    }
    to_f16_soft(values)
}
