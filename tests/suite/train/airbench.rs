//! airbench94's network and recipe beside PyTorch (tests/golden/airbench.py): whitening of pictures, and views of them; a training with
//! all of it.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use warptape::check::{compare, magnitude};
use warptape::data::{Dataset, Images, Loading};
use warptape::nn::init::Filters;
use warptape::nn::{Builder, Conv2d, Layer, Layout, Pass, Sequential, State, models};
use warptape::op::augment::{Augment, Channels};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::random::Key;
use warptape::train::config::Config;
use warptape::train::images::Resident;
use warptape::train::views::{Views, logits};
use warptape::train::whitening::whiten;
use warptape::{Device, Tape, Tensor};

use super::freezing::tensors;
use super::resume::in_parts;
use crate::command::{device, fails, quick, same_runs, shared, skips_stopping, succeeds};
use crate::op::generated::{self, Seeds};

type Tensors = BTreeMap<String, Vec<u8>>;

const GOLDEN: &[u8] = include_bytes!("../../golden/airbench.safetensors");

fn golden(name: &str) -> Vec<f64> {
    let tensors = SafeTensors::deserialize(GOLDEN).unwrap();
    let view = tensors.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F32);
    view.data().chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
}

fn pictures() -> Images {
    let tensors = SafeTensors::deserialize(GOLDEN).unwrap();
    let view = tensors.tensor("pictures").unwrap();
    let &[count, height, width, 3] = view.shape() else { panic!("{:?}", view.shape()) };
    let mut images = Images::new(height, width);
    images.pixels = view.data().to_vec();
    images.labels = vec![0; count];
    images
}

fn channels() -> Channels {
    let three = |name: &str| -> [f32; 3] { std::array::from_fn(|at| golden(name)[at] as f32) };
    Channels { mean: three("mean"), std: three("std") }
}

/// The network's filters that are fixed.
fn filters(model: &Sequential) -> (Tensor, Layout) {
    let mut found = None;
    model.visit("", &mut |name, state| {
        if let (State::Fixed(tensor, layout), "whiten.weight") = (state, &*name) {
            found = Some((tensor.clone(), layout));
        }
    });
    found.expect("the network whitens")
}

#[test]
fn whitening_and_views_agree_with_pytorch() {
    let (device, images) = (crate::support::device(), pictures());
    let (count, input) = (images.len(), [images.height, images.width]);
    let model = models::build("airbench94", 9, input, &device, 0).unwrap();
    generated::fill(&model, &Seeds::new());
    let resident = Resident::new(&device, &images).unwrap();
    whiten(&model, &resident, &resident.all(), &channels()).unwrap();
    let (weight, layout) = filters(&model);
    let (shape, ours) = layout.outward(&weight).unwrap();
    assert_eq!(shape, [24, 3, 2, 2]);
    // Whose sign is which is a library's choice; the negatives stand among the second half in any case.
    let theirs = golden("filters");
    for number in 0..12 {
        let at = |half: usize| (12 * half + number) * 12..(12 * half + number + 1) * 12;
        let (one, other) = (&ours[at(0)], &ours[at(1)]);
        assert!(one.iter().zip(other).all(|(a, b)| *a == -b), "filter {number}");
        let product: f64 = one.iter().zip(&theirs[at(0)]).map(|(a, b)| f64::from(*a) * b).sum();
        let expected: Vec<f64> = theirs[at(0)].iter().map(|value| value.copysign(value * product)).collect();
        compare(&format!("filter {number}"), one, &expected, 3e-5 * magnitude(&expected)).unwrap();
        let largest = one.iter().fold(0.0f32, |most, value| if value.abs() > most.abs() { *value } else { most });
        assert!(largest > 0.0, "filter {number}: {one:?}");
    }
    // With the very filters of the golden, whose order says which logit they make.
    let exact: Vec<f32> = theirs.iter().map(|value| *value as f32).collect();
    weight.write(&layout.inward(&exact, &weight)).unwrap();
    let (how, key) = (Augment::evaluation(channels().mean, channels().std), Key { seed: 0, step: 0, stream: 0 });
    let order = resident.order(&resident.all()).unwrap();
    let (x, _) = resident.batch(&order, 0, count, &how, key).unwrap();
    model.forward(&mut Pass::training(&mut Tape::new(), 0, 0), &x).unwrap();
    let mut resident = resident;
    for views in [Views::None, Views::Mirror, Views::MirrorTranslate] {
        resident = resident.viewed(views);
        let (seen, _) = resident.seen(&order, 0, count, &channels()).unwrap();
        assert!((seen.iter().map(|(_, weight)| weight).sum::<f32>() - 1.0).abs() < 1e-6);
        let got = logits(&model, &mut Tape::new(), &seen).unwrap().to_vec::<f32>().unwrap();
        let expected = golden(&views.to_string());
        compare(&views.to_string(), &got, &expected, 5e-5 * magnitude(&expected)).unwrap();
    }
    device.check_guards().unwrap();
}

