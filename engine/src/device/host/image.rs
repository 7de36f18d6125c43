//! Where the loader has put a module: its code, and for one OS thread its `__shared__` variables.
//!
//! On a GPU a block finds in shared memory whatever was there before. Here it would find what the previous block left,
//! which hides mistakes: the tile that a kernel forgot to wait for may be there from an earlier launch, and right. So
//! shared memory can be poisoned between blocks.

use std::ops::Range;

use super::module::Entry;

/// A loaded module.
pub(super) struct Image {
    /// What addresses in the module's own tables are relative to.
    pub(super) base: u64,
    /// Code and constants.
    pub(super) span: Range<u64>,
    /// Thread-local memory: shared variables and the built-in ones (shim.h).
    pub(super) thread_local: Range<u64>,
}

impl Image {
    /// The module that contains `entry`, for this OS thread. None where the system does not tell.
    #[cfg(target_os = "linux")]
    pub(super) fn of_module(entry: Entry) -> Option<Self> {
        let mut search = Search { address: entry as usize as u64, found: None };
        // SAFETY: the callback gets `search` back and knows its type.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        search.found
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_module(_entry: Entry) -> Option<Self> {
        None
    }

    /// Fills shared memory with NaN, and the built-in variables, which are set before each block.
    ///
    /// # Safety
    /// On the OS thread that found the image, while the module is loaded and none of its kernels runs on that thread.
    pub(super) unsafe fn poison(&self) {
        let Range { start, end } = self.thread_local;
        // SAFETY: the loader says that this memory is the module's; thread-local segments are aligned to their contents,
        // among them the built-in variables, which are words.
        let words = unsafe { std::slice::from_raw_parts_mut(start as *mut u32, (end - start) as usize / 4) };
        words.fill(crate::device::guard::POISON);
    }
}

#[cfg(target_os = "linux")]
struct Search {
    address: u64,
    found: Option<Image>,
}

#[cfg(target_os = "linux")]
unsafe extern "C" fn visit(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    search: *mut std::ffi::c_void,
) -> std::ffi::c_int {
    // SAFETY: the loader passes a valid description; `search` is what `of_module` gave.
    unsafe {
        let (info, search) = (&*info, &mut *search.cast::<Search>());
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize);
        let loaded = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
        let (start, end) = loaded.fold((u64::MAX, 0), |(start, end), h| {
            let at = info.dlpi_addr + h.p_vaddr;
            (start.min(at), end.max(at + h.p_memsz))
        });
        if !(start..end).contains(&search.address) {
            return 0;
        }
        let segment = headers.iter().find(|h| h.p_type == libc::PT_TLS);
        if let Some(segment) = segment.filter(|_| !info.dlpi_tls_data.is_null()) {
            let first = info.dlpi_tls_data as u64;
            let thread_local = first..first + segment.p_memsz;
            search.found = Some(Image { base: info.dlpi_addr, span: start..end, thread_local });
        }
        1 // found: stop
    }
}
