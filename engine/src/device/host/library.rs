//! Loads a shared object from the cache: the file that was read and found good, not what its name leads to by now.

use libloading::Library;

use crate::device::disk_cache::Entry;

/// The library in `entry`. No two calls of a process may have the same `number`.
///
/// # Errors
/// What the loader says.
///
/// # Safety
/// The library's initializers run.
#[cfg(target_os = "linux")]
pub(super) unsafe fn load(entry: &Entry, number: u64) -> Result<Library, String> {
    let path = path_of(std::os::fd::AsRawFd::as_raw_fd(entry.file()), number);
    // SAFETY: the caller's.
    unsafe { Library::new(&path) }.map_err(|e| said(&e).replace(&path, &entry.path().to_string_lossy()))
}

/// A path to the open file `descriptor` that no other number gets. The loader takes libraries of the same path for the same,
/// and descriptors are used again as soon as they are closed; so the path says the number, in bits that the system skips.
#[cfg(target_os = "linux")]
fn path_of(descriptor: i32, number: u64) -> String {
    let bits = (0..u64::BITS).map(|bit| if number >> bit & 1 == 1 { "./" } else { "/" });
    format!("/proc/self/fd/{}{descriptor}", bits.collect::<String>())
}

/// The system's own words.
pub(super) fn said(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// As above, from a copy that nobody else can write to.
#[cfg(not(target_os = "linux"))]
pub(super) unsafe fn load(entry: &Entry, number: u64) -> Result<Library, String> {
    let copy = || {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(format!("{number}.so"));
        std::fs::write(&path, entry.contents())?;
        std::io::Result::Ok((folder, path))
    };
    let (_folder, path) = copy().map_err(|e| e.to_string())?;
    // SAFETY: the caller's.
    unsafe { Library::new(&path) }.map_err(|e| said(&e))
}
