//! Kernels and what they need (`cuda.h`: "Execution Control").

use std::ffi::c_char;

use super::Out;
use crate::image::CAPABILITY;
use crate::state::enter::{in_context, since};
use crate::state::limits::SHARED_AT_MOST;
use crate::state::modules::Function;
use crate::status::{Answer, Status, wrong};

/// `CUfunction_attribute`
pub(super) fn attribute(found: &Function, number: u32) -> Answer<i32> {
    let cluster = |axis| {
        let given = found.loaded.program.directive(found.kernel, "reqnctapercluster");
        given.and_then(|given: &[u32]| given.get(axis).copied()).unwrap_or(0)
    };
    let needs = found.needs;
    Ok(match number {
        // MAX_THREADS_PER_BLOCK, SHARED_SIZE_BYTES, CONST_SIZE_BYTES, LOCAL_SIZE_BYTES, NUM_REGS
        0 => found.max_threads as i32,
        1 => needs.shared as i32,
        // Bank 0 holds parameters, which do not count.
        2 => 0,
        3 => needs.local as i32,
        4 => needs.registers as i32,
        // PTX_VERSION, BINARY_VERSION, CACHE_MODE_CA
        5 => found.ptx_version as i32,
        6 => (CAPABILITY.0 * 10 + CAPABILITY.1) as i32,
        7 => 0,
        8 => found.max_dynamic as i32,
        9 => found.carveout,
        // CLUSTER_SIZE_MUST_BE_SET, REQUIRED_CLUSTER_WIDTH, HEIGHT, DEPTH
        10 => i32::from(found.loaded.program.directive(found.kernel, "explicitcluster").is_some()),
        11..=13 => cluster(number as usize - 11) as i32,
        14 => i32::from(found.non_portable_cluster),
        15 => 0,
        _ => return wrong(Status::INVALID_VALUE, format!("there is no attribute {number} of functions")),
    })
}

pub(super) fn set_attribute(found: &mut Function, number: u32, value: i32) -> Answer {
    match number {
        8 => {
            let most = SHARED_AT_MOST - found.needs.shared.min(SHARED_AT_MOST);
            if value < 0 || value as u32 > most {
                let what = format!("{value} bytes of dynamic shared memory, where {most} are the most");
                return wrong(Status::INVALID_VALUE, what);
            }
            found.max_dynamic = value as u32;
        }
        9 if (-1..=100).contains(&value) => found.carveout = value,
        9 => return wrong(Status::INVALID_VALUE, format!("{value} is no share of shared memory (-1 to 100)")),
        14 => found.non_portable_cluster = value != 0,
        15 => {}
        _ => return wrong(Status::INVALID_VALUE, format!("attribute {number} of functions cannot be set")),
    }
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncGetAttribute(value: Out<i32>, number: u32, function: u64) -> u32 {
    in_context("cuFuncGetAttribute", |driver, _| value.put(attribute(driver.function(function)?, number)?))
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetAttribute(function: u64, number: u32, value: i32) -> u32 {
    in_context("cuFuncSetAttribute", |driver, _| set_attribute(driver.function(function)?, number, value))
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetCacheConfig(function: u64, _config: u32) -> u32 {
    in_context("cuFuncSetCacheConfig", |driver, _| driver.function(function).map(|_| ()))
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncGetModule(module: Out<u64>, function: u64) -> u32 {
    in_context("cuFuncGetModule", |driver, _| module.put(driver.function(function)?.module))
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncGetName(name: Out<*const c_char>, function: u64) -> u32 {
    since((12, 3), "cuFuncGetName", |driver, _| name.put(driver.function(function)?.name.as_ptr()))
}

/// An index behind the last is how programs find out how many there are.
#[unsafe(no_mangle)]
extern "C" fn cuFuncGetParamInfo(function: u64, index: usize, offset: Out<usize>, bytes: Out<usize>) -> u32 {
    since((12, 4), "cuFuncGetParamInfo", |driver, _| {
        let found = driver.function(function)?;
        let param = *found.loaded.program.params(found.kernel).get(index).ok_or(Status::INVALID_VALUE)?;
        offset.put(param.offset)?;
        bytes.offer(param.bytes);
        Ok(())
    })
}
