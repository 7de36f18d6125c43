//! Kernels with mistakes on the host device: one line that names kernel, block, place and thread; never a hang; and the
//! device works afterwards.

use warptape::device::dry::Dry;
use warptape::device::host::Order;
use warptape::device::{Arg, Defines, Geometry, Target};
use warptape::{DType, Device, Error, Result, Tensor};

use crate::support::{Kernels, ORDERS, host, launch, on_gpu};

const TEXT: &str = include_str!("faults.cu");

/// Runs `kernel` in every order on two blocks of `threads` threads; the error must have all of `words`, and a place that is
/// marked with the kernel's name.
fn fails(kernel: &str, threads: usize, words: &[&str]) {
    if on_gpu() {
        return;
    }
    for order in ORDERS {
        let device = host(order, false);
        let kernels = Kernels::compile(&device, "faults.cu", TEXT).unwrap();
        let out = Tensor::zeros(&device, [1024], DType::I32).unwrap();
        let error = kernels.launch(kernel, Geometry::linear(2, threads), &[out.arg()]).unwrap_err();
        assert!(matches!(error, Error::Kernel { .. }), "{error:?}");
        let error = error.to_string();
        let marked = (1..).zip(TEXT.lines()).filter(|(_, text)| text.ends_with(&format!("// {kernel}")));
        let named = marked.map(|(line, _)| format!("): faults.cu:{line}: ")).any(|place| error.contains(&place));
        assert!(named, "no marked line in: {error}");
        assert!(!error.contains('\n'), "{error}");
        for word in [kernel, ": block (", "thread ("].iter().chain(words) {
            assert!(error.contains(word), "{order:?}: '{word}' is not in: {error}");
        }
        still_works(&device, &kernels).unwrap();
    }
}

fn still_works(device: &Device, kernels: &Kernels) -> Result<()> {
    let out = Tensor::zeros(device, [64], DType::I32)?;
    kernels.launch("good", Geometry::linear(1, 64), &[out.arg()])?;
    assert_eq!(out.to_vec::<i32>()?, [65; 64]);
    device.check_guards()
}

#[test]
fn barriers_that_some_threads_never_reach() {
    fails("early_return", 64, &["the barrier is reached by 40 of 64 threads", "thread (40, 0, 0) has returned"]);
    fails("uneven_loop", 33, &["the barrier is reached by 32 of 33 threads; thread (5, 0, 0) has returned"]);
}

#[test]
fn threads_at_different_barriers() {
    fails("two_barriers", 64, &["waits at this barrier while others wait at the one at faults.cu:"]);
}

#[test]
fn shuffles_from_lanes_that_take_no_part() {
    fails("absent_lane", 32, &["thread (8, 0, 0) reads lane 16 of its warp, which takes no part"]);
    fails("lane_beyond_the_block", 40, &["thread (32, 0, 0) reads lane 16 of its warp, which takes no part"]);
}

#[test]
fn masks_that_are_wrong() {
    fails("not_in_its_mask", 32, &["which is not in the mask 0x0000ffff it passes"]);
    fails("exited_lanes", 32, &["has returned"]);
    fails("crossed_masks", 32, &["waits for a lane of its warp", "waits at the warp collective at faults.cu:"]);
}

#[test]
fn lanes_at_different_collectives() {
    fails("different_collectives", 32, &["meets lanes of its warp that are at another collective, at faults.cu:"]);
    fails("half_at_a_barrier", 32, &["waits at the "]);
}

#[test]
fn traps_and_blocks_of_one_thread() {
    fails("trap", 32, &["thread (3, 0, 0) calls __trap"]);
    fails("alone", 1, &["thread (0, 0, 0) is lane 0, which is not in the mask 0x00000002"]);
}

#[test]
fn an_error_stops_the_other_blocks() {
    if on_gpu() {
        return;
    }
    let device = host(Order::Forward, false);
    let kernels = Kernels::compile(&device, "faults.cu", TEXT).unwrap();
    let out = Tensor::zeros(&device, [1024], DType::I32).unwrap();
    // Most of a million blocks would take minutes.
    let error = kernels.launch("trap", Geometry::linear(1_000_000, 1024), &[out.arg()]).unwrap_err();
    assert!(error.to_string().contains("calls __trap"), "{error}");
    still_works(&device, &kernels).unwrap();
}

