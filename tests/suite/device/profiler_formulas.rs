//! Profiled mode on kernels of the tree: counts follow from sizes and tile shapes by closed formulas.

use warptape::DType;
use warptape::device::Defines;
use warptape::device::host::Order;
use warptape::device::profiled::{Counts, Profile};
use warptape::op::workload::Workload;

use crate::device::profiler::profiled;
use crate::support::has_compiler;

/// What a workload's kernels do at `sizes`, in forward order; another order of threads counts the same.
fn profile(workload: &str, sizes: &[usize]) -> Vec<Profile> {
    let [forward, random] = [Order::Forward, Order::Random(3)].map(|order| {
        let (device, profiles) = profiled(order);
        // Formulas are of implicit GEMM, whatever an op would choose.
        for (ladder, rung) in [("conv2d_forward", 5), ("conv2d_backward_input", 5), ("conv2d_backward_filter", 6)] {
            device.choices().force(ladder, Some(rung));
        }
        Workload::find(workload).unwrap()[0].run(&device, sizes, DType::F32).unwrap();
        profiles.list()
    });
    let totals = |list: &[Profile]| list.iter().map(|one| one.total).collect::<Vec<_>>();
    assert_eq!(totals(&forward), totals(&random));
    forward
}

fn kernel<'a>(profiles: &'a [Profile], name: &str) -> &'a Profile {
    profiles.iter().find(|profile| profile.kernel == name).unwrap()
}

fn define(defines: &Defines, name: &str) -> u64 {
    defines.get(name).expect("a number") as u64
}

/// C = A B with sizes that are multiples of every tile: each block walks the inner dimension in steps, copies two tiles,
/// waits twice, and each thread multiplies its register tile.
#[test]
fn matmul() {
    if !has_compiler() {
        return;
    }
    for [m, n, k] in [[256, 256, 64], [128, 384, 256]] {
        let profiles = profile("matmul_forward:6", &[m, n, k]);
        let forward = &profiles[0];
        let [m, n, k] = [m, n, k].map(|size| size as u64);
        let value = |name| define(&forward.defines, name);
        let (bm, bn, bk, threads) = (value("BM"), value("BN"), value("BK"), value("THREADS"));
        assert_eq!((m % bm, n % bn, k % bk, value("TRANSPOSE_A"), value("TRANSPOSE_B")), (0, 0, 0, 0, 0));
        let (blocks, steps) = (m / bm * (n / bn), k / bk);
        let Counts { global_loads, global_stores, shared_loads, shared_stores, operations, barriers, .. } =
            forward.total;

        assert_eq!(operations.fused, m * n * k);
        assert_eq!(operations.flops(), 2 * m * n * k);
        assert_eq!(barriers, 2 * blocks * steps);
        // The header's formula, in whole vectors of 16 bytes, all of them coalesced.
        assert_eq!(global_loads.bytes, 4 * (m * k * (n / bn) + k * n * (m / bm)));
        assert_eq!(global_stores.bytes, 4 * m * n);
        for transfers in [global_loads, global_stores] {
            assert_eq!((transfers.lanes, transfers.requests), (transfers.bytes / 16, transfers.bytes / 512));
            assert_eq!((transfers.transactions, transfers.partial), (transfers.bytes / 32, 0));
        }
        // What comes from global memory goes to shared memory.
        assert_eq!(shared_stores.bytes, global_loads.bytes);
        assert_eq!(shared_stores.conflicts(), 0);
        // For every KVEC steps of depth a thread loads that much of TM rows, and as many rows of TN columns.
        let of_thread = k / value("KVEC") * (value("TM") + value("KVEC") * value("TN") / value("VEC"));
        assert_eq!(shared_loads.requests, blocks * threads / 32 * of_thread);
        assert_eq!(shared_loads.conflicts(), 0);
        // Every element is read, and every result written, and a block's shared memory is its two tiles.
        assert_eq!((forward.read, forward.written), (4 * (m * k + k * n), 4 * m * n));
        assert_eq!(forward.static_shared, 4 * (bm * bk + bk * bn));
    }
}

/// A 3 × 3 convolution with a border of zeros: taps outside the image are not loaded, but multiplied.
#[test]
fn conv2d() {
    if !has_compiler() {
        return;
    }
    let (n, side, channels, filters) = (2, 16, 64, 64);
    let profiles = profile("conv2d", &[n, side, side, channels, filters, 3, 3, 1].map(|size| size as usize));
    let (pixels, depth) = (n * side * side, 9 * channels);
    // Along an axis, of three taps the middle one is always inside, the others all but once.
    let inside = n * (3 * side - 2) * (3 * side - 2);

    let forward = kernel(&profiles, "conv2d_forward");
    let value = |name| define(&forward.defines, name);
    let (bm, bn, bk) = (value("BM"), value("BN"), value("BK"));
    assert_eq!((pixels % bm, filters % bn, depth % bk), (0, 0, 0));
    let (blocks, steps) = (pixels / bm * (filters / bn), depth / bk);
    let counts = forward.total;
    // One operation more for each result: the bias.
    assert_eq!(counts.operations.fused, pixels * filters * depth + pixels * filters);
    assert_eq!(counts.barriers, blocks * (1 + 2 * steps));
    let (images, weights) = (4 * inside * channels * (filters / bn), 4 * depth * filters * (pixels / bm));
    let bias = 4 * pixels * filters;
    assert_eq!(counts.global_loads.bytes, images + weights + bias);
    assert_eq!(counts.global_stores.bytes, 4 * pixels * filters);
    assert_eq!(counts.global_stores.efficiency(), Some(1.0));
    assert_eq!(forward.read, 4 * (pixels * channels + depth * filters + filters));
    assert_eq!(forward.written, 4 * pixels * filters);

    // The gradients multiply as often as the forward pass; where tiles fit, exactly.
    let input = kernel(&profiles, "conv2d_backward_input");
    let value = |name| define(&input.defines, name);
    assert_eq!((pixels % value("BM"), channels % value("BN")), (0, 0));
    assert_eq!(input.total.operations.fused, pixels * channels * 9 * filters);
    assert_eq!(input.written, 4 * pixels * channels);
    let filter = kernel(&profiles, "conv2d_backward_filter");
    assert!(filter.total.operations.fused >= filters * depth * pixels, "{:?}", filter.total.operations);
    assert_eq!(filter.total.operations.flops() % 2, 0);
}

/// Elementwise kernels touch every byte once, whatever the vectors.
#[test]
fn relu() {
    if !has_compiler() {
        return;
    }
    for n in [4096, 10_007] {
        let profiles = profile("relu", &[n]);
        let bytes = 4 * n as u64;
        let [forward, backward] = ["relu_forward", "relu_backward"].map(|name| kernel(&profiles, name));
        assert_eq!((forward.total.global_loads.bytes, forward.total.global_stores.bytes), (bytes, bytes));
        assert_eq!((backward.total.global_loads.bytes, backward.total.global_stores.bytes), (2 * bytes, bytes));
        assert_eq!(forward.total.operations.flops(), 0);
        let sectors = 32 * (n as u64).div_ceil(8);
        assert_eq!((forward.read, forward.written), (sectors, sectors));
    }
}
