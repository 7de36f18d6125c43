//! When queued work runs, and what shows because of it.

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

const LAZY: (&str, &str) = ("WARPTAPE_DRIVER_ORDER", "lazy");
const EAGER: (&str, &str) = ("WARPTAPE_DRIVER_ORDER", "eager");

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_changes_page_locked_memory() {
    let gpu = Gpu::open();
    let (stream, device, host) = (gpu.stream(), gpu.alloc(16), gpu.page_locked(4));
    host.fill(1);
    // SAFETY: memory that lives.
    unsafe { assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(device, host.as_ptr().cast(), 16, stream), 0) };
    host.fill(2);
    let eager = std::env::var("WARPTAPE_DRIVER_ORDER").unwrap() == "eager";
    assert_eq!(gpu.read(device, 4), [if eager { 1 } else { 2 }; 4]);
    unsafe {
        assert_eq!((gpu.cu.cuMemFreeHost)(host.as_mut_ptr().cast()), 0);
        assert_eq!((gpu.cu.cuMemFree_v2)(device), 0);
        assert_eq!((gpu.cu.cuStreamDestroy_v2)(stream), 0);
    }
    gpu.close();
}

#[test]
fn page_locked_memory_that_changes_before_its_copy_shows() {
    let name = "order::child_changes_page_locked_memory";
    tells(name, &[LAZY], &["was changed after its copy was queued"]);
    tells(name, &[EAGER], &[]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_writes_page_locked_memory_in_order() {
    let gpu = Gpu::open();
    let (stream, device, host) = (gpu.stream(), gpu.alloc(16), gpu.page_locked(4));
    // The device writes what is copied back: no change by the program.
    gpu.fill(device, 5, 4, stream);
    let address = host.as_mut_ptr();
    // SAFETY: memory that lives.
    unsafe {
        assert_eq!((gpu.cu.cuMemcpyDtoHAsync_v2)(address.cast(), device, 16, stream), 0);
        assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(device, address.cast(), 16, stream), 0);
        // So does a kernel, in place.
        assert_eq!(gpu.increment(address as u64, 4, stream), 0);
        assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(device, address.cast(), 16, stream), 0);
    }
    assert_eq!(gpu.read(device, 4), [6; 4]);
}

