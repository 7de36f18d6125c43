//! `warptape export`: what the folder holds, that it computes what the run does, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::TempDir;
use warptape::data::{Fit, Size, picture};
use warptape::export::folder;
use warptape::export::preprocessing::Preprocessing;
use warptape::nn::{Layer, Pass};
use warptape::train::checkpoint::Checkpoint;
use warptape::{Device, Tape};

use crate::command::{EPOCHS, device, fails, record, shared, succeeds};
use crate::data::files::says;
use crate::export::onnx_file;
use crate::export::onnx_run::{self, Value as Array};
use crate::support::contents;

const FILES: [&str; 6] =
    ["README.txt", "labels.txt", "model.onnx", "model.pth", "model.safetensors", "preprocessing.json"];

/// Exports the shared run into a folder below `root`.
fn export(root: &Path, name: &str, run: &str) -> PathBuf {
    let out = root.join(name);
    let said = succeeds(&["export", run, "--out", out.to_str().unwrap()]);
    assert!(said.contains("model.onnx (opset 17)"), "{said}");
    assert_eq!(contents(&out), FILES);
    out
}

fn run() -> &'static str {
    shared().run.to_str().unwrap()
}

/// A picture in the size that the network takes, as a file.
fn picture_in(root: &Path) -> PathBuf {
    let record = record(3);
    let pixel = |x: u32, y: u32| [0, 1, 2].map(|plane| record[1 + 1024 * plane + (32 * y + x) as usize]);
    let path = root.join("picture.png");
    image::RgbImage::from_fn(32, 32, |x, y| image::Rgb(pixel(x, y))).save(&path).unwrap();
    path
}

#[test]
fn a_folder_says_and_computes_what_the_run_does() {
    let root = TempDir::new().unwrap();
    let out = export(root.path(), "deep/exported", &format!("{}@last", run()));
    let checkpoint = Checkpoint::load(&shared().run.join("checkpoints/last.safetensors")).unwrap();
    let meta = &checkpoint.meta;
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(text("labels.txt").lines().collect::<Vec<_>>(), meta.classes);
    let how: Value = serde_json::from_str(&text("preprocessing.json")).unwrap();
    assert_eq!(
        how["resize"],
        json!({"kind": "squash", "height": 32, "width": 32, "filter": "lanczos", "antialias": true, "ribbon": 8})
    );
    assert_eq!(how["crop"], json!({"kind": "center", "height": 32, "width": 32}));
    assert_eq!((&how["mean"], &how["std"]), (&json!(meta.mean), &json!(meta.std)));
    assert_eq!(how["input"], json!({"name": "input", "type": "float32", "layout": "NCHW"}));
    let readme = text("README.txt");
    for part in ["little-conv for 10 classes, as epoch 4", "opset 17", "float32 [batch, 3, 32, 32]", "32 x 32 pixels"] {
        assert!(readme.contains(part), "{part:?} is not in\n{readme}");
    }

    // The weights are the checkpoint's, byte by byte.
    let [ours, theirs] = [out.join("model.safetensors"), shared().run.join("checkpoints/last.safetensors")]
        .map(|path| fs::read(path).unwrap());
    let [ours, theirs] = [&ours, &theirs].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
    for (name, view) in theirs.tensors().into_iter().filter(|(name, _)| !name.starts_with("optimizer.")) {
        assert_eq!(ours.tensor(&name).unwrap(), view, "{name}");
    }

    // `predict`, the graph in float64, and our own network read back.
    let file = picture_in(root.path());
    let words = ["predict", &format!("{}@last", run()), file.to_str().unwrap(), "--json", "--device", &device()];
    let said: Value = serde_json::from_str(&succeeds(&words)).unwrap();
    let logits: Vec<f64> = serde_json::from_value(said[0]["logits"].clone()).unwrap();
    let largest = logits.iter().fold(0.0, |most: f64, logit| most.max(logit.abs()));

    let pixels = picture::open(&file).unwrap();
    let plane = |c: usize| {
        let (mean, std) = (f64::from(meta.mean[c]), f64::from(meta.std[c]));
        pixels.pixels().map(move |pixel| (f64::from(pixel.0[c]) / 255.0 - mean) / std)
    };
    let input = Array { shape: vec![1, 3, 32, 32], data: (0..3).flat_map(plane).collect() };
    let graph = onnx_file::read(&fs::read(out.join("model.onnx")).unwrap());
    let computed = onnx_run::run(&graph, input).data;

    let device = Device::open(&device()).unwrap();
    let (network, how, classes) = folder::open(&out, &device).unwrap();
    assert_eq!((&how, &classes), (&Preprocessing::of(meta), &meta.classes));
    let x = how.input(&[pixels.clone(), pixels.clone()], &device).unwrap();
    let read = network.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap().to_vec::<f32>().unwrap();
    assert_eq!((read.len(), logits.len(), computed.len()), (20, 10, 10));
    for class in 0..10 {
        for other in [computed[class], f64::from(read[class]), f64::from(read[10 + class])] {
            let distance = (other - logits[class]).abs();
            assert!(distance <= 5e-5 * largest, "class {class}: {other} where predict says {}", logits[class]);
        }
    }
}

#[test]
fn the_checkpoint_is_chosen() {
    let root = TempDir::new().unwrap();
    let named = |name: &str, run: &str| {
        let out = export(root.path(), name, run);
        FILES.map(|file| fs::read(out.join(file)).unwrap())
    };
    let first = named("a", &format!("{}@1", run()));
    let by_file = shared().run.join("checkpoints/epoch-0001.safetensors");
    assert!(named("c", by_file.to_str().unwrap()) == first, "the same checkpoint, the same files");
    assert!(named("d", &format!("{}@0", run())) != first);
    // An empty folder is as good as none.
    fs::create_dir(root.path().join("e")).unwrap();
    assert!(named("e", run()) == named("f", &format!("{}@best", run())));
}

