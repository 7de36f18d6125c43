//! The ladders of the optimizers: all tensors in one launch do what a launch for each does.

use warptape::device::host::Order;
use warptape::op::add::add;
use warptape::op::cross_entropy::cross_entropy;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::{DType, Device, Gradients, Tape, Tensor};

use crate::device::profiler::profiled;
use crate::op::optim::{configs, draw, upload};
use crate::support;

/// Gradients of several tensors at once, in buffers of their own: those of losses that take each for a row of logits.
fn gradients_of_all(tensors: &[Tensor]) -> Gradients {
    let device = tensors[0].device();
    let mut tape = Tape::new();
    let mut total = Tensor::zeros(device, [1], DType::F32).unwrap();
    let label = Tensor::from_slice(device, [1], &[0]).unwrap();
    for w in tensors {
        tape.watch(w);
        let loss = cross_entropy(&mut tape, &w.reshape([1, w.elements()]).unwrap(), &label, 0.1).unwrap();
        total = add(&mut tape, &total, &loss).unwrap();
    }
    tape.backward(&total).unwrap()
}

/// Weights and all that is kept after three steps of several tensors, the second of which has no gradient in step 2.
fn after_steps(device: &Device, config: &OptimizerConfig) -> Vec<Vec<f32>> {
    let tensors: Vec<Tensor> =
        (0..).zip([3, 17, 9000, 1, 4099]).map(|(i, n)| upload(device, &draw(n, 5 + i))).collect();
    let mut optimizer = Optimizer::new(config, tensors.clone()).unwrap();
    let mut kept = Vec::new();
    for t in 0..3 {
        let with_gradient = if t == 1 { [&tensors[..1], &tensors[2..]].concat() } else { tensors.clone() };
        let gradients = gradients_of_all(&with_gradient);
        optimizer.step(&gradients, 0.01).unwrap();
        kept.push(gradients); // so that the next ones lie elsewhere
    }
    let slots = optimizer.slots().into_iter().flat_map(|(_, slots)| slots);
    tensors.into_iter().chain(slots).map(|tensor| tensor.to_vec::<f32>().unwrap()).collect()
}

#[test]
fn all_tensors_in_one_launch_give_the_same_bits() {
    for config in configs() {
        for (label, device) in support::devices() {
            let with = |rung| {
                ["sgd_step", "adam_step"].iter().for_each(|name| device.choices().force(name, Some(rung)));
                after_steps(&device, &config)
            };
            assert_eq!(with(1), with(2), "[{label}] {config:?}");
            device.check_guards().unwrap();
        }
    }
}

/// The quantity of the ladder: launches per step.
#[test]
fn rung_2_takes_one_launch_for_all_tensors() {
    if !support::has_compiler() {
        return;
    }
    for config in configs() {
        let launches = |rung| {
            let (device, profiles) = profiled(Order::Forward);
            ["sgd_step", "adam_step"].iter().for_each(|name| device.choices().force(name, Some(rung)));
            after_steps(&device, &config);
            let list = profiles.list();
            list.iter().filter(|one| one.kernel.ends_with("_step")).map(|one| one.launches).sum::<u64>()
        };
        assert_eq!((launches(1), launches(2)), (5 + 4 + 5, 3), "{config:?}");
    }
}
