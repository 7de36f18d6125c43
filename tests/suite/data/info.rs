//! `warptape data`, and trainings on data sets with sizes, splits and validation pictures of their own.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{device, done, fails, quick, succeeds, warptape, write_data};
use crate::data::folder::{paint, paint_classes};

#[test]
fn kinds_are_listed() {
    let list = succeeds(&["data", "list"]);
    assert_eq!(list, succeeds(&["data", "info"]));
    assert_eq!(list.lines().count(), 6);
    for spec in ["emoji ", "cifar10:DIR ", "cifar100:DIR ", "tiny-imagenet:DIR ", "csv:FILE ", "folder:DIR "] {
        assert!(list.lines().any(|line| line.starts_with(spec)), "{list}");
    }
    assert!(succeeds(&["data", "info", "emoji"]).contains("3572 train, 0 val, 886 test"));
}

#[test]
fn a_folder_is_described() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(&root.join("train"), &["ants", "bees"], 30);
    paint_classes(&root.join("test"), &["ants", "bees"], 2);
    paint(&root.join("train/ants/wide.png"), 10, 30, [9, 9, 9]);
    paint(&root.join("train/bees/dot.png"), 1, 1, [7, 7, 7]);
    paint(&root.join("test/bees/wide too.png"), 10, 30, [9, 9, 9]);
    let grey = image::GrayImage::from_pixel(9, 9, image::Luma([5]));
    (0..3).for_each(|i| grey.save(root.join(format!("train/ants/grey {i}.png"))).unwrap());
    let spec = format!("folder:{}", root.display());
    let text = succeeds(&["data", "info", &spec, "--image-size", "16x8"]);
    for part in [
        "2 classes, 65 train, 0 val, 5 test",
        "ants       34       0       2",
        "bees       31       0       3",
        "smallest 1x1, largest 10x30, most common 8x8 (64 of 70 pictures); all are brought to 16x8",
        "training normalizes with these",
        "converted: 3 grey made color",
        "duplicates across parts: 5",
        "wide too.png = ",
        "equal pictures under different classes: 1",
        "5 pictures are in more than one part",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains("classes are unequal") && !text.contains("fewer than"), "{text}");
    let json: Value = serde_json::from_str(&succeeds(&["data", "info", &spec, "--json"])).unwrap();
    assert_eq!(json["counts"]["train"], serde_json::json!([34, 31]));
    assert_eq!((&json["size"], &json["sizes"]["largest"]), (&"32x32".into(), &"10x30".into()));
    assert_eq!(json["duplicates"]["across"], 5);
    // The same figures that training normalizes with.
    let mean = json["mean"][2].as_f64().unwrap();
    let blue = (60.0 * 100.0 + 9.0 + 7.0 + 3.0 * 5.0) / 65.0 / 255.0;
    assert!((mean - blue).abs() < 1e-12, "{mean} {blue}");
}

#[test]
fn broken_files_are_all_listed() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(root, &["a", "b"], 12);
    let spec = format!("folder:{}", root.display());
    let text = succeeds(&["data", "info", &spec]);
    for part in ["split 8:1:1 with seed 0", "2 classes have fewer than 20 training pictures, \"a\" for one"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let cut = fs::read(root.join("a/000.png")).unwrap();
    fs::write(root.join("a/cut short.png"), &cut[..cut.len() / 2]).unwrap();
    fs::write(root.join("b/none.jpg"), "").unwrap();
    fs::write(root.join("b/text.jpg"), "no picture").unwrap();
    let done = done(warptape().args(["data", "info", &spec, "--workers", "3"]));
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    assert!(
        done.stderr.contains("3 broken files: remove or replace, or leave out of a training with --skip-broken"),
        "{}",
        done.stderr
    );
    let broken: Vec<&str> = done.stdout.lines().filter(|line| line.starts_with("broken: ")).collect();
    for (file, reason) in [("cut short.png", "damaged"), ("none.jpg", "is empty"), ("text.jpg", "not a known picture")]
    {
        assert!(broken.iter().any(|line| line.contains(file) && line.contains(reason)), "{file}: {broken:?}");
    }
    assert_eq!(broken.len(), 3);
    fails(&quick(&["--data", &spec, "--epochs", "1", "--out", "none"]), 1, &["(`warptape data info` lists"]);
}

