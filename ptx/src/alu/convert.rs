//! Conversions (section 9.7.9.21, cvt) of one number to one number.
//!
//! All are done by [`convert::convert`], one lane at a time; those that programs are full of have instructions of their own.

use super::float::ROUNDS;
use super::level::{Level, Run, plain};
use super::{Asked, Found, convert_common};
use crate::lane::{LANES, Operands, Place, Slot, Width};
use crate::number::convert::{self, Manner, TYPES, Type};
use crate::number::round::Round;
use crate::number::soft;

/// Any conversion, as [`Operands::control`] says.
struct Any;

/// The conversion in a word: four bits each for the types, then [`pack_manner`].
fn pack(to: usize, from: usize, manner: Manner) -> u32 {
    to as u32 | (from as u32) << 4 | pack_manner(manner) << 8
}

/// Three bits for the rounding, and a flag for each of the rest.
pub fn pack_manner(manner: Manner) -> u32 {
    let flags = [manner.integral, manner.ftz, manner.sat, manner.relu, manner.satfinite];
    flags.iter().enumerate().fold(manner.round as u32, |all, (at, &flag)| all | (flag as u32) << (3 + at))
}

/// What [`pack_manner`] made.
pub fn unpack_manner(word: u32) -> Manner {
    const MODES: [Round; 8] = {
        let mut modes = [Round::Nearest; 8];
        modes[Round::Zero as usize] = Round::Zero;
        modes[Round::Down as usize] = Round::Down;
        modes[Round::Up as usize] = Round::Up;
        modes[Round::Away as usize] = Round::Away;
        modes
    };
    let flag = |at: u32| word >> (3 + at) & 1 != 0;
    let round = MODES[(word & 7) as usize];
    Manner { round, integral: flag(0), ftz: flag(1), sat: flag(2), relu: flag(3), satfinite: flag(4) }
}

impl Run for Any {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let (to, from) = (TYPES[(o.control & 15) as usize].1, TYPES[(o.control >> 4 & 15) as usize].1);
        let manner = unpack_manner(o.control >> 8);
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: registers have the widths of the types, or those that the form says.
            unsafe {
                let bits = if from.bits() == 64 || o.control & LONG_A != 0 {
                    *words.add(o.a as usize).cast::<u64>().add(lane)
                } else {
                    *words.add(o.a as usize + lane) as u64
                };
                let result = convert::convert(to, from, manner, bits);
                // Extended to its register: that of 8 bits has 16 at least.
                let result = match to {
                    Type::Integer { bits, signed: true } => ((result << (64 - bits)) as i64 >> (64 - bits)) as u64,
                    _ => result,
                };
                if to.bits() == 64 || o.control & LONG_D != 0 {
                    *words.add(o.d as usize).cast::<u64>().add(lane) = result;
                } else if to.bits() == 32 || o.control & WORD_D != 0 {
                    *words.add(o.d as usize + lane) = result as u32;
                } else {
                    *words.add(o.d as usize + lane) = result as u16 as u32;
                }
            }
        }
    }
}

/// Bits of [`Operands::control`] for registers that are wider than the types: a source of 64 bits, a destination of 32 or of 64.
const LONG_A: u32 = 1 << 16;
const WORD_D: u32 = 1 << 17;
const LONG_D: u32 = 1 << 18;

/// The register that a type lies in.
fn width(of: Type) -> Width {
    match of.bits() {
        8 | 16 => Width::B16,
        32 => Width::B32,
        _ => Width::B64,
    }
}

const INTEGRAL: [(&str, Round); 4] =
    [("rni", Round::Nearest), ("rzi", Round::Zero), ("rmi", Round::Down), ("rpi", Round::Up)];

pub fn find(asked: Asked) -> Option<Found> {
    let form = parse(asked)?;
    let (to, from) = (TYPES[form.to].0, TYPES[form.from].0);
    convert_common::find(asked.isa, to, from, form.manner).or_else(|| Some(form.found()))
}

