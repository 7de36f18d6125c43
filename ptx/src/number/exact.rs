//! Sums, products, quotients and roots of [`Value`]s, exact until they are encoded.

use super::round::Round;
use super::soft::Value;

/// With the leading bit at bit 125, so that a sum has room; zero as it is.
fn normal(exponent: i32, significand: u128) -> (i32, u128) {
    let shift = significand.leading_zeros().saturating_sub(2);
    if significand == 0 { (exponent, 0) } else { (exponent - shift as i32, significand << shift) }
}

/// `a + b`; significands have at most 106 bits. `round` decides the sign of a zero.
#[inline(never)]
pub fn add(a: Value, b: Value, round: Round) -> Value {
    let (negative_a, exponent_a, a) = match (a, b) {
        (Value::Nan, _) | (_, Value::Nan) => return Value::Nan,
        (Value::Infinite { negative: a }, Value::Infinite { negative: b }) if a != b => return Value::Nan,
        (Value::Infinite { .. }, _) => return a,
        (_, Value::Infinite { .. }) => return b,
        (Value::Finite { negative, exponent, significand }, _) => (negative, exponent, significand),
    };
    let Value::Finite { negative: negative_b, exponent: exponent_b, significand: b } = b else { unreachable!() };
    if a == 0 && b == 0 {
        let negative = if negative_a == negative_b { negative_a } else { round == Round::Down };
        return Value::zero(negative);
    }
    let (exponent_a, a) = normal(exponent_a, a);
    let (exponent_b, b) = normal(exponent_b, b);
    let exponent = if a == 0 {
        exponent_b
    } else if b == 0 {
        exponent_a
    } else {
        exponent_a.max(exponent_b)
    };
    let align = |from: i32, significand: u128| match exponent - from {
        0 => significand,
        distance @ 1..=127 => {
            let lost = significand & ((1 << distance) - 1) != 0;
            significand >> distance | lost as u128
        }
        _ => (significand != 0) as u128,
    };
    let signed = |negative: bool, magnitude: u128| if negative { -(magnitude as i128) } else { magnitude as i128 };
    let sum = signed(negative_a, align(exponent_a, a)) + signed(negative_b, align(exponent_b, b));
    if sum == 0 {
        return Value::zero(round == Round::Down);
    }
    Value::Finite { negative: sum < 0, exponent, significand: sum.unsigned_abs() }
}

/// `a * b`; significands have at most 64 bits.
#[inline(never)]
pub fn mul(a: Value, b: Value) -> Value {
    use Value::{Finite, Infinite, Nan};
    match (a, b) {
        (Nan, _) | (_, Nan) => Nan,
        (Infinite { negative: a }, Infinite { negative: b }) => Infinite { negative: a != b },
        (Infinite { negative: a }, Finite { negative: b, significand, .. })
        | (Finite { negative: b, significand, .. }, Infinite { negative: a }) => {
            if significand == 0 {
                Nan
            } else {
                Infinite { negative: a != b }
            }
        }
        (
            Finite { negative, exponent, significand },
            Finite { negative: negative_b, exponent: exponent_b, significand: significand_b },
        ) => Finite {
            negative: negative != negative_b,
            exponent: exponent + exponent_b,
            significand: significand * significand_b,
        },
    }
}

/// `a / b`; significands have at most 53 bits.
#[inline(never)]
pub fn div(a: Value, b: Value) -> Value {
    use Value::{Finite, Infinite, Nan};
    match (a, b) {
        (Nan, _) | (_, Nan) | (Infinite { .. }, Infinite { .. }) => Nan,
        (Infinite { negative: a }, Finite { negative: b, .. }) => Infinite { negative: a != b },
        (Finite { negative: a, .. }, Infinite { negative: b }) => Value::zero(a != b),
        (
            Finite { negative, exponent, significand },
            Finite { negative: negative_b, exponent: exponent_b, significand: significand_b },
        ) => {
            let negative = negative != negative_b;
            match (significand, significand_b) {
                (0, 0) => return Nan,
                (0, _) => return Value::zero(negative),
                (_, 0) => return Infinite { negative },
                _ => {}
            }
            // 125 bits by at most 53 leave a quotient of 72 and more.
            let (exponent, significand) = normal(exponent, significand);
            let quotient = significand / significand_b;
            let lost = !significand.is_multiple_of(significand_b);
            Finite { negative, exponent: exponent - exponent_b - 1, significand: quotient << 1 | lost as u128 }
        }
    }
}

/// The square root of `a`, whose significand has at most 53 bits.
#[inline(never)]
pub fn sqrt(a: Value) -> Value {
    match a {
        Value::Finite { significand: 0, .. } | Value::Infinite { negative: false } => a,
        Value::Finite { negative: false, exponent, significand } => {
            // 123 bits or more make a root of 62 bits.
            let (exponent, significand) = normal(exponent, significand);
            let (exponent, significand) =
                if exponent % 2 == 0 { (exponent, significand) } else { (exponent + 1, significand >> 1) };
            let root = significand.isqrt();
            let lost = root * root != significand;
            Value::Finite { negative: false, exponent: exponent / 2 - 1, significand: root << 1 | lost as u128 }
        }
        _ => Value::Nan,
    }
}
