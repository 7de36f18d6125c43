//! What ops and layers compute when they are told otherwise than usual, beside PyTorch's (tests/golden/options.py).

use serde_json::Value;
use warptape::check::{compare, magnitude};
use warptape::nn::{
    BatchNorm, Builder, Conv2d, Flatten, Gelu, Layer, Layout, Linear, Pass, Sequential, State, parameters,
};
use warptape::op::conv2d::{Conv2dParams, Sizes, conv2d};
use warptape::op::cross_entropy::{ClassWeights, Reduction, Targets, cross_entropy, cross_entropy_with};
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

/// The golden's numbers of this name and of this shape, which are PyTorch's images or filters, as ours.
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

/// A number for both directions, or one for each; what it is unless told.
fn both(value: &Value, usual: usize) -> [usize; 2] {
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    match value {
        Value::Null => [usual; 2],
        Value::Array(pair) => [number(&pair[0]), number(&pair[1])],
        one => [number(one); 2],
    }
}

fn shape(value: &Value) -> [usize; 4] {
    let sizes: Vec<usize> = numbers(value).into_iter().map(|size| size as usize).collect();
    sizes.try_into().unwrap()
}

/// Images or filters as PyTorch has them.
fn planes(tensor: &Tensor) -> Vec<f32> {
    Layout::Filters.outward(tensor).unwrap().1
}

#[test]
fn convolutions_in_groups_agree_with_pytorch() {
    let ladders = ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_filter"];
    for case in options()["convolutions"].as_array().unwrap() {
        let (name, settings) = (case["name"].as_str().unwrap(), &case["settings"]);
        let params = Conv2dParams {
            stride: both(&settings["stride"], 1),
            padding: both(&settings["padding"], 0),
            dilation: both(&settings["dilation"], 1),
            groups: settings["groups"].as_u64().unwrap() as usize,
        };
        let ([n, c, h, w], [k, _, r, s]) = (shape(&case["x"]), shape(&case["weight"]));
        let problem = Sizes::new([n, h, w, c], [k, r, s], params).unwrap().to_string();
        assert_eq!(problem.parse::<Sizes>().unwrap().to_string(), problem);
        for (label, device) in devices() {
            let [x, weight] = ["x", "weight"].map(|what| drawn(&device, &format!("{name}.{what}"), shape(&case[what])));
            let bias = Tensor::from_slice(&device, [k], &uniform(0, &format!("{name}.bias"), k, 1.0, 0.0)).unwrap();
            let upstream = drawn(&device, &format!("{name}.upstream"), shape(&case["shape"]));
            // Rungs that cannot leave it to those that can.
            for rung in 1..=8 {
                ladders.iter().for_each(|ladder| device.choices().force(ladder, Some(rung)));
                let mut tape = Tape::new();
                [&x, &weight, &bias].into_iter().for_each(|input| tape.watch(input));
                let y = conv2d(&mut tape, &x, &weight, Some(&bias), params).unwrap();
                let what = |of: &str| format!("[{label}] {name}, rung {rung}, {of}");
                agrees(&what("y"), &planes(&y), &case["y"]);
                let gradients = tape.backward_from(&y, upstream.clone()).unwrap();
                agrees(&what("dx"), &planes(&gradients.get(&x).unwrap()), &case["dx"]);
                agrees(&what("dweight"), &planes(&gradients.get(&weight).unwrap()), &case["dweight"]);
                agrees(&what("dbias"), &gradients.get(&bias).unwrap().to_vec::<f32>().unwrap(), &case["dbias"]);
                for ladder in ladders {
                    let ran = device.choices().made_for(ladder, &problem).unwrap();
                    assert!(if [1, 3].contains(&rung) { ran == rung } else { [1, 3].contains(&ran) }, "{rung}: {ran}");
                }
            }
            device.check_guards().unwrap();
        }
    }
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    let device = &devices()[0].1;
    let params = |groups| Conv2dParams { groups, ..Conv2dParams::new(1, 1) };
    let layer = |channels, filters, groups| {
        let made = Conv2d::new(&mut Builder::new(device, 0), channels, filters, 3, params(groups), false);
        made.map(|layer| layer.describe()).map_err(|error| error.to_string())
    };
    assert_eq!(layer(8, 12, 4).unwrap(), "Conv2d 8 → 12, 3×3, padding 1, 4 groups");
    for (channels, filters, groups) in [(8, 12, 3), (9, 12, 4), (8, 10, 4), (8, 12, 0)] {
        let what = format!("{groups} groups do not divide {channels} channels and {filters} filters");
        assert_eq!(layer(channels, filters, groups).unwrap_err(), format!("convolution: {what}"));
        assert_eq!(Sizes::new([1, 4, 4, channels], [filters, 3, 3], params(groups)).unwrap_err(), what);
    }
    let [x, filters] = [[1, 4, 4, 8], [12, 3, 3, 8]].map(|shape| Tensor::full(device, shape, 0.0).unwrap());
    let error = conv2d(&mut Tape::new(), &x, &filters, None, params(4)).unwrap_err().to_string();
    assert_eq!(error, "conv2d: input [1, 4, 4, 8], filters [12, 3, 3, 8]: channels differ in 4 groups");
    for text in ["groups2", "groups0", "groups3 x", "x"] {
        let text = format!("n1 h4 w4 c9 k6 r3 s3 stride1,1 pad1,1 dilation1,1 {text}");
        assert!(text.parse::<Sizes>().is_err(), "{text}");
    }
}
