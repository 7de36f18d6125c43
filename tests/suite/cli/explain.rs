//! `warptape explain`: what it leaves behind, and what it refuses.

use std::path::Path;

use serde_json::Value;
use warptape::data::{Dataset, Loading};
use warptape::explain::gallery::Gallery;
use warptape::train::checkpoint::Checkpoint;
use warptape::train::named::{Name, Named};

use crate::command::{EPOCHS, TEST, device, fails, shared, succeeds, training};

/// Runs `explain` on the shared run into `out` and returns what it says and `explain.json`.
fn explain(out: &Path, words: &[&str]) -> (String, Value) {
    let (run, out_name, device) = (shared().run.to_str().unwrap(), out.to_str().unwrap(), device());
    let said = succeeds(&[&["explain", run, "--out", out_name, "--device", &device], words].concat());
    let facts = std::fs::read_to_string(out.join("explain.json")).unwrap();
    (said, serde_json::from_str(&facts).unwrap())
}

#[test]
fn pictures_of_the_data_set_at_every_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--images", "test:0,3", "train:1", "--epochs", "all", "--target", "true", "--layer", "features.9"];
    let (said, facts) = explain(folder.path(), &words);
    let names = ["test-0", "test-3", "train-1"];
    let maps = facts["maps"].as_array().unwrap();
    // Before the first step, and after each epoch.
    let epochs = EPOCHS as usize + 1;
    assert_eq!(maps.len(), names.len() * epochs);
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    // The second of those that were trained on: some of the training part are held back.
    let split = std::fs::read_to_string(shared().run.join("split.csv")).unwrap();
    let trained: Vec<&str> = split.lines().filter(|line| line.split(',').nth(2) == Some("train")).collect();
    let class = trained[1].split(',').nth(1).unwrap();
    let second = data.classes.iter().position(|name| name == class).unwrap() as i32;
    let labels = [data.test.labels[0], data.test.labels[3], second];
    for (number, map) in maps.iter().enumerate() {
        let (picture, epoch) = (number / epochs, number % epochs);
        assert_eq!((&map["image"], &map["epoch"]), (&names[picture].into(), &epoch.into()));
        let class = Value::from(data.classes[labels[picture] as usize].as_str());
        assert_eq!((&map["true_class"], &map["target_class"]), (&class, &class));
        assert_eq!((&map["layer"], &map["layer_shape"]), (&"features.9".into(), &serde_json::json!([8, 8, 128])));
        let stem = format!("{}-epoch-{epoch:04}", names[picture]);
        let overlay = image::open(folder.path().join(format!("{stem}.png"))).unwrap();
        assert_eq!((overlay.width(), overlay.height()), (224, 224));
        let raw = std::fs::read(folder.path().join(format!("{stem}.npy"))).unwrap();
        assert_eq!(raw.len(), 128 + 4 * 64);
        let values = raw[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let largest = values.fold(f32::NEG_INFINITY, f32::max);
        assert_eq!(map["raw_max"].as_f64().unwrap() as f32, largest);
    }
    let sheet = image::open(folder.path().join("sheet.png")).unwrap();
    // A column for the picture and one for each epoch, each as wide as an overlay.
    assert!(sheet.width() > 224 * (2 + EPOCHS) && sheet.height() > 224 * 3, "{}x{}", sheet.width(), sheet.height());

    let drift = std::fs::read_to_string(folder.path().join("drift.csv")).unwrap();
    let lines: Vec<&str> = drift.lines().collect();
    assert_eq!(lines[0], "image,from_epoch,to_epoch,from_class,to_class,drift");
    assert_eq!(lines.len(), 1 + names.len() * (epochs - 1), "{drift}");
    for line in &lines[1..] {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[3], cells[4], "the true class stays");
        let known = cells[5].parse::<f64>().is_ok_and(|drift| (0.0..=2.0).contains(&drift));
        assert!(known || cells[5].is_empty(), "{line}");
    }
    assert!(said.contains("drift of attention") && said.contains("\nmean "), "{said}");
    assert!(said.starts_with("gradcam of layer features.9 (8x8x128)\n"), "{said}");
}

