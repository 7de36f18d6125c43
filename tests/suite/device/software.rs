//! The GPU in software beside the host device, in one process.

use warptape::check::{Random, tolerance};
use warptape::device::host::Order;
use warptape::device::ptx::{ARCH, Mode, Options, Ptx};
use warptape::nn::{Layer, Pass, models, parameters};
use warptape::op;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::{DType, Device, Environment, Tape, Tensor};

use super::nvrtc::nvrtc;
use crate::support::{host_in, on_fast_host};

fn ptx() -> Device {
    let options =
        Options { arch: ARCH.into(), order: Order::Forward, mode: Mode::Fast, environment: Environment::of_process() };
    Device::new(Box::new(Ptx::open(options).unwrap()))
}

fn host(gpu_tiles: bool) -> Device {
    host_in(Environment::of_process(), Order::Forward, gpu_tiles)
}

fn is_skipped() -> bool {
    nvrtc().is_none() || !on_fast_host("this compares the host device with a GPU in software")
}

/// Where nothing is added up, devices agree to the last bit.
#[test]
fn what_adds_nothing_up_is_the_same_bit_for_bit() {
    if is_skipped() {
        return;
    }
    let results = |device: &Device| -> Vec<Vec<u32>> {
        let mut random = Random(7);
        let mut draw = |count: usize| -> Vec<f32> { (0..count).map(|_| (random.unit() * 8.0 - 4.0) as f32).collect() };
        let [x, y] = [0; 2].map(|_| Tensor::from_slice(device, [3, 9, 11, 17], &draw(3 * 9 * 11 * 17)).unwrap());
        let mut tape = Tape::new();
        tape.watch(&x);
        let window = op::pool::Window::new([3, 2], [2, 2], [1, 0]);
        let rows = Tensor::from_slice(device, [4], &[2i32, 0, 2, 1]).unwrap();
        let pooled = op::pool::max_pool(&mut tape, &x, window).unwrap();
        let all = [
            op::relu::relu(&mut tape, &x).unwrap(),
            op::add::add(&mut tape, &x, &y).unwrap(),
            op::index_select::index_select(&x, &rows, 0, 4).unwrap(),
            op::cast::cast(&mut tape, &x, DType::F16).unwrap(),
            op::cast::cast(&mut tape, &x, DType::BF16).unwrap(),
            pooled.clone(),
            tape.backward_from(&pooled, pooled.clone()).unwrap().get(&x).unwrap(),
        ];
        let bits = |tensor: &Tensor| tensor.floats().unwrap().into_iter().map(f32::to_bits).collect();
        all.iter().map(bits).collect()
    };
    let expected = results(&host(false));
    assert!(results(&ptx()) == expected);
    assert!(results(&host(true)) == expected);
}

/// The losses of the first ten steps on a batch of eight random pictures.
fn losses(device: &Device, network: &str) -> Vec<f64> {
    let mut random = Random(3);
    let pixels: Vec<f32> = (0..8 * 32 * 32 * 3).map(|_| random.unit() as f32 * 2.0 - 1.0).collect();
    let images = Tensor::from_slice(device, [8, 32, 32, 3], &pixels).unwrap();
    let labels = Tensor::from_slice(device, [8], &[0i32, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    let model = models::build(network, 10, [32, 32], device, 0).unwrap();
    let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
    let config = OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    let mut optimizer = Optimizer::new(&config, tensors.clone()).unwrap();
    let step = |at: u64| {
        let mut tape = Tape::new();
        tensors.iter().for_each(|tensor| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, at), &images).unwrap();
        let loss = op::cross_entropy::cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        optimizer.step(&tape.backward(&loss).unwrap(), 1e-2).unwrap();
        f64::from(loss.item().unwrap())
    };
    (0..10).map(step).collect()
}

/// The host's own two orders of addition, with a CPU's tiles and with a GPU's, tell how far rounding alone takes losses apart as
/// training goes on; the machine's may be as far from either, several times over, and no further than a sum's rounding in the first step.
#[test]
fn trainings_agree_as_far_as_orders_of_addition_let_them() {
    if is_skipped() {
        return;
    }
    for (network, longest) in [("little-conv", 2304), ("resnet18", 4608)] {
        let [plain, tiled] = [false, true].map(|tiles| losses(&host(tiles), network));
        let found = losses(&ptx(), network);
        println!("{network}: host {plain:?}\nhost with a GPU's tiles {tiled:?}\nptx {found:?}");
        let mut apart = tolerance(longest, plain[0]);
        for step in 0..10 {
            apart = apart.max(8.0 * (plain[step] - tiled[step]).abs());
            let differ = (found[step] - plain[step]).abs().min((found[step] - tiled[step]).abs());
            assert!(differ <= apart, "{network}, step {step}: {differ:e} apart, {apart:e} allowed");
        }
        assert!(found[9] < found[0], "{network} does not learn");
    }
}
