//! Arrays of texels (`cuda.h`: "Memory Management").

use super::{In, Out};
use crate::state::Driver;
use crate::state::arrays::Descriptor;
use crate::state::enter::in_context;
use crate::status::{Answer, Status, wrong};

/// `CUDA_ARRAY_DESCRIPTOR`
#[derive(Clone, Copy)]
#[repr(C)]
struct Flat {
    size: [usize; 2],
    format: u32,
    channels: u32,
}

#[unsafe(no_mangle)]
extern "C" fn cuArrayCreate_v2(array: Out<u64>, descriptor: In<Flat>) -> u32 {
    in_context("cuArrayCreate", |driver, context| {
        let Flat { size: [width, height], format, channels } = descriptor.get()?;
        let descriptor = Descriptor { size: [width, height, 0], format, channels, flags: 0 };
        array.put(driver.make_array(context, descriptor, "cuArrayCreate")?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuArray3DCreate_v2(array: Out<u64>, descriptor: In<Descriptor>) -> u32 {
    in_context("cuArray3DCreate", |driver, context| {
        array.put(driver.make_array(context, descriptor.get()?, "cuArray3DCreate")?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuArrayGetDescriptor_v2(descriptor: Out<Flat>, array: u64) -> u32 {
    in_context("cuArrayGetDescriptor", |driver, _| {
        let Descriptor { size: [width, height, _], format, channels, .. } = driver.array(array)?.descriptor;
        descriptor.put(Flat { size: [width, height], format, channels })
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuArray3DGetDescriptor_v2(descriptor: Out<Descriptor>, array: u64) -> u32 {
    in_context("cuArray3DGetDescriptor", |driver, _| descriptor.put(driver.array(array)?.descriptor))
}

/// Waits for all that is queued, as the end of other memory does.
fn end(driver: &mut Driver, context: u64, work: impl FnOnce(&mut Driver) -> Answer) -> Answer {
    driver.drain(context);
    work(driver)?;
    driver.outcome(context)
}

#[unsafe(no_mangle)]
extern "C" fn cuArrayDestroy(array: u64) -> u32 {
    in_context("cuArrayDestroy", |driver, context| {
        driver.array(array)?;
        end(driver, context, |driver| driver.end_array(array, "cuArrayDestroy"))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMipmappedArrayCreate(array: Out<u64>, descriptor: In<Descriptor>, levels: u32) -> u32 {
    in_context("cuMipmappedArrayCreate", |driver, context| {
        array.put(driver.make_mipmaps(context, descriptor.get()?, levels, "cuMipmappedArrayCreate")?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMipmappedArrayGetLevel(array: Out<u64>, mipmaps: u64, level: u32) -> u32 {
    in_context("cuMipmappedArrayGetLevel", |driver, _| array.put(driver.level(mipmaps, level)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuMipmappedArrayDestroy(mipmaps: u64) -> u32 {
    in_context("cuMipmappedArrayDestroy", |driver, context| {
        if !driver.mipmaps.contains_key(&mipmaps) {
            let unknown = driver.handles.unknown(crate::state::handles::Kind::Mipmaps, mipmaps);
            return wrong(Status::INVALID_HANDLE, unknown);
        }
        end(driver, context, |driver| {
            driver.end_mipmaps(mipmaps, "cuMipmappedArrayDestroy");
            Ok(())
        })
    })
}
