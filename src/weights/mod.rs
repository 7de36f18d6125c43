//! Networks' weights in files of others and of ours: `.safetensors`, and PyTorch's `.pth` and `.pt` in both of its formats.
//!
//! A file is told by its contents, not by its name. Opening it reads what it says of its tensors and holds that against the
//! file's length, so that no number in it makes us ask for memory that the file itself does not fill; elements are read when they
//! are asked for. Pickles are read as data ([`crate::pickle`]), nothing in a file is run.

mod convert;
pub mod diff;
mod fit;
pub mod info;
mod legacy;
mod load;
mod preparation;
pub mod published;
pub(crate) mod safetensors;
mod state;
mod values;
mod zip;

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files;
pub use crate::pickle::torch::Element;
pub use fit::{fitting, head, outputs};
pub use load::{Options, load_into};
pub use preparation::{LABELS, PREPROCESSING, Preparation};
use published::Known;
pub use values::Values;

/// Tensors of a file at the most: a ResNet-152 with an optimizer's moments has 3000.
const MOST: usize = 1 << 16;
/// Axes of a tensor at the most.
const AXES: usize = 8;
/// Tensors may share their elements and lie across each other's; in all they may be so many times the file.
const SHARED: u64 = 4;
/// What is granted a small file beyond that.
const SMALL: u64 = 1 << 20;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Format {
    /// `.safetensors`.
    Safetensors,
    /// PyTorch's since 1.6: a zip archive.
    Zip,
    /// PyTorch's before 1.6: pickles, and the elements behind them.
    Legacy,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::Zip => "PyTorch, zip",
            Self::Legacy => "PyTorch, before 1.6",
        })
    }
}

/// One tensor of a file.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its name, as a model's: without what wrappers put before it.
    pub name: String,
    /// The elements' type; none if it is one that cannot be read.
    pub element: Option<Element>,
    /// The type in words: `float32`.
    pub kind: String,
    /// Size of each axis, as PyTorch has them.
    pub shape: Vec<usize>,
    /// Elements from one place to the next on each axis.
    strides: Vec<u64>,
    /// Where in the file it begins, and how many bytes it spreads over.
    at: u64,
    span: u64,
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A file of weights, whose structure is right.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    file: File,
    /// How it is written.
    pub format: Format,
    /// What stood around the tensors, or was left out, in sentences for people.
    pub notes: Vec<String>,
    tensors: Vec<Tensor>,
    big_endian: bool,
    /// How pictures were prepared for them, as a checkpoint of ours says, or the exported folder around them.
    prepared: Option<Preparation>,
}

/// What a format's reader finds.
struct Found {
    format: Format,
    notes: Vec<String>,
    tensors: Vec<Tensor>,
    big_endian: bool,
    prepared: Option<Preparation>,
}

impl Weights {
    /// Reads what the file at `path` says of its tensors.
    ///
    /// # Errors
    /// A file that is missing, damaged, of another kind, or asks for more than data: each in one line that says what and where.
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |e: std::io::Error| Error::file(path, e);
        let mut file = files::open(path).map_err(refuse)?;
        let length = file.metadata().map_err(refuse)?.len();
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(512).read_to_end(&mut start).map_err(refuse)?;
        let found = found(&mut file, &start, length).map_err(|what| Error::file(path, shown(&what)))?;
        let Found { format, mut notes, mut tensors, big_endian, prepared } = found;
        state::plain_names(&mut tensors, &mut notes);
        check(&tensors, length).map_err(|what| Error::file(path, what))?;
        notes.iter_mut().for_each(|note| *note = shown(note));
        let prepared = prepared.map_or_else(|| Preparation::exported(path), |prepared| Ok(Some(prepared)))?;
        Ok(Self { path: path.into(), file, format, notes, tensors, big_endian, prepared })
    }

    /// The tensors in the file's order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How pictures were prepared for the network of these weights, in a file of this SHA-256; none if nothing says so.
    pub fn preparation(&self, sha256: &str) -> Option<Preparation> {
        self.prepared.clone().or_else(|| Preparation::published(sha256))
    }

    /// Refuses a file that is called as published weights and is not those.
    ///
    /// # Errors
    /// Those of [`Weights::sha256`].
    pub fn check_name(&self) -> Result<()> {
        Known::called(&self.path).map_or(Ok(()), |_| self.sha256().map(drop))
    }

    /// SHA-256 of the whole file, in hexadecimal.
    ///
    /// # Errors
    /// A file that cannot be read any more; one that is called as published weights and is not those.
    pub fn sha256(&self) -> Result<String> {
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        let refuse = |e: std::io::Error| Error::file(&self.path, e);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(refuse)?;
        loop {
            match file.read(&mut buffer).map_err(refuse)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Known::check(&self.path, &hash).map(|()| hash)
    }
}

