//! Libraries: kernels that load themselves where they are asked for.

use std::ffi::{CString, c_void};

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

// SAFETY of what follows: handles that live, or that the driver refuses.
fn load(gpu: &Gpu, text: &str) -> Result<u64, u32> {
    let (text, none) = (CString::new(text).unwrap(), std::ptr::null_mut::<c_void>());
    let mut library = 0;
    let status =
        unsafe { (gpu.cu.cuLibraryLoadData)(&mut library, text.as_ptr().cast(), none, none, 0, none, none, 0) };
    if status == 0 { Ok(library) } else { Err(status) }
}

fn kernel(gpu: &Gpu, library: u64, name: &str) -> Result<u64, u32> {
    let (mut kernel, name) = (0, CString::new(name).unwrap());
    let status = unsafe { (gpu.cu.cuLibraryGetKernel)(&mut kernel, library, name.as_ptr()) };
    if status == 0 { Ok(kernel) } else { Err(status) }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_uses_a_library() {
    let gpu = Gpu::open();
    let cu = &gpu.cu;
    let library = load(&gpu, include_str!("kernels.ptx")).unwrap();
    let increment = kernel(&gpu, library, "increment").unwrap();
    assert_eq!(kernel(&gpu, library, "increment"), Ok(increment));
    assert_eq!(kernel(&gpu, library, "nowhere"), Err(500));
    let count = made(|to| unsafe { (cu.cuLibraryGetKernelCount)(to, library) });
    assert_eq!(count as usize, include_str!("kernels.ptx").matches(".entry").count());
    let memory = gpu.alloc(16);
    gpu.fill(memory, 4, 4, 0);
    // As itself, and as the function of this context.
    let function = made(|to| unsafe { (cu.cuKernelGetFunction)(to, increment) });
    for handle in [increment, function] {
        assert_eq!(gpu.launch(handle, [1; 3], [4, 1, 1], 0, 0, &[memory]), 0);
    }
    assert_eq!(gpu.read(memory, 4), [6; 4]);
    // Attributes are those of both.
    unsafe {
        assert_eq!((cu.cuKernelSetAttribute)(8, 100_000, increment, 0), 0);
        let attribute = made(|to| (cu.cuFuncGetAttribute)(to, 8, function));
        let threads = made(|to| (cu.cuKernelGetAttribute)(to, 0, increment, 0));
        assert_eq!((attribute, threads), (100_000, 1024));
        assert_eq!((cu.cuMemFree_v2)(memory), 0);
    }
    let (mut counter, mut bytes) = (0, 0);
    unsafe { assert_eq!((cu.cuLibraryGetGlobal)(&mut counter, &mut bytes, library, c"counter".as_ptr()), 0) };
    assert_eq!((bytes, gpu.read(counter, 1)), (4, vec![7]));
    let module = made(|to| unsafe { (cu.cuLibraryGetModule)(to, library) });
    assert_ne!(module, gpu.module);
    // Another context has functions of its own.
    let before = made(|to| unsafe { (cu.cuCtxGetCurrent)(to) });
    unsafe {
        let other = made(|to| (cu.cuCtxCreate_v2)(to, 0, 0));
        let there: u64 = made(|to| (cu.cuKernelGetFunction)(to, increment));
        assert_ne!(there, function);
        assert_eq!((cu.cuCtxDestroy_v2)(other), 0);
        assert_eq!((cu.cuCtxSetCurrent)(before), 0);
        assert_eq!((cu.cuLibraryUnload)(library), 0);
    }
    gpu.close();
}

#[test]
fn kernels_of_libraries_run_in_any_context() {
    assert_eq!(told("libraries::child_uses_a_library", &[("WARPTAPE_DRIVER_STRICT", "1")]), [""; 0]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_misuses_libraries() {
    let gpu = Gpu::open();
    let text = include_str!("kernels.ptx");
    assert_eq!(load(&gpu, "nothing"), Err(200));
    assert_eq!(load(&gpu, &format!("{text}\n.nothing")), Err(218));
    let library = load(&gpu, text).unwrap();
    let increment = kernel(&gpu, library, "increment").unwrap();
    unsafe {
        assert_eq!((gpu.cu.cuLibraryUnload)(library), 0);
        assert_eq!((gpu.cu.cuLibraryUnload)(library), 400);
        assert_eq!((gpu.cu.cuKernelGetFunction)(&mut 0, increment), 400);
    }
    assert_eq!(gpu.launch(increment, [1; 3], [1; 3], 0, 0, &[0]), 400);
    load(&gpu, text).unwrap();
    gpu.close();
}

#[test]
fn every_misuse_of_libraries_is_a_line() {
    let lines = [
        "is neither a cubin, nor a fat binary, nor PTX",
        "the directive '.nothing' is not known",
        "was destroyed",
        "the kernel of a library 0x",
        "is no function",
        "1 libraries",
    ];
    tells("libraries::child_misuses_libraries", &[], &lines);
}