#[test]
fn a_picture_file_gets_the_logits_that_predict_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    // Twice the same name, in folders of their own: neither overwrites the other.
    let mut files = Vec::new();
    for number in 0..2 {
        let path = folder.path().join(format!("{number}/cat.png"));
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        image::RgbImage::from_raw(32, 32, data.test.image(number).to_vec()).unwrap().save(&path).unwrap();
        files.push(path.display().to_string());
    }
    let out = folder.path().join("out");
    let words = ["--method", "gradcam++", "--signed", "--target", "2", "--images", &files[0], &files[1]];
    let (said, facts) = explain(&out, &words);
    let run = shared().run.to_str().unwrap();
    let predicted = succeeds(&["predict", run, &files[0], &files[1], "--json", "--device", &device()]);
    let predicted: Value = serde_json::from_str(&predicted).unwrap();
    for (number, name) in ["cat", "cat-2"].iter().enumerate() {
        let (map, expected) = (&facts["maps"][number], &predicted[number]);
        assert_eq!((&map["image"], &map["logits"]), (&(*name).into(), &expected["logits"]));
        assert_eq!((&map["predicted_class"], &map["target_index"]), (&expected["class"], &2.into()));
        assert_eq!((&map["true_class"], &map["file"]), (&Value::Null, &files[number].as_str().into()));
        for (a, b) in map["probabilities"].as_array().unwrap().iter().zip(expected["probabilities"].as_array().unwrap())
        {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-6, "{a} and {b}");
        }
        assert!(out.join(map["overlay"].as_str().unwrap()).is_file());
    }
    assert!(out.join("sheet.png").is_file() && !out.join("drift.csv").exists());
    assert!(
        said.starts_with("gradcam++ of layer features.14 (4x4x256), the last convolution's activations\n"),
        "{said}"
    );
}

#[test]
fn layers_are_listed() {
    let last = format!("{}@last", shared().run.display());
    let said = succeeds(&["explain", &last, "--list-layers", "--device", &device()]);
    assert!(said.contains("features.14  4x4x256  (default)\n") && said.ends_with("fc           10\n"), "{said}");
    assert_eq!(said.matches("(default)").count(), 1);
}

#[test]
fn wrong_words_are_refused() {
    let run = shared().run.to_str().unwrap();
    let at = |which: &str| format!("{run}@{which}");
    let picture = ["--images", "test:0"];
    let refuse = |run: &str, words: &[&str], code: i32, part: &str| {
        fails(&[&["explain", run, "--device", &device()], words].concat(), code, &[part]);
    };
    refuse(
        run,
        &["--images", &format!("test:{TEST}")],
        2,
        "15 is beyond the last: there are 15 test images, numbered from 0 to 14",
    );
    refuse(run, &["--images", "test:1,x"], 2, "'x' is not a number");
    refuse(run, &["--images", "nothing.png"], 1, "nothing.png: ");
    refuse(run, &[&picture[..], &["--layer", "features.99"]].concat(), 2, "no layer is called 'features.99'");
    refuse(run, &[&picture[..], &["--layer", "fc"]].concat(), 2, "a map needs height and width");
    refuse(run, &[&picture[..], &["--target", "10"]].concat(), 2, "an index from 0 to 9");
    refuse(run, &[&picture[..], &["--epochs", "1,last"]].concat(), 2, "'last' is not a number");
    refuse(run, &[&picture[..], &["--epochs", "99"]].concat(), 1, "has no checkpoint 'epoch-0099'");
    refuse(&at("1"), &[&picture[..], &["--epochs", "1"]].concat(), 2, "exclude each other");
    refuse(&at("first"), &picture, 2, "use best, last or an epoch's number");
    refuse("nowhere", &picture, 1, "no such file or folder");
    let file = tempfile::NamedTempFile::with_suffix(".png").unwrap();
    image::RgbImage::new(8, 8).save(file.path()).unwrap();
    let unlabeled = file.path().to_str().unwrap();
    refuse(run, &["--images", unlabeled, "--target", "true"], 2, "is not known; name a class");
}

/// The sheet's title says of what its pictures are.
#[test]
fn pictures_are_named_by_their_data_set_or_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        image::RgbImage::new(9, 9).save(&path).unwrap();
        path.display().to_string()
    };
    let (cat, dog) = (file("cat.png"), file("dog.png"));
    let path = shared().run.join("checkpoints/last.safetensors");
    let meta = Checkpoint::load(&path).unwrap().meta;
    for (images, of) in [
        (&["test:0,1"][..], "cifar10"),
        (&[&cat], "cat.png"),
        (&[&cat, &dog], "2 files"),
        (&[&dog, "train:3"], "cifar10 and dog.png"),
    ] {
        let names = images.iter().map(|name| Name::parse(name.as_ref(), false).unwrap()).collect::<Vec<_>>();
        let named = Named::find(&names, &path, &meta, None, None, &|_| panic!("nobody asks what is wrong")).unwrap();
        assert_eq!(Gallery::of(&named, None, &meta).unwrap().of, of);
    }
}

