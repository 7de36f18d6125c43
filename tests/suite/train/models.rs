//! Every network: that it builds, what it counts, how much memory it says it takes, and how bad specs are refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use warptape::device::dry::Dry;
use warptape::device::{Source, Target};
use warptape::nn::models::{self, MODELS};
use warptape::nn::{Layer, Pass, State, parameters};
use warptape::op;
use warptape::op::cross_entropy::cross_entropy;
use warptape::op::entry::sources;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::train::precision::Precision;
use warptape::train::summary::Summary;
use warptape::{DType, Device, Tape, Tensor};

use crate::command::{fails, succeeds};
use crate::support::on_gpu;

const TARGET: Target = Target::Host { lanes: 16 };

pub fn dry() -> Device {
    Device::new(Box::new(Dry::new(TARGET)))
}

/// The smallest images of each network, and those of 224 × 224.
#[test]
fn every_network_builds_for_small_and_large_images() {
    for model in MODELS {
        let least = match model.name {
            "little-conv" | "mynet" => 16,
            "mynetpro" => 63,
            _ => 32,
        };
        for side in [least, 224] {
            let name = model.name;
            let summary = Summary::new(name, 7, [side, side], 2, Precision::F32, TARGET)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(summary.rows.last().unwrap().output, [2, 7], "{name}");
            assert!(summary.training_peak.unwrap() > summary.inference_peak, "{name}");
            assert!(summary.inference_peak > 4 * summary.parameters() as u64, "{name}");
        }
    }
}

/// Multiply-adds at 32 × 32 as published for CIFAR, in millions.
#[test]
fn work_is_what_is_published() {
    for (name, millions) in [
        ("little-conv", 15.0),
        ("vgg11", 153.0),
        ("vgg13", 228.0),
        ("vgg16", 313.0),
        ("vgg19", 398.0),
        ("vgg16_bn", 313.0),
        ("resnet18", 555.0),
        ("airbench94", 118.15),
        ("resnet34", 1159.0),
    ] {
        let macs =
            Summary::new(&linear_head(name), 10, [32, 32], 2, Precision::F32, TARGET).unwrap().macs() as f64 / 2e6;
        assert!((macs - millions).abs() < 0.6, "{name}: {macs}");
    }
    // torchvision's own figures at 224 x 224, in billions.
    for (name, billions) in [
        ("vgg11:head=imagenet", 7.61),
        ("vgg16_bn:head=imagenet", 15.47),
        ("resnet18:stem=imagenet", 1.81),
        ("resnet34:stem=imagenet", 3.66),
        ("resnet50:stem=imagenet", 4.09),
    ] {
        let macs = Summary::new(name, 1000, [224, 224], 1, Precision::F32, TARGET).unwrap().macs() as f64 / 1e9;
        assert!((macs - billions).abs() < 0.0055, "{name}: {macs}");
    }
}

/// The published figures of VGG are those of a head of one layer.
fn linear_head(name: &str) -> String {
    if name.starts_with("vgg") { format!("{name}:head=linear") } else { name.into() }
}

/// Names, shapes and their order, so the number of parameters too, are torchvision's (tests/golden/state_dicts.py).
#[test]
fn state_dicts_are_torchvisions() {
    let text =
        std::fs::read_to_string("tests/golden/state_dicts.json").expect("run the suite from the checkout's root");
    let golden: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let networks: Vec<_> = golden.iter().filter(|(spec, _)| *spec != "made_by").collect();
    assert_eq!(networks.len(), 11);
    let mut counts = BTreeMap::new();
    for (spec, expected) in networks {
        let model = models::build(spec, 1000, [224, 224], &dry(), 0).unwrap();
        let mut found = Vec::new();
        model.visit("", &mut |name, state| {
            let shape = match state {
                State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => layout.shape(tensor),
                State::Statistic(tensor) => tensor.shape().dims().to_vec(),
                State::Counter(_) => vec![],
            };
            found.push((name, serde_json::json!(shape)));
        });
        let expected: Vec<_> = expected.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        assert_eq!(found, expected, "{spec}");
        counts.insert(spec.as_str(), parameters(&model).iter().map(|(_, tensor)| tensor.elements()).sum::<usize>());
    }
    // As torchvision's documentation has them.
    for (spec, count) in [
        ("resnet18:stem=imagenet", 11_689_512),
        ("resnet34:stem=imagenet", 21_797_672),
        ("resnet50:stem=imagenet", 25_557_032),
        ("vgg16:head=imagenet", 138_357_544),
        ("vgg16_bn:head=imagenet", 138_365_992),
    ] {
        assert_eq!(counts[spec], count, "{spec}");
    }
}

