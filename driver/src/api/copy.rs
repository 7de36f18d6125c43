//! Copies (`cuda.h`: "Memory Management"; "API synchronization behavior" for what waits).

use std::ffi::c_void;

use crate::state::Driver;
use crate::state::allocations::Place;
use crate::state::enter::in_context;
use crate::state::work::{Copy, Shape, Source, Work, digest, overlap};
use crate::status::Answer;

/// Memory that a call names.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Device(u64),
    Host(u64),
    /// Whose it is, the address tells.
    Any(u64),
}

/// Where rows lie.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub side: Side,
    pub pitch: usize,
}

/// Whether a call returns before its copy is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    Yes,
    No,
}

/// Memory of the host that may be paged out: a driver never leaves a copy of it for later.
fn pageable(driver: &Driver, side: Side) -> bool {
    match side {
        Side::Device(_) => false,
        Side::Host(at) => driver.allocations.page_locked(at).is_none(),
        Side::Any(at) => driver.allocations.find(at).is_none() && driver.memory.region(at).is_none(),
    }
}

/// The address, once it is seen that these bytes may be used.
fn address(driver: &Driver, side: Side, bytes: usize) -> Answer<u64> {
    let bytes = bytes as u64;
    match side {
        Side::Device(at) => driver.on_device(at, bytes).map(|()| at),
        Side::Host(at) => driver.on_host(at, bytes).map(|()| at),
        Side::Any(at) if pageable(driver, side) => driver.on_host(at, bytes).map(|()| at),
        Side::Any(at) => driver.on_device(at, bytes).map(|()| at),
    }
}

/// Page-locked memory's digest, unless something queued changes it first.
pub(super) fn watched(driver: &Driver, from: u64, bytes: usize) -> Option<u64> {
    let (_, found) = driver.allocations.page_locked(from)?;
    let range = from..from + bytes as u64;
    let changes = driver.queued().any(|item| overlap(&item.work.touches()[1], &range));
    if found.in_kernels || found.place == Place::Managed || changes {
        return None;
    }
    // SAFETY: page-locked memory that lives, of at least so many bytes.
    Some(digest(unsafe { std::slice::from_raw_parts(from as *const u8, bytes) }))
}

/// Queues a copy of rows, and waits as the call does.
pub(super) fn copy(
    driver: &mut Driver,
    context: u64,
    (to, from, shape): (Rows, Rows, Shape),
    stream: u64,
    waits: Waits,
    by: &'static str,
) -> Answer {
    let stream = driver.stream(context, stream)?;
    let (to_span, from_span) = (shape.span(to.pitch), shape.span(from.pitch));
    if to_span == 0 {
        return Ok(());
    }
    let (to_address, from_address) = (address(driver, to.side, to_span)?, address(driver, from.side, from_span)?);
    if waits == Waits::Yes {
        driver.finish(stream);
        driver.outcome(context)?;
    }
    let (read_now, written_now) = (pageable(driver, from.side), pageable(driver, to.side));
    let noted = driver.streams.get(&stream).is_some_and(|stream| stream.capture.is_some());
    if read_now || written_now {
        driver.not_captured(stream, "copy memory that is not page-locked")?;
    }
    let digest = if read_now || noted { None } else { watched(driver, from_address, from_span) };
    let source = if read_now {
        // SAFETY: the program's promise: memory of the host that it has.
        Source::Bytes(unsafe { std::slice::from_raw_parts(from_address as *const u8, from_span) }.to_vec())
    } else {
        Source::Memory(from_address)
    };
    let work = Copy { to: to_address, to_pitch: to.pitch, from: source, from_pitch: from.pitch, shape, digest };
    let point = driver.queue(stream, Work::Copy(work), by)?;
    // What was read from pageable memory is on its way; between two places on the device nobody waits.
    let on_its_way = read_now || matches!((to.side, from.side), (Side::Device(_), Side::Device(_)));
    if written_now || (waits == Waits::Yes && !on_its_way) {
        driver.reach(point);
    }
    driver.outcome(context)
}

fn line(to: Side, from: Side, bytes: usize, stream: u64, waits: Waits, by: &'static str) -> u32 {
    in_context(by, |driver, context| {
        let rows = |side| Rows { side, pitch: bytes };
        let shape = Shape { width: bytes, rows: 1 };
        copy(driver, context, (rows(to), rows(from), shape), stream, waits, by)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) -> u32 {
    line(Side::Device(to), Side::Host(from as u64), bytes, 0, Waits::Yes, "cuMemcpyHtoD")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoDAsync_v2(to: u64, from: *const c_void, bytes: usize, stream: u64) -> u32 {
    line(Side::Device(to), Side::Host(from as u64), bytes, stream, Waits::No, "cuMemcpyHtoDAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) -> u32 {
    line(Side::Host(to as u64), Side::Device(from), bytes, 0, Waits::Yes, "cuMemcpyDtoH")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: u64) -> u32 {
    line(Side::Host(to as u64), Side::Device(from), bytes, stream, Waits::No, "cuMemcpyDtoHAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> u32 {
    line(Side::Device(to), Side::Device(from), bytes, 0, Waits::Yes, "cuMemcpyDtoD")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) -> u32 {
    line(Side::Device(to), Side::Device(from), bytes, stream, Waits::No, "cuMemcpyDtoDAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy(to: u64, from: u64, bytes: usize) -> u32 {
    line(Side::Any(to), Side::Any(from), bytes, 0, Waits::Yes, "cuMemcpy")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAsync(to: u64, from: u64, bytes: usize, stream: u64) -> u32 {
    line(Side::Any(to), Side::Any(from), bytes, stream, Waits::No, "cuMemcpyAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyPeerAsync(to: u64, _there: u64, from: u64, _here: u64, bytes: usize, stream: u64) -> u32 {
    line(Side::Device(to), Side::Device(from), bytes, stream, Waits::No, "cuMemcpyPeerAsync")
}