#[test]
fn launches_that_no_gpu_takes() {
    if on_gpu() {
        return;
    }
    let device = host(Order::Forward, false);
    let kernels = Kernels::compile(&device, "faults.cu", TEXT).unwrap();
    let out = Tensor::zeros(&device, [64], DType::I32).unwrap();
    let fails = |kernels: &Kernels, geometry: Geometry, args: &[Arg], what: &str| {
        let error = kernels.launch("good", geometry, args).unwrap_err().to_string();
        assert_eq!(error, format!("good: {what}"));
    };
    let fits = Geometry::linear(1, 64);
    fails(&kernels, Geometry::linear(1, 1025), &[out.arg()], "a block has 1 to 1024 threads, not 1025");
    fails(&kernels, Geometry::linear(1, 0), &[out.arg()], "a block has 1 to 1024 threads, not 0");
    let shared = Geometry { shared: 227 * 1024 + 1, ..fits };
    fails(&kernels, shared, &[out.arg()], "232449 bytes of shared memory, at most 232448 exist");
    fails(&kernels, fits, &[], "takes 1 arguments and was given 0");
    fails(&kernels, fits, &[out.arg(), Arg::I32(1)], "takes 1 arguments and was given 2");
    fails(&kernels, fits, &[Arg::I32(1)], "argument 0 is a pointer of 8 bytes there and was given I32(1)");

    let gpu_tiles = host(Order::Forward, true);
    let narrow = Kernels::compile(&gpu_tiles, "faults.cu", TEXT).unwrap();
    let out = Tensor::zeros(&gpu_tiles, [64], DType::I32).unwrap();
    let deep = Geometry { grid: [1, 65536, 1], ..fits };
    let what = "a grid has at most [2147483647, 65535, 65535] blocks along its axes, not [1, 65536, 1]";
    fails(&narrow, deep, &[out.arg()], what);
    still_works(&device, &kernels).unwrap();
}

/// Where a library is unloaded with its last function, a kernel must not outlive it, nor run on another device.
#[test]
fn functions_keep_their_module_and_their_device() {
    if on_gpu() {
        return;
    }
    let device = host(Order::Forward, false);
    let good = Kernels::compile(&device, "faults.cu", TEXT).unwrap().function("good").unwrap();
    let out = Tensor::zeros(&device, [64], DType::I32).unwrap();
    launch(&device, &good, Geometry::linear(1, 64), &[out.arg()]).unwrap();
    assert_eq!(out.to_vec::<i32>().unwrap(), [65; 64]);

    let dry = Device::new(Box::new(Dry::new(Target::Cuda)));
    let strange = Kernels::compile(&dry, "faults.cu", TEXT).unwrap().function("good").unwrap();
    let error = launch(&device, &strange, Geometry::linear(1, 64), &[out.arg()]).unwrap_err().to_string();
    assert_eq!(error, "good: was compiled for another device");
}

#[test]
fn an_unknown_kernel_lists_what_there_is() {
    let text = "extern \"C\" __global__ void first() {}\nextern \"C\" __global__ void second() {}";
    for (_, device) in crate::support::orders() {
        let kernels = Kernels::compile(&device, "two.cu", text).unwrap();
        let error = kernels.function("third").err().unwrap().to_string();
        assert_eq!(error, "kernel source two.cu: has no kernel 'third'; it has first, second");
        let defines = Defines::new().with("VEC", 4).with("ITEMS", 1).with("THREADS", 32);
        let error = device.function("relu/vectorized.cu", "swish", &defines).err().unwrap().to_string();
        assert!(error.contains("has no kernel 'swish'; it has relu_forward, relu_backward"), "{error}");
    }
}

/// Several threads launch at once, on one device and on several.
#[test]
fn launches_from_several_threads() {
    if on_gpu() {
        return;
    }
    let shared = host(Order::Forward, false);
    std::thread::scope(|scope| {
        for i in 0..8 {
            let device = if i % 2 == 0 { shared.clone() } else { host(ORDERS[i % 4], false) };
            scope.spawn(move || {
                let kernels = Kernels::compile(&device, "faults.cu", TEXT).unwrap();
                for _ in 0..20 {
                    still_works(&device, &kernels).unwrap();
                    let out = Tensor::zeros(&device, [1024], DType::I32).unwrap();
                    let geometry = Geometry::linear(16, 64);
                    kernels.launch("good", geometry, &[out.arg()]).unwrap();
                    kernels.launch("two_barriers", geometry, &[out.arg()]).unwrap_err();
                }
            });
        }
    });
}
