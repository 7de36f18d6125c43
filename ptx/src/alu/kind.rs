//! What lies in registers: how sixteen lanes of a type are read and written.

use super::level::Level;
use super::vector;
use crate::lane::Width;
use crate::number::half;

/// Lanes that are done at a time: half a warp, a vector of 512 bits.
pub const CHUNK: usize = 16;

/// Sixteen lanes.
pub type Lanes<T> = [T; CHUNK];

/// Sixteen lanes, each by `of`. A plain loop, which costs the compiler much less than the adapters of arrays.
#[inline(always)]
pub fn lanes<T: Copy + Default>(of: impl Fn(usize) -> T) -> Lanes<T> {
    let mut all = [T::default(); CHUNK];
    let mut lane = 0;
    while lane < CHUNK {
        all[lane] = of(lane);
        lane += 1;
    }
    all
}

/// Each lane by `of`.
#[inline(always)]
pub fn map<T: Copy, U: Copy + Default>(from: Lanes<T>, of: impl Fn(T) -> U) -> Lanes<U> {
    lanes(|lane| of(from[lane]))
}

/// A type as an instruction sees it: what a lane is while it computes, and how that is read and written.
pub trait Kind {
    type Lane: Copy + Default;
    const WIDTH: Width;

    /// Lanes `16 * chunk ..` of the register at `words + offset`.
    ///
    /// # Safety
    /// The register lies there with [`Kind::WIDTH`], aligned to 64 bytes (predicates to 4).
    unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<Self::Lane>;

    /// Writes the lanes of `mask` (bit 0: lane `16 * chunk`).
    ///
    /// # Safety
    /// As [`Kind::load`].
    unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<Self::Lane>);
}

/// A lane of `K`.
pub type Lane<K> = <K as Kind>::Lane;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $lane:ty, $width:ident, $cell:ty, $read:ident, $write:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Kind for $name {
            type Lane = $lane;
            const WIDTH: Width = Width::$width;

            #[inline(always)]
            unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<$lane> {
                // SAFETY: the caller's promise.
                let cells: Lanes<$cell> = unsafe { vector::$read(words, offset, chunk) };
                map(cells, |cell| cell as $lane)
            }

            #[inline(always)]
            unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<$lane>) {
                // SAFETY: the caller's promise.
                unsafe { vector::$write::<L>(words, offset, chunk, mask, map(lanes, |lane| lane as $cell)) }
            }
        }
    )*};
}

words! {
    U32: u32, B32, u32, read32, write32;
    S32: i32, B32, u32, read32, write32;
    U64: u64, B64, u64, read64, write64;
    S64: i64, B64, u64, read64, write64;
}

macro_rules! narrow {
    ($($(#[$doc:meta])* $name:ident: $lane:ty, $bits:ty;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Kind for $name {
            type Lane = $lane;
            const WIDTH: Width = Width::B16;

            #[inline(always)]
            unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<$lane> {
                // SAFETY: the caller's promise.
                map(unsafe { vector::read32(words, offset, chunk) }, |cell| cell as $lane)
            }

            #[inline(always)]
            unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<$lane>) {
                // An 8-bit result is extended to the 16 bits of its register by its sign; above are zeros.
                let cells = map(lanes, |lane| lane as $bits as u16 as u32);
                // SAFETY: the caller's promise.
                unsafe { vector::write32::<L>(words, offset, chunk, mask, cells) }
            }
        }
    )*};
}

narrow! {
    U16: u16, u16;
    S16: i16, i16;
    /// The low byte of a 16-bit register.
    U8: u8, u8;
    /// The low byte of a 16-bit register.
    S8: i8, i16;
}

/// Predicates.
pub struct Pred;

impl Kind for Pred {
    type Lane = bool;
    const WIDTH: Width = Width::Predicate;

    #[inline(always)]
    unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<bool> {
        // SAFETY: the caller's promise.
        let word = unsafe { *words.add(offset as usize) } >> (CHUNK * chunk);
        lanes(|lane| word >> lane & 1 != 0)
    }

    #[inline(always)]
    unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<bool>) {
        let bits = vector::bits::<L>(lanes);
        let shift = CHUNK * chunk;
        // SAFETY: the caller's promise.
        unsafe {
            let word = words.add(offset as usize);
            *word = *word & !((mask as u32) << shift) | ((bits & mask) as u32) << shift;
        }
    }
}

/// f32. NaN results are canonical; `FTZ` flushes subnormal inputs and results to zeros of their sign.
pub struct F32<const FTZ: bool>;

