//! Where an entry is made: a folder that is locked as long as its process lives, so that others know what is left over.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::files::turn;

const PREFIX: &str = "build-";

/// A new folder in the cache, removed when dropped.
pub(super) struct Scratch {
    folder: TempDir,
    /// Of the system: it ends with the process however that ends.
    _lock: Option<File>,
}

impl Scratch {
    /// Makes one in `cache`, and removes those of processes that are gone.
    pub(super) fn new(cache: &Path) -> io::Result<Self> {
        // Without a turn, what is left over cannot be told from what is in use, and stays.
        let turn = turn(cache);
        if turn.is_some() {
            sweep(cache);
        }
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(cache)?;
        let lock = File::open(folder.path()).ok().filter(|lock| lock.try_lock().is_ok());
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders that nobody holds locked, as far as that goes: a compiler that outlived its process may still write.
fn sweep(cache: &Path) {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    for folder in folders.filter(|folder| folder.file_name().to_string_lossy().starts_with(PREFIX)) {
        if File::open(folder.path()).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}
