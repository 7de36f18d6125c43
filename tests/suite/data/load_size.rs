//! Pictures that are loaded larger than a network sees them: torchvision's Resize, then CenterCrop or RandomCrop.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;
use warptape::Device;
use warptape::data::{Dataset, Fit, Images, Loading, Size};
use warptape::op::augment::{Augment, Augmentation, Channels};
use warptape::op::random::Key;
use warptape::train::images::Resident;

use super::files::says;
use crate::command::{device, fails, succeeds};
use crate::support::devices;
use crate::train::parity::Golden;

fn square(side: usize) -> Size {
    Size::square(side)
}

/// The golden picture of that name.
fn picture(golden: &Golden, name: &str) -> RgbImage {
    let (rows, columns) = match name {
        "tall" => (48, 36),
        "wide" => (30, 40),
        _ => (31, 45),
    };
    let bytes = golden.floats(name).into_iter().map(|value| value as u8).collect();
    RgbImage::from_raw(columns, rows, bytes).unwrap()
}

/// `picture` loaded in 24 x 24, of which `part` x `part` is seen.
fn loaded(picture: &RgbImage, fit: Fit, part: usize, copies: usize) -> Images {
    let mut images = Images::of(square(24), square(part));
    (0..copies).for_each(|_| images.push(picture, fit, 0).unwrap());
    images
}

/// What evaluation sees of all of `images`, from 0 to 255.
fn middles(device: &Device, images: &Images) -> Vec<f64> {
    let resident = Resident::new(device, images).unwrap();
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let (how, key) = (Augment::evaluation([0.0; 3], [1.0; 3]), Key { seed: 0, step: 0, stream: 0 });
    let (x, _) = resident.batch(&resident.order(&all).unwrap(), 0, all.len(), &how, key).unwrap();
    device.check_guards().unwrap();
    x.to_vec::<f32>().unwrap().into_iter().map(|value| 255.0 * f64::from(value)).collect()
}

/// Mean and greatest distance.
fn apart(one: &[f64], other: &[f64]) -> (f64, f64) {
    assert_eq!(one.len(), other.len());
    let distances: Vec<f64> = one.iter().zip(other).map(|(a, b)| (a - b).abs()).collect();
    (distances.iter().sum::<f64>() / distances.len() as f64, distances.iter().copied().fold(0.0, f64::max))
}

/// But that Pillow rounds to bytes between its two passes.
#[test]
fn what_evaluation_sees_is_resize_and_center_crop() {
    let golden = Golden::named("load_size");
    let keys: Vec<String> =
        golden.names().into_iter().filter(|key| key.contains(" 24 ") && !key.contains("at")).collect();
    assert_eq!(keys.len(), 18, "{keys:?}");
    for (label, device) in devices() {
        for key in &keys {
            let [name, fit, "24", part] = key.split(' ').collect::<Vec<_>>()[..] else { panic!("{key}") };
            let images = loaded(&picture(&golden, name), fit.parse().unwrap(), part.parse().unwrap(), 1);
            let found = middles(&device, &images);
            let (mean, most) = apart(&found, &golden.floats(key));
            assert!(mean < 0.3 && most < 1.01, "[{label}] {key}: {mean} {most}");
        }
    }
}

#[test]
fn what_training_sees_is_resize_and_random_crop() {
    let golden = Golden::named("load_size");
    let channels = Channels { mean: [0.0; 3], std: [1.0; 3] };
    let corners = ["0 0", "1 2", "2 0", "2 2"];
    let numbers: Vec<u32> = (0..64).collect();
    for (label, device) in devices() {
        let images = loaded(&picture(&golden, "wide"), Fit::Squash, 22, 64);
        let resident = Resident::new(&device, &images).unwrap();
        let key = Key { seed: 3, step: 1, stream: 0 };
        let seen = |order: &str| {
            let how: Augmentation = order.parse().unwrap();
            let order = resident.order(&numbers).unwrap();
            let batch = resident.augmented(&order, 0, 64, &how, &channels, key).unwrap();
            let values: Vec<f64> = batch.x.to_vec::<f32>().unwrap().into_iter().map(|x| 255.0 * f64::from(x)).collect();
            values.chunks(22 * 22 * 3).map(<[f64]>::to_vec).collect::<Vec<_>>()
        };
        let expected = corners.map(|place| golden.floats(&format!("wide squash 24 22 at {place}")));
        let parts = seen("crop");
        let mut found = BTreeSet::new();
        for part in &parts {
            let like = (0..4).find(|&place| apart(part, &expected[place]).1 < 1.01);
            found.extend(like);
        }
        assert_eq!(found.len(), 4, "[{label}]: all four places are among 64 draws of nine");
        let distinct: BTreeSet<String> = parts.iter().map(|part| format!("{part:?}")).collect();
        assert_eq!(distinct.len(), 9, "{label}");
        // A mirror shows another part, mirrored; without any order it is the middle, always.
        assert!(seen("flip").iter().collect::<Vec<_>>() != parts.iter().collect::<Vec<_>>());
        let middle = middles(&device, &images);
        assert!(seen("none").concat() == middle, "{label}");
    }
}

