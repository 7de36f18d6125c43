//! Profiled mode: counts are exact on kernels whose counts are known.

use warptape::device::host::profiled::{Counts, Profile, Profiles, Transfers};
use warptape::device::host::{Host, Mode, Options, Order};
use warptape::device::{Arg, Geometry};
use warptape::{DType, Device, Tensor};

use crate::support::Kernels;

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

fn transfers(requests: u64, lanes: u64, bytes: u64, pieces: u64, least: u64) -> Transfers {
    Transfers { requests, partial: 0, lanes, bytes, pieces, least }
}

#[test]
fn sectors_of_strides_offsets_and_broadcasts() {
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