#[test]
fn page_locked_memory_that_the_device_changes_is_no_mistake() {
    for order in ["lazy", "eager", "random:3"] {
        let told = told("order::child_writes_page_locked_memory_in_order", &[("WARPTAPE_DRIVER_ORDER", order)]);
        assert!(told.iter().all(|line| line.starts_with("at the end")), "{told:?}");
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_frees_memory_in_use() {
    let gpu = Gpu::open();
    let (stream, device, host) = (gpu.stream(), gpu.alloc(16), gpu.page_locked(4));
    host.fill(1);
    // SAFETY: memory that lives when the calls are made.
    unsafe {
        assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(device, host.as_ptr().cast(), 16, stream), 0);
        assert_eq!((gpu.cu.cuMemFreeHost)(host.as_mut_ptr().cast()), 0);
    }
    assert_eq!(gpu.read(device, 4), [1; 4]);
}

#[test]
fn page_locked_memory_that_goes_before_its_copy_shows() {
    let name = "order::child_frees_memory_in_use";
    tells(name, &[LAZY], &["cuMemFreeHost: the page-locked memory at 0x", "at the end"]);
    tells(name, &[EAGER], &["at the end"]);
}

/// Two streams write the same word, with an event between them or without: what is there at the end.
fn race(ordered: bool) -> u32 {
    let gpu = Gpu::open();
    let (first, second, device, event) = (gpu.stream(), gpu.stream(), gpu.alloc(4), gpu.event());
    gpu.fill(device, 1, 1, first);
    // SAFETY: handles that live.
    unsafe {
        assert_eq!((gpu.cu.cuEventRecord)(event, first), 0);
        if ordered {
            assert_eq!((gpu.cu.cuStreamWaitEvent)(second, event, 0), 0);
        }
    }
    gpu.fill(device, 2, 1, second);
    assert_eq!(gpu.increment(device, 1, second), 0);
    // SAFETY: as above.
    unsafe {
        assert_eq!((gpu.cu.cuStreamSynchronize)(second), 0);
        assert_eq!((gpu.cu.cuStreamSynchronize)(first), 0);
    }
    gpu.read(device, 1)[0]
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_orders_streams_by_an_event() {
    assert_eq!(race(true), 3);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_forgets_the_event() {
    println!("says: {}", race(false));
}

#[test]
fn an_event_orders_streams_and_without_one_they_race() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let order = [("WARPTAPE_DRIVER_ORDER", &format!("random:{seed}")[..])];
        told("order::child_orders_streams_by_an_event", &order);
        let output = crate::process::run("order::child_forgets_the_event", &order).output;
        seen.extend(output.split_once("says: ").and_then(|(_, rest)| rest.lines().next()).map(str::to_owned));
    }
    // Increment alone runs last, or the first fill comes after it, or between.
    assert!(seen.len() > 1, "all orders gave {seen:?}");
    told("order::child_orders_streams_by_an_event", &[LAZY]);
    told("order::child_orders_streams_by_an_event", &[EAGER]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_uses_the_default_stream() {
    let gpu = Gpu::open();
    // A stream that cares for the default one.
    let stream = made(|to| unsafe { (gpu.cu.cuStreamCreate)(to, 0) });
    let device = gpu.alloc(4);
    gpu.fill(device, 1, 1, stream);
    gpu.fill(device, 2, 1, 0);
    assert_eq!(gpu.increment(device, 1, stream), 0);
    // SAFETY: a stream that lives.
    unsafe { assert_eq!((gpu.cu.cuStreamSynchronize)(stream), 0) };
    assert_eq!(gpu.read(device, 1), [3]);
}

#[test]
fn the_default_stream_waits_and_is_waited_for() {
    for order in ["lazy", "eager", "random:1", "random:2", "random:3"] {
        told("order::child_uses_the_default_stream", &[("WARPTAPE_DRIVER_ORDER", order)]);
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_asks_until_it_is_done() {
    let gpu = Gpu::open();
    let (stream, device, event) = (gpu.stream(), gpu.alloc(4), gpu.event());
    let (start, mut milliseconds) = (gpu.event(), 0.0);
    // SAFETY: handles that live.
    unsafe {
        // Never recorded: nothing to wait for, and no time either.
        assert_eq!((gpu.cu.cuEventQuery)(event), 0);
        assert_eq!((gpu.cu.cuEventElapsedTime_v2)(&mut milliseconds, start, event), 400);
        assert_eq!((gpu.cu.cuEventRecord)(start, stream), 0);
        gpu.fill(device, 1, 1, stream);
        assert_eq!((gpu.cu.cuEventRecord)(event, stream), 0);
        assert_eq!((gpu.cu.cuEventElapsedTime_v2)(&mut milliseconds, start, event), 600);
        let questions = (0..10).take_while(|_| (gpu.cu.cuEventQuery)(event) == 600).count();
        assert!((1..4).contains(&questions), "{questions}");
        assert_eq!((gpu.cu.cuStreamQuery)(stream), 0);
        assert_eq!((gpu.cu.cuEventElapsedTime_v2)(&mut milliseconds, start, event), 0);
        assert!(milliseconds > 0.0);
        assert_eq!((gpu.cu.cuEventSynchronize)(event), 0);
    }
}

#[test]
fn who_asks_often_comes_to_an_end() {
    tells("order::child_asks_until_it_is_done", &[LAZY], &["was never recorded", "at the end"]);
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_calls_the_driver_from_a_stream() {
    static GPU: std::sync::OnceLock<Gpu> = std::sync::OnceLock::new();
    static SEEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    unsafe extern "C" fn from_a_stream(_: *mut std::ffi::c_void) {
        let status = unsafe { (GPU.get().unwrap().cu.cuCtxSynchronize)() };
        SEEN.store(status, std::sync::atomic::Ordering::Relaxed);
    }
    let gpu = GPU.get_or_init(Gpu::open);
    // SAFETY: a function that lives.
    unsafe {
        assert_eq!((gpu.cu.cuLaunchHostFunc)(0, from_a_stream, std::ptr::null_mut()), 0);
        assert_eq!(SEEN.load(std::sync::atomic::Ordering::Relaxed), 0);
        assert_eq!((gpu.cu.cuCtxSynchronize)(), 0);
    }
    assert_eq!(SEEN.load(std::sync::atomic::Ordering::Relaxed), 800);
}

#[test]
fn a_function_on_a_stream_must_not_call_the_driver() {
    tells("order::child_calls_the_driver_from_a_stream", &[LAZY], &["must not call the driver", "at the end"]);
}
