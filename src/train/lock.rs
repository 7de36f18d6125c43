//! One writer per run: a lock of the operating system, which is gone with its process however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::files::{timestamp, unwritable};

/// The file in a run's folder that its writer holds locked; its text says who that is.
pub const FILE: &str = ".lock";

/// How often, and for how long, it is waited for one that holds the lock without a name.
const GLANCES: usize = 20;
const GLANCE: Duration = Duration::from_millis(10);

/// A run's folder held by this process, until the lock is dropped.
#[derive(Debug)]
pub struct Lock(File);

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
        let mut locked = file.try_lock();
        for _ in 0..GLANCES {
            // One without a name only looks, or has just come or gone.
            if !matches!(locked, Err(TryLockError::WouldBlock)) || !holder(&mut file).is_empty() {
                break;
            }
            std::thread::sleep(GLANCE);
            locked = file.try_lock();
        }
        match locked {
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                let holder = if holder.is_empty() { "another process" } else { &holder };
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
        let write = |file: &mut File| {
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()))
        };
        write(&mut file).map_err(|e| unwritable(&path, &e))?;
        Ok(Self(file))
    }

    /// Whether a process holds the lock of `folder`; none if there is no lock there.
    pub fn is_held(folder: &Path) -> Option<bool> {
        let file = File::open(folder.join(FILE)).ok()?;
        let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let _ = file.unlock();
        Some(held)
    }
}

/// Who says to hold it; empty if nobody does.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.take(200).read_to_string(&mut text));
    text.trim().into()
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
        // Closing alone is not enough: the lock lasts while a child that this process starts just now has the file, too.
        let _ = self.0.unlock();
    }
}
