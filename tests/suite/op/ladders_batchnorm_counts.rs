//! The ladder of batch normalization: each rung improves on the one below in the quantity that it is about, counted by the
//! profiler with a GPU's tiles.

use warptape::DType;
use warptape::device::host::Order;
use warptape::device::profiled::{Counts, Profile};
use warptape::op::workload::Workload;

use super::ladders_batchnorm::force;
use crate::device::profiler::profiled;
use crate::support::has_compiler;

const SIZES: [usize; 4] = [4, 16, 16, 64];
const ELEMENTS: u64 = 4 * 16 * 16 * 64;

/// The kernels of `workload`, forward and backward by rung `rung`, with a GPU's tiles.
fn profile(workload: &str, rung: u32) -> Vec<Profile> {
    let (device, profiles) = profiled(Order::Forward);
    force(&device, Some(rung));
    Workload::find(workload).unwrap()[0].run(&device, &SIZES, DType::F32).unwrap();
    profiles.list()
}

/// The counts of all kernels whose names end so.
fn counts(profiles: &[Profile], names: &[&str]) -> Counts {
    let found: Vec<_> = profiles.iter().filter(|one| names.iter().any(|name| one.kernel.ends_with(name))).collect();
    assert!(!found.is_empty(), "{names:?}");
    found.into_iter().fold(Counts::default(), |sum, one| sum + one.total)
}

/// Bytes between the chip and its memory in the forward and in the backward pass.
fn moved(profiles: &[Profile]) -> [u64; 2] {
    let backward = |one: &&Profile| one.kernel.contains("backward") || one.kernel == "sum_rows_forward";
    let bytes = |list: Vec<&Profile>| list.iter().map(|one| one.read + one.written).sum();
    let (backward, forward) = profiles.iter().partition(backward);
    [bytes(forward), bytes(backward)]
}

const STATISTICS: [&str; 2] = ["forward_partial", "forward_statistics"];
const SUMS: [&str; 2] = ["backward_partial", "backward_sums"];

#[test]
fn welford_reads_once_what_two_passes_read_twice() {
    if !has_compiler() {
        return;
    }
    let [one, two] = [1, 2].map(|rung| profile("batchnorm", rung));
    for (kernels, more) in [(STATISTICS, ELEMENTS), (SUMS, ELEMENTS)] {
        let [one, two] = [&one, &two].map(|profiles| counts(profiles, &kernels));
        // Eight floats a sector.
        assert_eq!(one.global_loads.transactions, two.global_loads.transactions + more / 8, "{kernels:?}");
    }
    let divisions = |profiles: &[Profile]| counts(profiles, &STATISTICS).operations.divide;
    assert!(divisions(&one) < 64 * 8 && divisions(&two) >= ELEMENTS, "one an element is the price");
}

#[test]
fn slabs_bring_more_blocks_for_the_same_bytes() {
    if !has_compiler() {
        return;
    }
    let [two, three] = [2, 3].map(|rung| profile("batchnorm", rung));
    let blocks = |profiles: &[Profile], name: &str| -> usize {
        let all = profiles.iter().filter(|one| one.kernel.ends_with(name));
        all.map(|one| one.geometry.blocks()).sum()
    };
    // One block of 128 threads for 64 channels; two for each slab of 128 rows.
    for (name, partial) in [("forward_statistics", "forward_partial"), ("backward_sums", "backward_partial")] {
        assert_eq!((blocks(&two, name), blocks(&three, partial)), (1, 2 * 8), "{name}");
    }
    assert_eq!(
        moved(&two).map(|bytes| bytes / ELEMENTS),
        moved(&three).map(|bytes| bytes / ELEMENTS),
        "the bytes stay"
    );
}

#[test]
fn vectors_take_a_quarter_of_the_requests_and_few_divisions() {
    if !has_compiler() {
        return;
    }
    let [three, four] = [3, 4].map(|rung| profile("batchnorm", rung));
    for kernels in [&STATISTICS[..], &SUMS, &["forward_normalize"], &["backward_input"]] {
        let requests = |profiles: &[Profile]| {
            let Counts { global_loads, global_stores, .. } = counts(profiles, kernels);
            global_loads.requests + global_stores.requests
        };
        let (three, four) = (requests(&three), requests(&four));
        // Every thread also reads the two rows that tell where deviations are taken from.
        assert!(four * 10 < three * 3, "{kernels:?}: {three} → {four}");
    }
    let divisions = |profiles: &[Profile]| counts(profiles, &STATISTICS).operations.divide;
    assert!(divisions(&four) * 16 < divisions(&three), "{} → {}", divisions(&three), divisions(&four));
    assert_eq!(moved(&three)[0] / ELEMENTS, moved(&four)[0] / ELEMENTS, "the bytes stay");
}

#[test]
fn fused_rungs_move_less() {
    if !has_compiler() {
        return;
    }
    let (tensor, near) = (4 * ELEMENTS, ELEMENTS / 16);
    // Tensors that are not written and read again: forward, backward.
    for (workload, rung, less) in [("batchnorm_relu", 5, [2, 3]), ("batchnorm_residual", 6, [4, 1])] {
        let [apart, fused] = [4, rung].map(|rung| moved(&profile(workload, rung)));
        for pass in 0..2 {
            let saved = apart[pass] - fused[pass];
            assert!(saved.abs_diff(less[pass] * tensor) < near, "{workload}: {} → {}", apart[pass], fused[pass]);
        }
    }
}
