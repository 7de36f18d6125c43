//! What a launch may ask for: the GPU in software refuses what a driver would, in one line.

use warptape::device::{Defines, Function, Geometry, Source};
use warptape::{DType, Device, Environment, Tensor};

use super::nvrtc::nvrtc;

const KERNELS: &str = r#"
extern "C" __global__ void plain(int* y) { y[0] = 1; }
extern "C" __global__ void __launch_bounds__(96) bounded(int* y) { y[0] = 1; }
extern "C" __global__ void mixed(int* y) {
    __shared__ int fixed[10240];
    extern __shared__ int rest[];
    fixed[threadIdx.x] = rest[threadIdx.x] = 1;
    __syncthreads();
    y[0] = fixed[0] + rest[0];
}
extern "C" __global__ void large(int* y) {
    __shared__ int fixed[12289];
    fixed[threadIdx.x] = 1;
    __syncthreads();
    y[0] = fixed[0];
}
"#;

#[test]
fn a_launch_that_a_driver_refuses_is_refused_in_software() {
    if nvrtc().is_none() {
        return;
    }
    for (name, most) in [("ptx", 227), ("ptx:sm_80", 163), ("ptx:sm_89", 99), ("ptx:checked", 227)] {
        let device = Device::untuned(name, &Environment::of_process()).unwrap();
        let source = Source::from_text("limits.cu", KERNELS, &Defines::new()).unwrap();
        // SAFETY: the text above initialises nothing.
        let module = unsafe { device.compile(&source).unwrap() };
        let y = Tensor::zeros(&device, [1], DType::I32).unwrap();
        let launch = |kernel: &str, grid: [u32; 3], block: [u32; 3], shared: u32| {
            let geometry = Geometry { grid, block, shared };
            // SAFETY: every kernel above writes one int, and what it declares or is given of shared memory.
            let ran = unsafe { device.launch(&Function::of(&module, kernel).unwrap(), geometry, &[y.arg()]) };
            ran.map_err(|error| error.to_string())
        };
        let one = [1; 3];
        let refused = |kernel: &str, grid, block, shared, what: &str| {
            let said = launch(kernel, grid, block, shared).unwrap_err();
            assert!(said.contains(what) && said.lines().count() == 1, "{name}: {said}");
        };
        launch("plain", one, [1024, 1, 1], 0).unwrap();
        refused("plain", one, [1025, 1, 1], 0, "a block has 1 to 1024 threads, not 1025");
        refused(
            "plain",
            one,
            [2, 2, 65],
            0,
            "a block has at most [1024, 1024, 64] threads along its axes, not [2, 2, 65]",
        );
        refused("plain", [1, 65536, 1], one, 0, "[2147483647, 65535, 65535] blocks along its axes, not [1, 65536, 1]");
        refused("plain", [1 << 31, 1, 1], one, 0, "blocks along its axes, not [2147483648, 1, 1]");
        launch("bounded", one, [32, 3, 1], 0).unwrap();
        refused("bounded", one, [97, 1, 1], 0, "at most 96 threads in a block (__launch_bounds__), not 97");
        refused("bounded", one, [32, 2, 2], 0, "__launch_bounds__");
        let (fixed, all) = (40 << 10, most << 10);
        launch("mixed", one, [32, 1, 1], all - fixed).unwrap();
        let what =
            format!("wants {} bytes of shared memory ({fixed} of its own, {} of the launch)", all + 4, all + 4 - fixed);
        refused("mixed", one, [32, 1, 1], all + 4 - fixed, &what);
        refused("large", one, [32, 1, 1], 0, "declares 49156 bytes of shared memory, at most 49152: declare it extern");
    }
}
