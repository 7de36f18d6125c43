//! Downloading and unpacking published archives.
//!
//! A download goes into `NAME.part` and gets its own name only when its MD5 is right. An interrupted one is gone on with
//! from where it stands, by itself as long as bytes arrive and by the next call otherwise. Unpacking goes into a
//! temporary folder that is renamed when it is whole. So whatever is found under its own name is complete.

pub mod transfer;
mod unpack;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use crate::error::{Error, Result};

/// A published archive.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Its file name, by which it is kept.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Bytes.
    pub size: u64,
    /// MD5 of the whole, in lower-case hex.
    pub md5: String,
    /// The folder it unpacks to.
    pub folder: String,
    /// Files that count as unpacked if this folder has them all.
    pub files: Vec<String>,
}

/// What [`fetch`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the folder with all files was there.
    AlreadyThere,
    /// The archive was there, whole; it was unpacked.
    Unpacked,
    /// Downloaded, all or the rest of it, and unpacked.
    Fetched,
}

/// Brings `archive` into the folder `to`, which is made if need be. `progress` is called with bytes so far.
///
/// # Errors
/// A server that cannot be reached, refuses, has another file or stops sending; an archive that is not the published
/// one; a folder that cannot be written to. What has been downloaded stays for the next call unless it is wrong.
pub fn fetch(archive: &Archive, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<Outcome> {
    let folder = to.join(&archive.folder);
    if archive.files.iter().all(|file| folder.join(file).is_file()) {
        return Ok(Outcome::AlreadyThere);
    }
    std::fs::create_dir_all(to).map_err(|e| Error::file(to, e))?;
    let packed = to.join(&archive.name);
    let there = packed.exists();
    if there {
        if let Err(what) = verify(archive, &packed)? {
            return Err(Error::file(packed, format!("{what}: move it away and fetch again")));
        }
    } else {
        let part = part(&packed);
        transfer::download(archive, &part, progress).inspect_err(|_| {
            // Nothing to go on from.
            if part.metadata().is_ok_and(|data| data.is_file() && data.len() == 0) {
                let _ = std::fs::remove_file(&part);
            }
        })?;
        if let Err(what) = verify(archive, &part)? {
            // Nothing tells which bytes are wrong, so none can be kept.
            std::fs::remove_file(&part).map_err(|e| Error::file(&part, e))?;
            return Err(Error::file(packed, format!("{what}; the download was removed: fetch again")));
        }
        std::fs::rename(&part, &packed).map_err(|e| Error::file(&packed, e))?;
    }
    unpack::unpack(archive, &packed, to)?;
    Ok(if there { Outcome::Unpacked } else { Outcome::Fetched })
}

/// Where a download stands until it is whole.
fn part(packed: &Path) -> PathBuf {
    let mut name = packed.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Whether `path` is the archive; if not, what differs.
fn verify(archive: &Archive, path: &Path) -> Result<Result<(), String>> {
    let refuse = |e| Error::file(path, e);
    let mut file = File::open(path).map_err(refuse)?;
    let size = file.metadata().map_err(refuse)?.len();
    if size != archive.size {
        return Ok(Err(format!("has {size} bytes, expected {}", archive.size)));
    }
    let (mut hash, mut buffer) = (Md5::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(refuse)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(if found == archive.md5 { Ok(()) } else { Err(format!("has MD5 {found}, expected {}", archive.md5)) })
}