#[inline(always)]
fn flush<const FTZ: bool>(bits: u32) -> u32 {
    if FTZ && bits & 0x7f80_0000 == 0 { bits & 0x8000_0000 } else { bits }
}

impl<const FTZ: bool> Kind for F32<FTZ> {
    type Lane = f32;
    const WIDTH: Width = Width::B32;

    #[inline(always)]
    unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<f32> {
        // SAFETY: the caller's promise.
        map(unsafe { vector::read32(words, offset, chunk) }, |bits| f32::from_bits(flush::<FTZ>(bits)))
    }

    #[inline(always)]
    unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<f32>) {
        let cells = map(lanes, |lane| if lane.is_nan() { 0x7fff_ffff } else { flush::<FTZ>(lane.to_bits()) });
        // SAFETY: the caller's promise.
        unsafe { vector::write32::<L>(words, offset, chunk, mask, cells) }
    }
}

/// f64. The manual gives NaN results no encoding: they are what processors make of an invalid operation, whatever the inputs'
/// payloads, so that results do not depend on the order in which a compiler puts operands.
pub struct F64;

impl Kind for F64 {
    type Lane = f64;
    const WIDTH: Width = Width::B64;

    #[inline(always)]
    unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<f64> {
        // SAFETY: the caller's promise.
        map(unsafe { vector::read64(words, offset, chunk) }, f64::from_bits)
    }

    #[inline(always)]
    unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<f64>) {
        let cells = map(lanes, |lane| if lane.is_nan() { 0xfff8_0000_0000_0000 } else { lane.to_bits() });
        // SAFETY: the caller's promise.
        unsafe { vector::write64::<L>(words, offset, chunk, mask, cells) }
    }
}

/// A 16-bit floating-point type, whose lanes are f32 while they compute. What is stored is rounded to nearest even, so a lane
/// function gives a result that is exact or rounded to odd (which a second rounding does not change).
pub trait Narrow {
    /// The values of sixteen patterns.
    fn widen<L: Level>(bits: Lanes<u16>) -> Lanes<f32>;
    /// Rounded to nearest even; NaN is canonical.
    fn round<L: Level>(values: Lanes<f32>) -> Lanes<u16>;
}

/// f16; `FTZ` flushes subnormal inputs and results to zeros of their sign.
pub struct F16<const FTZ: bool>;
/// bf16; `FTZ` as for [`F16`].
pub struct Bf16<const FTZ: bool>;

#[inline(always)]
fn flush16<const FTZ: bool>(bits: u16, exponent: u16) -> u16 {
    if FTZ && bits & exponent == 0 { bits & 0x8000 } else { bits }
}

impl<const FTZ: bool> Narrow for F16<FTZ> {
    #[inline(always)]
    fn widen<L: Level>(bits: Lanes<u16>) -> Lanes<f32> {
        vector::from_f16::<L>(map(bits, |bits| flush16::<FTZ>(bits, 0x7c00)))
    }

    #[inline(always)]
    fn round<L: Level>(values: Lanes<f32>) -> Lanes<u16> {
        let canonical = map(values, |value| if value.is_nan() { f32::from_bits(0x7fff_ffff) } else { value });
        map(vector::to_f16::<L>(canonical), |bits| flush16::<FTZ>(bits, 0x7c00))
    }
}

impl<const FTZ: bool> Narrow for Bf16<FTZ> {
    #[inline(always)]
    fn widen<L: Level>(bits: Lanes<u16>) -> Lanes<f32> {
        map(bits, |bits| half::from_bf16(flush16::<FTZ>(bits, 0x7f80)))
    }

    #[inline(always)]
    fn round<L: Level>(values: Lanes<f32>) -> Lanes<u16> {
        map(values, |value| flush16::<FTZ>(half::to_bf16(value), 0x7f80))
    }
}

macro_rules! sixteen {
    ([$($generic:tt)*] $name:ty) => {
        impl<$($generic)*> Kind for $name {
            type Lane = f32;
            const WIDTH: Width = Width::B16;

            #[inline(always)]
            unsafe fn load<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<f32> {
                // SAFETY: the caller's promise.
                Self::widen::<L>(map(unsafe { vector::read32(words, offset, chunk) }, |cell| cell as u16))
            }

            #[inline(always)]
            unsafe fn store<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, lanes: Lanes<f32>) {
                // SAFETY: the caller's promise.
                unsafe { vector::write32::<L>(words, offset, chunk, mask, map(Self::round::<L>(lanes), u32::from)) }
            }
        }
    };
}

sixteen!([const FTZ: bool] F16<FTZ>);
sixteen!([const FTZ: bool] Bf16<FTZ>);
