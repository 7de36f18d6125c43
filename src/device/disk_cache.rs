//! Compiled kernels on disk, shared by all runs and both devices.
//!
//! An entry is a file named by the hash of everything that went into it. It is written under a temporary name and
//! renamed, so a reader sees a whole file or none, and two processes that start at once at worst compile twice. It ends
//! with a hash of its contents (loaders of ELF files do not mind), so that a file that a full disk or a power cut left
//! damaged is made again, and never loaded.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The folder: `WARPTAPE_CACHE`, else `warptape` below `XDG_CACHE_HOME` or `~/.cache`, else below the temporary folder.
pub fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("WARPTAPE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("warptape")))
        .or_else(|| set("HOME").map(|d| d.join(".cache/warptape")))
        .unwrap_or_else(|| std::env::temp_dir().join("warptape"))
}

/// A file name for what `parts` describe: the first 32 hex digits of their SHA-256, each part with its length.
pub fn key(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The entry `name`, made by `make` (which gets the path to write to) if it is not there or damaged.
///
/// # Errors
/// What `make` returns; a cache folder that cannot be written to, with the variable that moves it.
pub fn entry(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = folder().join(name);
    if contents(&path).is_some() {
        return Ok(path);
    }
    let _turn = Turn::take(name);
    // Another thread may have made it while this one waited for its turn.
    if contents(&path).is_some() { Ok(path) } else { build(name, make) }
}

/// [`entry`], made again even if it is there: for one that turned out to be of no use.
pub fn renewed(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let _turn = Turn::take(name);
    build(name, make)
}

/// [`entry`] for contents held in memory.
pub fn bytes(name: &str, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let path = entry(name, |path| {
        let contents = make()?;
        std::fs::write(path, contents).map_err(|e| Error::file(path, e))
    })?;
    contents(&path).ok_or_else(|| Error::file(path, "vanished from the kernel cache; run again"))
}

fn build(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = folder();
    let failed = |e: std::io::Error| {
        Error::file(&folder, format!("kernel cache: {e}; set WARPTAPE_CACHE to a folder that can be written to"))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let scratch = tempfile::Builder::new().prefix("build-").tempdir_in(&folder).map_err(failed)?;
    let temporary = scratch.path().join("out");
    make(&temporary)?;
    let seal = || {
        let hash = Sha256::digest(std::fs::read(&temporary)?);
        std::fs::OpenOptions::new().append(true).open(&temporary)?.write_all(&hash)
    };
    seal().map_err(failed)?;
    let path = folder.join(name);
    std::fs::rename(&temporary, &path).map_err(failed)?;
    Ok(path)
}

/// What an entry holds, if it is there and whole.
fn contents(path: &Path) -> Option<Vec<u8>> {
    let mut contents = std::fs::read(path).ok()?;
    let hash = contents.split_off(contents.len().checked_sub(32)?);
    (Sha256::digest(&contents).as_slice() == hash).then_some(contents)
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
