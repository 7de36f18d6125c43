//! The same network, weights and batch as PyTorch in f64 (tests/golden/little_conv.py): logits, every parameter's gradient,
//! running statistics, and ten losses under each optimizer.

use std::path::Path;

use safetensors::SafeTensors;
use warptape::check::{compare, magnitude};
use warptape::nn::{Layer, Pass, Sequential, State, models, parameters};
use warptape::op::cross_entropy::cross_entropy;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::train::state_dict::load_state;
use warptape::{Device, Tape, Tensor};

use crate::support::devices;

/// PyTorch's own f32 result lies this far from its f64 one (measured by the script's author, see golden/README.md),
/// times ten: another order of summation is another rounding, not another network.
const LOGITS: f64 = 5e-6;
const GRADIENTS: f64 = 2e-5;
const LOSSES: f64 = 5e-4;

pub struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    fn open() -> Self {
        Self::named("little_conv")
    }

    /// The file of that name.
    pub fn named(name: &str) -> Self {
        // Relative: the suite also runs where it was not built, from the root of the checkout.
        let path = Path::new("tests/golden").join(name).with_extension("safetensors");
        Self { bytes: std::fs::read(path).expect("run the suite from the root of the checkout") }
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("the committed golden file")
    }

    /// What it holds, in the alphabet's order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.tensors().names().into_iter().map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// A tensor of f32 or bf16.
    pub fn floats(&self, name: &str) -> Vec<f64> {
        let view = self.tensors();
        let view = view.tensor(name).unwrap_or_else(|_| panic!("golden has no {name}"));
        if view.dtype() == safetensors::Dtype::BF16 {
            let number = |bytes: &[u8]| f32::from_bits(u32::from(u16::from_le_bytes(bytes.try_into().unwrap())) << 16);
            return view.data().chunks_exact(2).map(|bytes| f64::from(number(bytes))).collect();
        }
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect()
    }

    pub fn model(&self, device: &Device) -> Sequential {
        let model = models::build("little-conv", 9, [32, 32], device, 0).unwrap();
        load_state(&model, &self.tensors(), "init.").unwrap();
        model
    }

    /// The input, turned from PyTorch's [N, C, H, W] to [N, H, W, C], and the labels.
    pub fn batch(&self, device: &Device) -> (Tensor, Tensor) {
        let planes = self.floats("input");
        let (n, c, pixels) = (8, 3, 32 * 32);
        let at = |i: usize| planes[(i / (pixels * c) * c + i % c) * pixels + i / c % pixels] as f32;
        let input: Vec<f32> = (0..n * c * pixels).map(at).collect();
        let labels = self.tensors();
        let labels = labels.tensor("labels").unwrap().data().chunks_exact(8);
        let labels: Vec<i32> = labels.map(|b| i64::from_le_bytes(b.try_into().unwrap()) as i32).collect();
        (Tensor::from_slice(device, [n, 32, 32, c], &input).unwrap(), Tensor::from_slice(device, [n], &labels).unwrap())
    }
}

fn agree(what: &str, got: &Tensor, expected: &[f64], relative: f64) {
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    compare(what, &got.to_vec::<f32>().unwrap(), expected, relative * largest).unwrap();
}

#[test]
fn little_conv_agrees_with_pytorch() {
    let golden = Golden::open();
    for (label, device) in devices() {
        let model = golden.model(&device);
        let (x, labels) = golden.batch(&device);
        let mut tape = Tape::new();
        parameters(&model).iter().for_each(|(_, tensor)| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, 0), &x).unwrap();
        let expected = golden.floats("logits");
        compare(&label, &logits.to_vec::<f32>().unwrap(), &expected, LOGITS * magnitude(&expected)).unwrap();
        let smoothed = cross_entropy(&mut Tape::new(), &logits, &labels, 0.1).unwrap();
        agree(&format!("{label}: loss_smoothed"), &smoothed, &golden.floats("loss_smoothed"), LOGITS);
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        agree(&format!("{label}: loss"), &loss, &golden.floats("loss"), LOGITS);

        let gradients = tape.backward(&loss).unwrap();
        let mut checked = 0;
        model.visit("", &mut |name, state| match state {
            State::Parameter(tensor, layout) => {
                let gradient = gradients.get(tensor).unwrap_or_else(|| panic!("{name} has no gradient"));
                let (_, values) = layout.outward(&gradient).unwrap();
                let expected = golden.floats(&format!("grad.{name}"));
                let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                compare(&format!("{label}: gradient of {name}"), &values, &expected, GRADIENTS * largest).unwrap();
                checked += 1;
            }
            State::Statistic(tensor) => {
                agree(&format!("{label}: {name}"), tensor, &golden.floats(&format!("after.{name}")), LOGITS)
            }
            State::Fixed(..) => {}
            State::Counter(count) => assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1, "{name}"),
        });
        assert_eq!(checked, 14, "little-conv has four filters, four pairs of batchnorm and one of fc");

        let logits = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
        agree(&format!("{label}: logits_eval"), &logits, &golden.floats("logits_eval"), LOGITS);
        device.check_guards().unwrap();
    }
}

#[test]
fn ten_losses_agree_with_pytorch() {
    let golden = Golden::open();
    let (betas, eps) = ([0.9, 0.999], 1e-8);
    let recipes = [
        ("sgd", OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 5e-4 }, 0.05),
        ("adam", OptimizerConfig::Adam { betas, eps, weight_decay: 0.0, amsgrad: false }, 1e-3),
        ("adamw", OptimizerConfig::AdamW { betas, eps, weight_decay: 1e-2, amsgrad: false }, 1e-3),
    ];
    for (label, device) in devices() {
        for (name, config, lr) in recipes {
            let model = golden.model(&device);
            let (x, labels) = golden.batch(&device);
            let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
            let mut optimizer = Optimizer::new(&config, tensors.clone()).unwrap();
            for (step, expected) in golden.floats(&format!("{name}.losses")).into_iter().enumerate() {
                let mut tape = Tape::new();
                tensors.iter().for_each(|tensor| tape.watch(tensor));
                let logits = model.forward(&mut Pass::training(&mut tape, 0, step as u64), &x).unwrap();
                let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
                agree(&format!("{label}: {name}, loss {step}"), &loss, &[expected], LOSSES);
                optimizer.step(&tape.backward(&loss).unwrap(), lr).unwrap();
            }
        }
    }
}
