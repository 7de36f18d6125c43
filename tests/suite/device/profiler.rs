//! Profiled mode: counts are exact on kernels whose counts are known.

use warptape::device::host::{Host, Mode, Options, Order};
use warptape::device::profiled::{Counts, Operations, Profile, Profiles, Transfers};
use warptape::device::{Arg, Geometry};
use warptape::{DType, Device, Tensor};

use crate::support::{Kernels, has_compiler};

const TEXT: &str = include_str!("profiler.cu");

/// A device in profiled mode, and what it counts.
pub fn profiled(order: Order) -> (Device, Profiles) {
    let profiles = Profiles::default();
    let options = Options { mode: Mode::Profiled, order, profiles: profiles.clone(), ..Options::default() };
    (Device::new(Box::new(Host::new(options))), profiles)
}

/// What one block of 64 threads of `kernel` does with buffers of 4096 words each, and more arguments.
fn profile(kernel: &str, buffers: usize, more: &[Arg]) -> Profile {
    let all: Vec<Profile> = [Order::Forward, Order::Reverse, Order::Random(1)]
        .into_iter()
        .map(|order| {
            let (device, profiles) = profiled(order);
            let kernels = Kernels::compile(&device, "profiler.cu", TEXT).unwrap();
            let buffers: Vec<_> = (0..buffers).map(|_| Tensor::zeros(&device, [4096], DType::F32).unwrap()).collect();
            let args: Vec<Arg> = buffers.iter().map(Tensor::arg).chain(more.iter().copied()).collect();
            kernels.launch(kernel, Geometry::linear(1, 64), &args).unwrap();
            profiles.list().remove(0)
        })
        .collect();
    assert!(all.iter().all(|one| one.total == all[0].total), "{all:#?}");
    assert_eq!(all[0].uncounted, None);
    all[0].clone()
}

fn transfers(requests: u64, lanes: u64, bytes: u64, transactions: u64, least: u64) -> Transfers {
    Transfers { requests, partial: 0, lanes, bytes, transactions, least }
}

#[test]
fn sectors_of_strides_offsets_and_broadcasts() {
    if !has_compiler() {
        return;
    }
    // Two warps store 128 bytes each, side by side.
    let stores = transfers(2, 64, 256, 8, 8);
    for (stride, offset, sectors) in [(1, 0, 8), (2, 0, 16), (32, 0, 64), (1, 1, 10), (3, 5, 24 + 2)] {
        let counted = profile("copy_strided", 2, &[Arg::I32(stride), Arg::I32(offset)]);
        let Counts { global_loads, global_stores, .. } = counted.total;
        assert_eq!(global_loads, transfers(2, 64, 256, sectors, 8), "stride {stride}, offset {offset}");
        assert_eq!(global_stores, stores);
    }
    let counted = profile("broadcast", 2, &[]);
    assert_eq!(counted.total.global_loads, transfers(2, 64, 256, 2, 8));
    assert_eq!((counted.read, counted.written), (32, 256));
}

#[test]
fn sixteen_byte_vectors_are_one_request() {
    if !has_compiler() {
        return;
    }
    let counted = profile("vectors", 2, &[]);
    assert_eq!(counted.total.global_loads, transfers(2, 64, 1024, 32, 32));
    assert_eq!(counted.total.global_stores, transfers(2, 64, 1024, 32, 32));
    assert_eq!((counted.read, counted.written), (1024, 1024));
}

#[test]
fn lanes_that_take_another_branch_are_missing_from_requests() {
    if !has_compiler() {
        return;
    }
    let half = Transfers { partial: 2, ..transfers(2, 32, 128, 4, 4) };
    let Counts { global_loads, global_stores, .. } = profile("half_divergent", 2, &[]).total;
    assert_eq!((global_loads, global_stores), (half, half));

    // Lane l loads 1 + l % 4 times: of each warp 32, 24, 16 and 8 lanes come together. Lanes side by side skip every fourth
    // word at most, so that every request touches all four sectors of its row.
    let loads = profile("uneven_loops", 2, &[]).total.global_loads;
    let lanes = 2 * (32 + 24 + 16 + 8);
    let least = 2 * (4 + 3 + 2 + 1);
    assert_eq!(loads, Transfers { partial: 6, ..transfers(8, lanes, 4 * lanes, 2 * 16, least) });
}

#[test]
fn bank_conflicts_of_strides() {
    if !has_compiler() {
        return;
    }
    // A stride of s words makes gcd(s, 32) lanes meet in a bank.
    for (stride, ways) in [(1, 1), (2, 2), (4, 4), (8, 8), (32, 32), (33, 1), (31, 1), (12, 4), (0, 1)] {
        let counted = profile("banks", 1, &[Arg::I32(stride)]);
        let Counts { shared_loads, shared_stores, barriers, .. } = counted.total;
        assert_eq!(shared_loads, transfers(2, 64, 256, 2 * ways, 2), "stride {stride}");
        assert_eq!(shared_stores, shared_loads, "stride {stride}");
        assert_eq!(shared_loads.conflicts(), 2 * (ways - 1));
        assert_eq!((barriers, counted.static_shared), (1, 64 * 33 * 4));
    }
    // Sixteen bytes for each of 32 lanes are four wavefronts; one and the same sixteen bytes, one for each half.
    let Counts { shared_loads, shared_stores, .. } = profile("wide_banks", 1, &[]).total;
    assert_eq!(shared_stores, transfers(2, 64, 1024, 8, 8));
    assert_eq!(shared_loads, transfers(2, 64, 1024, 4, 4));
}

