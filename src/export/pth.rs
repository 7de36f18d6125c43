//! State dicts as PyTorch's own files, which `torch.load(weights_only=True)` takes: a zip archive of a pickle and, a file each, the
//! tensors' bytes.
//!
//! The pickle builds `collections.OrderedDict` of what `torch._utils._rebuild_tensor_v2` makes of them, opcode for opcode as
//! PyTorch's own pickler does. Entries are stored as they are and begin at multiples of 64 bytes, so that they can be mapped.

use std::collections::HashMap;
use std::io::{self, Seek, Write};

use safetensors::tensor::Dtype;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::train::state_dict::Entry;

/// The folder that all lies in.
const ROOT: &str = "archive";
/// Of the archive's format.
const VERSION: &str = "3\n";
/// Where entries begin.
const ALIGNMENT: u16 = 64;

/// Writes `entries` to `file`.
///
/// # Errors
/// What the file system says; elements of a type that no state dict of ours has.
pub fn write(entries: &[Entry], file: impl Write + Seek) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).with_alignment(ALIGNMENT);
    let mut add = |name: &str, bytes: &[u8]| {
        archive.start_file(format!("{ROOT}/{name}"), options)?;
        archive.write_all(bytes)
    };
    add("data.pkl", &pickled(entries)?)?;
    add("byteorder", b"little")?;
    for (key, (.., bytes)) in entries.iter().enumerate() {
        add(&format!("data/{key}"), bytes)?;
    }
    add("version", VERSION.as_bytes())?;
    archive.finish()?;
    Ok(())
}

/// The pickle of protocol 2.
fn pickled(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02");
    pickle.dict();
    if entries.len() > 1 {
        pickle.op(b"(");
    }
    for (key, (name, dtype, shape, _)) in entries.iter().enumerate() {
        pickle.text(name);
        pickle.tensor(&key.to_string(), storage(*dtype)?, shape);
    }
    match entries.len() {
        0 => {}
        1 => pickle.op(b"s"),
        _ => pickle.op(b"u"),
    }
    pickle.op(b".");
    Ok(pickle.bytes)
}

/// PyTorch's name of a storage of such elements.
fn storage(dtype: Dtype) -> io::Result<&'static str> {
    match dtype {
        Dtype::F32 => Ok("FloatStorage"),
        Dtype::I64 => Ok("LongStorage"),
        other => Err(io::Error::new(io::ErrorKind::Unsupported, format!("elements of type {other:?}"))),
    }
}

/// A pickle that grows. What Python's pickler would remember is numbered here, too.
#[derive(Default)]
struct Pickle {
    bytes: Vec<u8>,
    numbered: u32,
    /// Numbers of what comes again: names of functions and the like.
    known: HashMap<String, u32>,
}

impl Pickle {
    fn op(&mut self, code: &[u8]) {
        self.bytes.extend(code);
    }

    /// An opcode with a number that has a form of one byte and one of four.
    fn numbered_op(&mut self, codes: [u8; 2], number: u32) {
        match u8::try_from(number) {
            Ok(byte) => self.op(&[codes[0], byte]),
            Err(_) => {
                self.op(&codes[1..]);
                self.op(&number.to_le_bytes());
            }
        }
    }

    /// Gives what was built last the next number.
    fn remember(&mut self) -> u32 {
        let number = self.numbered;
        self.numbered_op(*b"qr", number);
        self.numbered += 1;
        number
    }

    /// What `build` writes, or a reference to it if it was there before.
    fn once(&mut self, what: String, build: impl FnOnce(&mut Self)) {
        if let Some(&number) = self.known.get(&what) {
            return self.numbered_op(*b"hj", number);
        }
        build(self);
        let number = self.remember();
        self.known.insert(what, number);
    }

    /// A text that does not come again.
    fn text(&mut self, text: &str) {
        self.op(b"X");
        self.op(&(text.len() as u32).to_le_bytes());
        self.op(text.as_bytes());
        self.remember();
    }

    /// A text that may come again.
    fn word(&mut self, word: &str) {
        self.once(format!("'{word}'"), |pickle| {
            pickle.op(b"X");
            pickle.op(&(word.len() as u32).to_le_bytes());
            pickle.op(word.as_bytes());
        });
    }

    /// A function or class by its name.
    fn global(&mut self, module: &str, name: &str) {
        let line = format!("c{module}\n{name}\n");
        self.once(line.clone(), |pickle| pickle.op(line.as_bytes()));
    }

    fn int(&mut self, value: usize) {
        match (u8::try_from(value), u16::try_from(value), i32::try_from(value)) {
            (Ok(byte), ..) => self.op(&[b'K', byte]),
            (_, Ok(word), _) => {
                self.op(b"M");
                self.op(&word.to_le_bytes());
            }
            (.., Ok(int)) => {
                self.op(b"J");
                self.op(&int.to_le_bytes());
            }
            // The least number of bytes that leaves the sign's bit free.
            _ => {
                let length = value.ilog2() as u8 / 8 + 1 + u8::from(value.ilog2() % 8 == 7);
                self.op(&[0x8a, length]);
                let bytes = (value as u128).to_le_bytes();
                self.op(&bytes[..usize::from(length)]);
            }
        }
    }

    fn tuple(&mut self, values: &[usize]) {
        if values.len() > 3 {
            self.op(b"(");
        }
        values.iter().for_each(|&value| self.int(value));
        match values.len() {
            0 => return self.op(b")"),
            1 => self.op(b"\x85"),
            2 => self.op(b"\x86"),
            3 => self.op(b"\x87"),
            _ => self.op(b"t"),
        }
        self.remember();
    }

    /// An empty `OrderedDict`.
    fn dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.op(b")R");
        self.remember();
    }

    /// A tensor of `shape`, whose elements are the file `key` and of type `storage`.
    fn tensor(&mut self, key: &str, storage: &str, shape: &[usize]) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.op(b"((");
        self.word("storage");
        self.global("torch", storage);
        self.text(key);
        self.word("cpu");
        self.int(shape.iter().product());
        self.op(b"t");
        self.remember();
        self.op(b"Q");
        self.int(0);
        self.tuple(shape);
        // PyTorch counts an empty dimension as one of length 1 there.
        let stride = |next: usize| shape[next..].iter().map(|&size| size.max(1)).product();
        let strides: Vec<usize> = (1..=shape.len()).map(stride).collect();
        self.tuple(&strides);
        // No gradient is asked for, and there are no hooks.
        self.op(b"\x89");
        self.dict();
        self.op(b"t");
        self.remember();
        self.op(b"R");
        self.remember();
    }
}
