//! Launches: what is refused, and what runs.

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_asks_for_too_much() {
    let gpu = Gpu::open();
    let increment = gpu.kernel("increment");
    let device = gpu.alloc(4);
    let launch = |grid, block, shared| gpu.launch(increment, grid, block, shared, 0, &[device]);
    assert_eq!(launch([0, 1, 1], [1, 1, 1], 0), 1);
    assert_eq!(launch([1, 65536, 1], [1, 1, 1], 0), 1);
    assert_eq!(launch([1, 1, 1], [1025, 1, 1], 0), 1);
    assert_eq!(launch([1, 1, 1], [1, 1, 65], 0), 1);
    assert_eq!(launch([1, 1, 1], [32, 33, 1], 0), 1);
    assert_eq!(launch([1, 1, 1], [1, 1, 1], 49153), 1);
    assert_eq!(gpu.launch(increment, [1, 1, 1], [1, 1, 1], 0, 0, &[]), 1);
    assert_eq!(gpu.launch(gpu.kernel("at_most_64"), [1, 1, 1], [65, 1, 1], 0, 0, &[]), 701);
    assert_eq!(gpu.launch(gpu.kernel("exactly_32_by_2"), [1, 1, 1], [64, 1, 1], 0, 0, &[]), 1);
    assert_eq!(gpu.launch(increment + 160, [1, 1, 1], [1, 1, 1], 0, 0, &[device]), 400);
    assert_eq!(gpu.launch(increment, [1, 1, 1], [1, 1, 1], 0, 99, &[device]), 400);
    // What is allowed runs.
    gpu.fill(device, 1, 1, 0);
    assert_eq!(launch([1, 1, 1], [1, 1, 1], 49152), 0);
    assert_eq!(gpu.launch(gpu.kernel("at_most_64"), [1, 1, 1], [64, 1, 1], 0, 0, &[]), 0);
    assert_eq!(gpu.launch(gpu.kernel("exactly_32_by_2"), [1, 1, 1], [32, 2, 1], 0, 0, &[]), 0);
    assert_eq!(gpu.read(device, 1), [2]);
    unsafe { assert_eq!((gpu.cu.cuMemFree_v2)(device), 0) };
    gpu.close();
}

