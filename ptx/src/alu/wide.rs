//! Pairs of f32 in a 64-bit register (section 9.7.3, `.f32x2`), and mov of 128 bits.

use super::float::ROUNDS;
use super::kind::{CHUNK, F32, Kind, U64};
use super::level::{Level, Run, plain};
use super::run::{halves, three_plain, two_plain};
use super::table::{binary, by_flags, by_round, ternary};
use super::{Asked, Found, vector};
use crate::lane::{Operands, Place, Slot, Width};
use crate::number::round::{Mode, Rm, Rn, Round, Rp, Rz};
use crate::number::single;

binary! {
    Add<M: Mode>[FTZ]: (U64, U64) -> U64 = |a, b| both::<FTZ>(a, b, 0, |a, b, _| single::add::<M>(a, b));
    Sub<M: Mode>[FTZ]: (U64, U64) -> U64 = |a, b| both::<FTZ>(a, b, 0, |a, b, _| single::add::<M>(a, -b));
    Mul<M: Mode>[FTZ]: (U64, U64) -> U64 = |a, b| both::<FTZ>(a, b, 0, |a, b, _| single::mul::<M>(a, b));
}

ternary! {
    Fma<M: Mode>[FTZ]: (U64, U64, U64) -> U64 = |a, b, c| both::<FTZ>(a, b, c, |a, b, c| single::fma::<M, false>(a, b, c));
}

/// An operation of f32 on the lower and on the upper halves.
#[inline(always)]
fn both<const FTZ: bool>(a: u64, b: u64, c: u64, operation: impl Fn(f32, f32, f32) -> f32) -> u64 {
    let half = |shift: u32| {
        let [a, b, c] = [a, b, c].map(|word| F32::<FTZ>::decode((word >> shift) as u32));
        (F32::<FTZ>::encode(operation(a, b, c)) as u64) << shift
    };
    half(0) | half(32)
}

/// mov.b128.
struct Move128;

impl Run for Move128 {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // Each lane is two cells of 64 bits, and a chunk's lanes are two chunks of those.
            let spread = |byte: u16| (0..CHUNK).fold(0, |all, cell| all | (byte >> (cell / 2) & 1) << cell);
            for (part, mask) in [spread(mask & 255), spread(mask >> 8)].into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let cells = vector::read64(words, o.a, 2 * chunk + part);
                    vector::write64::<L>(words, o.d, 2 * chunk + part, mask, cells);
                }
            }
        }
    }
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    if op == "mov" && words.last()? == "b128" {
        let slots = [Place::D, Place::A].map(|place| Slot { place, width: Width::B128 });
        return Some(Found::new(plain::<Move128>(), slots));
    }
    let round = words.choice(&ROUNDS);
    let ftz = words.flag("ftz");
    if words.last()? != "f32x2" {
        return None;
    }
    let or_nearest = round.unwrap_or(Round::Nearest);
    match op {
        "add" => by_round!(or_nearest, two_plain, two_plain, Add, isa, ftz),
        "sub" => by_round!(or_nearest, two_plain, two_plain, Sub, isa, ftz),
        "mul" => by_round!(or_nearest, two_plain, two_plain, Mul, isa, ftz),
        "fma" => by_round!(round?, three_plain, three_plain, Fma, isa, ftz),
        _ => None,
    }
}
