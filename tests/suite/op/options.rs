//! What ops and layers compute when they are told otherwise than usual, beside PyTorch's (tests/golden/options.py).

use serde_json::Value;
use warptape::check::{compare, magnitude};
use warptape::nn::{
    BatchNorm, Builder, Conv2d, Flatten, Gelu, Layer, Layout, Linear, Pass, Sequential, State, parameters,
};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::cross_entropy::{ClassWeights, Reduction, Targets, cross_entropy, cross_entropy_with};
use warptape::{Device, Tape, Tensor};

use crate::op::generated::{labels, uniform};
use crate::op::optim::{golden, numbers};
use crate::support::devices;

pub fn options() -> Value {
    golden(include_str!("../../golden/options.json"))
}

/// Asserts that `ours` are the golden's numbers within some times float32's rounding of the largest of them.
pub fn agrees(what: &str, ours: &[f32], theirs: &Value) {
    let theirs = numbers(theirs);
    compare(what, ours, &theirs, 5e-6 * magnitude(&theirs)).unwrap();
}

/// The golden's numbers of this name and of this shape, which are PyTorch's images or filters, as ours.
pub fn drawn(device: &Device, name: &str, [n, c, h, w]: [usize; 4]) -> Tensor {
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

#[test]
fn losses_agree_with_pytorch() {
    let golden = &options()["losses"];
    let (weight, upstream) = (numbers(&golden["weight"]), numbers(&golden["upstream"]));
    for case in golden["cases"].as_array().unwrap() {
        // Not a number is null.
        let theirs = |what: &str| -> Vec<f64> {
            case[what].as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let reduction = match case["reduction"].as_str().unwrap() {
            "mean" => Reduction::Mean,
            "sum" => Reduction::Sum,
            _ => Reduction::None,
        };
        let labels: Vec<i32> = numbers(&case["labels"]).into_iter().map(|label| label as i32).collect();
        for (label, device) in devices() {
            let logits: Vec<f32> = uniform(0, "logits", 24, 1.0, 0.0).into_iter().map(|x| 4.0 * x).collect();
            let logits = Tensor::from_slice(&device, [6, 4], &logits).unwrap();
            let labels = Tensor::from_slice(&device, [6], &labels).unwrap();
            let classes = ClassWeights::new(&device, &weight.iter().map(|&w| w as f32).collect::<Vec<_>>()).unwrap();
            let targets = Targets {
                classes: case["weighted"].as_bool().unwrap().then_some(&classes),
                ignore: Some(case["ignore"].as_i64().unwrap() as i32),
                reduction,
                ..Targets::of(&labels, case["smoothing"].as_f64().unwrap() as f32)
            };
            for rung in 1..=3 {
                device.choices().force("cross_entropy_forward", Some(rung));
                let mut tape = Tape::new();
                tape.watch(&logits);
                let loss = cross_entropy_with(&mut tape, &logits, &targets).unwrap();
                let from = if reduction == Reduction::None { upstream.clone() } else { vec![1.0] };
                let from = Tensor::from_numbers(&device, loss.shape(), loss.dtype(), &from).unwrap();
                let gradients = tape.backward_from(&loss, from).unwrap();
                let gradient = gradients.get(&logits).unwrap().to_vec::<f32>().unwrap();
                let what = format!("[{label}] rung {rung}, {case}");
                compare(&what, &loss.to_vec::<f32>().unwrap(), &theirs("loss"), 2e-6 * magnitude(&theirs("loss")))
                    .unwrap();
                compare(&what, &gradient, &theirs("gradient"), 2e-6).unwrap();
            }
            device.check_guards().unwrap();
        }
    }
    let device = &devices()[0].1;
    let (logits, labels) =
        (Tensor::full(device, [2, 3], 0.0).unwrap(), Tensor::from_slice(device, [2], &[0, 1]).unwrap());
    let mixed = Targets { weight: 0.5, ignore: Some(1), ..Targets::of(&labels, 0.0) };
    let error = cross_entropy_with(&mut Tape::new(), &logits, &mixed).unwrap_err().to_string();
    assert_eq!(error, "cross entropy: rows of two labels cannot be ignored by one, 1: leave it out");
}
