//! What the command says of files of weights, and trainings that begin with them.

use std::fs;

use serde_json::Value;

use super::{bytes, golden};
use crate::command::{Done, checkpoints, done, fails, metrics, quick, shared, succeeds, warptape};
use crate::data::folder::paint;

fn path(run: &std::path::Path, name: &str) -> String {
    run.join("checkpoints").join(name).display().to_string()
}

#[test]
fn a_table_of_a_file() {
    let folder = golden();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let told = succeeds(&["weights", "info", &file("training.pth")]);
    for line in [
        "training.pth: PyTorch, zip, 9 tensors, SHA-256 ",
        "note: the tensors are those of its 'state_dict'; 'epoch', 'optimizer', 'best', 'arch' left out\n",
        "note: all names begin with 'module.', which is left out\n",
        "fits none of the networks",
        "1.num_batches_tracked  int64    1          1.0000e0   1.0000e0     1.0000e0\n",
    ] {
        assert!(told.contains(line), "no {line:?} in {told}");
    }
    let told = succeeds(&["weights", "info", shared().run.to_str().unwrap()]);
    assert!(told.contains("fits --model little-conv, 10 classes") && told.contains("of an optimizer are left out"));
    let json: Value = serde_json::from_str(&succeeds(&["weights", "info", &file("tensors.pth"), "--json"])).unwrap();
    assert_eq!(json["format"], "Zip");
    assert_eq!(json["tensors"][9]["shape"], serde_json::json!([2, 3, 2, 4]));
    assert_eq!(json["tensors"][8]["not_finite"], 2);
    fails(&["weights", "info", &file("module.pth")], 1, &["torch.nn.modules.linear.Linear", "save model.state_dict()"]);
}

#[test]
fn what_differs_between_files() {
    let folder = golden();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let told = succeeds(&["weights", "diff", &file("net.pth"), &file("training.legacy.pth")]);
    assert_eq!(told, "9 tensors are equal, 0 differ in numbers, 0 in name or shape\n");
    let run = &shared().run;
    let Done { code, stdout, stderr } = done(warptape().args([
        "weights",
        "diff",
        &path(run, "epoch-0000.safetensors"),
        &path(run, "last.safetensors"),
    ]));
    assert_eq!((code, &*stderr), (Some(1), ""));
    assert!(stdout.contains("other numbers: features.0.weight, 864 of 864; largest difference "), "{stdout}");
    assert!(stdout.ends_with("0 tensors are equal, 26 differ in numbers, 0 in name or shape\n"), "{stdout}");
    let Done { code, stdout, .. } =
        done(warptape().args(["weights", "diff", &file("net.pth"), &file("tensors.pth"), "--json"]));
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, json["first_only"].as_array().unwrap().len()), (Some(1), 9));
    assert_eq!((json["second_only"].as_array().unwrap().len(), &json["equal"]), (19, &Value::from(0)));
}

#[test]
fn a_training_begins_with_them_and_goes_on_without() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let weights = out("theirs.safetensors");
    fs::copy(shared().run.join("checkpoints/last.safetensors"), &weights).unwrap();
    let rest = ["--lr", "0.001", "--weights", &weights, "--epochs"];
    let told = succeeds(&quick(&[&rest[..], &["2", "--out", &out("whole")]].concat()));
    let line = format!(
        "weights: 26 tensors of {weights}\nweights: 28 tensors of an optimizer are left out\nweights: for pictures"
    );
    assert!(told.contains(&line), "{told}");
    // What it began with is epoch 0.
    let zero = path(&folder.path().join("whole"), "epoch-0000.safetensors");
    assert!(succeeds(&["weights", "diff", &weights, &zero]).starts_with("26 tensors are equal, 0 differ"));
    let info: Value = serde_json::from_slice(&bytes(&folder.path().join("whole"), "run.json")).unwrap();
    let hash = info["weights"].as_str().unwrap().to_owned();
    assert!(succeeds(&["weights", "info", &weights]).contains(&hash));
    // Another run, by its folder; the file is gone when it goes on.
    let told = succeeds(&quick(&[&rest[..], &["1", "--schedule", "constant", "--out", &out("half")]].concat()));
    assert!(told.contains("weights: "), "{told}");
    succeeds(&quick(&[&rest[..], &["2", "--schedule", "constant", "--out", &out("full")]].concat()));
    let repeated = ["train", "--config", &out("full/run.json"), "--out", &out("again")];
    succeeds(&repeated);
    fs::remove_file(&weights).unwrap();
    succeeds(&["train", "--resume", &out("half"), "--epochs", "2"]);
    let [half, full, again] = ["half", "full", "again"].map(|name| folder.path().join(name));
    assert!(checkpoints(&half).last() == checkpoints(&full).last(), "the last checkpoints differ");
    assert_eq!((metrics(&half), metrics(&again)), (metrics(&full), metrics(&full)));
    let info: Value = serde_json::from_slice(&bytes(&half, "run.json")).unwrap();
    assert_eq!(info["weights"], *hash);
    fails(&["train", "--resume", &out("half"), "--weights", &weights], 2, &["--weights cannot be changed by --resume"]);
    fails(&repeated[..3], 1, &["theirs.safetensors", "no such file or folder"]);
    // A run that was killed before its first checkpoint begins again with epoch 0's.
    for name in ["last", "best", "epoch-0001", "epoch-0002"].map(|name| format!("checkpoints/{name}.safetensors")) {
        fs::remove_file(full.join(name)).unwrap();
    }
    for name in ["metrics.csv", "steps.csv"] {
        fs::remove_file(full.join(name)).unwrap();
    }
    succeeds(&["train", "--resume", &out("full")]);
    assert_eq!(metrics(&full), metrics(&again));
    assert!(checkpoints(&full).last() == checkpoints(&again).last());
}

