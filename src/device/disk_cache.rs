//! Compiled kernels on disk, shared by all runs and both devices.
//!
//! An entry is a file named by the hash of everything that went into it. It is written under a temporary name and
//! renamed, so a reader sees a whole file or none, and two processes that start at once at worst compile twice.

use std::io::Write;
use std::path::{Path, PathBuf};

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

/// The entry `name`, made by `make` (which gets the path to write to) if it is not there.
///
/// # Errors
/// What `make` returns; a cache folder that cannot be written to, with the variable that moves it.
pub fn entry(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = folder();
    let path = folder.join(name);
    if path.exists() {
        return Ok(path);
    }
    let failed = |e: std::io::Error| {
        Error::file(&folder, format!("kernel cache: {e}; set WARPTAPE_CACHE to a folder that can be written to"))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let scratch = tempfile::Builder::new().prefix("build-").tempdir_in(&folder).map_err(failed)?;
    let temporary = scratch.path().join("out");
    make(&temporary)?;
    std::fs::rename(&temporary, &path).map_err(failed)?;
    Ok(path)
}

/// [`entry`] for contents held in memory.
pub fn bytes(name: &str, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let path = entry(name, |path| {
        let contents = make()?;
        let write = || std::fs::File::create(path)?.write_all(&contents);
        write().map_err(|e: std::io::Error| Error::file(path, e))
    })?;
    std::fs::read(&path).map_err(|e| Error::file(path, e))
}
