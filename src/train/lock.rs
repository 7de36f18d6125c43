//! One writer per run: a lock of the operating system, which is gone with its process however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::{timestamp, unwritable};

/// The file in a run's folder that its writer holds locked; its text says who that is.
pub(super) const FILE: &str = ".lock";

/// A run's folder held by this process, until the lock is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock of `folder`.
    ///
    /// # Errors
    /// Another process holds it (the error names that one); a folder that cannot be written to.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let mut file = options.open(&path).map_err(|e| unwritable(&path, &e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = (&mut file).take(200).read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
                return Err(Error::file(folder, format!("{holder} is writing this run; wait for it or stop it")));
            }
            // A file system without locks: two writers cannot be told apart there.
            Err(TryLockError::Error(e)) if e.kind() != std::io::ErrorKind::Unsupported => {
                return Err(unwritable(&path, &e));
            }
            _ => {}
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { String::new() } else { format!(" on {}", host.trim()) };
        let text = format!("process {}{host} (since {})\n", std::process::id(), timestamp());
        let write = |file: &mut File| file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        write(&mut file).map_err(|e| unwritable(&path, &e))?;
        Ok(Self(file))
    }

    /// Whether a process holds the lock of `folder`; none if there is no lock there.
    pub fn is_held(folder: &Path) -> Option<bool> {
        let file = File::open(folder.join(FILE)).ok()?;
        Some(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody writes now; the lock itself goes with the file.
        let _ = self.0.set_len(0);
    }
}