#[test]
fn first_filters_pass_channels_on() {
    let device = crate::support::device();
    let model = models::build("airbench94", 9, [32, 32], &device, 3).unwrap();
    let plain = models::build("airbench94", 9, [32, 32], &device, 4).unwrap();
    let weight = |model: &Sequential, wanted: &str| -> (Vec<usize>, Vec<f32>) {
        let mut found = None;
        model.visit("", &mut |name, state| match state {
            State::Parameter(tensor, layout) if name == wanted => found = Some(layout.outward(tensor).unwrap()),
            State::Parameter(tensor, _) if name.ends_with("bias") => {
                assert!(tensor.to_vec::<f32>().unwrap().iter().all(|value| *value == 0.0), "{name}");
            }
            _ => {}
        });
        found.unwrap_or_else(|| panic!("no {wanted}"))
    };
    for (name, shape) in [
        ("layers.1.conv1.weight", [64, 24, 3, 3]),
        ("layers.2.conv1.weight", [256, 64, 3, 3]),
        ("layers.3.conv2.weight", [256, 256, 3, 3]),
    ] {
        let ((found, values), (_, other)) = (weight(&model, name), weight(&plain, name));
        assert_eq!(found, shape);
        let passes = |filter: usize, values: &[f32]| {
            let own = &values[filter * shape[1] * 9..(filter + 1) * shape[1] * 9];
            own.iter().enumerate().all(|(at, value)| *value == f32::from(u8::from(at == filter * 9 + 4)))
        };
        assert!((0..shape[1]).all(|filter| passes(filter, &values)), "{name}");
        // The others are drawn.
        let drawn = |values: &[f32]| values[shape[1] * shape[1] * 9..].to_vec();
        let bound = 1.0 / (9.0 * shape[1] as f32).sqrt();
        assert!(drawn(&values).iter().all(|value| value.abs() <= bound), "{name}");
        assert_eq!(drawn(&values) == drawn(&other), shape[0] == shape[1], "{name}");
    }
    // More channels than filters: each filter passes one of the first on.
    let builder = &mut Builder::new(&device, 0);
    builder.filters = Filters::Dirac;
    let narrow = Conv2d::new(builder, 4, 2, 2, Conv2dParams::new(1, 0), false).unwrap();
    let x = Tensor::from_slice(&device, [1, 2, 2, 4], &(0..16).map(|v| v as f32).collect::<Vec<_>>()).unwrap();
    let y = narrow.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [12.0, 13.0]);
}

/// The recipe, but for what a short training needs otherwise.
fn config() -> Config {
    Config {
        model: "airbench94".into(),
        data: shared().data.clone(),
        epochs: 4,
        batch_size: 10,
        optim: "sgd".into(),
        momentum: 0.85,
        nesterov: true,
        lr: 0.02,
        weight_decay: 1e-3,
        lr_factors: "norm=4".parse().unwrap(),
        decay_factors: "norm=0.25".parse().unwrap(),
        schedule: "triangle:0.2:0.23:0.07".into(),
        freeze_after: "whiten.bias=2".parse().unwrap(),
        augment: "crop2(reflect)+flip(alternating)".into(),
        label_smoothing: 0.2,
        tta: Views::MirrorTranslate,
        validation: 0.2,
        ..Config::default()
    }
}

