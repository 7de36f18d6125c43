//! Places in a kernel's source, as a kernel names them.

use std::ffi::{CStr, c_char, c_int};

use super::observed::symbols::Line;

/// A place in a kernel's source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: *const c_char,
    pub(super) line: c_int,
}

impl Place {
    /// As a line of a file.
    pub(super) fn line(self) -> Line {
        // SAFETY: `file` is a `__FILE__` literal of a module that is loaded while its block runs.
        let file = unsafe { CStr::from_ptr(self.file) };
        Line { file: file.to_string_lossy().into_owned(), number: self.line as u32 }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.line().fmt(f)
    }
}
