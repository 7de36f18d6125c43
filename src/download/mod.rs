//! Downloading published files.
//!
//! A download goes into `NAME.part` and gets its own name only when its digest is right. An interrupted one is gone on with from
//! where it stands, by itself as long as bytes arrive and by the next call otherwise. So whatever is found under its own name is
//! complete.

pub mod transfer;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::Sha256;

use crate::error::{Error, Result};

/// A file that somebody publishes.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its name, by which it is kept.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How long it is.
    pub size: Size,
    /// What its bytes add up to.
    pub digest: Digest,
}

/// How long a file is, as far as its publisher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many bytes.
    Exactly(u64),
    /// So many thousandths of a mebibyte, rounded.
    About(u64),
}

/// What tells a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5 in lower-case hexadecimal.
    Md5(String),
    /// The first digits of SHA-256 in lower-case hexadecimal.
    Sha256(String),
}

impl Size {
    /// Whether a file of `bytes` bytes is as long.
    pub fn fits(self, bytes: u64) -> bool {
        (self.least()..=self.most()).contains(&bytes)
    }

    /// Bytes, if they are known.
    pub fn exact(self) -> Option<u64> {
        match self {
            Self::Exactly(size) => Some(size),
            Self::About(_) => None,
        }
    }

    /// Bytes at the least.
    fn least(self) -> u64 {
        match self {
            Self::Exactly(size) => size,
            Self::About(_) => self.most().saturating_sub((2 << 20) / 1000),
        }
    }

    /// Bytes at the most.
    pub fn most(self) -> u64 {
        match self {
            Self::Exactly(size) => size,
            Self::About(thousandths) => ((thousandths + 1) << 20) / 1000,
        }
    }
}

/// Numbers of bytes, as a file's length is told: `300000`, `298844 to 300941`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Exactly(size) => write!(f, "{size}"),
            Self::About(_) => write!(f, "{} to {}", self.least(), self.most()),
        }
    }
}

/// Brings `file` into the folder `to`, which there is. `progress` is called with bytes so far. Returns whether it was downloaded;
/// if not, it was there.
///
/// # Errors
/// A server that cannot be reached, refuses, has another file or stops sending; a file that is not the published one; a folder
/// that cannot be written to. What has been downloaded stays for the next call unless it is wrong.
pub fn bring(file: &Published, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<bool> {
    let path = to.join(&file.name);
    if path.exists() {
        return match verify(file, &path)? {
            Ok(()) => Ok(false),
            Err(what) => Err(Error::file(path, format!("{what}: move it away and fetch again"))),
        };
    }
    let part = part(&path);
    transfer::download(file, &part, progress).inspect_err(|_| {
        // Nothing to go on from.
        if part.metadata().is_ok_and(|data| data.is_file() && data.len() == 0) {
            let _ = std::fs::remove_file(&part);
        }
    })?;
    if let Err(what) = verify(file, &part)? {
        // Nothing tells which bytes are wrong, so none can be kept.
        std::fs::remove_file(&part).map_err(|e| Error::file(&part, e))?;
        return Err(Error::file(path, format!("{what}; the download was removed: fetch again")));
    }
    std::fs::rename(&part, &path).map_err(|e| Error::file(&path, e))?;
    Ok(true)
}

/// Where a download stands until it is whole.
fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Whether the file at `path` is the published one; if not, what differs.
///
/// # Errors
/// A file that cannot be read.
pub fn verify(file: &Published, path: &Path) -> Result<Result<(), String>> {
    let refuse = |e| Error::file(path, e);
    let mut opened = File::open(path).map_err(refuse)?;
    let size = opened.metadata().map_err(refuse)?.len();
    if !file.size.fits(size) {
        return Ok(Err(format!("has {size} bytes, expected {}", file.size)));
    }
    let (found, expected, name) = match &file.digest {
        Digest::Md5(expected) => (digest::<Md5>(&mut opened).map_err(refuse)?, expected, "MD5"),
        Digest::Sha256(expected) => (digest::<Sha256>(&mut opened).map_err(refuse)?, expected, "SHA-256"),
    };
    if found.starts_with(expected.as_str()) {
        return Ok(Ok(()));
    }
    let more = if found.len() > expected.len() { "…" } else { "" };
    Ok(Err(format!("has {name} {found}, expected {expected}{more}")))
}

/// The digest of the rest of `file`, in hexadecimal.
fn digest<D: md5::Digest>(file: &mut File) -> std::io::Result<String> {
    let (mut hash, mut buffer) = (D::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
