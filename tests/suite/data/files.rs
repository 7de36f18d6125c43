//! Data sets: the built-in one, CIFAR-10's files whole and damaged, splits, and pictures.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use warptape::Error;
use warptape::data::cifar::records;
use warptape::data::{Dataset, Images, Loading, emoji, source, split};

/// Bytes of a CIFAR-10 record.
const RECORD: usize = 3073;

/// The message of an error, which is one line.
pub fn message<T>(result: Result<T, Error>) -> String {
    let text = result.err().expect("an error").to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    text
}

/// Asserts that the message holds all `parts`.
pub fn says<T>(result: Result<T, Error>, parts: &[&str]) {
    let text = message(result);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// `n` records with labels 0, 1, … 9, 0, …; each plane a ramp of its own.
fn batch(n: usize) -> Vec<u8> {
    (0..n)
        .flat_map(|i| {
            let pixel = move |k: usize| (k / 1024 * 80 + k % 1024 % 80 + i) as u8;
            std::iter::once((i % 10) as u8).chain((0..3072).map(pixel))
        })
        .collect()
}

/// A folder with six small CIFAR-10 files.
fn cifar(inner: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let files = folder.path().join(inner);
    fs::create_dir_all(&files).unwrap();
    for (index, name) in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        .into_iter()
        .enumerate()
    {
        fs::write(files.join(name).with_extension("bin"), batch(10 + index)).unwrap();
    }
    (folder, files)
}

/// The data set `spec`, without options.
pub fn load(spec: &str) -> Result<Dataset, Error> {
    Dataset::open(spec, &Loading::default())
}

/// The data set of kind `kind` in `folder`.
pub fn load_from(kind: &str, folder: &Path) -> Result<Dataset, Error> {
    load(&format!("{kind}:{}", folder.display()))
}

fn open(folder: &Path) -> Result<Dataset, Error> {
    load_from("cifar10", folder)
}

#[test]
fn emoji_is_built_in() {
    let data = load("emoji").unwrap();
    assert_eq!((data.name.as_str(), data.classes.len()), ("emoji", 9));
    assert_eq!((data.classes[0].as_str(), data.classes[8].as_str()), ("Smileys & Emotion", "Flags"));
    assert_eq!((data.train.height, data.train.width), (32, 32));
    let [train, val, test] = data.class_counts();
    assert_eq!(train, [270, 1142, 254, 210, 348, 136, 422, 358, 432]);
    assert_eq!(test, [68, 276, 64, 52, 88, 34, 106, 90, 108]);
    for images in [&data.train, &data.test] {
        assert_eq!(images.pixels.len(), images.len() * 32 * 32 * 3);
    }
    assert_eq!(val, [0; 9]);
    // As it was before data sets had validation pictures: runs of older versions go on.
    assert_eq!(data.hash, "36b5c6677195ab72cde73a0a94fa39e1e40ee057a288a87c5cb288f50d2d1bee");
    assert_eq!(data.hash, load("emoji").unwrap().hash);
}

#[test]
fn planes_become_interleaved_pixels() {
    let mut images = Images::new(32, 32);
    records(Path::new("x"), &batch(3), 1, 10, &mut images).unwrap();
    assert_eq!(images.labels, [0, 1, 2]);
    assert_eq!(images.image(2)[..6], [2, 82, 162, 3, 83, 163]);
    assert_eq!(images.image(1)[3 * 1023..], [1 + 63, 81 + 63, 161 + 63]);
}

#[test]
fn cifar_is_found_in_the_folder_or_below_it() {
    let (direct, files) = cifar("");
    let (below, _) = cifar("cifar-10-batches-bin");
    let data = open(direct.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (10 + 11 + 12 + 13 + 14, 15));
    assert_eq!((data.classes[0].as_str(), data.classes[9].as_str()), ("airplane", "truck"));
    assert_eq!(open(below.path()).unwrap().hash, data.hash);
    fs::write(files.join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    let named = open(direct.path()).unwrap();
    assert_eq!(named.classes[9], "j");
    assert_ne!(named.hash, data.hash, "other classes, other hash");
}

#[test]
fn specs_are_checked() {
    says(load("mnist"), &["unknown data set \"mnist\"", "emoji", "cifar10:DIR"]);
    says(load(""), &["unknown data set", "emoji"]);
    says(load("a\nb"), &["unknown data set"]);
    says(load("cifar10"), &["write cifar10:DIR"]);
    says(load("cifar10:"), &["write cifar10:DIR"]);
    says(load("emoji:here"), &["takes nothing", "write emoji"]);
    let known: Vec<String> = source::known().map(|(spec, _)| spec).collect();
    assert_eq!(known, ["emoji", "cifar10:DIR", "cifar100:DIR", "tiny-imagenet:DIR", "csv:FILE", "folder:DIR"]);
    let split = Loading { split: Some(Default::default()), ..Loading::default() };
    says(Dataset::open("emoji", &split), &["‹split=8:1:1›", "emoji set is split already"]);
}

#[test]
fn cifar_folders_that_hold_something_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let name = path.display().to_string();
    says(open(&path.join("absent")), &[&name, "absent", "no such folder"]);
    says(open(path), &[&name, "holds neither data_batch_1.bin", "‹data fetch cifar10 to="]);
    says(load_from("cifar100", path), &[&name, "holds neither train.bin", "cifar-100-python"]);
    fs::write(path.join("cifar-10-python.tar.gz"), "").unwrap();
    says(open(path), &["unpack cifar-10-python.tar.gz there first"]);
    fs::write(path.join("data_batch_1"), "").unwrap();
    says(open(path), &["data_batch_1: is no pickle", "truncated"]);
    says(open(&path.join("data_batch_1")), &["is not a folder"]);
}

#[test]
fn damaged_cifar_files_are_named() {
    let case = |file: &str, contents: &[u8], parts: &[&str]| {
        let (folder, files) = cifar("");
        fs::write(files.join(file), contents).unwrap();
        says(open(folder.path()), &[&[file], parts].concat());
    };
    case("data_batch_3.bin", b"", &["is empty", "3073"]);
    let cut = &batch(5)[..4 * RECORD + 100];
    let parts = ["offset 12392", "record 4", "begins at offset 12292", "100 of 3073", "truncated"];
    case("test_batch.bin", cut, &parts);
    let mut long = batch(2);
    long.push(0);
    case("data_batch_1.bin", &long, &["offset 6147", "record 2", "1 of 3073"]);
    let mut wrong = batch(4);
    wrong[2 * RECORD] = 10;
    case("data_batch_5.bin", &wrong, &["record 2 at offset 6146", "label 10", "0 to 9"]);
    case("data_batch_2.bin", &[0x1f; 5000], &["record 0 at offset 0", "label 31"]);
    case("batches.meta.txt", b"one\ntwo\n", &["2 class names", "expected 10"]);
    case("batches.meta.txt", &[0xff, 0xfe], &["not text"]);
    case("batches.meta.txt", b"\x1b[2J\nb\nc\nd\ne\nf\ng\nh\ni\nj", &["class name", "control"]);
    let (folder, files) = cifar("");
    fs::remove_file(files.join("data_batch_4.bin")).unwrap();
    says(open(folder.path()), &["data_batch_4.bin", "is missing", "data_batch_3.bin, data_batch_4.bin"]);
    fs::create_dir(files.join("data_batch_4.bin")).unwrap();
    says(open(folder.path()), &["data_batch_4.bin"]);
}

#[test]
fn too_long_files_are_refused_without_reading_them_whole() {
    let (folder, files) = cifar("");
    let path = files.join("data_batch_1.bin");
    // Sparse: a terabyte that takes no room.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    says(open(folder.path()), &["1099511627776 bytes", "offset 30730000", "10000 records"]);
}

#[test]
fn garbage_is_refused_and_leaves_the_images_alone() {
    for seed in 0..50u64 {
        let order = split::shuffle(256, seed, 0);
        let bytes: Vec<u8> = (0..20_000).map(|i| (order[i % 256] as usize + i / 256) as u8).collect();
        let mut images = Images::new(32, 32);
        message(records(Path::new("garbage"), &bytes, 1, 10, &mut images));
        assert_eq!(images, Images::new(32, 32));
    }
}

#[test]
fn a_damaged_built_in_file_is_an_error() {
    says(emoji::images(Path::new("x.gz"), b"not gzip", 9), &["x.gz", "gzip"]);
    says(emoji::images(Path::new("x.gz"), b"", 9), &["x.gz"]);
}

#[test]
fn mean_and_deviation_are_exact() {
    let images = |pixels: Vec<u8>| Images { labels: vec![0; pixels.len() / 12], pixels, ..Images::new(2, 2) };
    // Red: 0 0 255 255; green constant; blue 0 255 255 255.
    let (mean, std) = images(vec![0, 51, 0, 0, 51, 255, 255, 51, 255, 255, 51, 255]).mean_std();
    assert_eq!(mean, [0.5, 0.2, 0.75]);
    assert_eq!(std[..2], [0.5, 0.0]);
    assert!((std[2] - 0.1875f64.sqrt()).abs() < 1e-15);
    // A constant far from 0 cancels to exactly nothing, whatever the count.
    let (mean, std) = images(vec![254; 12 * 1000]).mean_std();
    assert_eq!((mean, std), ([254.0 / 255.0; 3], [0.0; 3]));
    assert_eq!(images(Vec::new()).mean_std(), ([0.0; 3], [0.0; 3]));
}
