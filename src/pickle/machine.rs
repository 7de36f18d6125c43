//! Pickle's stack machine: one match arm per operation that data needs.

use std::borrow::Cow;

use super::escape::{number, quoted, raw_unicode};
use super::known::{self, Known};
use super::{Id, Pickle, Value, pairs};

/// Operations in one file: CIFAR-100's 50 000 records take a tenth of it, a network of a thousand tensors a hundredth.
const MOST: usize = 4_000_000;

type Result<T> = std::result::Result<T, String>;

/// Builds the value that the program at the beginning of `bytes` describes; and how many bytes that program has.
pub(super) fn run(bytes: &[u8]) -> Result<(Pickle<'_>, usize)> {
    let mut machine = Machine {
        bytes,
        at: 0,
        owned: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        kept: 0,
        pickle: Pickle { values: Vec::new(), root: 0 },
    };
    for _ in 0..MOST {
        let at = machine.at;
        match machine.step() {
            Ok(true) => {}
            Ok(false) => return Ok((machine.pickle, machine.at)),
            Err(what) => return Err(format!("is no pickle of plain data: {what} (operation at offset {at})")),
        }
    }
    Err(format!("is no pickle of plain data: it has more than {MOST} operations"))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes that had to be unescaped.
    owned: usize,
    stack: Vec<Id>,
    marks: Vec<usize>,
    /// What is kept under which number, and how many there are.
    memo: Vec<Option<Id>>,
    kept: usize,
    pickle: Pickle<'a>,
}

impl<'a> Machine<'a> {
    /// One operation; whether there is another.
    fn step(&mut self) -> Result<bool> {
        let code = self.take(1)?[0];
        match code {
            // Protocol and frame: nothing depends on them.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'.' => {
                self.pickle.root = self.pop()?;
                return Ok(false);
            }
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'I' => {
                let value = match self.line()? {
                    b"00" => Value::Bool(false),
                    b"01" => Value::Bool(true),
                    digits => Value::Int(number(digits)?),
                };
                self.push(value);
            }
            b'L' => {
                let line = self.line()?;
                let value = number(line.strip_suffix(b"L").unwrap_or(line))?;
                self.push(Value::Int(value));
            }
            b'J' => {
                let value = i64::from(self.unsigned(4)? as u32 as i32);
                self.push(Value::Int(value));
            }
            b'K' | b'M' => {
                let value = self.unsigned(if code == b'K' { 1 } else { 2 })? as i64;
                self.push(Value::Int(value));
            }
            0x8a | 0x8b => {
                let length = self.unsigned(if code == 0x8a { 1 } else { 4 })?;
                let digits = self.take(length)?;
                let negative = digits.last().is_some_and(|last| last & 0x80 != 0);
                let mut word = [if negative { 0xff } else { 0 }; 8];
                word.get_mut(..digits.len()).ok_or("a number of more than 64 bits")?.copy_from_slice(digits);
                self.push(Value::Int(i64::from_le_bytes(word)));
            }
            b'F' => {
                self.line()?;
                self.push(Value::Float);
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Float);
            }
            b'S' => {
                let line = self.line()?;
                let text = quoted(line).ok_or("a text without its quotes")?;
                self.own(text.len())?;
                self.push(Value::Bytes(Cow::Owned(text)));
            }
            b'V' => {
                let line = self.line()?;
                let text = raw_unicode(line).ok_or("a text with a bad escape")?;
                self.own(text.chars().count())?;
                self.push(Value::Text(Cow::Owned(text)));
            }
            b'U' | b'C' => self.counted(1, false)?,
            b'T' | b'B' => self.counted(4, false)?,
            0x8e | 0x96 => self.counted(8, false)?,
            0x8c => self.counted(1, true)?,
            b'X' => self.counted(4, true)?,
            0x8d => self.counted(8, true)?,
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b'l' | b't' => {
                let items = self.since_mark()?;
                self.push(if code == b'l' { Value::List(items) } else { Value::Tuple(items) });
            }
            0x85..=0x87 => {
                let items = self.last(usize::from(code - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'd' => {
                let pairs = pairs(self.since_mark()?)?;
                self.push(Value::Dict(pairs));
            }
            b'a' | b'e' => {
                let items = if code == b'a' { self.last(1)? } else { self.since_mark()? };
                match self.target()? {
                    Value::List(list) => list.extend(items),
                    _ => return Err("items for something that is no list".into()),
                }
            }
            b's' | b'u' => {
                let items = if code == b's' { self.last(2)? } else { self.since_mark()? };
                let new = pairs(items)?;
                match self.target()? {
                    Value::Dict(dict) => dict.extend(new),
                    _ => return Err("entries for something that is no dictionary".into()),
                }
            }
            b'p' | b'q' | b'r' | 0x94 => {
                let key = match code {
                    0x94 => self.kept as u64,
                    _ => self.key(code - b'p')?,
                };
                self.keep(key)?;
            }
            b'g' | b'h' | b'j' => {
                let key = self.key([0, 1, 0, 2][usize::from(code - b'g')])?;
                let kept = usize::try_from(key).ok().and_then(|key| *self.memo.get(key)?);
                self.stack.push(kept.ok_or_else(|| format!("nothing is kept under number {key}"))?);
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.push(Value::Global(Known::find(module, name)?));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let known = match (self.pickle.raw(module), self.pickle.raw(name)) {
                    (Some(module), Some(name)) => Known::find(module, name)?,
                    _ => return Err("a name that is no text".into()),
                };
                self.push(Value::Global(known));
            }
            b'R' => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let value = known::reduce(&self.pickle, callee, arguments)?;
                match &value {
                    Value::Bytes(bytes) => self.own(bytes.len())?,
                    Value::Dict(pairs) => self.own(pairs.len())?,
                    _ => {}
                }
                self.push(value);
            }
            b'Q' => {
                let id = self.pop()?;
                let value = known::persistent(&self.pickle, id)?;
                self.push(value);
            }
            b'b' => {
                let (state, id) = (self.pop()?, self.top()?);
                if let Some(value) = known::build(&self.pickle, id, state)? {
                    self.pickle.values[id as usize] = value;
                }
            }
            other => return Err(format!("operation 0x{other:02x}, which plain data do not need")),
        }
        Ok(true)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let left = &self.bytes[self.at..];
        let taken = left.get(..count).ok_or_else(|| match left.len() {
            0 => format!("it ends at offset {}: truncated", self.bytes.len()),
            left => format!("{count} bytes are announced where {left} are left: truncated"),
        })?;
        self.at += count;
        Ok(taken)
    }

