//! The devices that tests run on.

use warptape::Device;
use warptape::device::host::{Host, Options, Order};

/// Guarded devices (poisoned outputs, sentinels) with a label each: on the host every thread order with the CPU's tiles
/// and with a GPU's; with `WARPTAPE_TEST_DEVICE=cuda` the GPU.
pub fn devices() -> Vec<(String, Device)> {
    if let Ok(name) = std::env::var("WARPTAPE_TEST_DEVICE") {
        let ordinal = name.strip_prefix("cuda:").map_or(0, |n| n.parse().expect("cuda:N"));
        let cuda = warptape::device::cuda::Cuda::open(ordinal).expect("the device that WARPTAPE_TEST_DEVICE names");
        return vec![(name, Device::guarded(Box::new(cuda)))];
    }
    let mut devices = Vec::new();
    for gpu_tiles in [false, true] {
        for order in [Order::Forward, Order::Reverse, Order::Random(7)] {
            let label = format!("host {order:?}{}", if gpu_tiles { " with GPU tiles" } else { "" });
            devices.push((label, Device::guarded(Box::new(Host::new(Options { order, gpu_tiles })))));
        }
    }
    devices
}
