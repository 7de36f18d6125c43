//! Threads that wait in a loop for what other threads do: an error, where threads take turns and the loop would never end.

use warptape::device::checked::{Findings, What};
use warptape::device::host::{Host, Mode, Options, Order};
use warptape::device::{Device, Geometry};
use warptape::{DType, Tensor};

use crate::support::{Kernels, checked, on_fast_host};

const TEXT: &str = r#"
__global__ void lock(unsigned* state) {
    if (threadIdx.x == 1) __syncwarp(2);
    while (atomicCAS(&state[0], 0u, 1u) != 0u) {
    }
    state[1] += 1;
    __syncthreads();
    atomicExch(&state[0], 0u);
}
__global__ void grid_barrier(unsigned* state) {
    __threadfence();
    atomicAdd(&state[0], 1u);
    while (*(volatile unsigned*)&state[0] < gridDim.x) {
        __nanosleep(100);
        __threadfence();
    }
}
__global__ void lock_and_look(unsigned* state) {
    for (bool there = false; !there;) {
        while (atomicCAS(&state[0], 0u, 1u) != 0u) continue;
        there = *(volatile unsigned*)&state[1] != 0;
        atomicExch(&state[0], 0u);
    }
}
__global__ void flag_in_shared_memory(unsigned* state) {
    __shared__ volatile int ready;
    if (threadIdx.x == 1) ready = 0;
    __syncthreads();
    if (threadIdx.x == 0) ready = 1;
    while (ready == 0);
    state[0] = 1;
}
// Long, and fine: each round leaves a trace or goes elsewhere.
__global__ void long_loops(unsigned* state, int rounds) {
    for (int i = 0; i < rounds; ++i) atomicAdd(&state[0], 1u);
    for (int i = 0; i < rounds; ++i) ((volatile unsigned*)state)[1] = i;
    unsigned sum = 0;
    for (int i = 0; i < rounds; ++i) sum += ((volatile unsigned*)state)[i % 16];
    state[2] = sum;
    // A wait that another thread has ended before it began.
    while (*(volatile unsigned*)&state[0] == 0);
}
"#;

const FILE: &str = "waits.cu";

fn launch(device: &Device, kernel: &str, geometry: Geometry, rounds: Option<i32>) -> Result<(), String> {
    let kernels = Kernels::compile(device, FILE, TEXT).unwrap();
    let state = Tensor::zeros(device, [64], DType::U8).unwrap();
    let args: Vec<_> = [state.arg()].into_iter().chain(rounds.map(Into::into)).collect();
    kernels.launch(kernel, geometry, &args).map_err(|error| error.to_string())
}

fn profiled() -> Device {
    Device::new(Box::new(Host::new(Options { mode: Mode::Profiled, ..Options::default() })))
}

/// Kernel, lines of the loop, blocks and threads, in an order in which those run first that wait.
const SPINS: [(&str, &[u32], usize, usize); 4] = [
    ("lock", &[4], 1, 2),
    ("grid_barrier", &[13], 2, 1),
    ("lock_and_look", &[20, 21, 22], 1, 1),
    ("flag_in_shared_memory", &[30], 1, 2),
];

#[test]
fn spins_are_errors_with_their_line() {
    if !on_fast_host("what checked and profiled mode say of spins") {
        return;
    }
    for (kernel, lines, blocks, threads) in SPINS {
        let geometry = Geometry::linear(blocks, threads);
        let error = launch(&profiled(), kernel, geometry, None).unwrap_err();
        let line = lines.iter().any(|line| error.contains(&format!(": {FILE}:{line}: thread (")));
        assert!(line && error.contains(") spins: it waits for memory to change") && !error.contains('\n'), "{error}");

        let findings = Findings::default();
        launch(&checked(Order::Forward, Some(findings.clone())), kernel, geometry, None).unwrap();
        let list = findings.list();
        let spin = list.iter().find(|finding| finding.what == What::Spin);
        let spin = spin.unwrap_or_else(|| panic!("{kernel}: {list:?}"));
        assert!(matches!(&spin.at[..], [line] if line.file == FILE && lines.contains(&line.number)), "{spin}");
    }
}

#[test]
fn long_loops_are_not() {
    if !on_fast_host("what checked and profiled mode say of long loops") {
        return;
    }
    for device in [checked(Order::Forward, None), profiled()] {
        launch(&device, "long_loops", Geometry::linear(1, 1), Some(5_000_000)).unwrap();
    }
}
