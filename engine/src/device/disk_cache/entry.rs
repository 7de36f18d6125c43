//! A file of the cache, read once: what was looked at is what is used, whatever the name leads to later.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Larger than any kernel's machine code by far.
const MOST_BYTES: u64 = 256 << 20;

const HASH_BYTES: usize = 32;

/// What the cache holds under a name, with the open file that it was read from.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
    file: File,
    contents: Vec<u8>,
}

impl Entry {
    /// Where it lay when it was opened; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that its contents were read from.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// What was sealed.
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }

    /// What was sealed.
    pub fn into_contents(self) -> Vec<u8> {
        self.contents
    }

    /// The entry at `path`. None if there is none, or none to be trusted: a link, no plain file, another user's or open to
    /// others, too large, damaged, or sealed under another name. Its maker puts another in its place.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = reader(path).ok()?;
        if !is_own(&file).ok()? {
            return None;
        }
        let mut contents = Vec::new();
        (&file).take(MOST_BYTES).read_to_end(&mut contents).ok()?;
        let seal = contents.split_off(contents.len().checked_sub(HASH_BYTES)?);
        (hash(path, &contents) == seal).then(|| Self { path: path.into(), file, contents })
    }

    /// Makes the file at `temporary` the entry at `path`.
    pub(super) fn seal(temporary: &Path, path: PathBuf) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).open(temporary)?;
        // Compilers write as the user's mask says, which may let a group write.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut contents = Vec::new();
        file.read_to_end(&mut contents)?;
        file.write_all(&hash(&path, &contents))?;
        std::fs::rename(temporary, &path)?;
        Ok(Self { path, file, contents })
    }
}

/// Of the name as well: an entry that was renamed is not what its new name says.
fn hash(path: &Path, contents: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
    hash.update([0]);
    hash.update(contents);
    hash.finalize().to_vec()
}

/// Opens for reading without following a link or waiting for what writes into a pipe.
fn reader(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}

/// Whether it is a plain file of this user's that nobody else can write to.
fn is_own(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    if !super::place::is_mine(&metadata) || super::place::is_open_to_others(&metadata) {
        return Ok(false);
    }
    Ok(metadata.is_file() && metadata.len() <= MOST_BYTES)
}
