//! Compiled kernels on disk, shared by all runs and both devices.
//!
//! An entry is a file named by the hash of everything that went into it. It is written under a temporary name and
//! renamed, so a reader sees a whole file or none, and two processes that start at once at worst compile twice. It ends
//! with a hash of its name and contents (loaders of ELF files do not mind), so that a file that a full disk or a power cut
//! left damaged is made again, and never loaded.
//!
//! What lies here runs with the rights of whoever starts warptape. A hash that anybody can compute keeps nobody out, so
//! only what this user wrote counts: `place` finds or makes a folder that nobody else can write to, `entry` opens a
//! file once, looks at its owner, mode and hash, and hands out what it read, and `scratch` clears away after processes
//! that were killed.

mod entry;
mod place;
mod scratch;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
pub use entry::Entry;
pub use place::{VARIABLE, folder, is_private};
use scratch::Scratch;

/// A file name for what `parts` describe: the first 32 hex digits of their SHA-256, each part with its length.
pub fn key(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The entry `name`, made by `make` (which gets the path to write to) if it is not there or not to be trusted.
///
/// # Errors
/// What `make` returns; a cache folder that cannot be written to or is not this user's, with the variable that moves it.
pub fn entry(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
    let path = folder()?.join(name);
    if let Some(entry) = Entry::open(&path) {
        return Ok(entry);
    }
    let _turn = Turn::take(name);
    // Another thread may have made it while this one waited for its turn.
    Entry::open(&path).map_or_else(|| build(name, make), Ok)
}

/// [`entry`], made again even if it is there: for one that turned out to be of no use.
///
/// # Errors
/// Those of [`entry`].
pub fn renewed(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
    let _turn = Turn::take(name);
    build(name, make)
}

/// [`entry`] for contents held in memory.
///
/// # Errors
/// Those of [`entry`].
pub fn bytes(name: &str, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let write = |path: &Path| std::fs::write(path, make()?).map_err(|e| Error::file(path, e));
    entry(name, write).map(Entry::into_contents)
}

fn build(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
    let folder = folder()?;
    let failed = |e: std::io::Error| place::unusable(&folder, e, place::WRITABLE);
    let scratch = Scratch::new(&folder).map_err(failed)?;
    let temporary = scratch.path().join("out");
    make(&temporary)?;
    Entry::seal(&temporary, folder.join(name)).map_err(failed)
}

/// The right to make an entry, which one thread of this process has at a time: the others wait and find it made.
struct Turn(String);

static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn take(name: &str) -> Self {
        let mut taken = TAKEN.lock().unwrap();
        while !taken.insert(name.into()) {
            taken = GIVEN_BACK.wait(taken).unwrap();
        }
        Self(name.into())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.lock().unwrap().remove(&self.0);
        GIVEN_BACK.notify_all();
    }
}