#[test]
fn limits_of_launches_hold() {
    let lines = [
        "a grid of [0, 1, 1]",
        "a grid of [1, 65536, 1]",
        "a block of [1025, 1, 1]",
        "a block of [1, 1, 65]",
        "a block of [32, 33, 1]",
        "49153 bytes of dynamic shared memory, where 49152 are allowed",
        "no arguments for 1 parameters",
        "65 threads of a block, where 64 are the most",
        "where the kernel must have [32, 2, 1]",
        "is no function",
        "is no stream",
    ];
    tells("launches::child_asks_for_too_much", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_raises_its_shared_memory() {
    let gpu = Gpu::open();
    let fixed = gpu.kernel("fixed");
    let launch = |shared| gpu.launch(fixed, [1, 1, 1], [1, 1, 1], shared, 0, &[]);
    let attribute = |number| made::<i32>(|to| unsafe { (gpu.cu.cuFuncGetAttribute)(to, number, fixed) });
    // The limit without the attribute is for static and dynamic memory together.
    assert_eq!((attribute(1), attribute(8)), (20480, 28672));
    assert_eq!((launch(28672), launch(28673)), (0, 1));
    let raise = |bytes| unsafe { (gpu.cu.cuFuncSetAttribute)(fixed, 8, bytes) };
    assert_eq!((raise(49156), launch(49156), launch(49157)), (0, 0, 1));
    let most = 227 * 1024 - 20480;
    assert_eq!((raise(most + 1), raise(most), launch(most as u32)), (1, 0, 0));
    assert_eq!(unsafe { (gpu.cu.cuCtxSynchronize)() }, 0);
}

#[test]
fn shared_memory_is_raised_before_it_is_asked_for() {
    let lines = ["28673 bytes", "49157 bytes", "where 211968 are the most", "at the end"];
    tells("launches::child_raises_its_shared_memory", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_passes_a_buffer() {
    let gpu = Gpu::open();
    let (sum, device) = (gpu.kernel("sum"), gpu.alloc(8));
    let info = |index| {
        let (mut offset, mut bytes) = (0, 0);
        // SAFETY: pointers to live integers.
        let status = unsafe { (gpu.cu.cuFuncGetParamInfo)(sum, index, &mut offset, &mut bytes) };
        (status, offset, bytes)
    };
    let places = [(0, 0, 8), (0, 8, 1), (0, 10, 2), (0, 16, 8), (1, 0, 0)];
    assert_eq!([0, 1, 2, 3, 4].map(info), places);

    let mut buffer = [0u8; 24];
    buffer[..8].copy_from_slice(&device.to_le_bytes());
    buffer[8] = 200;
    buffer[10..12].copy_from_slice(&60000u16.to_le_bytes());
    buffer[16..].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let launch = |size: usize| {
        // CU_LAUNCH_PARAM_BUFFER_POINTER and CU_LAUNCH_PARAM_BUFFER_SIZE, with what follows each, and the end.
        let mut extra = [1, buffer.as_ptr() as usize, 2, &raw const size as usize, 0];
        // SAFETY: the buffer lives until the call is over.
        unsafe { (gpu.cu.cuLaunchKernel)(sum, 1, 1, 1, 1, 1, 1, 0, 0, std::ptr::null_mut(), extra.as_mut_ptr().cast()) }
    };
    assert_eq!((launch(23), launch(24)), (1, 0));
    assert_eq!(gpu.read(device, 2), [60200, 1 << 8]);
    // By pointers, of which each is read as its parameter is wide.
    let arguments = [device, 0xFFFF_FF01, 0xFFFF_0002, 3];
    assert_eq!(gpu.launch(sum, [1, 1, 1], [1, 1, 1], 0, 0, &arguments), 0);
    assert_eq!(gpu.read(device, 2), [6, 0]);
}

#[test]
fn arguments_are_a_buffer_or_pointers() {
    tells("launches::child_passes_a_buffer", &[], &["23 bytes of arguments for 24 of parameters", "at the end"]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_leaves_its_buffer() {
    let gpu = Gpu::open();
    let device = gpu.alloc(4 * 7);
    let increment = gpu.kernel("increment");
    let launch = |threads| gpu.launch(increment, [1, 1, 1], [threads, 1, 1], 0, 0, &[device]);
    assert_eq!(launch(8), 0);
    // SAFETY: no pointers.
    unsafe {
        assert_eq!((gpu.cu.cuCtxSynchronize)(), 700);
        assert_eq!((gpu.cu.cuMemFree_v2)(device), 700);
    }
    assert_eq!(launch(7), 700);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_accesses_between_words() {
    let gpu = Gpu::open();
    let device = gpu.alloc(64);
    assert_eq!(gpu.increment(device + 2, 1, 0), 0);
    assert_eq!(unsafe { (gpu.cu.cuCtxSynchronize)() }, 716);
}

#[test]
fn a_kernel_that_leaves_its_buffer_ends_its_context() {
    let lines = ["cuLaunchKernel: increment: ", "at the end"];
    tells("launches::child_leaves_its_buffer", &[], &lines);
    tells("launches::child_accesses_between_words", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_asks_how_many_blocks_fit() {
    let gpu = Gpu::open();
    let fit = |name, threads, dynamic| {
        let kernel = gpu.kernel(name);
        made::<i32>(|to| unsafe { (gpu.cu.cuOccupancyMaxActiveBlocksPerMultiprocessor)(to, kernel, threads, dynamic) })
    };
    // By warps (64), by blocks (32), by shared memory: 233472 / (20480 + 1024) and 233472 / (20480 + 28672 + 1024).
    assert_eq!([fit("increment", 1024, 0), fit("increment", 32, 0)], [2, 32]);
    assert_eq!([fit("fixed", 32, 0), fit("fixed", 32, 28672), fit("fixed", 32, 28673)], [10, 4, 0]);
    assert_eq!(fit("at_most_64", 96, 0), 0);
}

#[test]
fn blocks_fit_by_warps_and_shared_memory() {
    told("launches::child_asks_how_many_blocks_fit", &[]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_launches_clusters() {
    /// `CUlaunchConfig`, and the one attribute that it leads to: `CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION` is 4.
    #[repr(C)]
    struct Config([u32; 7], u64, *const [u32; 18], u32);
    let gpu = Gpu::open();
    let (rank, device) = (gpu.kernel("rank"), gpu.alloc(4 * 12));
    let launch = |blocks: u32, cluster: u32| {
        let mut attribute = [0; 18];
        (attribute[0], attribute[2], attribute[3], attribute[4]) = (4, cluster, 1, 1);
        let config = Config([blocks, 1, 1, 1, 1, 1, 0], 0, &attribute, 1);
        let mut arguments = [(&raw const device).cast_mut().cast()];
        let config = (&raw const config).cast();
        // SAFETY: structures as cuda.h lays them out.
        unsafe { (gpu.cu.cuLaunchKernelEx)(config, rank, arguments.as_mut_ptr(), std::ptr::null_mut()) }
    };
    assert_eq!(launch(12, 4), 0);
    assert_eq!(gpu.read(device, 12), [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!((launch(12, 5), launch(12, 0), launch(12, 12)), (1, 912, 912));
    // More than every GPU has, which the kernel must allow.
    assert_eq!(unsafe { (gpu.cu.cuFuncSetAttribute)(rank, 14, 1) }, 0);
    assert_eq!((launch(12, 12), gpu.read(device, 12)[11]), (0, 11));
}

#[test]
fn blocks_come_in_clusters() {
    let lines = [
        "do not divide [12, 1, 1]",
        "[0, 1, 1] blocks are not between",
        "[12, 1, 1] blocks are not between 1 and 8",
        "at the end",
    ];
    tells("launches::child_launches_clusters", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_launches_blocks_that_meet() {
    let gpu = Gpu::open();
    let (meet, device) = (gpu.kernel("meet"), gpu.alloc(4));
    let launch = |blocks| {
        gpu.fill(device, 0, 1, 0);
        let mut arguments = [(&raw const device).cast_mut().cast()];
        // SAFETY: the argument lives until the call is over.
        unsafe { (gpu.cu.cuLaunchCooperativeKernel)(meet, blocks, 1, 1, 1024, 1, 1, 0, 0, arguments.as_mut_ptr()) }
    };
    // Two blocks of 1024 threads fit on each of 132 multiprocessors; each thread counts.
    assert_eq!((launch(265), launch(3)), (720, 0));
    assert_eq!(gpu.read(device, 1), [3 * 1024]);
}

#[test]
fn blocks_that_wait_for_each_other_must_all_fit() {
    tells(
        "launches::child_launches_blocks_that_meet",
        &[],
        &["265 blocks, where 264 can run at the same time", "at the end"],
    );
}
