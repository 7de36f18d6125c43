//! Exact arithmetic on numbers of any size, and a rounding of its own: what floating-point results are compared with.

use num_bigint::BigUint;

/// A binary format by the bits of its exponent and of its fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Format {
    pub exponent: u32,
    pub fraction: u32,
}

pub const F16: Format = Format { exponent: 5, fraction: 10 };
pub const BF16: Format = Format { exponent: 8, fraction: 7 };
pub const TF32: Format = Format { exponent: 8, fraction: 10 };
pub const F32: Format = Format { exponent: 8, fraction: 23 };
pub const F64: Format = Format { exponent: 11, fraction: 52 };
pub const E4M3: Format = Format { exponent: 4, fraction: 3 };
pub const E5M2: Format = Format { exponent: 5, fraction: 2 };

impl Format {
    pub fn bits(self) -> u32 {
        1 + self.exponent + self.fraction
    }
    pub fn bias(self) -> i64 {
        (1 << (self.exponent - 1)) - 1
    }
    pub fn sign(self) -> u64 {
        1 << (self.exponent + self.fraction)
    }
    pub fn infinity(self) -> u64 {
        ((1 << self.exponent) - 1) << self.fraction
    }
    pub fn nan(self) -> u64 {
        if self == F64 { 0xfff8_0000_0000_0000 } else { self.sign() - 1 }
    }
    pub fn is_nan(self, bits: u64) -> bool {
        bits & (self.sign() - 1) > self.infinity()
    }
    /// Subnormal numbers as zeros of their sign.
    pub fn flush(self, bits: u64) -> u64 {
        if bits & self.infinity() == 0 { bits & self.sign() } else { bits }
    }
}

/// A real number that is `top / bottom * 2^power`, or something else that a format has.
#[derive(Clone, Debug)]
pub enum Real {
    Nan,
    Infinite(bool),
    Finite { negative: bool, top: BigUint, bottom: BigUint, power: i64 },
}

impl Real {
    pub fn integer(value: i128) -> Real {
        Real::Finite { negative: value < 0, top: value.unsigned_abs().into(), bottom: 1u8.into(), power: 0 }
    }

    pub fn is_negative(&self) -> bool {
        matches!(self, Real::Infinite(true) | Real::Finite { negative: true, .. })
    }

    fn is_zero(&self) -> bool {
        matches!(self, Real::Finite { top, .. } if top.bits() == 0)
    }
}

pub fn decode(format: Format, bits: u64) -> Real {
    let negative = bits & format.sign() != 0;
    let field = (bits & format.infinity()) >> format.fraction;
    let fraction = bits & ((1 << format.fraction) - 1);
    if bits & format.infinity() == format.infinity() {
        return if fraction == 0 { Real::Infinite(negative) } else { Real::Nan };
    }
    let top = if field == 0 { fraction } else { fraction + (1 << format.fraction) };
    let power = (field as i64).max(1) - format.bias() - format.fraction as i64;
    Real::Finite { negative, top: top.into(), bottom: 1u8.into(), power }
}

/// Whether a magnitude is taken up, of which `rest / whole` lies beyond `kept`.
fn up(mode: &str, negative: bool, kept: &BigUint, rest: &BigUint, whole: &BigUint) -> bool {
    let twice = rest << 1u32;
    match mode {
        "rn" => twice > *whole || (twice == *whole && kept.bit(0)),
        "rna" => twice >= *whole,
        "rz" => false,
        "rm" => negative && rest.bits() > 0,
        "rp" => !negative && rest.bits() > 0,
        _ => panic!("no mode {mode}"),
    }
}

fn divided(top: &BigUint, bottom: &BigUint) -> (BigUint, BigUint) {
    let quotient = top / bottom;
    let rest = top - &quotient * bottom;
    (quotient, rest)
}

/// The nearest by `mode` of the numbers of `format`.
pub fn encode(format: Format, mode: &str, value: &Real) -> u64 {
    let (negative, top, bottom, power) = match value {
        Real::Nan => return format.nan(),
        Real::Infinite(negative) => return format.infinity() | if *negative { format.sign() } else { 0 },
        Real::Finite { negative, top, bottom, power } => (*negative, top, bottom, *power),
    };
    let sign = if negative { format.sign() } else { 0 };
    if top.bits() == 0 {
        return sign;
    }
    let mut leading = top.bits() as i64 - bottom.bits() as i64;
    let less = if leading >= 0 { *top < (bottom << leading as u64) } else { (top << (-leading) as u64) < *bottom };
    leading += power - less as i64;
    let place = leading.max(1 - format.bias()) - format.fraction as i64;
    let shift = power - place;
    let (top, bottom) =
        if shift >= 0 { (top << shift as u64, bottom.clone()) } else { (top.clone(), bottom << (-shift) as u64) };
    let (mut kept, rest) = divided(&top, &bottom);
    if up(mode, negative, &kept, &rest, &bottom) {
        kept += 1u8;
    }
    if kept.bits() == 0 {
        return sign;
    }
    let exponent = place + kept.bits() as i64 - 1;
    if exponent > format.bias() {
        let infinite = match mode {
            "rz" => false,
            "rm" => negative,
            "rp" => !negative,
            _ => true,
        };
        return sign | if infinite { format.infinity() } else { format.infinity() - 1 };
    }
    if kept.bits() <= format.fraction as u64 {
        return sign | u64::try_from(kept).expect("a subnormal number fits");
    }
    let significand = u64::try_from(&kept >> (kept.bits() - 1 - format.fraction as u64)).expect("it was rounded");
    sign | ((exponent + format.bias()) as u64) << format.fraction | (significand - (1 << format.fraction))
}

