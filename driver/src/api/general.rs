//! Initialisation, version, errors, functions by name (`cuda.h`: "Initialization", "Error Handling", "Driver Entry Point Access").

use std::ffi::{CString, c_char, c_void};

use super::{Out, Text};
use crate::report;
use crate::settings::Settings;
use crate::state::Driver;
use crate::state::enter::{bare, maybe};
use crate::status::{Answer, Status, wrong};

#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: u32) -> u32 {
    maybe("cuInit", |driver| {
        if flags != 0 {
            return wrong(Status::INVALID_VALUE, "flags must be 0");
        }
        Driver::start(driver)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDriverGetVersion(version: Out<i32>) -> u32 {
    bare("cuDriverGetVersion", || {
        let settings = Settings::of_process().or_else(|why| wrong(Status::INVALID_VALUE, why))?;
        let (major, minor) = settings.version();
        version.put((major * 1000 + minor * 10) as i32)
    })
}

fn text(status: u32, to: &Out<*const c_char>, of: fn(Status) -> Option<&'static str>) -> Answer {
    let found = of(Status(status));
    // Every text ends with NUL.
    to.put(found.map_or(std::ptr::null(), |found| found.as_ptr().cast()))?;
    found.map(|_| ()).ok_or(Status::INVALID_VALUE.into())
}

#[unsafe(no_mangle)]
extern "C" fn cuGetErrorName(status: u32, name: Out<*const c_char>) -> u32 {
    bare("cuGetErrorName", || text(status, &name, Status::name))
}

#[unsafe(no_mangle)]
extern "C" fn cuGetErrorString(status: u32, words: Out<*const c_char>) -> u32 {
    bare("cuGetErrorString", || text(status, &words, Status::words))
}

/// What NVIDIA's own libraries ask for: tables of functions without a description. There are none.
#[unsafe(no_mangle)]
extern "C" fn cuGetExportTable(table: Out<*const c_void>, _id: *const c_void) -> u32 {
    bare("cuGetExportTable", || {
        table.put(std::ptr::null())?;
        Err(Status::NOT_FOUND.into())
    })
}

/// The function called `name` in the file that this code is in.
fn exported(name: &str) -> Option<*mut c_void> {
    // SAFETY: dladdr and dlsym get addresses and texts that live; the file is loaded, since this code runs.
    unsafe {
        let mut here: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(exported as *const c_void, &mut here) == 0 {
            return None;
        }
        let library = libc::dlopen(here.dli_fname, libc::RTLD_NOLOAD | libc::RTLD_LAZY);
        let name = CString::new(name).ok()?;
        let found = libc::dlsym(library, name.as_ptr());
        (!library.is_null() && !found.is_null()).then_some(found)
    }
}

/// The newest form of the function: `cuMemAlloc` is `cuMemAlloc_v2` since CUDA 3.2, which is older than anything here.
fn newest(name: &str) -> Option<*mut c_void> {
    ["_v4", "_v3", "_v2", ""].iter().find_map(|form| exported(&format!("{name}{form}")))
}

#[unsafe(no_mangle)]
extern "C" fn cuGetProcAddress_v2(
    name: Text,
    function: Out<*mut c_void>,
    _version: i32,
    _flags: u64,
    outcome: Out<u32>,
) -> u32 {
    /// `CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND`
    const NOT_FOUND: u32 = 1;
    bare("cuGetProcAddress", || {
        let found = newest(&name.get()?);
        function.put(found.unwrap_or(std::ptr::null_mut()))?;
        outcome.offer(if found.is_some() { 0 } else { NOT_FOUND });
        found.map(|_| ()).ok_or(Status::NOT_FOUND.into())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGetProcAddress(name: Text, function: Out<*mut c_void>, version: i32, flags: u64) -> u32 {
    cuGetProcAddress_v2(name, function, version, flags, Out(std::ptr::null_mut()))
}

#[unsafe(no_mangle)]
extern "C" fn cuProfilerStart() -> u32 {
    Status::SUCCESS.0
}

#[unsafe(no_mangle)]
extern "C" fn cuProfilerStop() -> u32 {
    Status::SUCCESS.0
}

/// Mistakes that were told so far: for tests of this library, which no driver has.
#[unsafe(no_mangle)]
extern "C" fn warptapeDriverMistakes() -> u64 {
    report::mistakes()
}
