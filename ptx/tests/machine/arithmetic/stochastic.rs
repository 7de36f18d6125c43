//! `cvt.rs`: what is lost and the random bits, added as numbers.

use super::check::{Operand, check, has, names};
use super::exact::{self, BF16, F16, F32, F64, Format};

/// A number rounded with so many random bits; f64 holds all of it exactly.
fn rounded(to: Format, places: i32, bits: u64, random: u64) -> f64 {
    let value = f64::from(f32::from_bits(bits as u32));
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // The last place: that of the number's power of two, or of the smallest normal one.
    let power = ((value.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(1 - to.bias() as i32);
    let last = 2f64.powi(power - to.fraction as i32);
    let (kept, lost) = ((value.abs() / last).floor(), value.abs() / last % 1.0);
    let carries = (lost * 2f64.powi(places)).floor() + random as f64 >= 2f64.powi(places);
    (kept + f64::from(u8::from(carries))) * last * value.signum()
}

fn reference(name: &str, sources: &[u64]) -> Vec<u64> {
    let (to, places) = if has(name, "bf16x2") { (BF16, 16) } else { (F16, 13) };
    let half = |bits: u64, random: u64| {
        let value = rounded(to, places, bits, random & ((1 << places) - 1));
        if value.is_nan() {
            return to.nan();
        }
        let value = if has(name, "relu") && value.is_sign_negative() { 0.0 } else { value };
        let found = exact::encode(to, "rn", &exact::decode(F64, value.to_bits()));
        let magnitude = found & !to.sign();
        let beyond = has(name, "satfinite") && magnitude == to.infinity();
        if beyond { found - 1 } else { found }
    };
    vec![half(sources[0], sources[2] >> 16) << 16 | half(sources[1], sources[2] & 0xffff)]
}

#[test]
fn what_is_lost_and_random_bits_carry() {
    let all = names(&[&["cvt.rs"], &["", "relu", "satfinite", "relu.satfinite"], &["f16x2", "bf16x2"], &["f32"]]);
    check(&all, |_| vec![Operand::Float(F32), Operand::Float(F32), Operand::Integer(32)], reference);
}
