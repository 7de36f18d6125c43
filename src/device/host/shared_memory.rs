//! Where a module keeps its `__shared__` variables for one OS thread, so that they can be poisoned between blocks.
//!
//! On a GPU a block finds in shared memory whatever was there before. Here it would find what the previous block left,
//! which hides mistakes: the tile that a kernel forgot to wait for may be there from an earlier launch, and right.

use super::module::Entry;

/// The thread-local memory of a module (shim.h makes shared variables and the built-in ones thread-local).
pub(super) struct Extent {
    start: *mut u8,
    bytes: usize,
}

impl Extent {
    /// That of the module that contains `entry`, for this OS thread. None where the system does not tell.
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
    /// On the OS thread that found the extent, while the module is loaded and none of its kernels runs on that thread.
    pub(super) unsafe fn poison(&self) {
        // SAFETY: the loader says that this memory is the module's; thread-local segments are aligned to their contents,
        // among them the built-in variables, which are words.
        let words = unsafe { std::slice::from_raw_parts_mut(self.start.cast::<u32>(), self.bytes / 4) };
        words.fill(crate::device::guard::POISON);
    }
}

#[cfg(target_os = "linux")]
struct Search {
    address: u64,
    found: Option<Extent>,
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
        let contains = |h: &libc::Elf64_Phdr| {
            let start = info.dlpi_addr + h.p_vaddr;
            h.p_type == libc::PT_LOAD && (start..start + h.p_memsz).contains(&search.address)
        };
        if !headers.iter().any(contains) {
            return 0;
        }
        let segment = headers.iter().find(|h| h.p_type == libc::PT_TLS);
        if let Some(segment) = segment.filter(|_| !info.dlpi_tls_data.is_null()) {
            search.found = Some(Extent { start: info.dlpi_tls_data.cast(), bytes: segment.p_memsz as usize });
        }
        1 // found: stop
    }
}
