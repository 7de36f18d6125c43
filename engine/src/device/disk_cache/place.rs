//! The folder that the cache lies in, which nobody else can write to.

use std::fmt::Display;
use std::fs::{DirBuilder, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::environment::Environment;
use crate::error::{Error, Result};

/// The environment variable that says where the cache is to lie.
pub const VARIABLE: &str = "WARPTAPE_CACHE";

/// The folder that is [`named`]: `WARPTAPE_CACHE`, else `warptape` below `XDG_CACHE_HOME` or `~/.cache`, else one for this process alone, which
/// is removed when it exits. It is made if need be. One of this user's that others could write to is closed and emptied, and a
/// note says so.
///
/// # Errors
/// A folder that cannot be made, that belongs to another user, or that cannot be closed; the variable that moves it.
pub(super) fn folder(named: Option<&Path>) -> Result<PathBuf> {
    let Some(folder) = named else { return private() };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.recursive(true).create(folder);
    made.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => unusable(folder, "is no folder", WRITABLE),
        _ => unusable(folder, e, WRITABLE),
    })?;
    #[cfg(unix)]
    guard::own_and_closed(folder)?;
    Ok(folder.into())
}

/// The folder that the variables name, if they name one that lasts.
pub(super) fn named(environment: &Environment) -> Option<PathBuf> {
    environment
        .path(VARIABLE)
        // The XDG Base Directory Specification wants relative ones ignored.
        .or_else(|| environment.path("XDG_CACHE_HOME").filter(|d| d.is_absolute()).map(|d| d.join("warptape")))
        .or_else(|| environment.path("HOME").filter(|d| d.is_absolute()).map(|d| d.join(".cache/warptape")))
}

/// What to set it to where the folder will not do.
pub(super) const WRITABLE: &str = "a folder that can be written to";

/// An error about the cache in `folder`: what is wrong, and what to set `WARPTAPE_CACHE` to.
pub(super) fn unusable(folder: &Path, what: impl Display, wanted: &str) -> Error {
    Error::file(folder, format!("kernel cache: {what}; set WARPTAPE_CACHE to {wanted}"))
}

static PRIVATE: Mutex<Option<TempDir>> = Mutex::new(None);

/// The folder of this process alone.
fn private() -> Result<PathBuf> {
    let mut private = PRIVATE.lock().unwrap();
    if private.is_none() {
        // Temporary folders are made for their owner alone.
        let made = tempfile::Builder::new().prefix("warptape-").tempdir();
        *private = Some(made.map_err(|e| unusable(&std::env::temp_dir(), e, WRITABLE))?);
        // Statics are not dropped.
        #[cfg(unix)]
        // SAFETY: a function without arguments that does not unwind.
        unsafe {
            libc::atexit(remove_private);
        }
    }
    Ok(private.as_ref().expect("made above").path().into())
}

#[cfg(unix)]
extern "C" fn remove_private() {
    if let Ok(mut private) = PRIVATE.try_lock() {
        *private = None;
    }
}

/// Whether this user owns it.
#[cfg(unix)]
pub(super) fn is_mine(metadata: &Metadata) -> bool {
    // SAFETY: no preconditions.
    std::os::unix::fs::MetadataExt::uid(metadata) == unsafe { libc::geteuid() }
}

/// Whether its mode lets others than its owner write.
#[cfg(unix)]
pub(super) fn is_open_to_others(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0
}

#[cfg(unix)]
mod guard {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use super::{is_mine, is_open_to_others, unusable};
    use crate::error::Result;

    const OWN: &str = "a folder of your own";

    /// Refuses a folder that is another user's, and closes one that others can write to.
    pub(super) fn own_and_closed(path: &Path) -> Result<()> {
        let failed = |e: io::Error| unusable(path, e, OWN);
        let link = fs::symlink_metadata(path).map_err(failed)?;
        let flags = libc::O_DIRECTORY | libc::O_NONBLOCK;
        let folder = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let metadata = folder.metadata().map_err(failed)?;
        // The system's own links (of root) are as good as the user's.
        let misled = link.is_symlink() && !is_mine(&link) && link.uid() != 0;
        if misled || !is_mine(&metadata) {
            let owner = if misled { link.uid() } else { metadata.uid() };
            return Err(unusable(path, format!("belongs to another user (number {owner})"), OWN));
        }
        if is_open_to_others(&metadata) { close(path, &folder) } else { Ok(()) }
    }

    /// Keeps others out of `folder`, and removes what they may have put there.
    fn close(path: &Path, folder: &File) -> Result<()> {
        let failed = |e: io::Error| unusable(path, format!("other users can write there, and it stays so ({e})"), OWN);
        let names = || fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        // One that is shared on purpose, or holds somebody's work, is not ours to close or to empty.
        let shared = folder.metadata().map_err(failed)?.mode() & libc::S_ISVTX != 0;
        let others = names().map_err(failed)?.into_iter().find(|name| !is_of_cache(&name.to_string_lossy()));
        if shared || others.is_some() {
            let what = others.map_or("is for all to use".into(), |name| format!("holds {}", name.display()));
            return Err(unusable(path, format!("other users can write there, and it {what}"), OWN));
        }
        folder.set_permissions(fs::Permissions::from_mode(0o700)).map_err(failed)?;
        if is_open_to_others(&folder.metadata().map_err(failed)?) {
            return Err(failed(io::Error::other("its file system knows no modes")));
        }
        for name in names().map_err(failed)? {
            let entry = path.join(name);
            let is_folder = fs::symlink_metadata(&entry).is_ok_and(|metadata| metadata.is_dir());
            match if is_folder { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) } {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
                _ => {}
            }
        }
        let note = "note: other users could write into the kernel cache; it was closed and emptied";
        // Not eprintln!, which panics where standard error is closed.
        let _ = io::Write::write_all(&mut io::stderr(), format!("{note}: {}\n", path.display()).as_bytes());
        Ok(())
    }

    /// Whether the cache makes files and folders of such names.
    fn is_of_cache(name: &str) -> bool {
        let is_key = |stem: &str| stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        let begins = ["build-", "tuned-", ".tuned-"].iter().any(|start| name.starts_with(start));
        begins || name.split_once('.').is_some_and(|(stem, _)| is_key(stem))
    }
}
