//! Contexts (`cuda.h`: "Primary Context Management", "Context Management").

use std::ffi::c_void;

use super::Out;
use super::device::check;
use crate::state::contexts::{pop, push, set_top, top};
use crate::state::enter::{call, in_context};
use crate::status::{Answer, Status, wrong};

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRetain(context: Out<u64>, device: i32) -> u32 {
    call("cuDevicePrimaryCtxRetain", |driver| {
        check(device)?;
        let handle = driver.retain_primary();
        context.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease_v2(device: i32) -> u32 {
    call("cuDevicePrimaryCtxRelease", |driver| {
        check(device)?;
        driver.release_primary()
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxReset_v2(device: i32) -> u32 {
    call("cuDevicePrimaryCtxReset", |driver| {
        check(device)?;
        match driver.contexts.primary.take() {
            Some((handle, _)) => driver.destroy_context(handle),
            None => Ok(()),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxGetState(device: i32, flags: Out<u32>, active: Out<i32>) -> u32 {
    call("cuDevicePrimaryCtxGetState", |driver| {
        check(device)?;
        flags.put(driver.contexts.primary_flags)?;
        active.put(i32::from(driver.contexts.primary.is_some()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxSetFlags_v2(device: i32, flags: u32) -> u32 {
    call("cuDevicePrimaryCtxSetFlags", |driver| {
        check(device)?;
        driver.contexts.primary_flags = flags;
        Ok(())
    })
}

fn create(context: &Out<u64>, flags: u32, device: i32) -> u32 {
    call("cuCtxCreate", |driver| {
        check(device)?;
        let handle = driver.make_context(false, flags);
        push(handle);
        context.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxCreate_v2(context: Out<u64>, flags: u32, device: i32) -> u32 {
    create(&context, flags, device)
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxCreate_v3(context: Out<u64>, _affinity: *const c_void, _count: i32, flags: u32, device: i32) -> u32 {
    create(&context, flags, device)
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxCreate_v4(context: Out<u64>, _params: *const c_void, flags: u32, device: i32) -> u32 {
    create(&context, flags, device)
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxDestroy_v2(context: u64) -> u32 {
    call("cuCtxDestroy", |driver| {
        if driver.context(context)?.primary {
            return wrong(Status::INVALID_CONTEXT, "the primary context is released, not destroyed");
        }
        if top() == context {
            pop();
        }
        driver.destroy_context(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetCurrent(context: Out<u64>) -> u32 {
    call("cuCtxGetCurrent", |_| context.put(top()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: u64) -> u32 {
    call("cuCtxSetCurrent", |driver| {
        if context != 0 {
            driver.context(context)?;
        }
        set_top(context);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPushCurrent_v2(context: u64) -> u32 {
    call("cuCtxPushCurrent", |driver| {
        driver.context(context)?;
        push(context);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPopCurrent_v2(context: Out<u64>) -> u32 {
    call("cuCtxPopCurrent", |_| match pop() {
        Some(popped) => {
            context.offer(popped);
            Ok(())
        }
        None => wrong(Status::INVALID_CONTEXT, "no context is current on this thread"),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetDevice(device: Out<i32>) -> u32 {
    in_context("cuCtxGetDevice", |_, _| device.put(0))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetApiVersion(context: u64, version: Out<u32>) -> u32 {
    call("cuCtxGetApiVersion", |driver| {
        driver.context(if context == 0 { top() } else { context })?;
        version.put(3020)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetId(context: u64, id: Out<u64>) -> u32 {
    call("cuCtxGetId", |driver| {
        let context = if context == 0 { top() } else { context };
        driver.context(context)?;
        id.put(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetFlags(flags: Out<u32>) -> u32 {
    in_context("cuCtxGetFlags", |driver, context| flags.put(driver.context(context)?.flags))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetFlags(flags: u32) -> u32 {
    in_context("cuCtxSetFlags", |driver, context| {
        driver.context(context)?.flags = flags;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSynchronize() -> u32 {
    in_context("cuCtxSynchronize", |driver, context| {
        driver.drain(context);
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) -> u32 {
    in_context("cuCtxGetStreamPriorityRange", |_, _| {
        least.offer(0);
        greatest.offer(-5);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetCacheConfig(config: Out<u32>) -> u32 {
    in_context("cuCtxGetCacheConfig", |driver, context| config.put(driver.context(context)?.cache_config))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCacheConfig(config: u32) -> u32 {
    in_context("cuCtxSetCacheConfig", |driver, context| {
        driver.context(context)?.cache_config = config;
        Ok(())
    })
}

/// What `CUlimit` number `limit` is without having been set: stack, printf's buffer, heap, and two of device-side launches.
fn usual(limit: u32) -> Answer<usize> {
    match limit {
        0 => Ok(1024),
        1 => Ok(7 << 20),
        2 => Ok(8 << 20),
        3 => Ok(2),
        4 => Ok(2048),
        5 => Ok(128),
        6 => Ok(0),
        _ => wrong(Status::UNSUPPORTED_LIMIT, format!("there is no limit {limit}")),
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetLimit(value: Out<usize>, limit: u32) -> u32 {
    in_context("cuCtxGetLimit", |driver, context| {
        let usual = usual(limit)?;
        value.put(driver.context(context)?.limits.get(&limit).copied().unwrap_or(usual))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetLimit(limit: u32, value: usize) -> u32 {
    in_context("cuCtxSetLimit", |driver, context| {
        usual(limit)?;
        driver.context(context)?.limits.insert(limit, value);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxEnablePeerAccess(_peer: u64, _flags: u32) -> u32 {
    in_context("cuCtxEnablePeerAccess", |_, _| Err(Status::PEER_ACCESS_UNSUPPORTED.into()))
}
