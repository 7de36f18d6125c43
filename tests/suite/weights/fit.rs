//! Weights put into networks: those they are of, and others.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use safetensors::tensor::{Dtype, TensorView};
use warptape::nn::{Layer, State, models};
use warptape::train::state_dict::{load_state, save_state};
use warptape::weights::{Options, Weights, fitting, head, load_into};

use super::{bytes, file, golden, net};
use crate::support::device;

const ALL: Options = Options { ignore_head: false };
const NO_HEAD: Options = Options { ignore_head: true };

/// The state of `model` in bytes of PyTorch's order.
fn state(model: &dyn Layer) -> Vec<u8> {
    save_state(model, "").unwrap()
}

#[test]
fn a_network_of_ones_own_takes_all_formats() {
    let folder = golden();
    let expected = net(2);
    let golden = bytes(folder.path(), "net.safetensors");
    load_state(&expected, &safetensors::SafeTensors::deserialize(&golden).unwrap(), "").unwrap();
    for name in ["net.pth", "net.legacy.pth", "net.safetensors", "training.pth", "compiled.pth"] {
        let model = net(2);
        let weights = Weights::open(&folder.path().join(name)).unwrap();
        let said = load_into(&model, &weights, ALL).unwrap();
        assert!(said[0].starts_with("9 tensors of ") && said[0].ends_with(name), "{said:?}");
        assert_eq!(said.len(), 1 + weights.notes.len(), "{said:?}");
        assert!(state(&model) == state(&expected), "{name}");
    }
}

#[test]
fn the_head_stays_as_it_began() {
    let folder = golden();
    let weights = Weights::open(&folder.path().join("net.pth")).unwrap();
    let (model, untouched, whole) = (net(5), net(5), net(2));
    let before = state(&model);
    let error = load_into(&model, &weights, ALL).unwrap_err().to_string();
    let parts = [
        "of another shape: 2.weight is [2, 4], the network's is [5, 4], 2.bias is [2], the network's is [5]",
        "‹head=replace›",
    ];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    assert!(state(&model) == before, "a file that does not fit changes nothing");
    assert_eq!(head(&model).as_deref(), Some("2."));
    let said = load_into(&model, &weights, NO_HEAD).unwrap();
    assert_eq!(said[1..], ["2 is left out and starts anew"]);
    load_into(&whole, &weights, ALL).unwrap();
    let tensors = |model: &dyn Layer| -> HashMap<String, Vec<f32>> {
        let mut all = HashMap::new();
        model.visit("", &mut |name, state| {
            if let State::Parameter(tensor, _) | State::Statistic(tensor) = state {
                all.insert(name, tensor.to_vec().unwrap());
            }
        });
        all
    };
    let (ours, drawn, theirs) = (tensors(&model), tensors(&untouched), tensors(&whole));
    for (name, values) in &ours {
        assert!(values == if name.starts_with("2.") { &drawn[name] } else { &theirs[name] }, "{name}");
    }
}

