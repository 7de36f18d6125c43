//! Pools (`cuda.h`: "Stream Ordered Memory Allocator").

use std::ffi::c_void;

use super::Out;
use super::device::check;
use crate::state::Driver;
use crate::state::allocations::{Place, Pool};
use crate::state::enter::{call, in_context};
use crate::state::handles::Kind;
use crate::status::{Answer, Status, wrong};

/// A device without pools refuses all that is about them.
fn supported(driver: &Driver) -> Answer {
    if driver.settings.faults.no_pools { Err(Status::NOT_SUPPORTED.into()) } else { Ok(()) }
}

fn about(name: &'static str, work: impl FnOnce(&mut Driver) -> Answer) -> u32 {
    call(name, |driver| {
        supported(driver)?;
        work(driver)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetDefaultMemPool(pool: Out<u64>, device: i32) -> u32 {
    about("cuDeviceGetDefaultMemPool", |driver| {
        check(device)?;
        pool.put(driver.default_pool)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetMemPool(pool: Out<u64>, device: i32) -> u32 {
    about("cuDeviceGetMemPool", |driver| {
        check(device)?;
        pool.put(driver.current_pool)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceSetMemPool(device: i32, pool: u64) -> u32 {
    about("cuDeviceSetMemPool", |driver| {
        check(device)?;
        driver.pool(pool)?;
        driver.current_pool = pool;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolCreate(pool: Out<u64>, _properties: *const c_void) -> u32 {
    about("cuMemPoolCreate", |driver| {
        let handle = driver.handles.fresh(Kind::Pool);
        driver.pools.insert(handle, Pool::default());
        pool.put(handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolDestroy(pool: u64) -> u32 {
    about("cuMemPoolDestroy", |driver| {
        driver.pool(pool)?;
        if pool == driver.default_pool {
            return wrong(Status::INVALID_VALUE, "the device's own pool cannot be destroyed");
        }
        driver.pools.remove(&pool);
        if driver.current_pool == pool {
            driver.current_pool = driver.default_pool;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolTrimTo(pool: u64, _keep: usize) -> u32 {
    // What is freed is given back at once: nothing is kept that could be trimmed.
    about("cuMemPoolTrimTo", |driver| driver.pool(pool).map(|_| ()))
}

/// `CUmemPool_attribute`: reuse (1 to 3, 32 bits), release threshold (4), reserved and used, each now and at most (5 to 8).
#[unsafe(no_mangle)]
extern "C" fn cuMemPoolGetAttribute(pool: u64, attribute: u32, value: *mut c_void) -> u32 {
    about("cuMemPoolGetAttribute", |driver| {
        let found = *driver.pool(pool)?;
        let wide = |number: u64| Out(value.cast::<u64>()).put(number);
        match attribute {
            1..=3 => Out(value.cast::<i32>()).put(found.reuse[attribute as usize]),
            4 => wide(found.release_threshold),
            5 | 7 => wide(found.used),
            6 | 8 => wide(found.used_high),
            _ => wrong(Status::INVALID_VALUE, format!("there is no attribute {attribute} of pools")),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolSetAttribute(pool: u64, attribute: u32, value: *mut c_void) -> u32 {
    about("cuMemPoolSetAttribute", |driver| {
        let found = driver.pool(pool)?;
        match attribute {
            1..=3 => found.reuse[attribute as usize] = Out(value.cast::<i32>()).get()?,
            4 => found.release_threshold = Out(value.cast::<u64>()).get()?,
            6 | 8 => match Out(value.cast::<u64>()).get()? {
                0 => found.used_high = found.used,
                _ => return wrong(Status::INVALID_VALUE, "a high-water mark can only be set to 0"),
            },
            _ => return wrong(Status::INVALID_VALUE, format!("attribute {attribute} of pools cannot be set")),
        }
        Ok(())
    })
}

fn allocate(address: &Out<u64>, bytes: usize, pool: Option<u64>, stream: u64, name: &'static str) -> u32 {
    in_context(name, |driver, context| {
        supported(driver)?;
        let pool = pool.unwrap_or(driver.current_pool);
        driver.pool(pool)?;
        let stream = driver.stream(context, stream)?;
        // A graph with memory of its own is not there.
        driver.not_captured(stream, "allocate")?;
        address.put(driver.allocate(context, bytes, Place::Pooled(pool), name)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocAsync(address: Out<u64>, bytes: usize, stream: u64) -> u32 {
    allocate(&address, bytes, None, stream, "cuMemAllocAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocFromPoolAsync(address: Out<u64>, bytes: usize, pool: u64, stream: u64) -> u32 {
    allocate(&address, bytes, Some(pool), stream, "cuMemAllocFromPoolAsync")
}
