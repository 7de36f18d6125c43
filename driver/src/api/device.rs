//! Devices (`cuda.h`: "Device Management"): one, an H200 as its data sheet and the programming guide have it.

use std::ffi::c_char;

use super::{Out, Text};
use crate::image::CAPABILITY;
use crate::state::Driver;
use crate::state::allocations::total;
use crate::state::enter::call;
use crate::state::limits;
use crate::status::{Answer, Status, wrong};

const NAME: &str = "H200 in software";
const UUID: [u8; 16] = *b"warptape-ptx-h20";

/// The device is number 0.
pub fn check(device: i32) -> Answer {
    match device {
        0 => Ok(()),
        _ => wrong(Status::INVALID_DEVICE, format!("there is no device {device}, only 0")),
    }
}

fn on(name: &'static str, device: i32, work: impl FnOnce(&mut Driver) -> Answer) -> u32 {
    call(name, |driver| {
        check(device)?;
        work(driver)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetCount(count: Out<i32>) -> u32 {
    call("cuDeviceGetCount", |_| count.put(1))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGet(device: Out<i32>, ordinal: i32) -> u32 {
    on("cuDeviceGet", ordinal, |_| device.put(0))
}

/// Copies a text with its NUL, cut to so many bytes.
fn put_text(to: *mut c_char, room: i32, text: &str) -> Answer {
    for (place, byte) in text.bytes().take((room - 1).max(0) as usize).chain([0]).enumerate() {
        // SAFETY: the program promises `room` bytes.
        Out(unsafe { to.add(place) }).put(byte as c_char)?;
    }
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetName(name: *mut c_char, room: i32, device: i32) -> u32 {
    on("cuDeviceGetName", device, |_| put_text(name, room, NAME))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetUuid_v2(uuid: Out<[u8; 16]>, device: i32) -> u32 {
    on("cuDeviceGetUuid", device, |_| uuid.put(UUID))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetUuid(uuid: Out<[u8; 16]>, device: i32) -> u32 {
    cuDeviceGetUuid_v2(uuid, device)
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceTotalMem_v2(bytes: Out<usize>, device: i32) -> u32 {
    on("cuDeviceTotalMem", device, |_| bytes.put(total() as usize))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, device: i32) -> u32 {
    on("cuDeviceComputeCapability", device, |_| {
        major.put(CAPABILITY.0 as i32)?;
        minor.put(CAPABILITY.1 as i32)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetPCIBusId(text: *mut c_char, room: i32, device: i32) -> u32 {
    on("cuDeviceGetPCIBusId", device, |_| put_text(text, room, "0000:00:00.0"))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetByPCIBusId(device: Out<i32>, text: Text) -> u32 {
    call("cuDeviceGetByPCIBusId", |_| match &text.get()?[..] {
        "0000:00:00.0" => device.put(0),
        _ => Err(Status::INVALID_DEVICE.into()),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceCanAccessPeer(can: Out<i32>, device: i32, peer: i32) -> u32 {
    on("cuDeviceCanAccessPeer", device, |_| {
        check(peer)?;
        can.put(0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetAttribute(value: Out<i32>, number: u32, device: i32) -> u32 {
    on("cuDeviceGetAttribute", device, |driver| {
        let pools = i32::from(!driver.settings.faults.no_pools);
        match attribute(number, pools) {
            Some(found) => value.put(found),
            None => wrong(Status::INVALID_VALUE, format!("there is no attribute {number}")),
        }
    })
}

/// `CUdevice_attribute` by number; 0 for what is no feature or figure of this device.
fn attribute(number: u32, pools: i32) -> Option<i32> {
    let value = match number {
        // MAX_THREADS_PER_BLOCK, MAX_BLOCK_DIM_…, MAX_GRID_DIM_…
        1 => limits::THREADS as i32,
        2..=4 => limits::BLOCK[number as usize - 2] as i32,
        5..=7 => limits::GRID[number as usize - 5] as i32,
        // MAX_SHARED_MEMORY_PER_BLOCK, TOTAL_CONSTANT_MEMORY, WARP_SIZE, MAX_PITCH, MAX_REGISTERS_PER_BLOCK
        8 => limits::SHARED_FOR_ALL as i32,
        9 => 65536,
        10 => 32,
        11 => i32::MAX,
        12 => limits::REGISTERS as i32,
        // CLOCK_RATE in kHz, TEXTURE_ALIGNMENT, GPU_OVERLAP, MULTIPROCESSOR_COUNT
        13 => 1_980_000,
        14 => 512,
        15 => 1,
        16 => warptape_ptx::run::SMS as i32,
        // CAN_MAP_HOST_MEMORY, textures' and surfaces' extents
        19 => 1,
        21 => 131_072,
        22 | 23 => [131_072, 65_536][number as usize - 22],
        24..=26 => 16_384,
        27 | 28 => 32_768,
        29 => 2048,
        // SURFACE_ALIGNMENT, CONCURRENT_KERNELS, ECC_ENABLED
        30 => 512,
        31 | 32 => 1,
        // MEMORY_CLOCK_RATE in kHz, GLOBAL_MEMORY_BUS_WIDTH, L2_CACHE_SIZE, MAX_THREADS_PER_MULTIPROCESSOR
        36 => 3_201_000,
        37 => 6144,
        38 => 60 << 20,
        39 => 2048,
        // ASYNC_ENGINE_COUNT, UNIFIED_ADDRESSING
        40 => 3,
        41 => 1,
        // TEXTURE_PITCH_ALIGNMENT
        51 => 32,
        75 => CAPABILITY.0 as i32,
        76 => CAPABILITY.1 as i32,
        // STREAM_PRIORITIES, GLOBAL_L1_CACHE, LOCAL_L1_CACHE
        78..=80 => 1,
        // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, MAX_REGISTERS_PER_MULTIPROCESSOR, MANAGED_MEMORY
        81 => limits::SHARED_OF_ALL_BLOCKS as i32,
        82 => limits::REGISTERS as i32,
        83 => 1,
        // SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO
        87 => 2,
        // COMPUTE_PREEMPTION, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, HOST_REGISTER_SUPPORTED
        90 => 1,
        97 => limits::SHARED_AT_MOST as i32,
        99 => 1,
        // MAX_BLOCKS_PER_MULTIPROCESSOR, RESERVED_SHARED_MEMORY_PER_BLOCK, MEMORY_POOLS_SUPPORTED
        106 => 32,
        111 => limits::SHARED_RESERVED as i32,
        115 => pools,
        0 | 151.. => return None,
        _ => 0,
    };
    Some(value)
}