#[test]
fn methods_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let methods = ["gradcam", "eigencam", "ablationcam", "layercam"];
    let words = ["--images", "test:0,3", "--method", &methods.join(","), "--target", "airplane-ship", "--eigen-smooth"];
    let (said, facts) = explain(folder.path(), &words);
    let maps = facts["maps"].as_array().unwrap();
    assert_eq!(maps.len(), 2 * methods.len());
    for (at, map) in maps.iter().enumerate() {
        let (picture, method) = (["test-0", "test-3"][at / 4], methods[at % 4]);
        assert_eq!((&map["image"], &map["method"]), (&picture.into(), &method.into()));
        let file = format!("test picture {}", [0, 3][at / 4]);
        assert_eq!((&map["file"], &map["minus_class"]), (&file.as_str().into(), &"ship".into()));
        assert_eq!((&map["target_class"], &map["target_index"]), (&"airplane".into(), &0.into()));
        let overlay = map["overlay"].as_str().unwrap();
        assert!(overlay.ends_with(&format!("-{method}.png")) && folder.path().join(overlay).is_file(), "{overlay}");
        assert!(said.contains(&format!("{method} of layer features.14 (4x4x256)")), "{said}");
    }
    assert!(
        said.contains("test-0 (test picture 0), epoch ") && said.contains(", Eigen-CAM of airplane - ship with"),
        "{said}"
    );
    let sheet = image::open(folder.path().join("sheet.png")).unwrap();
    assert!(sheet.width() > 224 * 5 && sheet.height() > 224 * 2, "{}x{}", sheet.width(), sheet.height());

    // Of several layers, and smoothed, the mean: what is written is in the size of the picture.
    let words = ["--images", "test:0", "--layer", "features.6,features.14", "--aug-smooth", "--method", "hirescam"];
    let (said, facts) = explain(folder.path(), &words);
    let map = &facts["maps"][0];
    assert_eq!((&map["layer"], &map["scale"]), (&"features.6, features.14".into(), &Value::Null));
    assert_eq!(std::fs::read(folder.path().join(map["raw"].as_str().unwrap())).unwrap().len(), 128 + 4 * 1024);
    assert!(said.starts_with("hirescam of the mean over layers features.6, features.14\n"), "{said}");
    assert_eq!((&facts["aug_smooth"], &facts["method"]), (&true.into(), &"hirescam".into()));
}

#[test]
fn wrong_methods_and_targets_are_refused() {
    let (run, device) = (shared().run.to_str().unwrap(), device());
    let refuse = |words: &[&str], part: &str| {
        let all = [&["explain", run, "--device", &device, "--images", "test:0"], words].concat();
        fails(&all, 2, &[part]);
    };
    refuse(&["--method", "scorcam"], "unknown method 'scorcam': use gradcam, gradcam++, cam, ");
    refuse(&["--method", "gradcam,hirescam", "--epochs", "1"], "--epochs is of one --method");
    refuse(&["--method", "cam", "--layer", "features.14"], "the output of layer 'features.15', not of 'features.14'");
    refuse(&["--layer", "features.6,features.99"], "no layer is called 'features.99'");
    refuse(&["--target", "3-3"], "a class minus itself is zero");
    refuse(&["--target", "cat-doge"], "or the difference of two such as 0-9");
    refuse(&["--batch-size", "0"], "'0' for '--batch-size <BATCH_SIZE>'");
}

/// Sheets on the way change no bit of a training, and a run that goes on draws on.
#[test]
fn a_training_draws_where_it_looks() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let more = ["--cam-every".into(), "2".into()];
    succeeds(&[&training(&shared.data, 2, &run)[..], &more].concat());
    let drawn = || {
        let mut names: Vec<String> = std::fs::read_dir(run.join("cam"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(drawn(), ["epoch-0000.png", "epoch-0002.png"]);
    let sheet = image::open(run.join("cam/epoch-0002.png")).unwrap();
    // Eight pictures, four in a row, each with its overlay.
    assert!(sheet.width() > 8 * 224 && sheet.height() > 2 * 224, "{}x{}", sheet.width(), sheet.height());
    let text = run.to_str().unwrap();
    succeeds(&["train", "--resume", text, "--epochs", &EPOCHS.to_string(), "--cam-every", "1"]);
    assert_eq!(drawn(), ["epoch-0000.png", "epoch-0002.png", "epoch-0003.png", "epoch-0004.png"]);
    let last = |run: &Path| std::fs::read(run.join("checkpoints/epoch-0004.safetensors")).unwrap();
    assert!(last(&run) == last(&shared.run), "the drawn run has other bits");
    let recorded = std::fs::read_to_string(run.join("run.json")).unwrap();
    assert!(recorded.contains("\"cam_every\": 1"), "{recorded}");
}
