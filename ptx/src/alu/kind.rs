//! What lies in registers: how sixteen lanes of a type are read and written.

use super::level::{Level, opaque};
use super::vector;
use crate::lane::Width;
use crate::number::half;

/// Lanes that are done at a time: half a warp, a vector of 512 bits.
pub const CHUNK: usize = 16;

/// Sixteen lanes.
pub type Lanes<T> = [T; CHUNK];

/// Sixteen lanes, each by `of`. A plain loop, which costs the compiler much less than the adapters of arrays.
#[inline(always)]
pub fn lanes<L: Level, T: Copy + Default>(of: impl Fn(usize) -> T) -> Lanes<T> {
    let mut all = [T::default(); CHUNK];
    // Nor does it unroll a loop of which it does not know the end; and no index is out of bounds, whatever it is.
    let end = if L::SLOW { opaque(CHUNK) } else { CHUNK };
    let mut lane = 0;
    while lane < end {
        all[lane % CHUNK] = of(lane % CHUNK);
        lane = if L::SLOW { opaque(lane + 1) } else { lane + 1 };
    }
    all
}

/// Each lane by `of`.
#[inline(always)]
pub fn map<L: Level, T: Copy, U: Copy + Default>(from: Lanes<T>, of: impl Fn(T) -> U) -> Lanes<U> {
    lanes::<L, U>(|lane| of(from[lane]))
}

/// A type as an instruction sees it: what a lane is while it computes, and how that is read and written. Reading and writing are
/// for sixteen lanes, decoding and encoding for one: those stand in one loop with what an instruction computes, of which compilers
/// make vectors more surely than of several.
pub trait Kind {
    /// What an instruction computes with.
    type Lane: Copy + Default;
    /// What lies in the register.
    type Cell: Copy + Default;
    const WIDTH: Width;
    /// Whether it has 32 bits or more: what most of a program computes with.
    const COMMON: bool = !matches!(Self::WIDTH, Width::B16);

    /// Lanes `16 * chunk ..` of the register at `words + offset`.
    ///
    /// # Safety
    /// The register lies there with [`Kind::WIDTH`], aligned to 64 bytes (predicates to 4).
    unsafe fn read<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<Self::Cell>;

    fn decode(cell: Self::Cell) -> Self::Lane;

    fn encode(lane: Self::Lane) -> Self::Cell;

    /// Writes the lanes of `mask` (bit 0: lane `16 * chunk`).
    ///
    /// # Safety
    /// As [`Kind::read`].
    unsafe fn write<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<Self::Cell>);
}

/// A lane of `K`.
pub type Lane<K> = <K as Kind>::Lane;

/// How cells of 32 and of 64 bits are read and written.
macro_rules! cells {
    (B64) => {
        cells!(u64, B64, read64, write64);
    };
    ($width:ident) => {
        cells!(u32, $width, read32, write32);
    };
    ($cell:ty, $width:ident, $read:ident, $write:ident) => {
        type Cell = $cell;
        const WIDTH: Width = Width::$width;

        #[inline(always)]
        unsafe fn read<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<$cell> {
            // SAFETY: the caller's promise.
            unsafe { vector::$read(words, offset, chunk) }
        }

        #[inline(always)]
        unsafe fn write<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<$cell>) {
            // SAFETY: the caller's promise.
            unsafe { vector::$write::<L>(words, offset, chunk, mask, cells) }
        }
    };
}

macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident: $lane:ty, $width:ident, $bits:ty;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Kind for $name {
            type Lane = $lane;
            cells!($width);

            #[inline(always)]
            fn decode(cell: Self::Cell) -> $lane {
                cell as $lane
            }

            #[inline(always)]
            fn encode(lane: $lane) -> Self::Cell {
                lane as $bits as Self::Cell
            }
        }
    )*};
}

integers! {
    U32: u32, B32, u32;
    S32: i32, B32, u32;
    U64: u64, B64, u64;
    S64: i64, B64, u64;
    U16: u16, B16, u16;
    S16: i16, B16, u16;
    /// The low byte of a 16-bit register.
    U8: u8, B16, u16;
    /// The low byte of a 16-bit register; a result is extended to its 16 bits.
    S8: i8, B16, u16;
}

/// Predicates.
pub struct Pred;

impl Kind for Pred {
    type Lane = bool;
    /// Zero, or the lane's bit in its place.
    type Cell = u32;
    const WIDTH: Width = Width::Predicate;

    #[inline(always)]
    unsafe fn read<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<u32> {
        // SAFETY: the caller's promise.
        let word = unsafe { *words.add(offset as usize) } >> (CHUNK * chunk);
        lanes::<L, _>(|lane| word & 1 << lane)
    }

    #[inline(always)]
    fn decode(cell: u32) -> bool {
        cell != 0
    }

