//! Captures and graphs: what is repeated, what a capture does not survive, and what a graph must not outlive.

use std::ffi::c_void;

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

const ORDERS: [&str; 5] = ["lazy", "eager", "random:1", "random:2", "random:3"];

// SAFETY of what follows: handles and memory are there, or what is wrong with them is told before they are touched.
impl Gpu {
    fn begin(&self, stream: u64) {
        // CU_STREAM_CAPTURE_MODE_GLOBAL
        assert_eq!(unsafe { (self.cu.cuStreamBeginCapture_v2)(stream, 0) }, 0);
    }

    fn end(&self, stream: u64) -> u64 {
        made(|graph| unsafe { (self.cu.cuStreamEndCapture)(stream, graph) })
    }

    fn instantiate(&self, graph: u64) -> u64 {
        made(|exec| unsafe { (self.cu.cuGraphInstantiateWithFlags)(exec, graph, 0) })
    }

    fn order(&self, first: u64, event: u64, second: u64) {
        unsafe {
            assert_eq!((self.cu.cuEventRecord)(event, first), 0);
            assert_eq!((self.cu.cuStreamWaitEvent)(second, event, 0), 0);
        }
    }

    fn upload(&self, to: u64, from: &[u32], stream: u64) -> u32 {
        unsafe { (self.cu.cuMemcpyHtoDAsync_v2)(to, from.as_ptr().cast(), 4 * from.len(), stream) }
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_repeats_a_graph() {
    let gpu = Gpu::open();
    let cu = &gpu.cu;
    let (first, second) = (gpu.stream(), gpu.stream());
    let (fork, join) = (gpu.event(), gpu.event());
    let (a, b) = (gpu.alloc(16), gpu.alloc(16));
    let (given, found) = (gpu.page_locked(4), gpu.page_locked(8));
    gpu.begin(first);
    let mut status = 0;
    assert_eq!(unsafe { (cu.cuStreamIsCapturing)(first, &mut status) }, 0);
    assert_eq!(status, 1);
    // Words come in; one stream adds one to them, another adds two to their copy.
    assert_eq!(gpu.upload(a, given, first), 0);
    assert_eq!(gpu.upload(b, given, first), 0);
    gpu.order(first, fork, second);
    assert_eq!(gpu.increment(a, 4, first), 0);
    assert_eq!((gpu.increment(b, 4, second), gpu.increment(b, 4, second)), (0, 0));
    let out = found.as_mut_ptr();
    unsafe {
        assert_eq!((cu.cuMemcpyDtoHAsync_v2)(out.add(4).cast(), b, 16, second), 0);
        gpu.order(second, join, first);
        assert_eq!((cu.cuMemcpyDtoHAsync_v2)(out.cast(), a, 16, first), 0);
    }
    let graph = gpu.end(first);
    let count = made(|to| unsafe { (cu.cuGraphGetNodes)(graph, std::ptr::null_mut(), to) });
    assert_eq!(count, 7usize);
    let exec = gpu.instantiate(graph);
    // Nothing of it has run.
    gpu.fill(a, 9, 4, 0);
    assert_eq!(gpu.read(a, 4), [9; 4]);
    for round in 0..3 {
        given.iter_mut().zip(0..).for_each(|(word, at)| *word = 100 * round + at);
        let stream = if round == 1 { second } else { first };
        unsafe {
            assert_eq!((cu.cuGraphLaunch)(exec, stream), 0);
            assert_eq!((cu.cuStreamSynchronize)(stream), 0);
        }
        let plus = |more: u32| (0..4).map(move |at| 100 * round + at + more);
        assert_eq!(found.to_vec(), plus(1).chain(plus(2)).collect::<Vec<_>>());
    }
    unsafe {
        // Other arguments for the same kernels.
        gpu.begin(first);
        assert_eq!(gpu.upload(b, given, first), 0);
        let other = gpu.end(first);
        let mut info = [0u64; 3];
        assert_eq!((cu.cuGraphExecUpdate_v2)(exec, other, info.as_mut_ptr().cast()), 910);
        assert_eq!(info[0] as u32, 2);
        assert_eq!((cu.cuGraphExecUpdate_v2)(exec, graph, info.as_mut_ptr().cast()), 0);
        assert_eq!((cu.cuGraphDestroy)(other), 0);
        assert_eq!((cu.cuGraphDestroy)(graph), 0);
        // Queued twice on two streams, they follow each other.
        assert_eq!(((cu.cuGraphLaunch)(exec, first), (cu.cuGraphLaunch)(exec, second)), (0, 0));
        assert_eq!((cu.cuGraphExecDestroy)(exec), 0);
        assert_eq!((cu.cuCtxSynchronize)(), 0);
        [a, b].iter().for_each(|memory| assert_eq!((cu.cuMemFree_v2)(*memory), 0));
        [given, found].into_iter().for_each(|memory| assert_eq!((cu.cuMemFreeHost)(memory.as_mut_ptr().cast()), 0));
        [first, second].iter().for_each(|stream| assert_eq!((cu.cuStreamDestroy_v2)(*stream), 0));
        [fork, join].iter().for_each(|event| assert_eq!((cu.cuEventDestroy_v2)(*event), 0));
    }
    gpu.close();
}

#[test]
fn a_graph_does_what_was_captured_each_time() {
    for order in ORDERS {
        let environment = [("WARPTAPE_DRIVER_ORDER", order), ("WARPTAPE_DRIVER_STRICT", "1")];
        assert_eq!(told("graphs::child_repeats_a_graph", &environment), [""; 0], "{order}");
    }
}

unsafe extern "C" fn nothing(_: *mut c_void) {}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_breaks_captures() {
    let gpu = Gpu::open();
    let cu = &gpu.cu;
    let (stream, other, event, late) = (gpu.stream(), gpu.stream(), gpu.event(), gpu.event());
    let blocking = made(|to| unsafe { (cu.cuStreamCreate)(to, 0) });
    let (memory, words) = (gpu.alloc(16), [1u32; 4]);
    let mut graph = 0;
    // What is tried between beginning and end, what it returns, and what the end returns.
    let mut capture = |tried: &dyn Fn() -> u32, end: u32| {
        gpu.begin(stream);
        assert_eq!(gpu.increment(memory, 4, stream), 0);
        let status = tried();
        assert_eq!(unsafe { (cu.cuStreamEndCapture)(stream, &mut graph) }, end);
        assert_eq!(graph == 0, end != 0);
        if end == 0 {
            assert_eq!(unsafe { (cu.cuGraphDestroy)(graph) }, 0);
        }
        status
    };
    unsafe {
        assert_eq!(capture(&|| (cu.cuStreamSynchronize)(stream), 901), 900);
        assert_eq!(capture(&|| (cu.cuStreamQuery)(stream), 901), 900);
        assert_eq!(capture(&|| (cu.cuCtxSynchronize)(), 901), 900);
        assert_eq!(capture(&|| (cu.cuMemAlloc_v2)(&mut 0, 16), 901), 900);
        assert_eq!(capture(&|| (cu.cuMemAllocAsync)(&mut 0, 16, stream), 901), 900);
        assert_eq!(capture(&|| (cu.cuMemFree_v2)(memory), 901), 900);
        assert_eq!(capture(&|| gpu.upload(memory, &words, stream), 901), 900);
        assert_eq!(capture(&|| (cu.cuStreamDestroy_v2)(stream), 901), 900);
        assert_eq!((cu.cuEventRecord)(event, other), 0);
        assert_eq!(capture(&|| (cu.cuStreamWaitEvent)(stream, event, 0), 901), 905);
        let recorded = |then: &dyn Fn() -> u32| {
            assert_eq!((cu.cuEventRecord)(event, stream), 0);
            then()
        };
        assert_eq!(capture(&|| recorded(&|| (cu.cuEventSynchronize)(event)), 901), 907);
        assert_eq!(capture(&|| recorded(&|| (cu.cuEventQuery)(event)), 901), 907);
        // What it was part of is over.
        assert_eq!((cu.cuStreamWaitEvent)(other, event, 0), 907);
        // A stream that joins must be waited for, and cannot end the capture.
        let join = || {
            assert_eq!((cu.cuStreamWaitEvent)(other, event, 0), 0);
            gpu.increment(memory, 4, other)
        };
        assert_eq!(capture(&|| recorded(&join), 904), 0);
        let ends = || {
            assert_eq!(join(), 0);
            (cu.cuStreamEndCapture)(other, &mut 0)
        };
        assert_eq!(capture(&|| recorded(&ends), 901), 903);
        let joined = || {
            assert_eq!(join(), 0);
            gpu.order(other, late, stream);
            (cu.cuLaunchHostFunc)(stream, nothing, std::ptr::null_mut())
        };
        assert_eq!(capture(&|| recorded(&joined), 0), 0);
        // Another one at the same time is apart; two do not become one.
        let merge = || {
            gpu.begin(other);
            let status = (cu.cuStreamWaitEvent)(other, event, 0);
            assert_eq!((cu.cuStreamEndCapture)(other, &mut 0), 901);
            status
        };
        assert_eq!(capture(&|| recorded(&merge), 0), 902);
        // The default stream waits for such as care for it.
        assert_eq!(capture(&|| gpu.increment(memory, 4, 0), 0), 0);
        gpu.begin(blocking);
        assert_eq!(gpu.increment(memory, 4, 0), 906);
        assert_eq!((cu.cuStreamEndCapture)(blocking, &mut 0), 901);
        assert_eq!((cu.cuStreamBeginCapture_v2)(0, 0), 900);
        gpu.begin(stream);
        assert_eq!((cu.cuStreamBeginCapture_v2)(stream, 0), 401);
        assert_eq!((cu.cuGraphDestroy)(gpu.end(stream)), 0);
        assert_eq!((cu.cuStreamEndCapture)(stream, &mut 0), 401);
    }
}

#[test]
fn what_a_capture_does_not_survive_is_told() {
    let lines = [
        "cannot be waited for while it is captured",
        "cannot be asked what it has done",
        "cuCtxSynchronize: is not allowed while a stream is captured",
        "cuMemAlloc: is not allowed",
        "cannot allocate while",
        "cuMemFree: is not allowed",
        "cannot copy memory that is not page-locked",
        "cannot be destroyed while",
        "is of work that is not part of the capture",
        "cuEventSynchronize: the event",
        "was recorded by a capture: it never comes",
        "was recorded by a capture that is over",
        "was made part of the capture, whose stream does not wait for its work",
        "and is ended with",
        "waits for another capture",
        "the default stream would wait for a stream that is captured",
        "the default stream cannot be captured",
        "is captured already",
        "is not captured",
        "at the end",
    ];
    tells("graphs::child_breaks_captures", &[], &lines);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_outlives_what_a_graph_uses() {
    let gpu = Gpu::open();
    let cu = &gpu.cu;
    let (stream, memory, words) = (gpu.stream(), gpu.alloc(16), gpu.page_locked(4));
    let capture = |work: &dyn Fn() -> u32| {
        gpu.begin(stream);
        assert_eq!(work(), 0);
        gpu.instantiate(gpu.end(stream))
    };
    let (adds, copies) =
        (capture(&|| gpu.increment(memory, 4, stream)), capture(&|| gpu.upload(memory, words, stream)));
    words.fill(1);
    unsafe {
        assert_eq!((cu.cuGraphLaunch)(copies, stream), 0);
        // Before the copy has run.
        words.fill(2);
        assert_eq!((cu.cuStreamSynchronize)(stream), 0);
        assert_eq!((cu.cuGraphLaunch)(adds, stream), 0);
        assert_eq!(gpu.read(memory, 4), [3; 4]);
        assert_eq!((cu.cuMemFree_v2)(memory), 0);
        assert_eq!((cu.cuGraphLaunch)(adds, stream), 1);
        assert_eq!((cu.cuGraphLaunch)(copies, stream), 1);
        assert_eq!((cu.cuModuleUnload)(gpu.module), 0);
        assert_eq!((cu.cuGraphLaunch)(adds, stream), 1);
        assert_eq!((cu.cuGraphExecDestroy)(adds), 0);
        assert_eq!((cu.cuGraphLaunch)(adds, stream), 1);
    }
}

#[test]
fn what_a_graph_uses_must_be_there_when_it_is_launched() {
    let lines = [
        "was changed after its copy was queued and before it ran",
        "the kernel increment of the graph uses 0x",
        "a cuMemcpyHtoDAsync of the graph uses 0x",
        "the module of the graph's kernel increment was unloaded",
        "was destroyed",
        "2 graphs, 1 executable graphs",
    ];
    tells("graphs::child_outlives_what_a_graph_uses", &[("WARPTAPE_DRIVER_ORDER", "lazy")], &lines);
}