#[test]
fn sizes_that_do_not_go_together() {
    let size = |text: &str| Some(text.parse::<Size>().unwrap());
    let sizes = |load_size, image_size| Loading { load_size, image_size, ..Loading::default() }.sizes(square(32));
    assert_eq!(sizes(None, None).unwrap(), [square(32); 2]);
    assert_eq!(sizes(None, size("64")).unwrap(), [square(64); 2]);
    assert_eq!(sizes(size("300"), size("224")).unwrap(), [square(300), square(224)]);
    assert_eq!(sizes(size("64"), size("64")).unwrap(), [square(64); 2]);
    says(sizes(size("300"), None), &["‹load_size=300x300›: say what is cut out", "‹image_size›"]);
    for (load, image) in [("223", "224"), ("300x200", "224"), ("200x300", "224")] {
        says(sizes(size(load), size(image)), &["‹load_size=", "‹image_size=224x224› is cut out"]);
    }
    let data =
        Dataset::open("emoji", &Loading { load_size: size("40"), image_size: size("36x32"), ..Loading::default() });
    let data = data.unwrap();
    for images in [&data.train, &data.test, &data.val, &data.rest] {
        assert_eq!(([images.height, images.width], images.input()), ([40, 40], [36, 32]));
    }
}

/// A picture of 20 x 20 in `folder` whose inner 16 x 16 are of class `class`, with a margin of `margin`.
fn paint(folder: &Path, class: usize, number: usize, margin: u8) -> String {
    let color = |x: u32, y: u32| match (2..18).contains(&x) && (2..18).contains(&y) {
        true => [(40 + 12 * (x + y * class as u32) % 60) as u8, (class * 120) as u8, (number * 9) as u8],
        false => [margin; 3],
    };
    let picture = RgbImage::from_fn(20, 20, |x, y| Rgb(color(x, y)));
    let file = folder.join(["a", "b"][class]).join(format!("{number:02}.png"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    picture.save(&file).unwrap();
    file.display().to_string()
}

/// Trained, gone on with, evaluated, classified and explained: what lies in the margin is never seen but in training.
#[test]
fn a_run_remembers_what_is_cut_out() {
    let folder = TempDir::new().unwrap();
    let (photos, run) = (folder.path().join("photos"), folder.path().join("run"));
    (0..2).for_each(|class| (0..20).for_each(|number| drop(paint(&photos, class, number, 0))));
    let (spec, out, device) = (photos.display().to_string(), run.display().to_string(), device());
    let sizes = ["--load-size", "20", "--image-size", "16"];
    let rest = ["--device", &device, "--batch-size", "8", "--epochs", "1", "--augment", "flip", "--out", &out];
    succeeds(&[&["train", &spec], &sizes[..], &rest].concat());
    let recorded: Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    assert_eq!(
        (&recorded["config"]["load_size"], &recorded["config"]["image_size"]),
        (&"20x20".into(), &"16x16".into())
    );
    succeeds(&["train", "--resume", &out, "--epochs", "2", "--device", &device]);
    fails(&["train", "--resume", &out, "--load-size", "24"], 2, &["--load-size cannot be changed by --resume"]);

    let json = |words: &[&str]| -> Value { serde_json::from_str(&succeeds(words)).unwrap() };
    let others = [0, 1].map(|kind| folder.path().join(format!("other{kind}")));
    let files =
        [0, 1].map(|kind| (0..6).map(|at| paint(&others[kind], at % 2, 20 + at, 255 * kind as u8)).collect::<Vec<_>>());
    let [dark, bright] = [0, 1].map(|kind| {
        let data = others[kind].display().to_string();
        let report = json(&["eval", &out, "--data", &data, "--device", &device, "--json"]);
        let words = [
            &["predict", &out, "--device", &device, "--json"][..],
            &files[kind].iter().map(|file| &**file).collect::<Vec<_>>(),
        ];
        let logits: Vec<Value> =
            json(&words.concat()).as_array().unwrap().iter().map(|row| row["logits"].clone()).collect();
        let sheet = folder.path().join(format!("explain{kind}"));
        let words =
            ["explain", &out, "--images", &files[kind][0], "--device", &device, "--out", &sheet.display().to_string()];
        succeeds(&words);
        let explained: Value = serde_json::from_slice(&fs::read(sheet.join("explain.json")).unwrap()).unwrap();
        let raw = fs::read(sheet.join(explained["maps"][0]["raw"].as_str().unwrap())).unwrap();
        (report["loss"].clone(), logits, explained["maps"][0]["logits"].clone(), raw)
    });
    assert!(dark.0.is_number() && dark.1.len() == 6);
    assert!(dark == bright, "{:?} {:?} {:?} {:?}", dark.0, bright.0, dark.1, bright.1);
    // What is within the middle counts.
    let other = paint(&others[0], 1, 7, 0);
    assert_ne!(json(&["predict", &out, &other, "--device", &device, "--json"])[0]["logits"], dark.1[1]);

    let info = succeeds(&[&["data", "info", &spec], &sizes[..]].concat());
    assert!(info.contains("all are brought to 20x20, of which 16x16 is seen"), "{info}");
    let sheet = folder.path().join("preview.png").display().to_string();
    let preview =
        ["data", "preview", &spec, "--augment", "resized-crop(0.5-1,1-1)", "--device", &device, "--out", &sheet];
    succeeds(&[&preview[..], &sizes].concat());
    let copies = folder.path().join("copies");
    let augment =
        ["data", "augment", &spec, "--augment", "crop+flip", "--device", &device, "--to", copies.to_str().unwrap()];
    succeeds(&[&augment[..], &sizes].concat());
    let written = Dataset::open(&format!("folder:{}", copies.display()), &Loading::default()).unwrap();
    for images in [&written.train, &written.test] {
        assert!(!images.is_empty() && images.origins.iter().all(|origin| origin.size == square(16)));
    }
    fails(&[&augment[..7], &["--to", "nowhere"]].concat(), 2, &["'crop': leaves pictures as they are", "--load-size"]);
}