#[test]
fn flattened_images_have_the_published_size() {
    for (name, inputs) in [("mynet", 56180), ("mynetpro", 9216)] {
        let summary = Summary::new(name, 10, [224, 224], 2, Precision::F32, TARGET).unwrap();
        let flat = summary.rows.iter().find(|row| row.name == "flatten").unwrap();
        assert_eq!((flat.output.as_slice(), flat.bytes), (&[2, inputs][..], 0), "{name}");
    }
}

/// The dry device counts what a real one takes, to the byte.
#[test]
fn memory_is_that_of_a_real_device() {
    if on_gpu() {
        println!("skipped: WARPTAPE_TEST_DEVICE names a GPU, and this compares with the host device");
        return;
    }
    for (spec, batch, input) in [("little-conv", 8, [32, 32]), ("vgg11_bn", 2, [32, 32]), ("resnet18", 2, [16, 24])] {
        // Not guarded: sentinels would count too.
        let device = Device::open("host").unwrap();
        let summary = Summary::new(spec, 9, input, batch, Precision::F32, device.target()).unwrap();
        let model = models::build(spec, 9, input, &device, 0).unwrap();
        let x = Tensor::full(&device, [batch, input[0], input[1], 3], 0.5).unwrap();
        let peak = || device.memory().peak;
        device.reset_peak();
        model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
        assert_eq!(peak(), summary.inference_peak, "{spec}");

        let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let adam = OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, amsgrad: false };
        let mut optimizer = Optimizer::new(&adam, tensors.clone()).unwrap();
        let labels = Tensor::zeros(&device, [batch], DType::I32).unwrap();
        device.reset_peak();
        let mut tape = Tape::new();
        tensors.iter().for_each(|tensor| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, 0), &x).unwrap();
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        optimizer.step(&tape.backward(&loss).unwrap(), 1e-3).unwrap();
        assert_eq!(Some(peak()), summary.training_peak, "{spec}");
    }
}

/// `kernels compile` finds what a GPU compiles by running the ops on their examples: a training step launches nothing else.
#[test]
fn what_a_training_step_launches_on_a_gpu_is_compiled_with_the_tree() {
    let key = |source: Source| format!("{} {}", source.file, source.defines);
    let of_tree: BTreeSet<String> = sources(op::ALL).unwrap().into_iter().map(key).collect();
    for spec in ["little-conv", "vgg11_bn", "resnet18"] {
        let dry = Dry::new(Target::Cuda);
        let launched = dry.launched();
        let device = Device::new(Box::new(dry));
        let model = models::build(spec, 10, [32, 32], &device, 0).unwrap();
        let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let mut tape = Tape::new();
        tensors.iter().for_each(|tensor| tape.watch(tensor));
        let x = Tensor::full(&device, [64, 32, 32, 3], 0.5).unwrap();
        let logits = model.forward(&mut Pass::training(&mut tape, 0, 0), &x).unwrap();
        let labels = Tensor::zeros(&device, [64], DType::I32).unwrap();
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        tape.backward(&loss).unwrap();
        let launched: BTreeSet<String> = launched.sources().into_iter().map(key).collect();
        assert!(launched.len() > 15, "{spec}: {launched:?}");
        assert_eq!(launched.difference(&of_tree).collect::<Vec<_>>(), [""; 0], "{spec}");
    }
}

