//! NVRTC, with machine code that carries its PTX: everything is done by the real library that `WARPTAPE_REAL_NVRTC` names.
//!
//! The cubin is the real one, the assembler has run: its errors, registers and shared memory count. Only a section is added that
//! the emulated driver runs, and that a GPU's driver would not look at.

#![allow(non_snake_case, reason = "the names are nvrtc.h's")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::image::elf;
use crate::report;

/// `NVRTC_ERROR_INTERNAL_ERROR`
const INTERNAL: c_int = 11;

/// The real library; none if there is none, which was told then.
fn real() -> Option<&'static Library> {
    static REAL: OnceLock<Option<Library>> = OnceLock::new();
    let open = || {
        let told = |why: String| report::say(&format!("WARPTAPE_REAL_NVRTC must name the real libnvrtc.so.13: {why}"));
        let file = std::env::var_os("WARPTAPE_REAL_NVRTC").or_else(|| {
            told("it is not set".into());
            None
        })?;
        let file = Path::new(&file).canonicalize().map_err(|e| told(e.to_string())).ok()?;
        for entry in file.parent()?.read_dir().ok()?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("libnvrtc-builtins.so") {
                // SAFETY: NVRTC opens it by its bare name, which works once it is loaded; never closed.
                unsafe { Library::open(Some(entry.path()), RTLD_NOW | RTLD_GLOBAL) }.map(std::mem::forget).ok();
            }
        }
        // SAFETY: NVIDIA's library, never closed.
        unsafe { Library::open(Some(&file), RTLD_NOW | RTLD_LOCAL) }.map_err(|e| told(e.to_string())).ok()
    };
    REAL.get_or_init(open).as_ref()
}

/// A function of the real library, which a newer one or an older one may lack.
fn function<T: Copy>(name: &str) -> Option<T> {
    // SAFETY: the callers name nvrtc.h's types.
    unsafe { real()?.get::<T>(name.as_bytes()) }.map(|found| *found).ok()
}

/// Functions that the real library does.
macro_rules! forwarded {
    ($($name:ident($($arg:ident: $type:ty),*))*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $type),*) -> c_int {
            match function::<unsafe extern "C" fn($($type),*) -> c_int>(stringify!($name)) {
                // SAFETY: as the caller promises the real one.
                Some(real) => unsafe { real($($arg),*) },
                None => INTERNAL,
            }
        }
    )*};
}

type Handle = *mut c_void;
type Strings = *const *const c_char;