#[test]
fn how_pictures_are_seen_is_written() {
    let mut meta = Checkpoint::load(&shared().run.join("checkpoints/last.safetensors")).unwrap().meta;
    (meta.config.load_size, meta.config.resize) = (Some(Size { height: 40, width: 48 }), Some(Fit::Crop));
    let network = || {
        let device = Device::open("host").unwrap();
        warptape::nn::models::build(&meta.config.model, 10, [32, 32], &device, 0).unwrap()
    };
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    // A class's name is one line, whatever is in it.
    meta.classes[4] = "two\nlines".into();
    folder::write(&out, &network(), &meta).unwrap();
    let how: Value = serde_json::from_str(&fs::read_to_string(out.join("preprocessing.json")).unwrap()).unwrap();
    assert_eq!(
        how["resize"],
        json!({"kind": "crop", "height": 40, "width": 48, "filter": "lanczos", "antialias": true, "ribbon": 8})
    );
    assert_eq!(how["crop"], json!({"kind": "center", "height": 32, "width": 32}));
    assert_eq!(fs::read_to_string(out.join("labels.txt")).unwrap().lines().nth(4), Some("two lines"));
    let readme = fs::read_to_string(out.join("README.txt")).unwrap();
    assert!(readme.contains("40 x 48 pixels") && readme.contains("Its middle 32 x 32 pixels"), "{readme}");
    // The middle of what crop leaves of a picture that has that size already.
    let pixel = |x: u32, y: u32| image::Rgb([x as u8, y as u8, 9]);
    let device = Device::open("host").unwrap();
    let x = Preprocessing::of(&meta).input(&[image::RgbImage::from_fn(48, 40, pixel)], &device).unwrap();
    let (first, [mean, std]) = (x.to_vec::<f32>().unwrap(), [meta.mean, meta.std]);
    for (channel, byte) in [8.0, 4.0, 9.0].into_iter().enumerate() {
        let expected = (byte / 255.0 - mean[channel]) / std[channel];
        assert!((first[channel] - expected).abs() < 1e-5, "{} where {expected} is right", first[channel]);
    }
}

#[test]
fn what_is_refused_is_a_line() {
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("file"), "x").unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/mine"), "x").unwrap();
    let [missing, odd] = ["99", "good"].map(|which| format!("{}@{which}", run()));
    let cases = [
        (vec![run(), "--out", "full"], 1, "is not empty; --out wants a new or empty folder"),
        (vec![run(), "--out", "file"], 1, "is a file; --out wants a new or empty folder"),
        (vec![run(), "--out", "file/below"], 1, "choose a folder that can be written to with --out"),
        (vec![&missing, "--out", "new"], 1, "has no checkpoint"),
        (vec![&odd, "--out", "new"], 2, "use best, last or an epoch's number"),
        (vec!["file", "--out", "new"], 1, "not a readable checkpoint"),
        (vec![run()], 2, "--out <DIR>"),
    ];
    for (words, code, part) in cases {
        let word = |word: &&str| match *word {
            "RUN@1" => format!("{}@1", run()),
            name if ["file", "full", "new", "file/below"].contains(&name) => at(name),
            word => word.to_owned(),
        };
        let words: Vec<String> = ["export".to_owned()].into_iter().chain(words.iter().map(word)).collect();
        fails(&words, code, &[part]);
    }
    // Nothing is left of what was not made, and nothing of others' was touched.
    assert_eq!(contents(root.path()), ["file", "full"]);
    assert_eq!(contents(&root.path().join("full")), ["mine"]);
    // What a killed process left is swept; what looks like it but is another's name stays.
    fs::create_dir(at(".new.abc.part")).unwrap();
    fs::create_dir(at(".newer.abc.part")).unwrap();
    export(root.path(), "new", run());
    assert_eq!(contents(root.path()), [".newer.abc.part", "file", "full", "new"]);
}

#[test]
fn damaged_folders_are_refused() {
    let root = TempDir::new().unwrap();
    let out = export(root.path(), "out", &format!("{}@{EPOCHS}", run()));
    let device = Device::open("host").unwrap();
    let with = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, part: &str| {
        let whole = fs::read(out.join(name)).unwrap();
        fs::write(out.join(name), change(whole.clone())).unwrap();
        says(folder::open(&out, &device), &[name, part]);
        fs::write(out.join(name), whole).unwrap();
    };
    let replaced = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes()
    };
    with("preprocessing.json", &replaced("\"format\": 1", "\"format\": 7"), "format 7, this version reads 1");
    with("preprocessing.json", &replaced("\"height\": 32", "\"height\": 0"), "sizes [0, 32, 32, 32]");
    with("preprocessing.json", &replaced("little-conv", "big-conv"), "unknown model 'big-conv'");
    with("preprocessing.json", &|bytes| bytes[..40].to_vec(), "EOF");
    with("model.safetensors", &|bytes| bytes[..400].to_vec(), "");
    // One class less is another network.
    let labels = fs::read_to_string(out.join("labels.txt")).unwrap();
    fs::write(out.join("labels.txt"), labels.split_once('\n').unwrap().1).unwrap();
    says(folder::open(&out, &device), &["model.safetensors", "'fc.weight'"]);
    fs::remove_file(out.join("labels.txt")).unwrap();
    says(folder::open(&out, &device), &["labels.txt"]);
}
