//! What is told at the end of a process.

use crate::interface::Gpu;
use crate::process::{run, tells};

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_leaves_things_behind() {
    let gpu = Gpu::open();
    let (_stream, _event) = (gpu.stream(), gpu.event());
    let _memory = (gpu.alloc(100), gpu.alloc(28), gpu.page_locked(1));
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_gives_everything_back() {
    let gpu = Gpu::open();
    let (stream, device) = (gpu.stream(), gpu.alloc(4));
    assert_eq!(gpu.increment(device, 1, stream), 0);
    unsafe {
        // Destroyed with work, which still runs.
        assert_eq!((gpu.cu.cuStreamDestroy_v2)(stream), 0);
        assert_eq!(gpu.read(device, 1), [0]);
        assert_eq!((gpu.cu.cuMemFree_v2)(device), 0);
    }
    gpu.close();
}

#[test]
fn what_is_left_is_told_and_ends_a_strict_process() {
    let left =
        "3 allocations (132 bytes, the first by cuMemAlloc), 1 streams, 1 events, 1 modules, 1 uses of the primary";
    tells("leaks::child_leaves_things_behind", &[], &[left]);
    tells("leaks::child_gives_everything_back", &[("WARPTAPE_DRIVER_STRICT", "1")], &[]);
    let strict = run("leaks::child_leaves_things_behind", &[("WARPTAPE_DRIVER_STRICT", "1")]);
    assert!(strict.told.len() == 2 && strict.told[1].contains("aborting"), "{}", strict.output);
}