#[test]
fn classes_without_pictures_are_told_and_the_rest_is_shown() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(root, &["a", "c"], 12);
    ["b", "d"].iter().for_each(|class| fs::create_dir(root.join(class)).unwrap());
    fs::write(root.join("b/notes.txt"), "").unwrap();
    let spec = format!("folder:{}", root.display());
    let told = done(warptape().args(["data", "info", &spec]));
    assert_eq!(told.code, Some(1), "{}", told.stdout);
    for part in [
        "4 classes, 20 train, 2 val, 2 test",
        "b           0       0       0",
        "class \"b\" has no pictures (1 other files); expected .",
        "class \"d\" has no pictures (0 other files); expected .",
    ] {
        assert!(told.stdout.contains(part), "{part:?} is not in:\n{}", told.stdout);
    }
    let said = "2 class folders without pictures, with which no training starts: add some or remove it\n";
    assert!(told.stderr.ends_with(said), "{}", told.stderr);
    let json: Value = serde_json::from_str(&done(warptape().args(["data", "info", &spec, "--json"])).stdout).unwrap();
    assert_eq!((json["empty"].as_array().unwrap().len(), &json["classes"][3]), (2, &"d".into()));
    // As torchvision's ImageFolder has it.
    let parts = ["class \"b\" has no pictures", "add some or remove the folder; 1 more have none"];
    fails(&quick(&["--data", &spec, "--epochs", "1", "--out", "none"]), 1, &parts);
}

#[test]
fn excerpts_say_so() {
    let folder = TempDir::new().unwrap();
    let spec = write_data(folder.path(), 50, 15);
    let text = succeeds(&["data", "info", &spec]);
    assert!(text.contains("note: data_batch_1.bin holds 10 of the published 10000 pictures"), "{text}");
    assert!(text.contains("note: test_batch.bin holds 15 of the published 10000 pictures"), "{text}");
}

#[test]
fn options_that_do_not_fit() {
    fails(&["data", "info", "mnist"], 2, &["unknown data set \"mnist\": use emoji, cifar10:DIR"]);
    fails(&["data", "info", "emoji", "--split", "8:1:1"], 2, &["--split 8:1:1: the emoji set is split already"]);
    for args in
        [["info", "emoji", "--image-size", "0"], ["info", "emoji", "--split", "8:1"], ["fetch", "mnist", "--to", "x"]]
    {
        let done = done(warptape().arg("data").args(args));
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
    }
    let folder = TempDir::new().unwrap();
    let to = folder.path().to_str().unwrap();
    fails(&["data", "fetch", "cifar10", "--to", to, "--from", "ftp://x/y"], 1, &["ftp://x/y"]);
}

#[test]
fn what_is_there_is_not_fetched() {
    let folder = TempDir::new().unwrap();
    write_data(&folder.path().join("cifar-10-batches-bin"), 5, 1);
    let to = folder.path().to_str().unwrap();
    // Nobody listens at this address.
    let text = succeeds(&["data", "fetch", "cifar10", "--to", to, "--from", "http://127.0.0.1:9/x"]);
    assert!(text.contains("was there already") && text.contains(&format!("--data cifar10:{to}")), "{text}");
    fails(&["data", "fetch", "cifar100", "--to", to, "--from", "http://127.0.0.1:9/x"], 1, &["127.0.0.1:9", "--from"]);
}