#[test]
fn a_head_of_other_classes() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let run = shared().run.display().to_string();
    let args = |rest: &[&str]| {
        let words = ["--data", "emoji", "--train-fraction", "0.01", "--epochs", "1", "--weights", &run];
        quick(&[&words[..], rest].concat())
    };
    let parts = [
        "of another shape: fc.weight is [10, 256], the network's is [9, 256]",
        "give it a new one with --head replace",
    ];
    fails(&args(&["--out", &out("no")]), 1, &parts);
    assert!(!folder.path().join("no").exists());
    // That pictures are prepared otherwise than theirs is said beside.
    let trained = |rest: &[&str]| {
        let Done { code, stdout, stderr } = done(warptape().args(args(rest)));
        assert_eq!(code, Some(0), "{stderr}");
        stdout
    };
    let told = trained(&["--ignore-head", "--out", &out("yes")]);
    assert!(told.contains("weights: fc is left out and starts anew\n"), "{told}");
    let zero = path(&folder.path().join("yes"), "epoch-0000.safetensors");
    let Done { stdout, .. } = done(warptape().args(["weights", "diff", &run, &zero]));
    assert!(stdout.contains("another shape: fc.weight, 10×256 and 9×256"), "{stdout}");
    assert!(stdout.ends_with("24 tensors are equal, 0 differ in numbers, 2 in name or shape\n"), "{stdout}");
    // The whole network below a head: as R15 of the reports adds nineteen classes to a thousand.
    let below = out("below");
    let told = trained(&["--head", "add", "--train-only", "head", "--augment", "none", "--out", &below]);
    assert!(told.contains("learns 99 of") && told.contains("up to fc make of each picture is kept"), "{told}");
    let zero = path(&folder.path().join("below"), "last.safetensors");
    let Done { stdout, .. } = done(warptape().args(["weights", "diff", &run, &zero]));
    assert!(stdout.ends_with("26 tensors are equal, 0 differ in numbers, 2 in name or shape\n"), "{stdout}");
    succeeds(&["eval", &below]);
    succeeds(&["export", &below, "--out", &out("exported")]);
    let how = std::fs::read_to_string(folder.path().join("exported/preprocessing.json")).unwrap();
    assert!(how.contains("\"network\": \"little-conv:outputs=10\""), "{how}");
    succeeds(&["train", "--resume", &below, "--epochs", "2"]);
    let parts = ["has no classifier.6.weight", "to add another behind"];
    fails(&args(&["--head", "add", "--model", "vgg11", "--image-size", "32", "--out", &out("no")]), 1, &parts);
    let twice = ["--weights", &below, "--data", &shared().data, "--head", "add", "--out", &out("no")];
    fails(&quick(&twice), 1, &["has an added head already"]);
    assert!(succeeds(&["weights", "info", &below]).contains("fits --model little-conv:outputs=10, 9 classes"));
    fails(&args(&["--head", "add", "--ignore-head"]), 2, &["cannot be used with"]);
    fails(&quick(&["--head", "replace", "--epochs", "1"]), 2, &["name them with --weights"]);
    fails(&quick(&["--weights", &out("nowhere")]), 1, &["nowhere", "no such file or folder"]);
    fails(
        &quick(&["--weights", &run, "--model", "resnet18"]),
        1,
        &["and 97 more", "it is of --model little-conv with 10 classes"],
    );
}

/// Weights of another run, whose record knows what they were trained on, and whose last layer knows its classes.
#[test]
fn what_weights_know_already_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    for (class, name) in [(0u8, "cat"), (1, "dog")] {
        for number in 0..20u8 {
            paint(&pictures.join(name).join(format!("{number}.png")), 16, 16, [10 * number, 90 * class, 40]);
        }
    }
    let (data, out) = (pictures.display().to_string(), |name: &str| folder.path().join(name).display().to_string());
    let train = |name: &str, rest: &[&str]| {
        let words = ["--data", &data, "--epochs", "1", "--batch-size", "4", "--image-size", "16", "--out", &out(name)];
        let Done { code, stderr, .. } = done(warptape().args(quick(&[&words[..], rest].concat())));
        assert_eq!(code, Some(0), "{stderr}");
        stderr
    };
    train("first", &[]);
    let said = train("same", &["--weights", &out("first")]);
    assert!(!said.contains("were trained on") && !said.contains("knows the classes"), "{said}");
    let said = train("other", &["--weights", &out("first"), "--split-seed", "5"]);
    assert!(said.contains("validation and test pictures are among those that these weights were trained on"), "{said}");
    fs::rename(pictures.join("cat"), pictures.join("zebra")).unwrap();
    let said = train("renamed", &["--weights", &out("first")]);
    assert!(
        said.contains("the last layer knows the classes cat, dog, here they are dog, zebra: --head replace"),
        "{said}"
    );
    let said = train("replaced", &["--weights", &out("first"), "--head", "replace"]);
    assert!(!said.contains("knows the classes"), "{said}");
}
