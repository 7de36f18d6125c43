//! What ops and layers compute when they are told otherwise than usual, beside PyTorch's (tests/golden/options.py).

use serde_json::Value;
use warptape::check::{compare, magnitude};
use warptape::nn::{
    BatchNorm, Builder, Conv2d, Flatten, Gelu, Layer, Layout, Linear, Pass, Sequential, State, parameters,
};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::cross_entropy::cross_entropy;
use warptape::{Device, Tape, Tensor};

use crate::op::generated::{labels, uniform};
use crate::op::optim::{golden, numbers};
use crate::support::devices;

fn options() -> Value {
    golden(include_str!("../../golden/options.json"))
}

/// Asserts that `ours` are the golden's numbers within some times float32's rounding of the largest of them.
fn agrees(what: &str, ours: &[f32], theirs: &Value) {
    let theirs = numbers(theirs);
    compare(what, ours, &theirs, 5e-6 * magnitude(&theirs)).unwrap();
}

/// The golden's numbers of this name and of `shape`, which are PyTorch's images or filters, as ours.
fn drawn(device: &Device, name: &str, [n, c, h, w]: [usize; 4]) -> Tensor {
    let to = Tensor::full(device, [n, h, w, c], 0.0).unwrap();
    to.write(&Layout::Filters.inward(&uniform(0, name, n * c * h * w, 1.0, 0.0), &to)).unwrap();
    to
}

fn layers(device: &Device) -> Sequential {
    let builder = &mut Builder::new(device, 0);
    let params = Conv2dParams { stride: [2, 1], padding: [1, 2], ..Conv2dParams::new(1, 0) };
    let norm = BatchNorm::new(builder, 4).unwrap().with_eps(1e-12).unwrap().with_momentum(0.4).unwrap();
    Sequential::new()
        .with("conv", Conv2d::rectangular(builder, 3, 4, [3, 5], params, false).unwrap())
        .with("norm", norm.with_fixed_weight())
        .with("gelu", Gelu)
        .with("flatten", Flatten)
        .with("fc", Linear::after_flatten(builder, [3, 6, 4], 3).unwrap().without_bias())
}

#[test]
fn layers_agree_with_pytorch() {
    let golden = &options()["layers"];
    for (label, device) in devices() {
        let net = layers(&device);
        net.visit("", &mut |name, state| {
            if let State::Parameter(tensor, layout) = state {
                tensor.write(&layout.inward(&uniform(0, &name, tensor.elements(), 1.0, 0.0), tensor)).unwrap();
            }
        });
        let (x, labels) = (drawn(&device, "images", [5, 3, 5, 6]), labels(&device, 0, 5, 3));
        let mut tape = Tape::new();
        parameters(&net).iter().for_each(|(_, tensor)| tape.watch(tensor));
        let logits = net.forward(&mut Pass::training(&mut tape, 0, 0), &x).unwrap();
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        let says = |what: &str| format!("[{label}] {what}");
        agrees(&says("logits"), &logits.to_vec::<f32>().unwrap(), &golden["logits"]);
        assert!((f64::from(loss.item().unwrap()) - golden["loss"].as_f64().unwrap()).abs() < 1e-6, "{label}");
        let gradients = tape.backward(&loss).unwrap();
        let (mut learned, mut fixed) = (Vec::new(), Vec::new());
        net.visit("", &mut |name, state| match state {
            State::Parameter(tensor, layout) => {
                let (_, gradient) = layout.outward(&gradients.get(tensor).unwrap()).unwrap();
                agrees(&says(&name), &gradient, &golden["gradients"][&name]);
                learned.push(name);
            }
            State::Fixed(tensor, _) => {
                assert_eq!(tensor.to_vec::<f32>().unwrap(), [1.0; 4], "{label}");
                assert!(gradients.get(tensor).is_none(), "{label}");
                fixed.push(name);
            }
            State::Statistic(tensor) => agrees(&says(&name), &tensor.to_vec::<f32>().unwrap(), &golden["after"][&name]),
            State::Counter(_) => {}
        });
        assert_eq!(
            (learned, fixed),
            (["conv.weight", "norm.bias", "fc.weight"].map(String::from).into(), vec!["norm.weight".into()])
        );
        let logits = net.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
        agrees(&says("logits_eval"), &logits.to_vec::<f32>().unwrap(), &golden["logits_eval"]);
        device.check_guards().unwrap();
    }
}

#[test]
fn layers_say_what_they_are_and_refuse_what_makes_no_sense() {
    let device = &devices()[0].1;
    let builder = &mut Builder::new(device, 0);
    let said: Vec<String> = layers(device).children().iter().map(|(_, layer)| layer.describe()).collect();
    let expected = [
        "Conv2d 3 → 4, 3×5, stride 2×1, padding 1×2",
        "BatchNorm 4, fixed weight",
        "GELU",
        "Flatten",
        "Linear 72 → 3, no bias",
    ];
    assert_eq!(said, expected);
    let mut norm = || BatchNorm::new(builder, 4).unwrap();
    let refused = |made: warptape::Result<BatchNorm>| made.err().unwrap().to_string();
    assert_eq!(refused(norm().with_eps(-1.0)), "batch normalization: eps must be at least 0, not -1");
    assert!(refused(norm().with_eps(f32::NAN)).contains("not NaN"));
    assert_eq!(refused(norm().with_momentum(1.5)), "batch normalization: momentum must be in [0, 1], not 1.5");
}
