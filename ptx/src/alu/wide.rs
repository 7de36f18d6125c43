//! Pairs of f32 in a 64-bit register (section 9.7.3, `.f32x2`), and mov of 128 bits.

use super::float::ROUNDS;
use super::kind::{CHUNK, F32, Kind};
use super::level::{Level, Run, plain};
use super::mixed::compute;
use super::run::halves;
use super::{Asked, Found, vector};
use crate::lane::{LANES, Operands, Place, Slot, Width};

/// Sums and products in any manner: [`Operands::control`] has the operation's place in [`OPERATIONS`], then the rounding's in
/// [`ROUNDS`], then whether subnormal numbers are flushed.
struct Wide;

const OPERATIONS: [&str; 4] = ["add", "sub", "mul", "fma"];

impl Run for Wide {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let (operation, round) = (o.control & 3, ROUNDS[(o.control >> 2 & 3) as usize].1);
        let ftz = o.control >> 4 & 1 != 0;
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            for half in [2 * lane, 2 * lane + 1] {
                // SAFETY: the caller's promise: registers have two words for each lane.
                let [a, b, c] = unsafe { [o.a, o.b, o.c].map(|offset| *words.add(offset as usize + half)) };
                let [a, b, c] = [a, b, c].map(if ftz { F32::<true>::decode } else { F32::<false>::decode });
                let result = compute(operation, round, a, b, c);
                let result = if ftz { F32::<true>::encode(result) } else { F32::<false>::encode(result) };
                // SAFETY: as above.
                unsafe { *words.add(o.d as usize + half) = result };
            }
        }
    }
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
    let Asked { op, mut words, .. } = asked;
    if op == "mov" && words.last()? == "b128" {
        let slots = [Place::D, Place::A].map(|place| Slot { place, width: Width::B128 });
        return Some(Found::new(plain::<Move128>(), slots));
    }
    let round = words.choice(&[("rn", 0), ("rz", 1), ("rm", 2), ("rp", 3)]);
    let ftz = words.flag("ftz");
    let operation = OPERATIONS.iter().position(|known| *known == op)? as u32;
    if words.last()? != "f32x2" || (op == "fma" && round.is_none()) {
        return None;
    }
    let places = [Place::D, Place::A, Place::B, Place::C].into_iter().take(if op == "fma" { 4 } else { 3 });
    let slots = places.map(|place| Slot { place, width: Width::B64 });
    let control = operation | round.unwrap_or(0) << 2 | (ftz as u32) << 4;
    Some(Found::new(plain::<Wide>(), slots).with_control(control))
}