/// A .safetensors file of the tensors of `net(2)`, changed.
fn changed(edit: impl Fn(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> Vec<u8> {
    let whole = bytes(golden().path(), "net.safetensors");
    let there = safetensors::SafeTensors::deserialize(&whole).unwrap();
    let mut all: Vec<_> = there
        .iter()
        .map(|(name, view)| (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    edit(&mut all);
    let views =
        all.iter().map(|(name, dtype, shape, bytes)| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn error(bytes: &[u8]) -> String {
    let (_folder, path) = file(bytes);
    load_into(&net(2), &Weights::open(&path).unwrap(), ALL).unwrap_err().to_string()
}

#[test]
fn all_differences_are_in_one_error() {
    let text = error(&changed(|all| {
        all.retain(|(name, ..)| name != "0.bias");
        all.iter_mut().find(|(name, ..)| name == "1.weight").unwrap().0 = "1.scale\u{1b}[31m".into();
        let bias = all.iter_mut().find(|(name, ..)| name == "1.bias").unwrap();
        (bias.2, bias.3) = (vec![2, 2], bias.3.clone());
        let mean = all.iter_mut().find(|(name, ..)| name == "1.running_mean").unwrap();
        mean.1 = Dtype::I32;
        let count = all.iter_mut().find(|(name, ..)| name == "1.num_batches_tracked").unwrap();
        (count.1, count.3) = (Dtype::F32, vec![0; 4]);
    }));
    for part in [
        "file.pth: does not fit the network; missing: 0.bias [4], 1.weight [4]; unexpected: 1.scale\\u{1b}[31m;",
        "of another shape: 1.bias is [2, 2], the network's is [4];",
        "of another type: 1.running_mean is int32, expected fractions, 1.num_batches_tracked is float32, expected whole numbers",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let text = error(&changed(|all| {
        all.retain(|(name, ..)| name.starts_with("2."));
        all.extend((0..1000).map(|number| (format!("odd.{number:04}"), Dtype::U8, vec![1], vec![0])));
    }));
    assert!(text.contains("and 3 more; unexpected: odd.") && text.contains("and 997 more"), "{text}");
}

#[test]
fn counters_may_be_absent_and_are_then_0() {
    let bytes = changed(|all| all.retain(|(name, ..)| !name.ends_with("num_batches_tracked")));
    let (_folder, path) = file(&bytes);
    let model = net(2);
    model.visit("", &mut |_, state| {
        if let State::Counter(count) = state {
            count.store(9, Ordering::Relaxed);
        }
    });
    load_into(&model, &Weights::open(&path).unwrap(), ALL).unwrap();
    let mut counts = Vec::new();
    model.visit("", &mut |_, state| {
        if let State::Counter(count) = state {
            counts.push(count.load(Ordering::Relaxed));
        }
    });
    assert_eq!(counts, [0]);
}

#[test]
fn conversions_are_said() {
    let (_folder, path) = file(&changed(|all| {
        let weight = all.iter_mut().find(|(name, ..)| name == "2.weight").unwrap();
        let numbers = (1..9).flat_map(|number| (1.0 / f64::from(number)).to_le_bytes());
        (weight.1, weight.3) = (Dtype::F64, numbers.collect());
        let bias = all.iter_mut().find(|(name, ..)| name == "2.bias").unwrap();
        (bias.1, bias.3) = (Dtype::F16, vec![0, 0x3c, 0, 0xc0]);
    }));
    let model = net(2);
    let said = load_into(&model, &Weights::open(&path).unwrap(), ALL).unwrap();
    assert_eq!(
        said[1..].iter().collect::<std::collections::BTreeSet<_>>(),
        [
            "1 tensors of float16 become float32",
            "1 tensors of float64 become float32",
            "1 tensors hold numbers that float32 rounds"
        ]
        .map(String::from)
        .iter()
        .collect()
    );
    let mut values = Vec::new();
    model.visit("", &mut |name, state| {
        if let State::Parameter(tensor, _) = state
            && name.starts_with("2.")
        {
            values.extend(tensor.to_vec::<f32>().unwrap());
        }
    });
    assert_eq!(values, [1.0, 0.5, 1.0 / 3.0, 0.25, 0.2, 1.0 / 6.0, 1.0 / 7.0, 0.125, 1.0, -2.0]);
}

#[test]
fn a_file_knows_its_network() {
    let folder = tempfile::TempDir::new().unwrap();
    let fits = |spec: &str, classes: usize, input: usize| {
        let model = models::build(spec, classes, [input; 2], &device(), 0).unwrap();
        let path = folder.path().join("net.safetensors");
        std::fs::write(&path, state(&model)).unwrap();
        fitting(&Weights::open(&path).unwrap())
    };
    assert_eq!(fits("little-conv", 9, 32), [("little-conv".to_owned(), 9)]);
    assert_eq!(fits("resnet18:stem=imagenet", 3, 32), [("resnet18:stem=imagenet".to_owned(), 3)]);
    assert_eq!(fits("vgg11_bn:head=linear", 4, 32), [("vgg11_bn:head=linear".to_owned(), 4)]);
    let model = models::build("resnet18", 3, [32, 32], &device(), 0).unwrap();
    let path = folder.path().join("net.safetensors");
    let text = load_into(&model, &Weights::open(&path).unwrap(), ALL).unwrap_err().to_string();
    assert!(text.contains("‹model=vgg11_bn:head=linear› with 4 classes"), "{text}");
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let broken = net(2);
    broken.visit("", &mut |name, state| {
        if let (State::Parameter(tensor, _), "2.weight") = (state, &*name) {
            tensor.write(&[1.0f32, f32::NAN, 2.0, f32::INFINITY, 0.0, 0.0, 0.0, 0.0]).unwrap();
        }
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), state(&broken)).unwrap();
    let error = load_into(&net(2), &Weights::open(file.path()).unwrap(), ALL).unwrap_err().to_string();
    assert!(error.contains("2.weight has 2 numbers that are not finite"), "{error}");
}