    #[inline(always)]
    fn encode(lane: bool) -> u32 {
        lane as u32
    }

    #[inline(always)]
    unsafe fn write<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<u32>) {
        let bits = vector::bits::<L>(map::<L, _, _>(cells, |cell| cell != 0));
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
    cells!(B32);

    #[inline(always)]
    fn decode(cell: u32) -> f32 {
        f32::from_bits(flush::<FTZ>(cell))
    }

    #[inline(always)]
    fn encode(lane: f32) -> u32 {
        if lane.is_nan() { 0x7fff_ffff } else { flush::<FTZ>(lane.to_bits()) }
    }
}

/// f64. The manual gives NaN results no encoding: they are what processors make of an invalid operation, whatever the inputs'
/// payloads, so that results do not depend on the order in which a compiler puts operands.
pub struct F64;

impl Kind for F64 {
    type Lane = f64;
    cells!(B64);

    #[inline(always)]
    fn decode(cell: u64) -> f64 {
        f64::from_bits(cell)
    }

    #[inline(always)]
    fn encode(lane: f64) -> u64 {
        if lane.is_nan() { 0xfff8_0000_0000_0000 } else { lane.to_bits() }
    }
}

/// A 16-bit floating-point type, whose lanes are f32 while they compute. A result is rounded to nearest even, so a lane function
/// gives one that is exact or rounded to odd (which a second rounding does not change). NaN becomes canonical.
pub trait Narrow: Kind<Lane = f32> {
    /// Cells of sixteen patterns, whose upper halves are zeros.
    fn widen<L: Level>(bits: Lanes<u32>) -> Lanes<Self::Cell>;
    /// Patterns of sixteen cells.
    fn round<L: Level>(cells: Lanes<Self::Cell>) -> Lanes<u32>;
}

/// f16; `FTZ` flushes subnormal inputs and results to zeros of their sign. Cells are f32, as processors convert many at once.
pub struct F16<const FTZ: bool>;
/// bf16; `FTZ` as for [`F16`].
pub struct Bf16<const FTZ: bool>;

#[inline(always)]
fn flush16<const FTZ: bool>(bits: u32, exponent: u32) -> u32 {
    if FTZ && bits & exponent == 0 { bits & 0x8000 } else { bits }
}

impl<const FTZ: bool> Narrow for F16<FTZ> {
    #[inline(always)]
    fn widen<L: Level>(bits: Lanes<u32>) -> Lanes<f32> {
        vector::from_f16::<L>(map::<L, _, _>(bits, |bits| flush16::<FTZ>(bits, 0x7c00) as u16))
    }

    #[inline(always)]
    fn round<L: Level>(cells: Lanes<f32>) -> Lanes<u32> {
        map::<L, _, _>(vector::to_f16::<L>(cells), |bits| flush16::<FTZ>(bits, 0x7c00))
    }
}

impl<const FTZ: bool> Narrow for Bf16<FTZ> {
    #[inline(always)]
    fn widen<L: Level>(bits: Lanes<u32>) -> Lanes<u32> {
        bits
    }

    #[inline(always)]
    fn round<L: Level>(cells: Lanes<u32>) -> Lanes<u32> {
        cells
    }
}

macro_rules! sixteen {
    ($name:ident, $cell:ty, $decode:expr, $encode:expr) => {
        impl<const FTZ: bool> Kind for $name<FTZ> {
            type Lane = f32;
            type Cell = $cell;
            const WIDTH: Width = Width::B16;

            #[inline(always)]
            unsafe fn read<L: Level>(words: *const u32, offset: u32, chunk: usize) -> Lanes<$cell> {
                // The upper half is masked: the register may be one of 32 bits.
                // SAFETY: the caller's promise.
                let words = unsafe { vector::read32(words, offset, chunk) };
                Self::widen::<L>(map::<L, _, _>(words, |word| word & 0xffff))
            }

            #[inline(always)]
            fn decode(cell: $cell) -> f32 {
                $decode(cell)
            }

            #[inline(always)]
            fn encode(lane: f32) -> $cell {
                $encode(lane)
            }

            #[inline(always)]
            unsafe fn write<L: Level>(words: *mut u32, offset: u32, chunk: usize, mask: u16, cells: Lanes<$cell>) {
                // SAFETY: the caller's promise.
                unsafe { vector::write32::<L>(words, offset, chunk, mask, Self::round::<L>(cells)) }
            }
        }
    };
}

sixteen!(F16, f32, |cell| cell, |lane: f32| if lane.is_nan() { f32::from_bits(0x7fff_ffff) } else { lane });
sixteen!(Bf16, u32, |cell| half::from_bf16(flush16::<FTZ>(cell, 0x7f80) as u16), |lane| flush16::<FTZ>(
    half::to_bf16(lane) as u32,
    0x7f80
));
