//! What PyTorch wrote, read to the last bit.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use warptape::pickle::Pickle;
use warptape::weights::diff::Diff;
use warptape::weights::{Format, Weights};

use super::{archive, bytes, file, golden, refused, tensor};

const FORMATS: [(&str, Format); 4] = [
    ("tensors.pth", Format::Zip),
    ("tensors.legacy.pth", Format::Legacy),
    ("tensors.big.pth", Format::Zip),
    ("tensors.safetensors", Format::Safetensors),
];

/// All numbers of all tensors, by name.
fn numbers(weights: &Weights) -> BTreeMap<String, Vec<f64>> {
    let all = weights.tensors().iter().map(|tensor| {
        let (mut values, mut numbers) = (weights.values(tensor).unwrap(), Vec::new());
        while let Some(chunk) = values.next().unwrap() {
            numbers.extend(chunk);
        }
        (tensor.name.clone(), numbers)
    });
    all.collect()
}

/// Numbers as `golden/weights.py` writes them.
fn written(texts: &Value) -> Vec<f64> {
    texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn every_type_and_every_way_elements_lie() {
    let folder = golden();
    let expected: Value = serde_json::from_slice(&bytes(folder.path(), "tensors.json")).unwrap();
    let expected = expected.as_object().unwrap();
    for (name, format) in FORMATS {
        let weights = Weights::open(&folder.path().join(name)).unwrap();
        assert_eq!((weights.format, &weights.notes[..]), (format, &[][..]), "{name}");
        let found = numbers(&weights);
        assert_eq!(found.len(), expected.len(), "{name}");
        for tensor in weights.tensors() {
            let there = &expected[&tensor.name];
            let shape: Vec<usize> = serde_json::from_value(there["shape"].clone()).unwrap();
            assert_eq!((&tensor.kind, &tensor.shape), (&there["kind"].as_str().unwrap().to_owned(), &shape), "{name}");
            assert!(same(&found[&tensor.name], &written(&there["values"])), "{name}: {}", tensor.name);
        }
    }
}

#[test]
fn float32_is_rounded_to_and_never_overflows() {
    let folder = golden();
    let weights = Weights::open(&folder.path().join("tensors.pth")).unwrap();
    let floats =
        |name: &str| weights.floats(weights.tensors().iter().find(|tensor| tensor.name == name).unwrap()).unwrap();
    assert_eq!(floats("double"), (vec![1.0, 1.0 / 3.0], true));
    assert_eq!(floats("scalar"), (vec![3.25], false));
    assert_eq!(floats("parameter").0[4].to_bits(), 1e-42f32.to_bits(), "a number too small to be normal");
    assert_eq!(floats("int64"), (vec![-7.0], false));
    let huge = f64::MAX.to_le_bytes();
    let raw = tensor(b"K\x01", b"K\x00", b"K\x01\x85", b"K\x01\x85");
    let at = raw.windows(5).position(|window| window == b"Float").unwrap();
    let double = [&raw[..at], b"Double", &raw[at + 5..]].concat();
    let (_folder, path) = file(&archive(&double, &[("0", &huge)]));
    let weights = Weights::open(&path).unwrap();
    let error = weights.floats(&weights.tensors()[0]).unwrap_err().to_string();
    assert!(error.contains("tensor 'a' holds 1.797") && error.contains("float32 cannot"), "{error}");
}

#[test]
fn every_protocol_is_the_same_network() {
    let folder = golden();
    let expected: Value = serde_json::from_slice(&bytes(folder.path(), "net.json")).unwrap();
    let first = Weights::open(&folder.path().join("net.pth")).unwrap();
    for (name, values) in numbers(&first) {
        assert!(same(&values, &written(&expected[&name])), "{name}");
    }
    let protocols = (3..6).flat_map(|number| [format!("protocol{number}.pth"), format!("protocol{number}.legacy.pth")]);
    for name in ["net.legacy.pth", "net.safetensors"].map(String::from).into_iter().chain(protocols) {
        let other = Weights::open(&folder.path().join(&name)).unwrap();
        let diff = Diff::of(&first, &other).unwrap();
        assert!(diff.is_empty() && diff.equal == 9 && diff.kinds.is_empty(), "{name}: {diff:?}");
    }
}

#[test]
fn what_stands_around_a_state_dict_is_found_and_said() {
    let folder = golden();
    let first = Weights::open(&folder.path().join("net.pth")).unwrap();
    let inside = "the tensors are those of its 'state_dict'; 'epoch', 'optimizer', 'best', 'arch' left out";
    let module = "all names begin with 'module.', which is left out";
    let model = "the tensors are those of its 'model'";
    let epoch = "the tensors are those of its 'model'; 'epoch' left out";
    let compiled = "all names begin with '_orig_mod.', which is left out";
    for (name, notes) in [
        ("training.pth", &[inside, module][..]),
        ("training.legacy.pth", &[inside, module]),
        ("compiled.pth", &[epoch, compiled, module]),
        ("nested.pth", &[model, "the tensors are those of its 'state_dict'"]),
    ] {
        let weights = Weights::open(&folder.path().join(name)).unwrap();
        assert_eq!(weights.notes, notes, "{name}");
        assert!(Diff::of(&first, &weights).unwrap().is_empty(), "{name}");
    }
}

#[test]
fn whole_modules_and_programs_are_not_run() {
    let folder = golden();
    for name in ["module.pth", "module.legacy.pth"] {
        let text = refused(&bytes(folder.path(), name));
        assert!(text.contains("\"torch.nn.modules.linear.Linear\", which is not data and is not run"), "{text}");
        assert!(text.contains("save model.state_dict() alone"), "{text}");
    }
    let text = refused(&bytes(folder.path(), "program.pt"));
    assert!(text.contains("is a TorchScript program"), "{text}");
}

/// Python 2 gave an OrderedDict its entries as a list of pairs, and PyTorch before 0.4 knew parts of storages.
#[test]
fn forms_that_are_no_longer_written() {
    let old = b"ccollections\nOrderedDict\n((]U\x01aaK\x01a]U\x01baK\x02altR.";
    let pickle = Pickle::parse(old).unwrap();
    assert_eq!(pickle.get("b").and_then(|item| pickle.integer(item)), Some(2));
    let part = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x08(U\x011K\x02K\x04ttQ";
    let call = [b"ctorch._utils\n_rebuild_tensor\n(", &part[..], b"K\x01K\x03\x85K\x01\x85tR."].concat();
    let (pickle, taken) = Pickle::first(&call).unwrap();
    let tensor = pickle.tensor(pickle.root()).unwrap().unwrap();
    assert_eq!((taken, tensor.start, tensor.end, tensor.bytes), (call.len(), 12, 24, 32));
    let beyond = [b"ctorch._utils\n_rebuild_tensor\n(", &part[..], b"K\x02K\x03\x85K\x01\x85tR."].concat();
    let (pickle, _) = Pickle::first(&beyond).unwrap();
    assert_eq!(
        pickle.tensor(pickle.root()).unwrap().unwrap_err(),
        "a tensor that reaches to byte 28 of a storage of 24"
    );
}

#[test]
fn a_file_is_told_by_its_contents() {
    let folder = golden();
    for (name, other) in [("net.pth", "a.safetensors"), ("net.safetensors", "b.pt"), ("net.legacy.pth", "c.bin")] {
        fs::copy(folder.path().join(name), folder.path().join(other)).unwrap();
        let weights = Weights::open(&folder.path().join(other)).unwrap();
        assert_eq!(weights.tensors().len(), 9, "{other}");
        assert_eq!(weights.sha256().unwrap(), Weights::open(&folder.path().join(name)).unwrap().sha256().unwrap());
    }
}
