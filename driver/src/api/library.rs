//! Libraries and their kernels (`cuda.h`: "Library Management").

use std::ffi::{c_char, c_void};

use super::device::check;
use super::function::{attribute, set_attribute};
use super::{Out, Text};
use crate::image;
use crate::state::enter::{call, in_context};
use crate::status::Status;

/// Options are about the compiler of PTX, which is none here, and about when code is copied.
#[unsafe(no_mangle)]
extern "C" fn cuLibraryLoadData(
    library: Out<u64>,
    code: *const c_void,
    _options: *mut c_void,
    _values: *mut *mut c_void,
    _count: u32,
    _library_options: *mut c_void,
    _library_values: *mut *mut c_void,
    _library_count: u32,
) -> u32 {
    call("cuLibraryLoadData", |driver| {
        // SAFETY: the program's promise: a whole image.
        let image = unsafe { image::read(code.cast()) }?;
        library.put(driver.load_library(image)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryLoadFromFile(
    library: Out<u64>,
    path: Text,
    _options: *mut c_void,
    _values: *mut *mut c_void,
    _count: u32,
    _library_options: *mut c_void,
    _library_values: *mut *mut c_void,
    _library_count: u32,
) -> u32 {
    call("cuLibraryLoadFromFile", |driver| library.put(driver.load_library(image::of_file(&path.get()?)?)?))
}

/// Kernels that are queued run first.
#[unsafe(no_mangle)]
extern "C" fn cuLibraryUnload(library: u64) -> u32 {
    in_context("cuLibraryUnload", |driver, context| {
        driver.unload_library(library)?;
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryGetKernel(kernel: Out<u64>, library: u64, name: Text) -> u32 {
    call("cuLibraryGetKernel", |driver| kernel.put(driver.kernel_of(library, &name.get()?)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryGetKernelCount(count: Out<u32>, library: u64) -> u32 {
    call("cuLibraryGetKernelCount", |driver| count.put(driver.library(library)?.kernels.len() as u32))
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryEnumerateKernels(kernels: *mut u64, room: u32, library: u64) -> u32 {
    call("cuLibraryEnumerateKernels", |driver| {
        let names: Vec<String> = driver.library(library)?.kernels.iter().map(|(name, _)| name.clone()).collect();
        for (place, name) in names.iter().take(room as usize).enumerate() {
            let handle = driver.kernel_of(library, name)?;
            // SAFETY: the program promises room for so many.
            Out(unsafe { kernels.add(place) }).put(handle)?;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryGetModule(module: Out<u64>, library: u64) -> u32 {
    in_context("cuLibraryGetModule", |driver, _| module.put(driver.module_of(library)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuLibraryGetGlobal(address: Out<u64>, bytes: Out<usize>, library: u64, name: Text) -> u32 {
    in_context("cuLibraryGetGlobal", |driver, _| {
        let name = name.get()?;
        let module = driver.module_of(library)?;
        let program = &driver.module(module)?.loaded.program;
        let (at, size) = *program.variables.get(&name).ok_or(Status::NOT_FOUND)?;
        address.offer(at);
        bytes.offer(size as usize);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuKernelGetFunction(function: Out<u64>, kernel: u64) -> u32 {
    in_context("cuKernelGetFunction", |driver, _| function.put(driver.function_of(kernel)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuKernelGetLibrary(library: Out<u64>, kernel: u64) -> u32 {
    call("cuKernelGetLibrary", |driver| library.put(driver.library_kernel(kernel)?.library))
}

#[unsafe(no_mangle)]
extern "C" fn cuKernelGetName(name: Out<*const c_char>, kernel: u64) -> u32 {
    in_context("cuKernelGetName", |driver, _| {
        driver.library_kernel(kernel)?;
        name.put(driver.function(kernel)?.name.as_ptr())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuKernelGetAttribute(value: Out<i32>, number: u32, kernel: u64, device: i32) -> u32 {
    in_context("cuKernelGetAttribute", |driver, _| {
        check(device)?;
        driver.library_kernel(kernel)?;
        value.put(attribute(driver.function(kernel)?, number)?)
    })
}

/// Attributes are those of the function in the context that is current.
#[unsafe(no_mangle)]
extern "C" fn cuKernelSetAttribute(number: u32, value: i32, kernel: u64, device: i32) -> u32 {
    in_context("cuKernelSetAttribute", |driver, _| {
        check(device)?;
        driver.library_kernel(kernel)?;
        set_attribute(driver.function(kernel)?, number, value)
    })
}

/// An index behind the last is how programs find out how many there are.
#[unsafe(no_mangle)]
extern "C" fn cuKernelGetParamInfo(kernel: u64, index: usize, offset: Out<usize>, bytes: Out<usize>) -> u32 {
    in_context("cuKernelGetParamInfo", |driver, _| {
        driver.library_kernel(kernel)?;
        let found = driver.function(kernel)?;
        let param = *found.loaded.program.params(found.kernel).get(index).ok_or(Status::INVALID_VALUE)?;
        offset.put(param.offset)?;
        bytes.offer(param.bytes);
        Ok(())
    })
}