/// A training goes on without broken files only when it is told to, and says which in the run's folder.
#[test]
fn broken_files_are_left_out_on_demand() {
    let folder = TempDir::new().unwrap();
    let (root, run) = (folder.path().join("photos"), folder.path().join("run"));
    paint_classes(&root, &["a", "b"], 10);
    fs::write(root.join("b/zz.jpg"), b"\xff\xd8\xff\xe0").unwrap();
    let (spec, out) = (format!("folder:{}", root.display()), run.to_str().unwrap());
    let args = quick(&["--data", &spec, "--epochs", "1", "--out", out]);
    fails(&args, 1, &["zz.jpg", "its end is missing", "--skip-broken leaves them out"]);
    let trained = done(warptape().args(&args).arg("--skip-broken"));
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    assert!(
        trained.stderr.contains("warning: 1 files cannot be read and are left out; the first: "),
        "{}",
        trained.stderr
    );
    let list = fs::read_to_string(run.join("broken.txt")).unwrap();
    assert!(list.lines().count() == 1 && list.contains("b/zz.jpg: is a damaged picture"), "{list}");
    // Who evaluates leaves out the same, and says so.
    let evaluated = done(warptape().args(["eval", out, "--device", &device()]));
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.stderr);
    assert!(evaluated.stderr.starts_with("warning: 1 files cannot be read"), "{}", evaluated.stderr);
}

/// Trains on a folder with a size, a split and validation pictures of its own, goes on, evaluates and predicts.
#[test]
fn a_run_remembers_size_and_split() {
    let folder = TempDir::new().unwrap();
    let (root, run) = (folder.path().join("photos"), folder.path().join("run"));
    paint_classes(&root, &["a", "b"], 20);
    let (spec, out) = (format!("folder:{}", root.display()), run.to_str().unwrap());
    let config = folder.path().join("c.toml");
    let text = format!(
        "data = {spec:?}\nimage_size = \"32x48\"\nresize = \"pad\"\nsplit = \"6:2:2\"\nbatch_size = 8\nepochs = 1\n"
    );
    fs::write(&config, text).unwrap();
    let device = device();
    let args = ["train", "--config", config.to_str().unwrap(), "--device", &device, "--out", out, "--workers", "2"];
    let said = succeeds(&args);
    assert!(said.contains("val loss"), "{said}");
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 4, "a line for train, val and test: {metrics}");
    let recorded: Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    let recorded = &recorded["config"];
    assert_eq!((&recorded["image_size"], &recorded["split"]), (&"32x48".into(), &"6:2:2".into()));
    assert_eq!(recorded["resize"], "pad");
    assert!(recorded.get("workers").is_none());
    let report: Value = serde_json::from_str(&succeeds(&["eval", out, "--device", &device, "--json"])).unwrap();
    assert_eq!(report["images"], 8);
    succeeds(&["predict", out, root.join("a/000.png").to_str().unwrap(), "--device", &device]);
    // A picture that cannot be read costs itself alone; how the others are resized is the run's.
    let (whole, broken) = (root.join("a/000.png"), folder.path().join("broken.jpg"));
    fs::write(&broken, b"\xff\xd8\xff\xe0").unwrap();
    let list = [&broken, &whole, &broken, &whole].map(|path| path.to_str().unwrap());
    let listed = done(warptape().args(["predict", out, "--device", &device]).args(list));
    assert_eq!(listed.code, Some(1), "{}", listed.stderr);
    assert_eq!(
        listed.stderr.matches("broken.jpg: is a damaged picture (its end is missing)").count(),
        2,
        "{}",
        listed.stderr
    );
    assert_eq!(listed.stdout.matches("000.png").count(), 2, "{}", listed.stdout);
    succeeds(&["train", "--resume", out, "--epochs", "2", "--device", &device]);
    fails(&["train", "--resume", out, "--resize", "crop"], 2, &["--resize cannot be changed by --resume"]);
    fails(&["train", "--resume", out, "--image-size", "32"], 2, &["--image-size cannot be changed by --resume"]);
    fails(&["train", "--resume", out, "--split", "8:1:1"], 2, &["--split cannot be changed by --resume"]);
    let twice = quick(&["--data", &spec, "--validation", "0.2", "--out", "none"]);
    fails(&twice, 2, &["--validation 0.2: 'photos' has validation pictures of its own; leave --validation out"]);
    fs::write(&config, "split = \"8:1\"\n").unwrap();
    fails(&["train", "--config", config.to_str().unwrap()], 1, &["c.toml", "TRAIN:VAL:TEST"]);
}
