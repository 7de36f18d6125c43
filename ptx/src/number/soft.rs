//! Floating point in integers: every format, every rounding mode, exact until the one rounding at the end. For what processors
//! have no instruction for.

use super::round::Round;

/// How a floating-point number lies in bits: a sign (if there is one), an exponent, a significand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bits of the exponent.
    pub exponent: u32,
    /// Bits of the significand that are stored.
    pub significand: u32,
    /// What the encodings at the end stand for.
    pub specials: Specials,
}

/// Which encodings are not finite numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specials {
    /// All ones in the exponent: infinity, or NaN.
    Ieee,
    /// No infinity; all ones everywhere is NaN.
    OneNan,
    /// None: all encodings are finite.
    None,
}

pub const F64: Format = Format { exponent: 11, significand: 52, specials: Specials::Ieee };
pub const F32: Format = Format { exponent: 8, significand: 23, specials: Specials::Ieee };
pub const TF32: Format = Format { exponent: 8, significand: 10, specials: Specials::Ieee };
pub const F16: Format = Format { exponent: 5, significand: 10, specials: Specials::Ieee };
pub const BF16: Format = Format { exponent: 8, significand: 7, specials: Specials::Ieee };
pub const E4M3: Format = Format { exponent: 4, significand: 3, specials: Specials::OneNan };
pub const E5M2: Format = Format { exponent: 5, significand: 2, specials: Specials::Ieee };
pub const E2M1: Format = Format { exponent: 2, significand: 1, specials: Specials::None };
pub const E2M3: Format = Format { exponent: 2, significand: 3, specials: Specials::None };
pub const E3M2: Format = Format { exponent: 3, significand: 2, specials: Specials::None };

impl Format {
    const fn bias(self) -> i32 {
        (1 << (self.exponent - 1)) - 1
    }

    /// Bits of a number.
    pub const fn bits(self) -> u32 {
        1 + self.exponent + self.significand
    }

    const fn sign(self) -> u64 {
        1 << (self.bits() - 1)
    }

    /// The largest finite number.
    pub const fn largest(self) -> u64 {
        match self.specials {
            Specials::Ieee => self.infinity() - 1,
            Specials::OneNan => self.sign() - 2,
            Specials::None => self.sign() - 1,
        }
    }

    const fn infinity(self) -> u64 {
        ((1 << self.exponent) - 1) << self.significand
    }

    /// The canonical NaN: all ones but the sign, for f64 what processors make of an invalid operation. A format without NaN has
    /// its largest number instead (9.7.9.21, `.satfinite`).
    pub const fn nan(self) -> u64 {
        if self.bits() == 64 { 0xfff8_0000_0000_0000 } else { self.sign() - 1 }
    }
}

/// A number, exact: a finite one is `significand * 2^exponent`, and if the significand has more than 100 bits, the last one may
/// stand for anything more than zero and less than two that followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Nan,
    Infinite { negative: bool },
    Finite { negative: bool, exponent: i32, significand: u128 },
}

impl Value {
    /// Zero of either sign.
    pub const fn zero(negative: bool) -> Self {
        Value::Finite { negative, exponent: 0, significand: 0 }
    }

    /// An integer.
    pub const fn integer(value: i128) -> Self {
        Value::Finite { negative: value < 0, exponent: 0, significand: value.unsigned_abs() }
    }
}

/// What `bits` stand for.
#[inline(never)]
pub fn decode(format: Format, bits: u64) -> Value {
    let negative = bits & format.sign() != 0;
    let magnitude = bits & (format.sign() - 1);
    match format.specials {
        Specials::Ieee if magnitude == format.infinity() => return Value::Infinite { negative },
        Specials::Ieee if magnitude > format.infinity() => return Value::Nan,
        Specials::OneNan if magnitude == format.nan() => return Value::Nan,
        _ => {}
    }
    let stored = (magnitude & ((1 << format.significand) - 1)) as u128;
    let exponent = (magnitude >> format.significand) as i32;
    let hidden = if exponent > 0 { 1u128 << format.significand } else { 0 };
    let exponent = exponent.max(1) - format.bias() - format.significand as i32;
    Value::Finite { negative, exponent, significand: hidden | stored }
}

/// `value` in `format`, rounded by `round`. Overflow gives infinity or the largest number, as `round` says.
#[inline(never)]
pub fn encode(format: Format, round: Round, value: Value) -> u64 {
    let (negative, exponent, significand) = match value {
        Value::Nan => return format.nan(),
        Value::Infinite { negative } => {
            let magnitude = if format.specials == Specials::Ieee { format.infinity() } else { format.largest() };
            return magnitude | if negative { format.sign() } else { 0 };
        }
        Value::Finite { negative, exponent, significand } => (negative, exponent, significand),
    };
    let sign = if negative { format.sign() } else { 0 };
    if significand == 0 {
        return sign;
    }
    let leading = exponent + significand.ilog2() as i32;
    let place = leading.max(1 - format.bias());
    let shift = place - format.significand as i32 - exponent;
    let kept = shifted(significand, shift);
    let up = rounds_up(round, negative, kept, significand, shift);
    let magnitude = (((place + format.bias() - 1) as u64) << format.significand) + kept as u64 + up as u64;
    // The exponent may be far beyond the format's: it is compared before it is encoded.
    if place > format.bias() + 1 || magnitude > format.largest() {
        let away = match round {
            Round::Nearest | Round::Away => true,
            Round::Zero => false,
            Round::Down => negative,
            Round::Up => !negative,
        };
        let infinite = away && format.specials == Specials::Ieee;
        return sign | if infinite { format.infinity() } else { format.largest() };
    }
    sign | magnitude
}

fn shifted(significand: u128, shift: i32) -> u128 {
    match shift {
        128.. => 0,
        0.. => significand >> shift,
        _ => significand << -shift,
    }
}

/// Whether the part of `significand` below `shift` makes `kept`, the part above, one more.
fn rounds_up(round: Round, negative: bool, kept: u128, significand: u128, shift: i32) -> bool {
    if shift <= 0 {
        return false;
    }
    let (rest, half) = match shift {
        1..=127 => (significand & ((1 << shift) - 1), 1 << (shift - 1)),
        128 => (significand, 1 << 127),
        _ => ((significand != 0) as u128, 2),
    };
    match round {
        Round::Nearest => rest > half || (rest == half && kept & 1 != 0),
        Round::Away => rest >= half,
        Round::Zero => false,
        Round::Down => negative && rest != 0,
        Round::Up => !negative && rest != 0,
    }
}

/// A number rounded to an integer: its exponent is not negative, or its significand is zero; zero keeps its sign. What is not finite
/// stays.
pub fn integral(round: Round, value: Value) -> Value {
    let Value::Finite { negative, exponent, significand } = value else { return value };
    if exponent >= 0 {
        return value;
    }
    let kept = shifted(significand, -exponent);
    let up = rounds_up(round, negative, kept, significand, -exponent);
    Value::Finite { negative, exponent: 0, significand: kept + up as u128 }
}
