//! Events (`cuda.h`: "Event Management").

use super::Out;
use crate::state::enter::{in_context, since};
use crate::state::handles::Kind;
use crate::state::streams::Event;
use crate::status::{Status, wrong};

/// `CU_EVENT_DISABLE_TIMING`
const NO_TIMES: u32 = 2;

#[unsafe(no_mangle)]
extern "C" fn cuEventCreate(event: Out<u64>, flags: u32) -> u32 {
    in_context("cuEventCreate", |driver, context| {
        if flags > 7 {
            return wrong(Status::INVALID_VALUE, format!("there are no flags {flags:#x} for an event"));
        }
        let handle = driver.handles.fresh(Kind::Event);
        let made = Event { context, timed: flags & NO_TIMES == 0, record: None, time: None, noted: None };
        driver.events.insert(handle, made);
        event.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventDestroy_v2(event: u64) -> u32 {
    in_context("cuEventDestroy", |driver, _| {
        driver.event(event)?;
        driver.events.remove(&event);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecord(event: u64, stream: u64) -> u32 {
    cuEventRecordWithFlags(event, stream, 0)
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecordWithFlags(event: u64, stream: u64, _flags: u32) -> u32 {
    in_context("cuEventRecord", |driver, context| {
        let stream = driver.stream(context, stream)?;
        if driver.event(event)?.context != context {
            return wrong(Status::INVALID_HANDLE, format!("the event {event:#x} belongs to another context"));
        }
        driver.record(event, stream)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventSynchronize(event: u64) -> u32 {
    in_context("cuEventSynchronize", |driver, context| {
        driver.outside(event)?;
        if let Some(point) = driver.event(event)?.record {
            driver.reach(point);
        }
        driver.outcome(context)
    })
}

/// Asking is not waiting; see `cuStreamQuery`.
#[unsafe(no_mangle)]
extern "C" fn cuEventQuery(event: u64) -> u32 {
    in_context("cuEventQuery", |driver, context| {
        driver.outside(event)?;
        let Some(point) = driver.event(event)?.record.filter(|point| !driver.done(*point)) else {
            return driver.outcome(context);
        };
        driver.advance(point.stream);
        driver.outcome(context)?;
        Err(Status::NOT_READY.into())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventElapsedTime(milliseconds: Out<f32>, start: u64, end: u64) -> u32 {
    in_context("cuEventElapsedTime", |driver, _| milliseconds.put(driver.elapsed(start, end)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: u64, end: u64) -> u32 {
    since((12, 8), "cuEventElapsedTime_v2", |driver, _| milliseconds.put(driver.elapsed(start, end)?))
}
