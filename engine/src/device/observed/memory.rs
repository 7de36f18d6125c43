//! Device memory of the observed modes: far from everything else, so that an address that has left its buffer is in no
//! other one.

use std::io;

/// Bytes before and after each buffer that belong to nothing.
pub(crate) const GAP: usize = 16 << 20;

/// Reserves memory with gaps of [`GAP`] around it and returns its address.
pub(crate) fn map(bytes: usize) -> io::Result<u64> {
    map_between(bytes, GAP)
}

/// Gives back what [`map`] returned for the same size.
pub(crate) fn unmap(address: u64, bytes: usize) {
    unmap_between(address, bytes, GAP);
}

/// Reserves memory between two gaps and returns its address.
#[cfg(unix)]
pub(crate) fn map_between(bytes: usize, gap: usize) -> io::Result<u64> {
    let bytes = bytes.next_multiple_of(PAGE);
    // SAFETY: a new mapping, of which the middle is made accessible.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let start = libc::mmap(std::ptr::null_mut(), bytes + 2 * gap, libc::PROT_NONE, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let middle = start.byte_add(gap);
        if libc::mprotect(middle, bytes, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            let error = io::Error::last_os_error();
            libc::munmap(start, bytes + 2 * gap);
            return Err(error);
        }
        Ok(middle as u64)
    }
}

/// Gives back memory that [`map_between`] returned for the same size, with `gap` bytes on both sides.
#[cfg(unix)]
pub(crate) fn unmap_between(address: u64, bytes: usize, gap: usize) {
    let bytes = bytes.next_multiple_of(PAGE);
    // SAFETY: a mapping that `map_between` made, with as much of its gaps.
    unsafe { libc::munmap((address - gap as u64) as *mut _, bytes + 2 * gap) };
}

/// What memory is reserved in: a multiple of the pages of all systems.
pub(crate) const PAGE: usize = 64 << 10;

#[cfg(not(unix))]
pub(crate) fn map_between(_bytes: usize, _gap: usize) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(crate) fn unmap_between(_address: u64, _bytes: usize, _gap: usize) {}
