//! What a program does wrong with memory, and what it is told.

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_misuses_memory() {
    let gpu = Gpu::open();
    let (cu, device, mut host) = (&gpu.cu, gpu.alloc(100), [0u32; 64]);
    let to = host.as_mut_ptr().cast();
    // SAFETY: what the driver refuses is not touched.
    unsafe {
        assert_eq!((cu.cuMemcpyDtoH_v2)(to, device, 101), 1);
        assert_eq!((cu.cuMemcpyDtoH_v2)(to, device + 96, 8), 1);
        assert_eq!((cu.cuMemcpyDtoH_v2)(to, 4096, 8), 1);
        assert_eq!((cu.cuMemcpyDtoH_v2)(device as *mut _, device, 8), 1);
        assert_eq!((cu.cuMemsetD32Async)(device + 2, 0, 1, 0), 1);
        assert_eq!((cu.cuMemAlloc_v2)(&mut 0, 0), 1);
        assert_eq!((cu.cuMemFree_v2)(device + 4), 1);
        assert_eq!((cu.cuMemFreeHost)(device as *mut _), 1);
        assert_eq!((cu.cuMemFree_v2)(device), 0);
        assert_eq!((cu.cuMemFree_v2)(device), 1);
        assert_eq!((cu.cuMemcpyDtoH_v2)(to, device, 4), 1);
    }
    gpu.close();
}

#[test]
fn every_misuse_of_memory_is_a_line() {
    let lines = [
        "101 bytes at 0x",
        "leave the allocation of 100 bytes (cuMemAlloc) by 4",
        "0x1000 is no address of device memory",
        "is device memory, not the host's",
        "is not aligned to a pattern of 4 bytes",
        "0 bytes are no allocation",
        "is not the beginning of an allocation that cuMemFree frees",
        "it came from cuMemAlloc",
        "was freed already, by cuMemFree",
        "belongs to memory that was freed by cuMemFree",
    ];
    tells("memory::child_misuses_memory", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_frees_in_stream_order() {
    let gpu = Gpu::open();
    let (cu, first, second) = (&gpu.cu, gpu.stream(), gpu.stream());
    let pool = made(|to| unsafe { (cu.cuDeviceGetDefaultMemPool)(to, 0) });
    let used = || made::<u64>(|to| unsafe { (cu.cuMemPoolGetAttribute)(pool, 7, to.cast()) });
    let device = made(|to| unsafe { (cu.cuMemAllocAsync)(to, 4 << 10, first) });
    assert_eq!(used(), 4 << 10);
    // SAFETY: handles that live; what the driver refuses is not touched.
    unsafe {
        // Used by another stream, which nothing orders before the end of the memory.
        assert_eq!((cu.cuMemsetD32Async)(device, 0, 16, second), 0);
        assert_eq!((cu.cuMemFreeAsync)(device, first), 0);
        assert_eq!((cu.cuMemFreeAsync)(device, first), 1);
        assert_eq!((cu.cuStreamSynchronize)(first), 0);
        assert_eq!(used(), 0);
        assert_eq!((cu.cuStreamSynchronize)(second), 700);
        // Nothing follows that.
        assert_eq!((cu.cuCtxSynchronize)(), 700);
    }
}

#[test]
fn memory_that_another_stream_still_uses_shows() {
    let lines =
        ["was freed already, by cuMemFreeAsync", "was freed before the queued work that uses it ran", "at the end"];
    tells("memory::child_frees_in_stream_order", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_copies_rectangles() {
    let gpu = Gpu::open();
    let device = gpu.alloc(64);
    gpu.fill(device, 0, 16, 0);
    let words: Vec<u32> = (0..12).collect();
    // CUDA_MEMCPY2D: two rows of two words, from rows of three at (1, 1), to rows of four at (2, 0).
    let mut copy = [0u64; 16];
    let (from, rest) = copy.split_at_mut(7);
    from.copy_from_slice(&[4, 1, 1, words.as_ptr() as u64, 0, 0, 12]);
    rest[..7].copy_from_slice(&[8, 0, 2, 0, device, 0, 16]);
    (rest[7], rest[8]) = (8, 2);
    // SAFETY: the structure as cuda.h lays it out.
    unsafe { assert_eq!((gpu.cu.cuMemcpy2D_v2)(copy.as_ptr().cast()), 0) };
    assert_eq!(gpu.read(device, 8), [0, 0, 4, 5, 0, 0, 7, 8]);
}

#[test]
fn rectangles_are_copied_by_rows() {
    told("memory::child_copies_rectangles", &[]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_reads_new_memory() {
    let gpu = Gpu::open();
    let device = gpu.alloc(8);
    assert_eq!(gpu.read(device, 2), [u32::MAX; 2]);
    let (mut free, mut all) = (0, 0);
    // SAFETY: pointers to live integers.
    unsafe { assert_eq!((gpu.cu.cuMemGetInfo_v2)(&mut free, &mut all), 0) };
    assert_eq!(all - free, 8);
    let large = unsafe { (gpu.cu.cuMemAlloc_v2)(&mut 0, all) };
    assert_eq!(large, 2);
}

#[test]
fn new_memory_is_poisoned_and_there_is_an_end_of_it() {
    told("memory::child_reads_new_memory", &[]);
}
