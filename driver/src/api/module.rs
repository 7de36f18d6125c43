//! Modules (`cuda.h`: "Module Management").

use std::ffi::c_void;

use super::{Out, Text};
use crate::image;
use crate::state::Driver;
use crate::state::enter::in_context;
use crate::status::{Answer, Status};

fn load(driver: &mut Driver, context: u64, module: &Out<u64>, bytes: *const u8) -> Answer {
    // SAFETY: the program's promise: a whole image.
    let image = unsafe { image::read(bytes) }?;
    let handle = driver.load(context, &image)?;
    module.put(handle)
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleLoadData(module: Out<u64>, image: *const c_void) -> u32 {
    in_context("cuModuleLoadData", |driver, context| load(driver, context, &module, image.cast()))
}

/// Options are about the compiler of PTX, which is none here.
#[unsafe(no_mangle)]
extern "C" fn cuModuleLoadDataEx(
    module: Out<u64>,
    image: *const c_void,
    _count: u32,
    _options: *mut c_void,
    _values: *mut *mut c_void,
) -> u32 {
    in_context("cuModuleLoadDataEx", |driver, context| load(driver, context, &module, image.cast()))
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleLoadFatBinary(module: Out<u64>, image: *const c_void) -> u32 {
    in_context("cuModuleLoadFatBinary", |driver, context| load(driver, context, &module, image.cast()))
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleLoad(module: Out<u64>, path: Text) -> u32 {
    in_context("cuModuleLoad", |driver, context| {
        let handle = driver.load(context, &image::of_file(&path.get()?)?)?;
        module.put(handle)
    })
}

/// Kernels that are queued run first.
#[unsafe(no_mangle)]
extern "C" fn cuModuleUnload(module: u64) -> u32 {
    in_context("cuModuleUnload", |driver, context| {
        driver.module(module)?;
        driver.drain(context);
        driver.unload(module);
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleGetFunction(function: Out<u64>, module: u64, name: Text) -> u32 {
    in_context("cuModuleGetFunction", |driver, _| function.put(driver.find_function(module, &name.get()?)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleGetFunctionCount(count: Out<u32>, module: u64) -> u32 {
    in_context("cuModuleGetFunctionCount", |driver, _| {
        count.put(driver.module(module)?.loaded.program.kernels().count() as u32)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleEnumerateFunctions(functions: *mut u64, room: u32, module: u64) -> u32 {
    in_context("cuModuleEnumerateFunctions", |driver, _| {
        let loaded = driver.module(module)?.loaded.clone();
        for (place, name) in loaded.program.kernels().take(room as usize).enumerate() {
            let handle = driver.find_function(module, name)?;
            // SAFETY: the program promises room for so many.
            Out(unsafe { functions.add(place) }).put(handle)?;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleGetGlobal_v2(address: Out<u64>, bytes: Out<usize>, module: u64, name: Text) -> u32 {
    in_context("cuModuleGetGlobal", |driver, _| {
        let name = name.get()?;
        let program = &driver.module(module)?.loaded.program;
        let (at, size) = *program.variables.get(&name).ok_or(Status::NOT_FOUND)?;
        address.offer(at);
        bytes.offer(size as usize);
        Ok(())
    })
}

/// `CU_MODULE_EAGER_LOADING`
#[unsafe(no_mangle)]
extern "C" fn cuModuleGetLoadingMode(mode: Out<u32>) -> u32 {
    in_context("cuModuleGetLoadingMode", |_, _| mode.put(1))
}
