//! Conversions that round by random bits (section 9.7.9.21, `cvt.rs`), to f16 and bf16.

use super::convert::{pack_manner, unpack_manner};
use super::kind::U32;
use super::level::{Level, Run, plain};
use super::run::slot;
use super::{Asked, Found};
use crate::lane::{LANES, Operands, Place};
use crate::number::convert::{Manner, output};
use crate::number::round::Round;
use crate::number::soft::{self, BF16, F16, Format, Value};

/// Random bits of a number: as many as f32 has more places than the type.
fn places(to: Format) -> u32 {
    soft::F32.significand - to.significand
}

/// `value` rounded to a place of the type: away from zero if the bits below that place and the random ones carry. Of more bits
/// than there are random ones, as the smallest numbers lose, those right below the place count, which the manual leaves open.
fn rounded(to: Format, value: Value, random: u32) -> Value {
    let Value::Finite { negative, exponent, significand } = value else { return value };
    if significand == 0 {
        return value;
    }
    let highest = exponent + significand.ilog2() as i32;
    let least = 2 - (1 << (to.exponent - 1));
    let last = highest.max(least) - to.significand as i32;
    let Ok(lost) = u32::try_from(last - exponent) else { return value };
    // An f32 has 24 bits, which all lie below the place if it is as far above.
    let lost = lost.min(64);
    let (kept, below) = (significand >> lost, significand & ((1 << lost) - 1));
    let carry = ((below << places(to) >> lost) + u128::from(random)) >> places(to);
    Value::Finite { negative, exponent: last, significand: kept + carry }
}

/// Two of f32 to two of 16 bits, the first above.
struct Two;

/// [`Operands::control`]: whether it is bf16, then the manner.
const IS_BF16: u32 = 1;

impl Run for Two {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        let to = if o.control & IS_BF16 != 0 { BF16 } else { F16 };
        let manner = unpack_manner(o.control >> 1);
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            // SAFETY: the caller's promise: all registers have words of 32 bits.
            let [a, b, random] = unsafe { [o.a, o.b, o.c].map(|offset| *words.add(offset as usize + lane)) };
            let half = |bits: u32, random: u32| {
                let random = random & ((1 << places(to)) - 1);
                output(to, manner, rounded(to, soft::decode(soft::F32, bits.into()), random)) as u32
            };
            let both = half(a, random >> 16) << 16 | half(b, random & 0xffff);
            // SAFETY: as above.
            unsafe { *words.add(o.d as usize + lane) = both };
        }
    }
}

/// `cvt.rs{.relu}{.satfinite}.{f16x2, bf16x2}.f32 d, a, b, rbits`.
pub fn find(asked: Asked) -> Option<Found> {
    let Asked { op, mut words, operands, .. } = asked;
    if op != "cvt" || !words.flag("rs") || operands != 4 {
        return None;
    }
    let (relu, satfinite) = (words.flag("relu"), words.flag("satfinite"));
    let bf16 = match (words.take()?, words.last()?) {
        ("f16x2", "f32") => 0,
        ("bf16x2", "f32") => IS_BF16,
        _ => return None,
    };
    // What is rounded already lies within the type, or beyond its end.
    let manner = Manner { round: Round::Nearest, integral: false, ftz: false, sat: false, relu, satfinite };
    let slots = [Place::D, Place::A, Place::B, Place::C].map(slot::<U32>);
    Some(Found::new(plain::<Two>(), slots).with_control(bf16 | pack_manner(manner) << 1))
}
