//! Formats of C's `printf`, for arguments that lie in memory as kernels leave them.

use std::io::Write;

/// A conversion: `%-08.3lf`.
#[derive(Default)]
struct Conversion {
    minus: bool,
    plus: bool,
    space: bool,
    hash: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
    long: bool,
}

/// What is printed, as bytes. `read` gives an argument of four or eight bytes at an offset, `text` that at an address.
/// None if an argument is not there.
pub fn print(
    format: &[u8],
    read: impl Fn(u64, u64) -> Option<u64>,
    text: impl Fn(u64) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let (mut out, mut at, mut offset) = (Vec::new(), 0, 0);
    let mut argument = |bytes: u64| {
        offset = u64::next_multiple_of(offset, bytes);
        offset += bytes;
        read(offset - bytes, bytes)
    };
    while let Some(&byte) = format.get(at) {
        at += 1;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut one = Conversion::default();
        while let Some(flag) = format.get(at).copied().filter(|byte| b"-+ #0".contains(byte)) {
            match flag {
                b'-' => one.minus = true,
                b'+' => one.plus = true,
                b' ' => one.space = true,
                b'#' => one.hash = true,
                _ => one.zero = true,
            }
            at += 1;
        }
        let mut number = |at: &mut usize| -> Option<Option<i64>> {
            if format.get(*at) == Some(&b'*') {
                *at += 1;
                return Some(Some(i64::from(argument(4)? as i32)));
            }
            let digits = format[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let value = std::str::from_utf8(&format[*at..*at + digits]).ok()?.parse().ok();
            *at += digits;
            Some(value)
        };
        let width = number(&mut at)?;
        one.minus |= width.is_some_and(|width| width < 0);
        one.width = width.map(|width| width.unsigned_abs() as usize);
        if format.get(at) == Some(&b'.') {
            at += 1;
            one.precision = Some(number(&mut at)?.unwrap_or(0).max(0) as usize);
        }
        while let Some(byte) = format.get(at).filter(|byte| b"hlLqjzt".contains(byte)) {
            one.long |= b"lqjzt".contains(byte);
            at += 1;
        }
        let kind = *format.get(at).unwrap_or(&b'%');
        at += 1;
        let integer = if one.long { 8 } else { 4 };
        let body = match kind {
            b'd' | b'i' => {
                let value = argument(integer)?;
                let value = if one.long { value as i64 } else { i64::from(value as i32) };
                one.digits(value.unsigned_abs().to_string(), sign(value < 0, &one), "")
            }
            b'u' => one.digits(argument(integer)?.to_string(), "", ""),
            b'x' | b'X' | b'o' => {
                let value = argument(integer)?;
                let (digits, prefix) = match kind {
                    b'x' => (format!("{value:x}"), "0x"),
                    b'X' => (format!("{value:X}"), "0X"),
                    _ => (format!("{value:o}"), "0"),
                };
                one.digits(digits, "", if one.hash && value != 0 { prefix } else { "" })
            }
            b'c' => one.padded(vec![argument(4)? as u8]),
            b's' => {
                let mut found = text(argument(8)?)?;
                found.truncate(one.precision.unwrap_or(usize::MAX));
                one.padded(found)
            }
            b'p' => one.padded(format!("{:#x}", argument(8)?).into_bytes()),
            b'f' | b'F' | b'e' | b'E' | b'g' | b'G' | b'a' | b'A' => one.float(f64::from_bits(argument(8)?), kind),
            b'%' => vec![b'%'],
            other => vec![b'%', other],
        };
        out.extend(body);
    }
    Some(out)
}

fn sign(negative: bool, one: &Conversion) -> &'static str {
    match (negative, one.plus, one.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

impl Conversion {
    fn padded(&self, body: Vec<u8>) -> Vec<u8> {
        let missing = self.width.unwrap_or(0).saturating_sub(body.len());
        let spaces = vec![b' '; missing];
        if self.minus { [body, spaces].concat() } else { [spaces, body].concat() }
    }

    /// A number with sign and prefix, filled up with zeros where flags say so.
    fn digits(&self, digits: String, sign: &str, prefix: &str) -> Vec<u8> {
        let mut zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        if self.zero && !self.minus && self.precision.is_none() {
            zeros = self.width.unwrap_or(0).saturating_sub(digits.len() + sign.len() + prefix.len());
        }
        self.padded(format!("{sign}{prefix}{}{digits}", "0".repeat(zeros)).into_bytes())
    }

    fn float(&self, value: f64, kind: u8) -> Vec<u8> {
        let precision = self.precision.unwrap_or(6);
        let (size, upper) = (value.abs(), kind.is_ascii_uppercase());
        let mut body = match kind.to_ascii_lowercase() {
            _ if size.is_nan() => "nan".into(),
            _ if size.is_infinite() => "inf".into(),
            b'f' => format!("{size:.precision$}"),
            b'e' => scientific(size, precision),
            b'a' => hexadecimal(size),
            _ => self.general(size, precision.max(1)),
        };
        if upper {
            body.make_ascii_uppercase();
        }
        let sign = sign(value.is_sign_negative() && !value.is_nan(), self);
        let plain = Self { precision: None, zero: self.zero && value.is_finite(), ..*self };
        plain.digits(body, sign, "")
    }

    fn general(&self, size: f64, precision: usize) -> String {
        let written = scientific(size, precision - 1);
        let exponent: i32 = written.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
        let (digits, rest) = if exponent < -4 || exponent >= precision as i32 {
            let (digits, exponent) = written.split_once('e').unwrap_or((&written, ""));
            (digits.to_owned(), format!("e{exponent}"))
        } else {
            let places = (precision as i32 - 1 - exponent).max(0) as usize;
            (format!("{size:.places$}"), String::new())
        };
        let digits = match self.hash || !digits.contains('.') {
            true => &digits[..],
            false => digits.trim_end_matches('0').trim_end_matches('.'),
        };
        format!("{digits}{rest}")
    }
}

fn scientific(size: f64, precision: usize) -> String {
    let written = format!("{size:.precision$e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn hexadecimal(size: f64) -> String {
    let bits = size.to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let (first, exponent) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, _) => (0, -1022),
        (exponent, _) => (1, exponent - 1023),
    };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    format!("0x{first}{}{digits}p{exponent:+}", if digits.is_empty() { "" } else { "." })
}

/// Prints what a kernel prints. Nobody hears of a pipe that was closed.
pub fn out(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: &str, arguments: &[u64]) -> String {
        let bytes: Vec<u8> = arguments.iter().flat_map(|value| value.to_le_bytes()).collect();
        let read = |offset: u64, count: u64| {
            let mut value = [0; 8];
            value[..count as usize].copy_from_slice(bytes.get(offset as usize..(offset + count) as usize)?);
            Some(u64::from_le_bytes(value))
        };
        let text = |address| (address == 7).then(|| b"text".to_vec());
        String::from_utf8(print(format.as_bytes(), read, text).unwrap()).unwrap()
    }

    #[test]
    fn as_c_prints() {
        let f = f64::to_bits;
        let cases: [(&str, &[u64], &str); 16] = [
            ("%d|%5d|", &[-3i64 as u32 as u64 | 42 << 32], "-3|   42|"),
            ("%-5d|", &[42], "42   |"),
            ("%05d %+d", &[42 | 7 << 32], "00042 +7"),
            ("%lld", &[-5i64 as u64], "-5"),
            ("%x %#X %o", &[255 | 255 << 32, 8], "ff 0XFF 10"),
            ("%f", &[f(1.5)], "1.500000"),
            ("%8.2f|", &[f(-2.71)], "   -2.71|"),
            ("%e", &[f(12345.678)], "1.234568e+04"),
            ("%g %g", &[f(0.0001), f(1e-5)], "0.0001 1e-05"),
            ("%g %g", &[f(1e6), f(100000.0)], "1e+06 100000"),
            ("%a", &[f(1.5)], "0x1.8p+0"),
            ("%s|%6s|%.2s", &[7, 7, 7], "text|  text|te"),
            ("%c%%", &[65], "A%"),
            ("%p", &[4096], "0x1000"),
            ("%*d", &[4 | 1 << 32], "   1"),
            ("%f %f", &[f(f64::NAN), f(f64::NEG_INFINITY)], "nan -inf"),
        ];
        for (format, arguments, expected) in cases {
            assert_eq!(printed(format, arguments), expected, "{format}");
        }
    }

    #[test]
    fn arguments_that_are_not_there() {
        assert!(print(b"%d", |_, _| None, |_| None).is_none());
    }
}
