//! The functions of `nvrtc.h` that are used, and a program that cleans up after itself.
//!
//! Bound here, not through cudarc: the library is loaded by its full path together with its builtins, and no symbol
//! that is missing ends in a panic.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr::{null, null_mut};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use super::locate;

type Handle = *mut c_void;
type Size = unsafe extern "C" fn(Handle, *mut usize) -> c_int;
type Read = unsafe extern "C" fn(Handle, *mut c_char) -> c_int;
type Strings = *const *const c_char;

/// NVRTC's entry points. Results are plain numbers, since a newer NVRTC may return one that is unknown to us.
#[derive(Debug)]
pub(super) struct Api {
    create: unsafe extern "C" fn(*mut Handle, *const c_char, *const c_char, c_int, Strings, Strings) -> c_int,
    compile: unsafe extern "C" fn(Handle, c_int, Strings) -> c_int,
    destroy: unsafe extern "C" fn(*mut Handle) -> c_int,
    log: (Size, Read),
    cubin: (Size, Read),
    ptx: (Size, Read),
    version: unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int,
    arch_count: unsafe extern "C" fn(*mut c_int) -> c_int,
    archs: unsafe extern "C" fn(*mut c_int) -> c_int,
    error_string: unsafe extern "C" fn(c_int) -> *const c_char,
    // Never closed: NVRTC keeps state of its own until the process ends.
    _libraries: Vec<ManuallyDrop<Library>>,
}

impl Api {
    /// Loads NVRTC from `file`, with the builtins that lie beside it.
    pub(super) fn load(file: &Path) -> Result<Self, libloading::Error> {
        // SAFETY: the signatures are those of nvrtc.h, unchanged since CUDA 11.2; the libraries are never unloaded.
        unsafe {
            let mut libraries = Vec::new();
            // NVRTC opens its builtins by bare name when it compiles: loaded already, they are found by that name.
            for builtins in locate::beside(file, "libnvrtc-builtins.so") {
                libraries.extend(Library::open(Some(builtins), RTLD_NOW | RTLD_GLOBAL).ok().map(ManuallyDrop::new));
            }
            let library = ManuallyDrop::new(Library::open(Some(file), RTLD_NOW | RTLD_LOCAL)?);
            let pair = |size: &CStr, read: &CStr| -> Result<(Size, Read), libloading::Error> {
                Ok((*library.get::<Size>(size.to_bytes())?, *library.get::<Read>(read.to_bytes())?))
            };
            Ok(Self {
                create: *library.get(b"nvrtcCreateProgram")?,
                compile: *library.get(b"nvrtcCompileProgram")?,
                destroy: *library.get(b"nvrtcDestroyProgram")?,
                log: pair(c"nvrtcGetProgramLogSize", c"nvrtcGetProgramLog")?,
                cubin: pair(c"nvrtcGetCUBINSize", c"nvrtcGetCUBIN")?,
                ptx: pair(c"nvrtcGetPTXSize", c"nvrtcGetPTX")?,
                version: *library.get(b"nvrtcVersion")?,
                arch_count: *library.get(b"nvrtcGetNumSupportedArchs")?,
                archs: *library.get(b"nvrtcGetSupportedArchs")?,
                error_string: *library.get(b"nvrtcGetErrorString")?,
                _libraries: libraries.into_iter().chain([library]).collect(),
            })
        }
    }

    /// Version, and the compute capabilities it compiles for.
    pub(super) fn identity(&self) -> Result<((u32, u32), Vec<u32>), &'static str> {
        let (mut major, mut minor, mut count) = (0, 0, 0);
        // SAFETY: the pointers are to live integers.
        let codes = unsafe { [(self.version)(&mut major, &mut minor), (self.arch_count)(&mut count)] };
        let mut archs = vec![0; count.max(0) as usize];
        // SAFETY: it writes as many entries as it announced.
        if codes != [0, 0] || unsafe { (self.archs)(archs.as_mut_ptr()) } != 0 {
            return Err("it does not tell its version");
        }
        Ok(((major as u32, minor as u32), archs.into_iter().map(|arch| arch as u32).collect()))
    }
}

/// A program that was given to the compiler; destroyed when it goes out of scope.
pub(super) struct Program<'a> {
    api: &'a Api,
    handle: Handle,
    code: c_int,
}

impl<'a> Program<'a> {
    /// Compiles `text`, which messages call `name`.
    pub(super) fn compile(api: &'a Api, text: &CStr, name: &CStr, options: &[CString]) -> Self {
        let options: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        let mut handle = null_mut();
        // SAFETY: all strings are NUL-terminated and outlive both calls.
        let code = unsafe {
            let made = (api.create)(&mut handle, text.as_ptr(), name.as_ptr(), 0, null(), null());
            if made == 0 { (api.compile)(handle, options.len() as c_int, options.as_ptr()) } else { made }
        };
        Self { api, handle, code }
    }

    pub(super) fn succeeded(&self) -> bool {
        self.code == 0
    }

    /// What NVRTC calls the result.
    pub(super) fn error(&self) -> String {
        // SAFETY: a static string comes back for every number, unknown ones included.
        unsafe { CStr::from_ptr((self.api.error_string)(self.code)) }.to_string_lossy().into_owned()
    }

    /// What the compiler wrote; there also after a failure.
    pub(super) fn log(&self) -> String {
        let bytes = self.read(self.api.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
    }

    /// Machine code.
    pub(super) fn cubin(&self) -> Option<Vec<u8>> {
        self.read(self.api.cubin)
    }

    /// PTX text with its final NUL; there also if the assembler then failed.
    pub(super) fn ptx(&self) -> Option<Vec<u8>> {
        self.read(self.api.ptx)
    }

    fn read(&self, (size, read): (Size, Read)) -> Option<Vec<u8>> {
        if self.handle.is_null() {
            return None;
        }
        let mut bytes = 0;
        // SAFETY: the buffer has the size that NVRTC asked for.
        unsafe {
            if size(self.handle, &mut bytes) != 0 {
                return None;
            }
            let mut buffer = vec![0u8; bytes];
            (read(self.handle, buffer.as_mut_ptr().cast()) == 0).then_some(buffer)
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: created by this API and destroyed once.
            unsafe { (self.api.destroy)(&mut self.handle) };
        }
    }
}
