//! Texts and numbers of pickle's oldest protocol, which has only printable lines.

/// The bytes of Python 2's notation of a text, with quotes and escapes.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let quote = *line.first().filter(|quote| b"'\"".contains(quote))?;
    let mut rest = line[1..].strip_suffix(&[quote])?.iter();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => hex(&mut rest, 2)? as u8,
                other @ (b'\\' | b'\'' | b'"') => *other,
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(bytes)
}

/// The text of a `raw-unicode-escape` line: Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.iter();
    while let Some(&byte) = rest.next() {
        let digits = match (byte, rest.as_slice().first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        text.push(char::from_u32(hex(&mut rest, digits)?)?);
    }
    Some(text)
}

fn hex<'a>(digits: &mut impl Iterator<Item = &'a u8>, count: usize) -> Option<u32> {
    (0..count).try_fold(0, |value, _| Some(value << 4 | char::from(*digits.next()?).to_digit(16)?))
}

/// The whole number that a line is.
pub(super) fn number(digits: &[u8]) -> Result<i64, String> {
    let text = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    text.ok_or_else(|| format!("a number that is none: {:?}", String::from_utf8_lossy(&digits[..digits.len().min(40)])))
}
