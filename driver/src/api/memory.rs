//! Memory (`cuda.h`: "Memory Management", "Stream Ordered Memory Allocator").

use std::ffi::c_void;

use super::Out;
use crate::report;
use crate::state::Driver;
use crate::state::allocations::{Place, total};
use crate::state::enter::in_context;
use crate::state::work::{Work, overlap};
use crate::status::{Answer, Status, wrong};

#[unsafe(no_mangle)]
extern "C" fn cuMemAlloc_v2(address: Out<u64>, bytes: usize) -> u32 {
    in_context("cuMemAlloc", |driver, context| {
        address.put(driver.allocate(context, bytes, Place::Device, "cuMemAlloc")?)
    })
}

/// Rows begin at multiples of 512 bytes.
#[unsafe(no_mangle)]
extern "C" fn cuMemAllocPitch_v2(
    address: Out<u64>,
    pitch: Out<usize>,
    width: usize,
    rows: usize,
    _element: u32,
) -> u32 {
    in_context("cuMemAllocPitch", |driver, context| {
        let between = width.next_multiple_of(512);
        pitch.put(between)?;
        address.put(driver.allocate(context, between.saturating_mul(rows), Place::Device, "cuMemAllocPitch")?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocManaged(address: Out<u64>, bytes: usize, flags: u32) -> u32 {
    in_context("cuMemAllocManaged", |driver, context| {
        if !matches!(flags, 1 | 2) {
            return wrong(Status::INVALID_VALUE, format!("there are no flags {flags:#x} for managed memory"));
        }
        address.put(driver.allocate(context, bytes, Place::Managed, "cuMemAllocManaged")?)
    })
}

/// Waits for all that is queued, as a driver does.
#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(address: u64) -> u32 {
    in_context("cuMemFree", |driver, context| {
        if address == 0 {
            return Ok(());
        }
        driver.freeing(address, "cuMemFree", |place| place.on_device() || place == Place::Managed)?;
        driver.drain(context);
        driver.give_back(address, "cuMemFree");
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeAsync(address: u64, stream: u64) -> u32 {
    in_context("cuMemFreeAsync", |driver, context| {
        if address == 0 {
            return Ok(());
        }
        let stream = driver.stream(context, stream)?;
        driver.not_captured(stream, "free what it has not allocated")?;
        driver.freeing(address, "cuMemFreeAsync", Place::on_device)?.freed = Some("cuMemFreeAsync");
        driver.queue(stream, Work::Free(address), "cuMemFreeAsync").map(|_| ())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemGetInfo_v2(free: Out<usize>, all: Out<usize>) -> u32 {
    in_context("cuMemGetInfo", |driver, _| {
        free.put((total() - driver.allocations.used) as usize)?;
        all.put(total() as usize)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemGetAddressRange_v2(start: Out<u64>, bytes: Out<usize>, address: u64) -> u32 {
    in_context("cuMemGetAddressRange", |driver, _| match driver.allocations.find(address) {
        Some((base, found)) if !found.gone => {
            start.offer(base);
            bytes.offer(found.bytes);
            Ok(())
        }
        _ => Err(Status::NOT_FOUND.into()),
    })
}

fn page_locked(address: &Out<*mut c_void>, bytes: usize, call: &'static str) -> u32 {
    in_context(call, |driver, context| {
        address.put(driver.allocate(context, bytes, Place::PageLocked, call)? as *mut c_void)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocHost_v2(address: Out<*mut c_void>, bytes: usize) -> u32 {
    page_locked(&address, bytes, "cuMemAllocHost")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostAlloc(address: Out<*mut c_void>, bytes: usize, _flags: u32) -> u32 {
    page_locked(&address, bytes, "cuMemHostAlloc")
}

/// Tells of queued copies that still use memory which goes, and does them.
fn settle(driver: &mut Driver, context: u64, address: u64, call: &'static str) {
    let bytes = driver.allocations.find(address).map_or(0, |(_, found)| found.bytes as u64);
    let range = address..address + bytes;
    let user = driver.queued().find(|item| item.work.touches().iter().any(|touched| overlap(touched, &range)));
    if let Some(user) = user {
        let what = format!("the page-locked memory at {address:#x} goes while a queued {} uses it", user.by);
        report::mistake(call, &what);
    }
    driver.drain(context);
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(address: *mut c_void) -> u32 {
    in_context("cuMemFreeHost", |driver, context| {
        let address = address as u64;
        driver.freeing(address, "cuMemFreeHost", |place| place == Place::PageLocked)?;
        settle(driver, context, address, "cuMemFreeHost");
        driver.give_back(address, "cuMemFreeHost");
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostRegister_v2(address: *mut c_void, bytes: usize, _flags: u32) -> u32 {
    in_context("cuMemHostRegister", |driver, context| {
        if address.is_null() || bytes == 0 {
            return wrong(Status::INVALID_VALUE, "no memory to page-lock");
        }
        if driver.settings.faults.no_page_locked {
            return Err(Status::OUT_OF_MEMORY.into());
        }
        driver.register(context, address as u64, bytes, "cuMemHostRegister")
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostUnregister(address: *mut c_void) -> u32 {
    in_context("cuMemHostUnregister", |driver, context| {
        let address = address as u64;
        let unknown = wrong(Status::HOST_MEMORY_NOT_REGISTERED, format!("{address:#x} was not registered"));
        match driver.allocations.find(address) {
            Some((start, found)) if start == address && found.place == Place::Registered => {}
            _ => return unknown,
        }
        settle(driver, context, address, "cuMemHostUnregister");
        driver.give_back(address, "cuMemHostUnregister");
        driver.outcome(context)
    })
}

/// Memory that the program registered is no memory of the machine; what was allocated page-locked is.
#[unsafe(no_mangle)]
extern "C" fn cuMemHostGetDevicePointer_v2(on_device: Out<u64>, address: *mut c_void, _flags: u32) -> u32 {
    in_context("cuMemHostGetDevicePointer", |driver, _| {
        let address = address as u64;
        match driver.allocations.page_locked(address) {
            Some((_, found)) if found.place != Place::Registered => on_device.put(address),
            Some(_) => Err(Status::NOT_SUPPORTED.into()),
            None => wrong(Status::INVALID_VALUE, format!("{address:#x} is not page-locked")),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostGetFlags(flags: Out<u32>, address: *mut c_void) -> u32 {
    in_context("cuMemHostGetFlags", |driver, _| match driver.allocations.page_locked(address as u64) {
        Some(_) => flags.put(0),
        None => wrong(Status::INVALID_VALUE, format!("{address:p} is not page-locked")),
    })
}

fn hint(call: &'static str, address: u64, bytes: usize) -> u32 {
    in_context(call, |driver, _| managed(driver, address, bytes))
}

fn managed(driver: &Driver, address: u64, bytes: usize) -> Answer {
    driver.on_device(address, bytes as u64)?;
    match driver.allocations.find(address) {
        Some((_, found)) if found.place == Place::Managed => Ok(()),
        _ => wrong(Status::INVALID_VALUE, format!("{address:#x} is not managed memory")),
    }
}

/// `CUmemLocation`
#[repr(C)]
struct Location {
    kind: u32,
    id: i32,
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPrefetchAsync_v2(address: u64, bytes: usize, _to: Location, _flags: u32, _stream: u64) -> u32 {
    hint("cuMemPrefetchAsync", address, bytes)
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAdvise_v2(address: u64, bytes: usize, _advice: u32, _location: Location) -> u32 {
    hint("cuMemAdvise", address, bytes)
}
