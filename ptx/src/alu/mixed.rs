//! Sums of f32 whose other terms have 16 bits (section 9.7.5), rounded as it is said when they run.

use super::Found;
use super::kind::{F32, Kind};
use super::level::{Level, Run, plain};
use crate::lane::{LANES, Operands, Place, Slot, Width};
use crate::number::round::{Rm, Rn, Round, Rp, Rz};
use crate::number::{half, single};

/// [`Operands::control`] has the operation (as [`compute`] counts them), then the rounding's place in [`MODES`], then whether the
/// result is saturated and whether the small terms are bf16.
struct Mixed;

const MODES: [Round; 4] = [Round::Nearest, Round::Zero, Round::Down, Round::Up];

/// `a + b`, `a - b`, `a * b` or `a * b + c`, numbered from 0, rounded.
pub fn compute(operation: u32, round: Round, a: f32, b: f32, c: f32) -> f32 {
    macro_rules! by_mode {
        ($operation:ident) => {
            match round {
                Round::Zero => single::$operation::<Rz>,
                Round::Down => single::$operation::<Rm>,
                Round::Up => single::$operation::<Rp>,
                _ => single::$operation::<Rn>,
            }
        };
    }
    match operation {
        0 => by_mode!(add)(a, b),
        1 => by_mode!(add)(a, -b),
        2 => by_mode!(mul)(a, b),
        _ => match round {
            Round::Zero => single::fma::<Rz, false>(a, b, c),
            Round::Down => single::fma::<Rm, false>(a, b, c),
            Round::Up => single::fma::<Rp, false>(a, b, c),
            _ => single::fma::<Rn, false>(a, b, c),
        },
    }
}

impl Run for Mixed {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let (operation, round) = (o.control & 3, MODES[(o.control >> 2 & 3) as usize]);
        let (sat, bf16) = (o.control >> 4 & 1 != 0, o.control >> 5 & 1 != 0);
        let widen = if bf16 { half::from_bf16 } else { half::from_f16 };
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: all registers have words of 32 bits.
            unsafe {
                let [a, b, c] = [o.a, o.b, o.c].map(|offset| *words.add(offset as usize + lane));
                let b = if operation == 3 { widen(b as u16) } else { f32::from_bits(b) };
                let result = compute(operation, round, widen(a as u16), b, f32::from_bits(c));
                let result = if sat { single::saturate(result) } else { result };
                *words.add(o.d as usize + lane) = F32::<false>::encode(result);
            }
        }
    }
}

/// The instruction `op` for the type `small`.
pub fn find(op: &str, round: Round, sat: bool, small: &str) -> Option<Found> {
    let operation = match op {
        "add" => 0,
        "sub" => 1,
        "fma" => 3,
        _ => return None,
    };
    let bf16 = match small {
        "f16" => 0,
        "bf16" => 1,
        _ => return None,
    };
    let mode = MODES.iter().position(|&mode| mode == round)? as u32;
    let slot = |place, width| Slot { place, width };
    let (d, a) = (slot(Place::D, Width::B32), slot(Place::A, Width::B16));
    let control = operation | mode << 2 | (sat as u32) << 4 | bf16 << 5;
    let run = plain::<Mixed>();
    let found = if operation == 3 {
        Found::new(run, [d, a, slot(Place::B, Width::B16), slot(Place::C, Width::B32)])
    } else {
        Found::new(run, [d, a, slot(Place::B, Width::B32)])
    };
    Some(found.with_control(control))
}
