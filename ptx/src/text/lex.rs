//! Words of a PTX text (ISA 4.2 to 4.4).

/// A word and its line, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'a> {
    pub word: Word<'a>,
    pub line: u32,
}

/// A word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Word<'a> {
    /// An identifier or an instruction, with its dots: `%r1`, `ld.global.f32`, `.reg`, `$L_1`.
    Name(&'a str),
    Integer(i128),
    Single(u32),
    Double(u64),
    Text(&'a str),
    /// Anything else, a character.
    Sign(u8),
}

/// Splits a text into words, comments left out.
///
/// # Errors
/// The line and what cannot be read.
pub fn words(text: &str) -> Result<Vec<Token<'_>>, (u32, String)> {
    let bytes = text.as_bytes();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::with_capacity(text.len() / 5));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%' | b'.');
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let word = match byte {
            b'\n' => {
                line += 1;
                at += 1;
                continue;
            }
            _ if byte.is_ascii_whitespace() || byte == 0 => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = text[at + 2..].find("*/").ok_or((line, "a comment has no end".to_owned()))?;
                line += text[at..at + 2 + end].matches('\n').count() as u32;
                at += end + 4;
                continue;
            }
            b'"' => {
                let end =
                    bytes[at + 1..].iter().position(|&b| b == b'"').ok_or((line, "a text has no end".to_owned()))?;
                at += end + 2;
                Word::Text(&text[start + 1..at - 1])
            }
            b'0'..=b'9' => {
                at += bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'.').count();
                // The sign of a decimal exponent.
                let written = |at: usize| text[start..at].to_ascii_lowercase();
                let hexadecimal =
                    written(at).starts_with("0x") || written(at).starts_with("0f") || written(at).starts_with("0d");
                if !hexadecimal && written(at).ends_with('e') && matches!(bytes.get(at), Some(b'+' | b'-')) {
                    at += 1 + bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
                }
                number(&text[start..at]).ok_or_else(|| (line, format!("'{}' is no number", &text[start..at])))?
            }
            _ if is_name(byte) => {
                at += 1;
                // Modifiers may have double colons (`.shared::cluster`); a label ends with one.
                while let Some(&next) = bytes.get(at) {
                    let colons = next == b':' && bytes.get(at + 1) == Some(&b':');
                    if !is_name(next) && !colons {
                        break;
                    }
                    at += if colons { 2 } else { 1 };
                }
                Word::Name(&text[start..at])
            }
            _ => {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                Word::Sign(byte)
            }
        };
        tokens.push(Token { word, line });
    }
    Ok(tokens)
}

/// A literal (ISA 4.5): integers in four bases, `0f`/`0d` with bits in hexadecimal, decimal fractions.
fn number(text: &str) -> Option<Word<'static>> {
    let lower = text.to_ascii_lowercase();
    let integer = |digits: &str, base| {
        let digits = digits.strip_suffix('u').unwrap_or(digits);
        i128::from_str_radix(digits, base).ok().filter(|value| *value <= u64::MAX.into()).map(Word::Integer)
    };
    if let Some(bits) = lower.strip_prefix("0f") {
        return u32::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 8).map(Word::Single);
    }
    if let Some(bits) = lower.strip_prefix("0d") {
        return u64::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 16).map(Word::Double);
    }
    if let Some(digits) = lower.strip_prefix("0x") {
        return integer(digits, 16);
    }
    if let Some(digits) = lower.strip_prefix("0b") {
        return integer(digits, 2);
    }
    if lower.contains('.') || lower.contains('e') {
        return lower.parse::<f64>().ok().map(|value| Word::Double(value.to_bits()));
    }
    match lower.strip_prefix('0') {
        Some(digits) if !digits.is_empty() && digits != "u" => integer(digits, 8),
        _ => integer(&lower, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Word<'_>> {
        words(text).unwrap().into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn numbers_of_all_bases() {
        let expected = [Word::Integer(31), Word::Integer(31), Word::Integer(5), Word::Integer(8), Word::Integer(0)];
        assert_eq!(all("31 0x1F 0b101 010 0"), expected);
        assert_eq!(all("0f3F800000 0dBFF0000000000000"), [Word::Single(0x3F80_0000), Word::Double(0xBFF0 << 48)]);
        assert_eq!(all("1.5e+2"), [Word::Double(150f64.to_bits())]);
        assert_eq!(all("0xffffffffffffffffU"), [Word::Integer(u64::MAX.into())]);
        for wrong in ["08", "0f12", "0x", "0xfffffffffffffffff"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_hold_dots_and_double_colons_and_labels_end_with_one() {
        let text = "$L1: @!%p1 cp.async.bulk.shared::cluster [%r1+-4], {%f1,_}; // end\n/* a\n b */ ret;";
        let names: Vec<&str> =
            all(text).iter().filter_map(|w| if let Word::Name(n) = w { Some(*n) } else { None }).collect();
        assert_eq!(names, ["$L1", "%p1", "cp.async.bulk.shared::cluster", "%r1", "%f1", "_", "ret"]);
        assert_eq!(words(text).unwrap().last().unwrap().line, 3);
        assert_eq!(all("a:b")[1], Word::Sign(b':'));
    }
}