/// Pictures are whitened once, before the first step; epochs flip one half and the other, whatever they begin with.
#[test]
fn a_stopped_training_goes_on_as_if_it_had_not_been() {
    if skips_stopping() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (device, data) =
        (Device::open(&device()).unwrap(), Dataset::open(&shared().data, &Loading::default()).unwrap());
    let run = |name: &str, config: &Config, stops: &[(u32, usize)]| {
        let path = folder.path().join(name);
        in_parts(config, &data, &device, &path, stops);
        path
    };
    let averaged = Config { ema: Some(0.9), ..config() };
    let whole = run("whole", &averaged, &[(9, 0)]);
    let stopped = run("stopped", &averaged, &[(1, 1), (2, 2), (3, 1), (9, 0)]);
    same_runs(&whole, &stopped);
    let [begin, second, last] =
        ["epoch-0000", "epoch-0002", "last"].map(|file| tensors(&whole, &format!("{file}.safetensors")));
    let moved = |one: &str, a: &Tensors, b: &Tensors| a[one] != b[one];
    assert!(!moved("whiten.weight", &begin, &last) && !moved("layers.1.norm1.weight", &begin, &last));
    // Averages of what is fixed are that, too. The bias learns for two epochs, and its average comes nearer from then on.
    let trained = |all: &Tensors| all["optimizer.trained.whiten.bias"].clone();
    assert!(trained(&begin) != trained(&second) && trained(&second) == trained(&last));
    assert!(moved("layers.1.norm1.bias", &second, &last) && moved("layers.3.conv2.weight", &second, &last));
    // Nothing is remembered of filters that do not learn.
    assert!(!begin.keys().any(|name| name.contains("momentum_buffer.whiten.weight")));
    // They are those of the pictures that are trained on, whatever else is drawn.
    let others = [Config { seed: 5, epochs: 1, ..config() }, Config { validation: 0.0, epochs: 1, ..config() }];
    let [seed, all] = [0, 1].map(|at| tensors(&run(&at.to_string(), &others[at], &[(9, 0)]), "epoch-0000.safetensors"));
    assert!(!moved("whiten.weight", &begin, &seed) && moved("head.weight", &begin, &seed));
    assert!(moved("whiten.weight", &begin, &all) && !moved("head.weight", &begin, &all));
}

#[test]
fn it_is_evaluated_exported_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let words =
        ["--model", "airbench94", "--epochs", "2", "--batch-size", "20", "--tta", "mirror", "--out", &out("run")];
    let said = succeeds(&quick(&words));
    let report = std::fs::read_to_string(folder.path().join("run/report.txt")).unwrap();
    assert!(report.contains("note: logits are means over 2 views of each picture (mirror)"), "{report}");
    let device = ["--device", &device()];
    let evaluated = |rest: &[&str]| succeeds(&[&["eval", &out("run")], rest, &device[..]].concat());
    let again = evaluated(&[]);
    assert!(report.contains(again.lines().nth(1).unwrap()), "{again}\n{report}\n{said}");
    assert!(evaluated(&["--tta", "mirror+translate"]).contains("means over 6 views"));
    assert!(!evaluated(&["--tta", "none"]).contains("views"));
    assert!(evaluated(&["--json", "--tta", "none"]).contains("\"notes\""));
    let info = std::fs::read_to_string(folder.path().join("run/run.json")).unwrap();
    assert!(info.contains("\"tta\": \"mirror\""), "{info}");
    succeeds(&["export", &out("run"), "--out", &out("exported")]);
    let names = succeeds(&["weights", "info", &out("exported/model.pth")]);
    assert!(names.contains("whiten.weight") && names.contains("layers.3.norm2.bias"), "{names}");
    assert!(names.contains("fits --model airbench94, 10 classes"), "{names}");
    // Loaded filters are not those of other pictures.
    let words =
        ["--model", "airbench94", "--weights", &out("exported/model.pth"), "--epochs", "1", "--out", &out("next")];
    succeeds(&quick(&words));
    let of = |run: &str, file: &str| tensors(&folder.path().join(run), file)["whiten.weight"].clone();
    assert!(of("run", "best.safetensors") == of("next", "epoch-0000.safetensors"));
    let add = ["--head", "add", "--weights", &out("exported/model.pth"), "--model", "airbench94", "--out", &out("no")];
    fails(&quick(&add), 2, &["its own layer 'head'", "use --head replace"]);
    fails(&quick(&["--tta", "flip"]), 2, &["unknown views 'flip': use none, mirror or mirror+translate"]);
    fails(
        &quick(&["--model", "airbench94", "--freeze-after", "whiten=0"]),
        2,
        &["--freeze-after whiten=0: epochs count from 1"],
    );
    fails(&["models", "show", "airbench94", "--input", "24"], 2, &["at least 25×25"]);
    fails(&["models", "show", "airbench94:outputs=3"], 2, &["its own layer 'head'"]);
}