/// What the file holds, told by how it begins.
fn found(file: &mut File, start: &[u8], length: u64) -> Result<Found, String> {
    const TAR: &[u8] = b"ustar";
    match start {
        [] => Err("is empty".into()),
        [b'P', b'K', 3 | 5, ..] => zip::read(file, length),
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] => safetensors::read(file, length),
        _ if legacy::magic(start).is_some() => legacy::read(file, start, length),
        _ if start.get(257..262) == Some(TAR) => {
            Err("is written in the format of PyTorch 0.1, a tar archive: load it in PyTorch and save it again".into())
        }
        _ => Err("is no file of weights: expected .safetensors, or a .pth or .pt that torch.save wrote".into()),
    }
}

/// Refuses tensors that are too many, or that together are more than a file of `length` bytes can mean.
fn check(tensors: &[Tensor], length: u64) -> Result<(), String> {
    if tensors.is_empty() {
        return Err("holds no tensors".into());
    }
    if let Some(tensor) = tensors.iter().find(|tensor| tensor.shape.len() > AXES) {
        return Err(format!(
            "tensor '{}' has {} axes; at most {AXES} are read",
            shown(&tensor.name),
            tensor.shape.len()
        ));
    }
    let most = length.saturating_mul(SHARED).saturating_add(SMALL);
    let size = |tensor: &Tensor| {
        let elements = tensor.shape.iter().try_fold(1u64, |all, &side| all.checked_mul(side as u64));
        let bytes = elements.and_then(|all| all.checked_mul(tensor.element.map_or(1, Element::size)));
        bytes.map(|bytes| bytes.max(tensor.span))
    };
    let sum = tensors.iter().try_fold(0u64, |sum, tensor| sum.checked_add(size(tensor)?));
    if sum.is_none_or(|sum| sum > most) {
        let what = "its tensors lie across each other and are far more than its";
        return Err(format!("{what} {length} bytes: save each by itself, with .clone()"));
    }
    Ok(())
}

/// Refuses more tensors than any network has.
fn few(count: usize) -> Result<(), String> {
    if count > MOST { Err(format!("holds {count} tensors; at most {MOST} are read")) } else { Ok(()) }
}

/// `text` in one line: what would move the cursor is written as an escape; and not longer than a line can be.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 2000;
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for letter in text.chars() {
        if shown.len() >= LONGEST {
            return shown + "…";
        }
        if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

/// A pickle's error, with what to save instead of a whole module.
fn pickled(what: String) -> String {
    let fix = if what.contains("is not data") { ": save model.state_dict() alone" } else { "" };
    what + fix
}

/// What reading says, as the rest of a sentence about the file.
fn said(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "ends too early: truncated".into(),
        _ => error.to_string(),
    }
}

/// `length` bytes of `file` from `at` on, which the caller has seen to lie in it.
fn bytes_at(file: &mut File, at: u64, length: u64) -> Result<Vec<u8>, String> {
    file.seek(SeekFrom::Start(at)).map_err(|e| said(&e))?;
    let mut bytes = Vec::new();
    let size = usize::try_from(length).map_err(|_| "is too long for this machine")?;
    bytes.try_reserve_exact(size).map_err(|_| format!("no memory for {length} bytes"))?;
    file.take(length).read_to_end(&mut bytes).map_err(|e| said(&e))?;
    if bytes.len() < size { Err("ends too early: truncated".into()) } else { Ok(bytes) }
}
