//! Vectors of two and four words, a lane each, turned into registers: a transposition, four lanes at a time.

use crate::lane::LANES;

/// Loads `count` (2 or 4) words from where `from` says into as many registers of `to`, for all lanes.
///
/// # Safety
/// As many words lie at each place, and a register at each destination.
#[inline(always)]
pub unsafe fn load(count: usize, from: impl Fn(usize) -> u64, to: [*mut u32; 4]) {
    for first in (0..LANES).step_by(4) {
        let from = [0, 1, 2, 3].map(|lane| from(first + lane) as *const u32);
        // SAFETY: the caller's promise.
        unsafe {
            match count {
                2 => two(from, [to[0].add(first), to[1].add(first)]),
                _ => four(from, to.map(|to| to.add(first))),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn two(from: [*const u32; 4], to: [*mut u32; 2]) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise; SSE2 is part of x86-64.
    unsafe {
        let [a, b, c, d] = from.map(|from| _mm_loadl_epi64(from.cast()));
        let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
        _mm_storeu_si128(to[0].cast(), _mm_unpacklo_epi64(ab, cd));
        _mm_storeu_si128(to[1].cast(), _mm_unpackhi_epi64(ab, cd));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn four(from: [*const u32; 4], to: [*mut u32; 4]) {
    use std::arch::x86_64::*;
    // SAFETY: as above.
    unsafe {
        let [a, b, c, d] = from.map(|from| _mm_loadu_si128(from.cast()));
        let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
        _mm_storeu_si128(to[0].cast(), _mm_unpacklo_epi64(ab, cd));
        _mm_storeu_si128(to[1].cast(), _mm_unpackhi_epi64(ab, cd));
        _mm_storeu_si128(to[2].cast(), _mm_unpacklo_epi64(ab_high, cd_high));
        _mm_storeu_si128(to[3].cast(), _mm_unpackhi_epi64(ab_high, cd_high));
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn two(from: [*const u32; 4], to: [*mut u32; 2]) {
    // SAFETY: the caller's promise.
    (0..4).for_each(|lane| (0..2).for_each(|word| unsafe { *to[word].add(lane) = *from[lane].add(word) }));
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn four(from: [*const u32; 4], to: [*mut u32; 4]) {
    // SAFETY: the caller's promise.
    (0..4).for_each(|lane| (0..4).for_each(|word| unsafe { *to[word].add(lane) = *from[lane].add(word) }));
}