/// `value` rounded to an integer by `mode`.
pub fn integral(mode: &str, value: &Real) -> Real {
    let Real::Finite { negative, top, bottom, power } = value else { return value.clone() };
    let (top, bottom) =
        if *power >= 0 { (top << *power as u64, bottom.clone()) } else { (top.clone(), bottom << (-power) as u64) };
    let (mut kept, rest) = divided(&top, &bottom);
    if up(mode, *negative, &kept, &rest, &bottom) {
        kept += 1u8;
    }
    Real::Finite { negative: *negative, top: kept, bottom: 1u8.into(), power: 0 }
}

/// `a + b`; `mode` decides the sign of a zero.
pub fn add(mode: &str, a: &Real, b: &Real) -> Real {
    match (a, b) {
        (Real::Nan, _) | (_, Real::Nan) => Real::Nan,
        (Real::Infinite(x), Real::Infinite(y)) => {
            if x == y {
                Real::Infinite(*x)
            } else {
                Real::Nan
            }
        }
        (Real::Infinite(_), _) => a.clone(),
        (_, Real::Infinite(_)) => b.clone(),
        (
            Real::Finite { negative: sign_a, top: top_a, power: power_a, .. },
            Real::Finite { negative: sign_b, top: top_b, power: power_b, .. },
        ) => {
            let power = *power_a.min(power_b);
            let a = top_a << (power_a - power) as u64;
            let b = top_b << (power_b - power) as u64;
            let (negative, top) = if sign_a == sign_b {
                (*sign_a, a + b)
            } else if a == b {
                (mode == "rm", BigUint::ZERO)
            } else if a > b {
                (*sign_a, a - b)
            } else {
                (*sign_b, b - a)
            };
            Real::Finite { negative, top, bottom: 1u8.into(), power }
        }
    }
}

pub fn negate(a: Real) -> Real {
    match a {
        Real::Nan => Real::Nan,
        Real::Infinite(negative) => Real::Infinite(!negative),
        Real::Finite { negative, top, bottom, power } => Real::Finite { negative: !negative, top, bottom, power },
    }
}

pub fn mul(a: &Real, b: &Real) -> Real {
    let negative = a.is_negative() != b.is_negative();
    match (a, b) {
        (Real::Nan, _) | (_, Real::Nan) => Real::Nan,
        (Real::Infinite(_), other) | (other, Real::Infinite(_)) => {
            if other.is_zero() {
                Real::Nan
            } else {
                Real::Infinite(negative)
            }
        }
        (
            Real::Finite { top: top_a, bottom: bottom_a, power: power_a, .. },
            Real::Finite { top: top_b, bottom: bottom_b, power: power_b, .. },
        ) => Real::Finite { negative, top: top_a * top_b, bottom: bottom_a * bottom_b, power: power_a + power_b },
    }
}

pub fn div(a: &Real, b: &Real) -> Real {
    let negative = a.is_negative() != b.is_negative();
    match (a, b) {
        (Real::Nan, _) | (_, Real::Nan) | (Real::Infinite(_), Real::Infinite(_)) => Real::Nan,
        (Real::Infinite(_), _) => Real::Infinite(negative),
        (_, Real::Infinite(_)) => Real::Finite { negative, top: BigUint::ZERO, bottom: 1u8.into(), power: 0 },
        _ if a.is_zero() && b.is_zero() => Real::Nan,
        _ if b.is_zero() => Real::Infinite(negative),
        (Real::Finite { top: top_a, power: power_a, .. }, Real::Finite { top: top_b, power: power_b, .. }) => {
            Real::Finite { negative, top: top_a.clone(), bottom: top_b.clone(), power: power_a - power_b }
        }
    }
}

/// The square root, cut after 200 bits, with one more bit if there is anything beyond: enough for every rounding here.
pub fn sqrt(a: &Real) -> Real {
    match a {
        Real::Infinite(false) => Real::Infinite(false),
        _ if a.is_zero() => a.clone(),
        Real::Finite { negative: false, top, power, .. } => {
            let raise = 400 + (power & 1) as u64;
            let square = top << raise;
            let root = square.sqrt();
            let rest = &root * &root != square;
            let top = (root << 1u32) + rest as u32;
            Real::Finite { negative: false, top, bottom: 1u8.into(), power: (power - raise as i64) / 2 - 1 }
        }
        _ => Real::Nan,
    }
}
