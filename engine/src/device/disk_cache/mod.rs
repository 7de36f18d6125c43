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
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};

use sha2::{Digest, Sha256};

use crate::environment::Environment;
use crate::error::{Error, Result};
pub use entry::Entry;
pub use place::VARIABLE;
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

/// Where compiled kernels are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    named: Option<PathBuf>,
}

impl Cache {
    /// In the folder that `environment` names: `WARPTAPE_CACHE`, else `warptape` below `XDG_CACHE_HOME` or `~/.cache`; else in
    /// one for this process alone, which is removed when it exits.
    pub fn of(environment: &Environment) -> Self {
        Self { named: place::named(environment) }
    }

    /// The folder, which is made if need be. One of this user's that others could write to is closed and emptied, and a note
    /// says so.
    ///
    /// # Errors
    /// A folder that cannot be made, that belongs to another user, or that cannot be closed; the variable that moves it.
    pub fn folder(&self) -> Result<PathBuf> {
        place::folder(self.named.as_deref())
    }

    /// Whether the folder is for this process alone, since no variable names a place that lasts.
    pub fn is_private(&self) -> bool {
        self.named.is_none()
    }

    /// The entry `name`, made by `make` (which gets the path to write to) if it is not there or not to be trusted.
    ///
    /// # Errors
    /// What `make` returns; a cache folder that cannot be written to or is not this user's, with the variable that moves it.
    pub fn entry(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
        let path = self.folder()?.join(name);
        if let Some(entry) = Entry::open(&path) {
            return Ok(entry);
        }
        let _turn = Turn::take(&path);
        // Another thread may have made it while this one waited for its turn.
        Entry::open(&path).map_or_else(|| self.build(name, make), Ok)
    }

    /// [`Cache::entry`], made again even if it is there: for one that turned out to be of no use.
    ///
    /// # Errors
    /// Those of [`Cache::entry`].
    pub fn renewed(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
        let _turn = Turn::take(&self.folder()?.join(name));
        self.build(name, make)
    }

    /// [`Cache::entry`] for contents held in memory.
    ///
    /// # Errors
    /// Those of [`Cache::entry`].
    pub fn bytes(&self, name: &str, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let write = |path: &Path| std::fs::write(path, make()?).map_err(|e| Error::file(path, e));
        self.entry(name, write).map(Entry::into_contents)
    }

    fn build(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Entry> {
        let folder = self.folder()?;
        let failed = |e: std::io::Error| place::unusable(&folder, e, place::WRITABLE);
        let scratch = Scratch::new(&folder).map_err(failed)?;
        let temporary = scratch.path().join("out");
        make(&temporary)?;
        Entry::seal(&temporary, folder.join(name)).map_err(failed)
    }
}

/// The right to make an entry, which one thread of this process has at a time: the others wait and find it made.
struct Turn(PathBuf);

static TAKEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn take(entry: &Path) -> Self {
        let mut taken = TAKEN.lock().unwrap();
        while !taken.insert(entry.into()) {
            taken = GIVEN_BACK.wait(taken).unwrap();
        }
        Self(entry.into())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.lock().unwrap().remove(&self.0);
        GIVEN_BACK.notify_all();
    }
}