/// The conversion with a destination and a source that may be wider than its types (section 9.4.1).
pub fn find_wide(asked: Asked, d: Width, a: Width) -> Option<Found> {
    let form = parse(asked)?;
    let (narrow_d, narrow_a) = (width(form.to()), width(form.from()));
    if (d, a) == (narrow_d, narrow_a) {
        return find(asked);
    }
    // What is wider is a register of 32 or of 64 bits; the manual excepts bf16.
    let wider = |register: Width, of: Type, narrow: Width| {
        let bf16 = of == Type::Float(soft::BF16);
        let rank = |width| [Width::B16, Width::B32, Width::B64].iter().position(|known| *known == width);
        register == narrow || (!bf16 && rank(register) > rank(narrow))
    };
    if !wider(d, form.to(), narrow_d) || !wider(a, form.from(), narrow_a) {
        return None;
    }
    let mut found = form.found();
    (found.slots[0].width, found.slots[1].width) = (d, a);
    found.control |= if a == Width::B64 { LONG_A } else { 0 };
    found.control |= match d {
        Width::B64 => LONG_D,
        Width::B32 => WORD_D,
        _ => 0,
    };
    Some(found)
}

/// A conversion: where its types are in [`TYPES`], and how it is done.
#[derive(Clone, Copy)]
struct Form {
    to: usize,
    from: usize,
    manner: Manner,
}

impl Form {
    fn to(self) -> Type {
        TYPES[self.to].1
    }

    fn from(self) -> Type {
        TYPES[self.from].1
    }

    /// By [`Any`].
    fn found(self) -> Found {
        let (d, a) = (width(self.to()), width(self.from()));
        let slots = [Slot { place: Place::D, width: d }, Slot { place: Place::A, width: a }];
        Found::new(plain::<Any>(), slots).with_control(pack(self.to, self.from, self.manner))
    }
}

fn parse(asked: Asked) -> Option<Form> {
    let Asked { op, mut words, .. } = asked;
    if op != "cvt" {
        return None;
    }
    let float_round = words.choice(&ROUNDS);
    let integral = if float_round.is_none() { words.choice(&INTEGRAL) } else { None };
    let ftz = words.flag("ftz");
    let relu = words.flag("relu");
    let satfinite = words.flag("satfinite");
    let sat = words.flag("sat");
    let (to_name, from_name) = (words.take()?, words.last()?);
    let place = |name: &str| TYPES.iter().position(|(known, _)| *known == name);
    let (to_at, from_at) = (place(to_name)?, place(from_name)?);
    let (to, from) = (TYPES[to_at].1, TYPES[from_at].1);
    legal(to, from, float_round.is_some(), integral.is_some(), sat)?;
    let f32 = Type::Float(soft::F32);
    // Only f32 is flushed, and only 16-bit results of f32 have the other limits.
    if ftz && to != f32 && from != f32 {
        return None;
    }
    // There is no saturation with bf16.
    let bf16 = Type::Float(soft::BF16);
    if sat && (to == bf16 || from == bf16) {
        return None;
    }
    if (relu || satfinite) && !matches!(float_round, Some(Round::Nearest | Round::Zero)) {
        return None;
    }
    if (relu || satfinite) && (ftz || sat || from != f32 || !matches!(to_name, "f16" | "bf16")) {
        return None;
    }
    let round = float_round.or(integral).unwrap_or(Round::Nearest);
    let manner = Manner { round, integral: integral.is_some(), ftz, sat, relu, satfinite };
    Some(Form { to: to_at, from: from_at, manner })
}

/// Whether types go with roundings: each is needed where something may be lost and illegal where nothing is.
fn legal(to: Type, from: Type, float_round: bool, integral: bool, sat: bool) -> Option<()> {
    let sat_is_legal;
    let rounding_is_legal = match (to, from) {
        (Type::Integer { bits, signed }, Type::Integer { bits: bits_from, signed: signed_from }) => {
            // The type holds all that it is made of.
            let holds = if signed_from { signed && bits >= bits_from } else { bits - signed as u32 >= bits_from };
            sat_is_legal = !holds;
            !float_round && !integral
        }
        (Type::Integer { .. }, Type::Float(_)) => {
            sat_is_legal = true;
            integral
        }
        (Type::Float(_), Type::Integer { .. }) => {
            sat_is_legal = true;
            float_round
        }
        (Type::Float(format), Type::Float(source)) => {
            sat_is_legal = true;
            if format == source {
                !float_round
            } else if format.exponent >= source.exponent && format.significand >= source.significand {
                // Nothing is lost, but of bf16 the manual's examples say how it would be rounded.
                (!float_round || source == soft::BF16) && !integral
            } else {
                float_round
            }
        }
    };
    (rounding_is_legal && (!sat || sat_is_legal)).then_some(())
}
