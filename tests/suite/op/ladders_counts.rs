//! Ladders of kernels that memory binds: each rung improves on the one below in the quantity that it is about, counted by the
//! profiler with a GPU's tiles.

use warptape::DType;
use warptape::device::host::Order;
use warptape::device::profiled::{Counts, Profile};
use warptape::op::workload::Workload;

use crate::device::profiler::profiled;
use crate::support::has_compiler;

/// What kernel `kernel` does at `sizes` on rung `rung` of the ladder of that name.
fn rung(kernel: &str, rung: u32, sizes: &[usize]) -> Profile {
    let (device, profiles) = profiled(Order::Forward);
    Workload::find(&format!("{kernel}:{rung}")).unwrap()[0].run(&device, sizes, DType::F32).unwrap();
    profiles.list().into_iter().find(|profile| profile.kernel == kernel).unwrap()
}

fn counts(kernel: &str, sizes: &[usize]) -> Vec<Counts> {
    let number = warptape::op::ladders().iter().find(|ladder| ladder.name == kernel).unwrap().numbers().count();
    (1..=number as u32).map(|number| rung(kernel, number, sizes).total).collect()
}

fn per_request(counts: &Counts) -> f64 {
    counts.global_loads.transactions as f64 / counts.global_loads.requests as f64
}

#[test]
fn sum() {
    if !has_compiler() {
        return;
    }
    let n = 1 << 16;
    let counts = counts("sum_forward", &[n as usize]);
    let [naive, tree, vectorized] = counts.as_slice() else { panic!("{counts:?}") };
    // Neighbours in different stretches, then side by side: 2048 and 16 sums are left, and added up likewise.
    assert_eq!(naive.global_loads.requests, n / 32 + 2048 / 32 + 32 + 2);
    assert!(per_request(naive) > 31.0, "{naive:?}");
    assert_eq!(tree.global_loads.requests, n / 32 + 1);
    assert!(per_request(tree) <= 4.0, "{tree:?}");
    // Vectors: a quarter of the requests; and two barriers where there were eight.
    assert!(4 * vectorized.global_loads.requests <= tree.global_loads.requests + 64, "{vectorized:?}");
    assert!(vectorized.barriers < tree.barriers, "{vectorized:?}");
}

#[test]
fn sum_rows() {
    if !has_compiler() {
        return;
    }
    let (rows, channels) = (1024, 64);
    let of_rung = |number| rung("sum_rows_forward", number, &[rows, channels]);
    let [naive, tree, vectorized] = [1, 2, 3].map(of_rung).map(|profile| profile.total);
    // A warp for 32 channels that makes a request for each row; then warps that make 16 each, or one for each slab.
    assert_eq!(naive.global_loads.requests, (rows * channels / 32) as u64);
    let (warps, slabs) = (8 * (channels / 32) as u64, 1024 / 128);
    assert_eq!(tree.global_loads.requests, warps * (16 * slabs + 1));
    // Vectors: about a quarter of the requests.
    assert!(3 * vectorized.global_loads.requests < tree.global_loads.requests, "{vectorized:?}");
}

#[test]
fn max_pool() {
    if !has_compiler() {
        return;
    }
    let (n, side, channels) = (2, 16, 64);
    let sizes = [n, side, side, channels, 2, 2];
    for kernel in ["max_pool_forward", "max_pool_backward"] {
        let counts = counts(kernel, &sizes);
        let [naive, vectorized] = counts.as_slice() else { panic!("{counts:?}") };
        // Four channels at a time: four times fewer requests for the same bytes.
        assert_eq!(naive.global_loads.requests, 4 * vectorized.global_loads.requests, "{kernel}");
        assert_eq!(naive.global_stores.requests, 4 * vectorized.global_stores.requests, "{kernel}");
    }
}

#[test]
fn cross_entropy() {
    if !has_compiler() {
        return;
    }
    let (n, k) = (256, 128);
    let counts = counts("cross_entropy_forward", &[n, k]);
    let [naive, by_warp, online] = counts.as_slice() else { panic!("{counts:?}") };
    // Rows of four times 32 sectors: a sector for each thread, then whole rows.
    assert!(per_request(naive) > 31.0, "{naive:?}");
    assert!(per_request(by_warp) < 4.01, "{by_warp:?}");
    // Three passes over the row, then one; beside it, once per row: the label and its logit, and an element to start from.
    let passes = |counts: &Counts| (counts.global_loads.requests - 3 * n as u64) * 32 / (n * k) as u64;
    assert_eq!((passes(by_warp), passes(online)), (3, 1));
}

#[test]
fn augment() {
    if !has_compiler() {
        return;
    }
    let (batch, side) = (2, 32);
    let pixels = (batch * side * side) as u64;
    let sample = counts("augment_forward_sample", &[batch, side, side]);
    let [naive, by_pixel] = sample.as_slice() else { panic!("{sample:?}") };
    // The map is read and gone through once for a pixel instead of once for each channel; twelve floats take three stores.
    assert!(2 * by_pixel.global_loads.requests < naive.global_loads.requests, "{by_pixel:?} {naive:?}");
    assert!(3 * by_pixel.operations.flops() < 2 * naive.operations.flops(), "{by_pixel:?} {naive:?}");
    assert_eq!(naive.global_stores.requests, 4 * by_pixel.global_stores.requests);
    assert_eq!(by_pixel.global_stores.requests, 3 * pixels / 4 / 32);

    // Six transforms in one launch: pixels are loaded once for contrast's sum and once more, instead of eight times.
    let moved = |number| {
        let (device, profiles) = profiled(Order::Forward);
        let workload = &Workload::find(&format!("augment_forward_colour:{number}")).unwrap()[0];
        workload.run(&device, &[batch, side, side], DType::F32).unwrap();
        profiles.list().iter().map(|profile| profile.total.global().requests).sum::<u64>()
    };
    assert!(5 * moved(2) < 2 * moved(1), "{} {}", moved(2), moved(1));
}
