//! Contexts by thread, and handles that are no more.

use crate::interface::{Cu, Gpu, made};
use crate::process::tells;

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_forgets_contexts() {
    let cu = Cu::open();
    // SAFETY: pointers to live values.
    unsafe {
        assert_eq!((cu.cuCtxSynchronize)(), 3);
        assert_eq!((cu.cuInit)(0), 0);
        assert_eq!((cu.cuMemAlloc_v2)(&mut 0, 4), 201);
        let own = made(|to| (cu.cuCtxCreate_v2)(to, 0, 0));
        let device = made(|to| (cu.cuMemAlloc_v2)(to, 4));
        std::thread::scope(|scope| {
            let elsewhere = scope.spawn(|| {
                let before = (cu.cuMemFree_v2)(device);
                assert_eq!((cu.cuCtxSetCurrent)(own), 0);
                (before, (cu.cuMemFree_v2)(device))
            });
            assert_eq!(elsewhere.join().unwrap(), (201, 0));
        });
        assert_eq!((cu.cuCtxDestroy_v2)(own), 0);
        assert_eq!(made::<u64>(|to| (cu.cuCtxGetCurrent)(to)), 0);
        assert_eq!((cu.cuCtxSetCurrent)(own), 201);
        assert_eq!((cu.cuDevicePrimaryCtxRelease_v2)(0), 201);
        assert_eq!((cu.cuDevicePrimaryCtxRetain)(&mut 0, 1), 101);
    }
}

#[test]
fn a_call_needs_a_context_of_its_thread() {
    let lines = [
        "cuInit comes first",
        "no context is current on this thread",
        "no context is current on this thread",
        "was destroyed",
        "released more often",
        "there is no device 1",
    ];
    tells("contexts::child_forgets_contexts", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_uses_what_was_destroyed() {
    let gpu = Gpu::open();
    let (cu, stream, event) = (&gpu.cu, gpu.stream(), gpu.event());
    let kernel = gpu.kernel("increment");
    // SAFETY: handles are numbers.
    unsafe {
        assert_eq!((cu.cuStreamDestroy_v2)(stream), 0);
        assert_eq!((cu.cuStreamDestroy_v2)(stream), 400);
        assert_eq!((cu.cuEventDestroy_v2)(event), 0);
        assert_eq!((cu.cuEventRecord)(event, 0), 400);
        assert_eq!((cu.cuEventSynchronize)(stream), 400);
        assert_eq!((cu.cuModuleUnload)(gpu.module), 0);
        assert_eq!(gpu.launch(kernel, [1, 1, 1], [1, 1, 1], 0, 0, &[0]), 400);
        assert_eq!((cu.cuModuleUnload)(gpu.module), 400);
        assert_eq!((cu.cuDevicePrimaryCtxRelease_v2)(0), 0);
        assert_eq!((cu.cuCtxSynchronize)(), 709);
    }
}

#[test]
fn a_handle_of_what_was_destroyed_is_known_as_that() {
    let lines = ["the stream 0x", "the event 0x", "is no event", "the function 0x", "the module 0x", "the context 0x"];
    tells("contexts::child_uses_what_was_destroyed", &[], &lines);
}
