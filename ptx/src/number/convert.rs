//! Conversions between any two types (section 9.7.9.21, cvt), in integers: for all that vectors are not worth it for.

use super::round::Round;
use super::soft::{self, BF16, F16, F32, F64, Format, Value};

/// A type that cvt names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Integer { bits: u32, signed: bool },
    Float(Format),
}

impl Type {
    /// Bits of a value.
    pub const fn bits(self) -> u32 {
        match self {
            Type::Integer { bits, .. } => bits,
            Type::Float(format) => format.bits(),
        }
    }
}

/// The scalar types, by name.
pub const TYPES: [(&str, Type); 12] = [
    ("u8", Type::Integer { bits: 8, signed: false }),
    ("s8", Type::Integer { bits: 8, signed: true }),
    ("u16", Type::Integer { bits: 16, signed: false }),
    ("s16", Type::Integer { bits: 16, signed: true }),
    ("u32", Type::Integer { bits: 32, signed: false }),
    ("s32", Type::Integer { bits: 32, signed: true }),
    ("u64", Type::Integer { bits: 64, signed: false }),
    ("s64", Type::Integer { bits: 64, signed: true }),
    ("f16", Type::Float(F16)),
    ("bf16", Type::Float(BF16)),
    ("f32", Type::Float(F32)),
    ("f64", Type::Float(F64)),
];

/// How a conversion is done.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// `.rn`, `.rz`, `.rm`, `.rp`, or the same of `.rni` to `.rpi`.
    pub round: Round,
    /// `.rni`, `.rzi`, `.rmi` or `.rpi`: to an integer.
    pub integral: bool,
    /// `.ftz`: subnormal f32 inputs and results become zeros of their sign.
    pub ftz: bool,
    /// `.sat`: within the type if integer, else from 0 to 1.
    pub sat: bool,
    /// `.relu`: no negative results.
    pub relu: bool,
    /// `.satfinite`: no infinite results.
    pub satfinite: bool,
}

/// The low bits of `bits`, as a `from`, converted to a `to`; the bits above are zeros.
pub fn convert(to: Type, from: Type, manner: Manner, bits: u64) -> u64 {
    match (to, from) {
        (Type::Integer { .. }, Type::Integer { .. }) => {
            let value = integer(from, bits);
            let limited = if manner.sat { limit(to, value) } else { value };
            cut(to, limited)
        }
        (Type::Integer { bits: width, .. }, Type::Float(format)) => match input(format, manner, bits) {
            Value::Nan if format == F64 || width == 64 => 1 << (width - 1),
            Value::Nan => 0,
            Value::Infinite { negative } => cut(to, limit(to, if negative { i128::MIN } else { i128::MAX })),
            value => cut(to, limit(to, whole(soft::integral(manner.round, value)))),
        },
        (Type::Float(format), Type::Integer { .. }) => output(format, manner, Value::integer(integer(from, bits))),
        (Type::Float(format), Type::Float(source)) => {
            let value = input(source, manner, bits);
            let value = if manner.integral { soft::integral(manner.round, value) } else { value };
            output(format, manner, value)
        }
    }
}

/// What `bits` stand for, flushed.
fn input(format: Format, manner: Manner, bits: u64) -> Value {
    let flushed = manner.ftz && format == F32 && bits & 0x7f80_0000 == 0;
    soft::decode(format, if flushed { bits & 0x8000_0000 } else { bits })
}

/// `value` in `format`, rounded, limited and flushed.
pub fn output(format: Format, manner: Manner, value: Value) -> u64 {
    let value = match value {
        Value::Nan if manner.sat => Value::zero(false),
        Value::Infinite { negative: true } | Value::Finite { negative: true, .. } if manner.sat || manner.relu => {
            Value::zero(false)
        }
        value => value,
    };
    let one = ((1 << (format.exponent - 1)) - 1) << format.significand;
    let bits = soft::encode(format, manner.round, value);
    let bits = if manner.sat { bits.min(one) } else { bits };
    let magnitude = bits & ((1 << (format.bits() - 1)) - 1);
    if manner.satfinite && value != Value::Nan && magnitude > format.largest() {
        return bits - magnitude + format.largest();
    }
    if manner.ftz && format == F32 && bits & 0x7f80_0000 == 0 { bits & 0x8000_0000 } else { bits }
}

/// The low bits of `bits` as an integer.
fn integer(from: Type, bits: u64) -> i128 {
    let unused = 64 - from.bits();
    match from {
        Type::Integer { signed: true, .. } => ((bits << unused) as i64 >> unused) as i128,
        _ => (bits << unused >> unused) as i128,
    }
}

/// Within the range of `to`.
fn limit(to: Type, value: i128) -> i128 {
    match to {
        Type::Integer { bits, signed: true } => value.clamp(-1 << (bits - 1), (1 << (bits - 1)) - 1),
        _ => value.clamp(0, (1 << to.bits()) - 1),
    }
}

/// The low bits, as many as `to` has.
fn cut(to: Type, value: i128) -> u64 {
    let unused = 64 - to.bits();
    (value as u64) << unused >> unused
}

/// A whole number; one that is too large for any type is merely large.
fn whole(value: Value) -> i128 {
    let Value::Finite { negative, exponent, significand } = value else { unreachable!("a finite number was rounded") };
    let magnitude = if significand == 0 {
        0
    } else if exponent + significand.ilog2() as i32 >= 126 {
        i128::MAX
    } else {
        (significand << exponent.max(0)) as i128
    };
    if negative { -magnitude } else { magnitude }
}

/// The power of two next to the magnitude of `value`, towards zero or upwards, in eight bits (`.ue8m0`): 2^-127 is 0. A NaN is all
/// ones; so is what is too large, unless `satfinite`.
pub fn power(round: Round, satfinite: bool, value: Value) -> u64 {
    let overflow = if satfinite { 0xfe } else { 0xff };
    match value {
        Value::Nan => 0xff,
        Value::Infinite { .. } => overflow,
        Value::Finite { significand: 0, .. } => 0,
        Value::Finite { exponent, significand, .. } => {
            let up = round == Round::Up && !significand.is_power_of_two();
            match exponent + significand.ilog2() as i32 + up as i32 + 127 {
                255.. => overflow,
                code => code.max(0) as u64,
            }
        }
    }
}