/// Wide loads of which neighbours want the same, as ncu counts them on compute capability 7.0 and later.
#[test]
fn wavefronts_of_wide_loads() {
    if !has_compiler() {
        return;
    }
    let of = |vector: &str, index: &str| {
        let text = format!(
            "extern \"C\" __global__ void k({vector}* y, const {vector}* x) {{
                __shared__ {vector} s[256];
                for (int i = threadIdx.x; i < 256; i += 32) s[i] = x[i];
                __syncthreads();
                const int t = threadIdx.x;
                y[t] = s[{index}];
            }}"
        );
        let (device, profiles) = profiled(Order::Forward);
        let kernels = Kernels::compile(&device, "wide.cu", &text).unwrap();
        let [y, x] = [32, 256].map(|n| Tensor::zeros(&device, [4 * n], DType::F32).unwrap());
        kernels.launch("k", Geometry::linear(1, 32), &[y.arg(), x.arg()]).unwrap();
        profiles.list().remove(0).total.shared_loads.transactions
    };
    for (index, wavefronts) in [("t", 4), ("5", 2), ("t / 16 * 2", 2), ("t / 2", 2), ("t % 16 * 2", 8), ("t * 8", 32)] {
        assert_eq!(of("float4", index), wavefronts, "float4 {index}");
    }
    for (index, wavefronts) in [("t", 2), ("t / 16", 1), ("t / 2", 1), ("t % 16", 2)] {
        assert_eq!(of("float2", index), wavefronts, "float2 {index}");
    }
}

#[test]
fn atomics_on_one_word_take_turns() {
    if !has_compiler() {
        return;
    }
    let Counts { shared_atomics, global_atomics, shared_loads, shared_stores, barriers, .. } =
        profile("atomics", 2, &[]).total;
    // Four lanes of each warp on each of eight bins.
    assert_eq!(shared_atomics, transfers(2, 64, 256, 2 * 4, 2));
    // Two warps on the sum's one sector, then one warp on 32 bins.
    assert_eq!(global_atomics, transfers(3, 96, 384, 2 + 4, 8 + 4));
    assert_eq!((shared_loads, shared_stores), (transfers(1, 32, 128, 1, 1), transfers(1, 32, 128, 1, 1)));
    assert_eq!(barriers, 2);
}

#[test]
fn operations_by_kind() {
    if !has_compiler() {
        return;
    }
    // All of x is zero, so that no thread takes the exponential.
    let counted = profile("arithmetic", 2, &[Arg::F32(0.5)]);
    let Operations { add, multiply, fused, divide, special, compare } = counted.total.operations;
    assert_eq!([add, multiply, fused, divide, special, compare], [2, 1, 5, 1, 0, 2].map(|n| 64 * n));
    assert_eq!(counted.total.operations.flops(), 64 * (2 + 1 + 10 + 1));
    assert_eq!((counted.total.collectives, counted.total.barriers), (2, 0));
}

#[test]
fn what_is_read_twice_moves_once() {
    if !has_compiler() {
        return;
    }
    let counted = profile("twice", 2, &[Arg::I32(1024)]);
    assert_eq!(counted.total.global_loads, transfers(64, 2048, 8192, 256, 256));
    assert_eq!((counted.read, counted.written), (4096, 256));
    assert_eq!(counted.total.operations.add, 2048);
    // By line: the loads and additions stand on one, the store on another.
    let lines = counted.lines("profiler.cu");
    let number = |part: &str| 1 + TEXT.lines().position(|line| line.contains(part)).unwrap() as u32;
    let loop_line = lines[&number("i < n; i += blockDim.x) sum += x[i]")];
    assert_eq!((loop_line.global_loads, loop_line.operations.add), (counted.total.global_loads, 2048));
    assert_eq!(lines.values().fold(Counts::default(), |sum, counts| sum + *counts), counted.total);
}

/// Devices of one process get the same library from the loader, and with it the same counters.
#[test]
fn devices_that_count_at_once_count_their_own() {
    if !has_compiler() {
        return;
    }
    let additions = || (0..8).map(|_| profile("twice", 2, &[Arg::I32(4096)]).total.operations.add).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(additions)).collect();
        for worker in workers {
            let counted: Vec<u64> = worker.join().unwrap();
            assert_eq!(counted, [8192; 8]);
        }
    });
}

#[test]
fn a_float_that_does_not_count_is_said_so() {
    if !has_compiler() {
        return;
    }
    let text = "extern \"C\" __global__ void k(int* y, const float* x) { int i = x[0] * 2; y[0] = i; }";
    let (device, profiles) = profiled(Order::Forward);
    let kernels = Kernels::compile(&device, "implicit.cu", text).unwrap();
    let [y, x] = [DType::I32, DType::F32].map(|dtype| Tensor::zeros(&device, [1], dtype).unwrap());
    kernels.launch("k", Geometry::linear(1, 1), &[y.arg(), x.arg()]).unwrap();
    let counted = profiles.list().remove(0);
    assert_eq!(counted.total.global_loads, Transfers { partial: 0, ..transfers(1, 1, 4, 1, 1) });
    assert!(counted.uncounted.unwrap().contains("implicit.cu"));
}

#[test]
fn a_stray_access_stops_the_launch() {
    if !has_compiler() {
        return;
    }
    let (device, _) = profiled(Order::Forward);
    let kernels = Kernels::compile(&device, "profiler.cu", TEXT).unwrap();
    let [y, x] = [64, 63].map(|n| Tensor::zeros(&device, [n], DType::F32).unwrap());
    let args = [y.arg(), x.arg(), Arg::I32(1), Arg::I32(0)];
    let error = kernels.launch("copy_strided", Geometry::linear(1, 64), &args).unwrap_err().to_string();
    assert!(error.contains("outside every buffer"), "{error}");
}
