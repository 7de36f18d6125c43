//! What goes wrong on demand.

use std::ffi::CStr;

use crate::interface::{Cu, Gpu, made};
use crate::process::{tells, told};

const FAULTS: &str = "WARPTAPE_DRIVER_FAULTS";

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_initialises() {
    let cu = Cu::open();
    let (mut version, status) = (0, unsafe { (cu.cuInit)(0) });
    assert_eq!(unsafe { (cu.cuDriverGetVersion)(&mut version) }, 0);
    println!("says: status {status}, version {version}");
}

#[test]
fn there_may_be_no_device_or_an_old_driver() {
    let says = |faults| {
        let output = crate::process::run("faults::child_initialises", &[(FAULTS, faults)]).output;
        output.split_once("says: ").and_then(|(_, rest)| rest.lines().next()).map(str::to_owned)
    };
    assert_eq!(says("").unwrap(), "status 0, version 13000");
    assert_eq!(says("no-device").unwrap(), "status 100, version 13000");
    assert_eq!(says("old-driver=12.2").unwrap(), "status 0, version 12020");
    let output = crate::process::run("faults::child_initialises", &[(FAULTS, "no-gpu")]);
    assert!(output.told[0].contains("WARPTAPE_DRIVER_FAULTS has 'no-gpu'; it knows no-device"), "{}", output.output);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_allocates_four_times() {
    let gpu = Gpu::open();
    let statuses = [(); 4].map(|()| unsafe { (gpu.cu.cuMemAlloc_v2)(&mut 0, 4) });
    let async_ = unsafe { (gpu.cu.cuMemAllocAsync)(&mut 0, 4, 0) };
    let pools = made::<i32>(|to| unsafe { (gpu.cu.cuDeviceGetAttribute)(to, 115, 0) });
    let mut host = std::ptr::null_mut();
    let page_locked = unsafe { (gpu.cu.cuMemAllocHost_v2)(&mut host, 4) };
    println!("says: {statuses:?}, {async_}, {pools}, {page_locked}");
}

#[test]
fn memory_and_pools_may_fail() {
    let says = |faults| {
        let output = crate::process::run("faults::child_allocates_four_times", &[(FAULTS, faults)]).output;
        output.split_once("says: ").and_then(|(_, rest)| rest.lines().next()).map(str::to_owned)
    };
    assert_eq!(says("").unwrap(), "[0, 0, 0, 0], 0, 1, 0");
    assert_eq!(says("out-of-memory=2").unwrap(), "[0, 2, 0, 0], 0, 1, 0");
    assert_eq!(says("out-of-memory=3..").unwrap(), "[0, 0, 2, 2], 2, 1, 0");
    assert_eq!(says("no-pools,no-page-locked").unwrap(), "[0, 0, 0, 0], 801, 0, 2");
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_launches_three_times() {
    let gpu = Gpu::open();
    let device = gpu.alloc(4);
    for _ in 0..3 {
        assert_eq!(gpu.increment(device, 1, 0), 0);
    }
    assert_eq!(unsafe { (gpu.cu.cuCtxSynchronize)() }, 719);
    unsafe { assert_eq!((gpu.cu.cuDevicePrimaryCtxRelease_v2)(0), 0) };
}

#[test]
fn a_launch_may_fail() {
    let faults = [(FAULTS, "launch-failure=2")];
    // And that nothing can be given back any more is no leak.
    tells("faults::child_launches_three_times", &faults, &[]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_looks_for_newer_functions() {
    let cu = Cu::open();
    assert_eq!(unsafe { (cu.cuInit)(0) }, 0);
    let context = made(|to| unsafe { (cu.cuDevicePrimaryCtxRetain)(to, 0) });
    assert_eq!(unsafe { (cu.cuCtxSetCurrent)(context) }, 0);
    let (text, mut module) = (std::ffi::CString::new(include_str!("kernels.ptx")).unwrap(), 0);
    // SAFETY: a text that ends, and handles.
    unsafe {
        assert_eq!((cu.cuModuleLoadData)(&mut module, text.as_ptr().cast()), 222);
        let event = made(|to| (cu.cuEventCreate)(to, 0));
        assert_eq!((cu.cuEventElapsedTime_v2)(&mut 0.0, event, event), 801);
        let (mut name, mut words) = (std::ptr::null(), std::ptr::null_mut());
        assert_eq!((cu.cuGetErrorName)(222, &mut name), 0);
        assert_eq!(CStr::from_ptr(name), c"CUDA_ERROR_UNSUPPORTED_PTX_VERSION");
        assert_eq!((cu.cuGetErrorName)(12345, &mut name), 1);
        // Any form of a name leads to the newest; what is not there is not found.
        let mut outcome = 9;
        assert_eq!((cu.cuGetProcAddress_v2)(c"cuMemAlloc".as_ptr(), &mut words, 12020, 0, &mut outcome), 0);
        assert_eq!((words as usize, outcome), (cu.cuMemAlloc_v2 as usize, 0));
        assert_eq!((cu.cuGetProcAddress_v2)(c"cuTexRefCreate".as_ptr(), &mut words, 12020, 0, &mut outcome), 500);
        assert_eq!((words as usize, outcome), (0, 1));
    }
}

#[test]
fn an_old_driver_lacks_what_came_later() {
    let told = told("faults::child_looks_for_newer_functions", &[(FAULTS, "old-driver=12.2")]);
    assert!(told[0].contains("compiled by CUDA 13.0, and this driver is for 12.2"), "{told:?}");
    assert!(told[1].contains("came with CUDA 12.8"), "{told:?}");
}
