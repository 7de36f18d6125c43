//! Streams (`cuda.h`: "Stream Management").

use std::ffi::c_void;

use super::Out;
use crate::state::Driver;
use crate::state::enter::in_context;
use crate::state::queue::Point;
use crate::state::work::{Call, Work};
use crate::status::{Answer, Status, wrong};

fn make(driver: &mut Driver, context: u64, flags: u32, priority: i32) -> Answer<u64> {
    if flags > 1 {
        return wrong(Status::INVALID_VALUE, format!("there are no flags {flags:#x} for a stream"));
    }
    Ok(driver.make_stream(context, flags, priority.clamp(-5, 0)))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamCreate(stream: Out<u64>, flags: u32) -> u32 {
    in_context("cuStreamCreate", |driver, context| stream.put(make(driver, context, flags, 0)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamCreateWithPriority(stream: Out<u64>, flags: u32, priority: i32) -> u32 {
    in_context("cuStreamCreateWithPriority", |driver, context| stream.put(make(driver, context, flags, priority)?))
}

/// The work that is queued runs all the same.
#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: u64) -> u32 {
    in_context("cuStreamDestroy", |driver, context| {
        let handle = driver.stream(context, stream)?;
        driver.not_captured(handle, "be destroyed")?;
        let Some(found) = driver.streams.get_mut(&handle).filter(|found| !found.own) else {
            return wrong(Status::INVALID_HANDLE, "a default stream cannot be destroyed");
        };
        found.destroyed = true;
        if found.queue.is_empty() {
            driver.streams.remove(&handle);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: u64) -> u32 {
    in_context("cuStreamSynchronize", |driver, context| {
        let stream = driver.stream(context, stream)?;
        driver.not_captured(stream, "be waited for")?;
        driver.finish(stream);
        driver.outcome(context)
    })
}

/// Asking is not waiting, but who asks again and again must come to an end: each question lets some work run.
#[unsafe(no_mangle)]
extern "C" fn cuStreamQuery(stream: u64) -> u32 {
    in_context("cuStreamQuery", |driver, context| {
        let stream = driver.stream(context, stream)?;
        driver.not_captured(stream, "be asked what it has done")?;
        let number = driver.streams.get(&stream).map_or(0, |stream| stream.issued);
        if driver.done(Point { stream, number }) {
            return driver.outcome(context);
        }
        driver.advance(stream);
        driver.outcome(context)?;
        Err(Status::NOT_READY.into())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamWaitEvent(stream: u64, event: u64, _flags: u32) -> u32 {
    in_context("cuStreamWaitEvent", |driver, context| {
        let stream = driver.stream(context, stream)?;
        if driver.note_wait(stream, event)? {
            return Ok(());
        }
        // An event that was never recorded is nothing to wait for.
        if let Some(point) = driver.event(event)?.record {
            driver.queue(stream, Work::Wait(point), "cuStreamWaitEvent")?;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetFlags(stream: u64, flags: Out<u32>) -> u32 {
    in_context("cuStreamGetFlags", |driver, context| {
        let stream = driver.stream(context, stream)?;
        flags.put(driver.streams.get(&stream).map_or(0, |stream| stream.flags))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetPriority(stream: u64, priority: Out<i32>) -> u32 {
    in_context("cuStreamGetPriority", |driver, context| {
        let stream = driver.stream(context, stream)?;
        priority.put(driver.streams.get(&stream).map_or(0, |stream| stream.priority))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetCtx(stream: u64, of: Out<u64>) -> u32 {
    in_context("cuStreamGetCtx", |driver, context| {
        driver.stream(context, stream)?;
        of.put(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetDevice(stream: u64, device: Out<i32>) -> u32 {
    in_context("cuStreamGetDevice", |driver, context| {
        driver.stream(context, stream)?;
        device.put(0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetId(stream: u64, id: Out<u64>) -> u32 {
    in_context("cuStreamGetId", |driver, context| id.put(driver.stream(context, stream)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuLaunchHostFunc(stream: u64, run: Option<unsafe extern "C" fn(*mut c_void)>, data: *mut c_void) -> u32 {
    in_context("cuLaunchHostFunc", |driver, context| {
        let stream = driver.stream(context, stream)?;
        let Some(run) = run else { return wrong(Status::INVALID_VALUE, "a null pointer instead of a function") };
        let call = Call::Function { run, data: data as usize };
        driver.queue(stream, Work::Call(call), "cuLaunchHostFunc").map(|_| ())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamAddCallback(
    stream: u64,
    run: Option<unsafe extern "C" fn(*mut c_void, u32, *mut c_void)>,
    data: *mut c_void,
    _flags: u32,
) -> u32 {
    in_context("cuStreamAddCallback", |driver, context| {
        let named = stream;
        let stream = driver.stream(context, stream)?;
        driver.not_captured(stream, "call back")?;
        let Some(run) = run else { return wrong(Status::INVALID_VALUE, "a null pointer instead of a function") };
        let call = Call::Callback { run, stream: named as usize, data: data as usize };
        driver.queue(stream, Work::Call(call), "cuStreamAddCallback").map(|_| ())
    })
}