#[test]
fn bad_specs_are_named() {
    for (spec, side, part) in [
        ("resnet-19", 32, "unknown model 'resnet-19': use little-conv, vgg11,"),
        ("", 32, "unknown model ''"),
        ("resnet18:stem=tiny", 32, "stem=tiny is unknown: use cifar, imagenet"),
        ("resnet18:stem", 32, "stem= is unknown"),
        ("resnet18:head=cifar", 32, "unknown option 'head': use stem=cifar|imagenet"),
        ("vgg16:head=big", 32, "head=big is unknown: use cifar, linear, imagenet"),
        ("vgg16:head=linear,dropout=0.1", 32, "option 'dropout' does not go with the others"),
        ("vgg16:dropout=0.1,dropout=0.2", 32, "option 'dropout' is given twice"),
        ("vgg16:dropout=1.5", 32, "dropout=1.5: expected a number from 0 to 1"),
        ("mynetpro:dropout=NaN", 224, "dropout=NaN: expected"),
        ("mynetpro:dropout=-0.5", 224, "dropout=-0.5: expected"),
        ("mynet:dropout=0.1", 224, "mynet has no options, got 'dropout'"),
        ("little-conv:x", 32, "unknown option 'x': use dropout=P"),
        ("little-conv:dropout=2", 32, "dropout=2: expected a number from 0 to 1"),
        ("mine.toml", 32, "unknown model 'mine.toml': use little-conv,"),
        ("little-conv", 15, "images of 15×15 pixels are too small, it takes at least 16×16"),
        ("mynet", 15, "at least 16×16"),
        ("mynetpro", 62, "at least 63×63"),
        ("vgg11", 16, "at least 32×32"),
        ("vgg16_bn:head=imagenet", 31, "at least 32×32"),
    ] {
        let error = models::check(spec, 10, [side; 2]).expect_err(spec).to_string();
        assert!(error.contains(part) && !error.contains('\n'), "{spec}: {error}");
    }
}

#[test]
fn the_command_lists_networks() {
    let list = succeeds(&["models"]);
    assert!(list.starts_with("networks under torchvision's names are made for CIFAR here"), "{list}");
    for model in MODELS {
        let line = list.lines().find(|line| line.split(' ').next() == Some(model.name)).expect(model.name);
        assert!(line.contains(model.about) && line.ends_with(model.options), "{line}");
    }
}

#[test]
fn the_command_shows_a_network() {
    let words = ["models", "show", "resnet18:stem=imagenet", "--input", "64x96", "--classes", "9", "--batch", "2"];
    let text = succeeds(&words);
    assert!(text.starts_with("networks under torchvision's names are made for CIFAR here"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("layer1.0.conv1 ") && line.contains("2×16×24×64")), "{text}");
    assert!(text.contains("11181129 parameters (42.7 MiB)"), "{text}");
    let json: Value = serde_json::from_str(&succeeds(&[&words[..], &["--json"]].concat())).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["parameters"].as_u64().unwrap()).sum::<u64>(), 11_181_129);
    assert_eq!(rows.last().unwrap()["output"], serde_json::json!([2, 9]));
    assert!(json["training_peak"].as_u64() > json["inference_peak"].as_u64());

    let show = |rest: &[&str], code: i32, part: &str| fails(&[&["models", "show"], rest].concat(), code, &[part]);
    show(&["vgg11", "--input", "0"], 2, "image size \"0\": expected N or HEIGHTxWIDTH");
    show(&["vgg11", "--input", "5000"], 2, "image size \"5000\"");
    show(&["vgg11", "--input", "32x"], 2, "image size \"32x\"");
    show(&["vgg11", "--input=-1"], 2, "image size \"-1\"");
    show(&["vgg11", "--input", "7"], 2, "at least 32×32");
    show(&["resnet18", "--classes", "0"], 2, "--classes 0");
    show(&["resnet18", "--batch", "0"], 2, "--batch 0");
    show(&["vgg19", "--input", "4096", "--batch", "1048576"], 1, "more than any memory has");
    show(&["alexnet"], 2, "unknown model 'alexnet'");
}
