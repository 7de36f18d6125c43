//! Device memory of the observed modes: far from everything else, so that an address that has left its buffer is in no
//! other one.

use std::io;

/// Bytes before and after each buffer that belong to nothing.
pub(crate) const GAP: usize = 16 << 20;

/// Reserves memory with gaps around it and returns its address.
#[cfg(unix)]
pub(crate) fn map(bytes: usize) -> io::Result<u64> {
    let bytes = bytes.next_multiple_of(PAGE);
    // SAFETY: a new mapping, of which the middle is made accessible.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let start = libc::mmap(std::ptr::null_mut(), bytes + 2 * GAP, libc::PROT_NONE, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let middle = start.byte_add(GAP);
        if libc::mprotect(middle, bytes, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            let error = io::Error::last_os_error();
            libc::munmap(start, bytes + 2 * GAP);
            return Err(error);
        }
        Ok(middle as u64)
    }
}

/// Gives back what [`map`] returned for the same size.
#[cfg(unix)]
pub(crate) fn unmap(address: u64, bytes: usize) {
    let bytes = bytes.next_multiple_of(PAGE);
    // SAFETY: the whole of a mapping that `map` made.
    unsafe { libc::munmap((address - GAP as u64) as *mut _, bytes + 2 * GAP) };
}

#[cfg(unix)]
const PAGE: usize = 64 << 10;

#[cfg(not(unix))]
pub(crate) fn map(_bytes: usize) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(crate) fn unmap(_address: u64, _bytes: usize) {}
