//! Downloading ([`crate::download`]) and unpacking published archives.
//!
//! Unpacking goes into a temporary folder that is renamed when it is whole. So whatever is found under its own name is complete.

mod unpack;

use std::path::Path;

use crate::download::{Digest, Published, Size, bring};
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
    let Archive { name, url, size, md5, .. } = archive.clone();
    let published = Published { name, url, size: Size::Exactly(size), digest: Digest::Md5(md5) };
    let fetched = bring(&published, to, progress)?;
    unpack::unpack(archive, &to.join(&archive.name), to)?;
    Ok(if fetched { Outcome::Fetched } else { Outcome::Unpacked })
}