forwarded! {
    nvrtcVersion(major: *mut c_int, minor: *mut c_int)
    nvrtcGetNumSupportedArchs(count: *mut c_int)
    nvrtcGetSupportedArchs(archs: *mut c_int)
    nvrtcCreateProgram(program: *mut Handle, text: *const c_char, name: *const c_char, count: c_int, headers: Strings, names: Strings)
    nvrtcAddNameExpression(program: Handle, name: *const c_char)
    nvrtcGetLoweredName(program: Handle, name: *const c_char, lowered: *mut *const c_char)
    nvrtcGetProgramLogSize(program: Handle, bytes: *mut usize)
    nvrtcGetProgramLog(program: Handle, log: *mut c_char)
    nvrtcGetPTXSize(program: Handle, bytes: *mut usize)
    nvrtcGetPTX(program: Handle, ptx: *mut c_char)
    nvrtcGetLTOIRSize(program: Handle, bytes: *mut usize)
    nvrtcGetLTOIR(program: Handle, code: *mut c_char)
    nvrtcGetOptiXIRSize(program: Handle, bytes: *mut usize)
    nvrtcGetOptiXIR(program: Handle, code: *mut c_char)
    nvrtcGetTileIRSize(program: Handle, bytes: *mut usize)
    nvrtcGetTileIR(program: Handle, code: *mut c_char)
    nvrtcGetPCHHeapSize(bytes: *mut usize)
    nvrtcSetPCHHeapSize(bytes: usize)
    nvrtcGetPCHCreateStatus(program: Handle)
    nvrtcGetPCHHeapSizeRequired(program: Handle, bytes: *mut usize)
    nvrtcSetFlowCallback(program: Handle, callback: *mut c_void, data: *mut c_void)
    nvrtcInstallBundledHeaders(folder: *const c_char, flags: c_int, log: *mut *const c_char)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcGetErrorString(result: c_int) -> *const c_char {
    match function::<unsafe extern "C" fn(c_int) -> *const c_char>("nvrtcGetErrorString") {
        // SAFETY: any number has a text.
        Some(real) => unsafe { real(result) },
        None => c"the real NVRTC is missing (WARPTAPE_REAL_NVRTC)".as_ptr(),
    }
}

/// Cubins with their PTX, by the programs that they were made of.
static CUBINS: Mutex<Option<HashMap<usize, Vec<u8>>>> = Mutex::new(None);

fn with_cubins<T>(work: impl FnOnce(&mut HashMap<usize, Vec<u8>>) -> T) -> T {
    work(CUBINS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Reads one of a program's outputs.
///
/// # Safety
/// `program` is a program of the real library.
unsafe fn output(program: Handle, what: &str) -> Result<Vec<u8>, c_int> {
    type Size = unsafe extern "C" fn(Handle, *mut usize) -> c_int;
    type Read = unsafe extern "C" fn(Handle, *mut c_char) -> c_int;
    let size = function::<Size>(&format!("nvrtcGet{what}Size")).ok_or(INTERNAL)?;
    let read = function::<Read>(&format!("nvrtcGet{what}")).ok_or(INTERNAL)?;
    let done = |code| if code == 0 { Ok(()) } else { Err(code) };
    // SAFETY: the buffer has the size that the library tells.
    unsafe {
        let mut bytes = 0;
        done(size(program, &mut bytes))?;
        let mut buffer = vec![0u8; bytes];
        done(read(program, buffer.as_mut_ptr().cast()))?;
        Ok(buffer)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcCompileProgram(program: Handle, count: c_int, options: Strings) -> c_int {
    type Compile = unsafe extern "C" fn(Handle, c_int, Strings) -> c_int;
    let Some(real) = function::<Compile>("nvrtcCompileProgram") else { return INTERNAL };
    with_cubins(|cubins| cubins.remove(&(program as usize)));
    // SAFETY: as the caller promises the real one.
    unsafe { real(program, count, options) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcDestroyProgram(program: *mut Handle) -> c_int {
    let Some(real) = function::<unsafe extern "C" fn(*mut Handle) -> c_int>("nvrtcDestroyProgram") else {
        return INTERNAL;
    };
    // SAFETY: as the caller promises the real one.
    unsafe {
        if !program.is_null() {
            with_cubins(|cubins| cubins.remove(&(*program as usize)));
        }
        real(program)
    }
}

/// The cubin of a program with its PTX; an empty one, of a program for no real architecture, stays so.
unsafe fn cubin(program: Handle) -> Result<Vec<u8>, c_int> {
    // SAFETY: the callers' promise.
    let (cubin, ptx) = unsafe { (output(program, "CUBIN")?, output(program, "PTX")) };
    if cubin.is_empty() {
        return Ok(cubin);
    }
    let ptx = ptx?;
    if CStr::from_bytes_until_nul(&ptx).is_err() {
        return Err(INTERNAL);
    }
    elf::with_ptx(&cubin, &ptx).ok_or(INTERNAL)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcGetCUBINSize(program: Handle, bytes: *mut usize) -> c_int {
    // SAFETY: as the caller promises the real one.
    unsafe {
        match cubin(program) {
            Ok(made) => {
                bytes.write(made.len());
                with_cubins(|cubins| cubins.insert(program as usize, made));
                0
            }
            Err(code) => code,
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcGetCUBIN(program: Handle, to: *mut c_char) -> c_int {
    let made = with_cubins(|cubins| cubins.remove(&(program as usize)));
    // SAFETY: as the caller promises the real one; it asked for the size, which is that of what it gets.
    unsafe {
        match made.map_or_else(|| cubin(program), Ok) {
            Ok(made) => {
                to.copy_from_nonoverlapping(made.as_ptr().cast(), made.len());
                0
            }
            Err(code) => code,
        }
    }
}