    /// An unsigned number of `count` bytes, least significant first.
    fn unsigned(&mut self, count: usize) -> Result<usize> {
        let word = self.take(count)?.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
        usize::try_from(word).map_err(|_| format!("a length of {word}"))
    }

    /// The bytes to the end of the line, which is passed.
    fn line(&mut self) -> Result<&'a [u8]> {
        let left = &self.bytes[self.at..];
        let end = left.iter().position(|&byte| byte == b'\n').ok_or("a line without end: truncated")?;
        self.at += end + 1;
        Ok(&left[..end])
    }

    /// A number in the memo, as a line, one byte or four.
    fn key(&mut self, form: u8) -> Result<u64> {
        match form {
            0 => number(self.line()?).map(|key| key as u64),
            1 => Ok(self.unsigned(1)? as u64),
            _ => Ok(self.unsigned(4)? as u64),
        }
    }

    /// Keeps what is on top under `key`. Whoever writes pickles counts from 0.
    fn keep(&mut self, key: u64) -> Result<()> {
        let top = self.top()?;
        let key = usize::try_from(key).ok().filter(|&key| key < MOST);
        let key = key.ok_or("a value is kept under a number that no pickle comes to")?;
        if key >= self.memo.len() {
            self.memo.resize(key + 1, None);
        }
        self.kept += usize::from(self.memo[key].is_none());
        self.memo[key] = Some(top);
        Ok(())
    }

    /// Pushes bytes or a text behind its length of `count` bytes.
    fn counted(&mut self, count: usize, text: bool) -> Result<()> {
        let length = self.unsigned(count)?;
        let bytes = self.take(length)?;
        self.push(match text {
            true => Value::Text(Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| "a text that is not UTF-8")?)),
            false => Value::Bytes(Cow::Borrowed(bytes)),
        });
        Ok(())
    }

    /// Accounts for bytes, or entries, that are no slice of the file.
    fn own(&mut self, count: usize) -> Result<()> {
        self.owned += count;
        // Twice is usual: a text is unescaped, then made bytes.
        if self.owned > 4 * self.bytes.len() { Err("it unpacks to many times its own size".into()) } else { Ok(()) }
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.pickle.values.len() as Id);
        self.pickle.values.push(value);
    }

    /// The last `count` items, which must all stand behind the last mark.
    fn last(&mut self, count: usize) -> Result<Vec<Id>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= floor);
        Ok(self.stack.split_off(start.ok_or("a value is missing")?))
    }

    fn pop(&mut self) -> Result<Id> {
        Ok(self.last(1)?[0])
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().copied().ok_or_else(|| "a value is missing".into())
    }

    fn since_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark))
    }

    fn target(&mut self) -> Result<&mut Value<'a>> {
        let top = self.top()?;
        Ok(&mut self.pickle.values[top as usize])
    }
}
