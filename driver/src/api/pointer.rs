//! What an address belongs to (`cuda.h`: "Unified Addressing").

use std::ffi::c_void;

use super::{In, Out};
use crate::state::Driver;
use crate::state::allocations::Place;
use crate::state::enter::call;
use crate::status::{Answer, Status, wrong};

/// `CUpointer_attribute`s of an address that the driver knows.
fn attribute(driver: &Driver, number: u32, address: u64, value: *mut c_void) -> Answer {
    let Some((start, found)) = driver.allocations.find(address).filter(|(_, found)| found.freed.is_none()) else {
        return Err(Status::INVALID_VALUE.into());
    };
    let wide = |number: u64| Out(value.cast::<u64>()).put(number);
    let word = |number: u32| Out(value.cast::<u32>()).put(number);
    match number {
        // CONTEXT, MEMORY_TYPE (host 1, device 2), DEVICE_POINTER, HOST_POINTER
        1 => wide(found.context),
        2 => word(if found.place.on_device() || found.place == Place::Managed { 2 } else { 1 }),
        3 if found.place != Place::Registered => wide(address),
        4 if !found.place.on_device() => wide(address),
        3 | 4 => Err(Status::INVALID_VALUE.into()),
        // BUFFER_ID, IS_MANAGED, DEVICE_ORDINAL, RANGE_START_ADDR, RANGE_SIZE, MAPPED
        7 => wide(start),
        8 => Out(value.cast::<u8>()).put(u8::from(found.place == Place::Managed)),
        9 => word(0),
        11 => wide(start),
        12 => wide(found.bytes as u64),
        13 => Out(value.cast::<u8>()).put(1),
        17 => wide(if let Place::Pooled(pool) = found.place { pool } else { 0 }),
        _ => wrong(Status::INVALID_VALUE, format!("there is no attribute {number} of addresses here")),
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuPointerGetAttribute(value: *mut c_void, number: u32, address: u64) -> u32 {
    call("cuPointerGetAttribute", |driver| attribute(driver, number, address, value))
}

/// Of an address that nobody knows each value is zero; no pointer attribute is longer than eight bytes, and the memory type four.
#[unsafe(no_mangle)]
extern "C" fn cuPointerGetAttributes(count: u32, numbers: In<u32>, values: In<*mut c_void>, address: u64) -> u32 {
    call("cuPointerGetAttributes", |driver| {
        for place in 0..count as usize {
            let (number, value) = (numbers.nth(place)?, values.nth(place)?);
            if attribute(driver, number, address, value).is_err() {
                match number {
                    2 | 9 => Out(value.cast::<u32>()).put(0)?,
                    8 | 13 => Out(value.cast::<u8>()).put(0)?,
                    _ => Out(value.cast::<u64>()).put(0)?,
                }
            }
        }
        Ok(())
    })
}
