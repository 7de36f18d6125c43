//! A run of a network that a file writes: its tensors are the known network's, and it needs the file no more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;
use warptape::export::folder;
use warptape::nn::models;
use warptape::nn::{Layer, Pass, Sequential};
use warptape::train::evaluate::load_model;
use warptape::{Device, Tape};

use super::bits::{FILES, bits};
use crate::command::{checkpoints, device, done, fails, quick, shared, succeeds, warptape};
use crate::op::generated;

/// Tensors of a run's last checkpoint, weights and the optimizer's.
fn tensors(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(run.join("checkpoints/last.safetensors")).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    all.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect()
}

/// A training with `rest` in a folder of its own below `root`.
fn trained(root: &Path, name: &str, rest: &[&str]) -> PathBuf {
    let run = root.join(name);
    succeeds(&quick(&[rest, &["--schedule", "constant", "--out", run.to_str().unwrap()]].concat()));
    run
}

fn words(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The file writes little-conv, so that its runs have something to be compared with.
#[test]
fn a_run_of_a_written_network_is_the_known_ones_and_needs_no_file() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("mine.toml");
    std::fs::write(&file, FILES[0].1).unwrap();
    let known = trained(root.path(), "known", &["--model", "little-conv", "--epochs", "2"]);
    let run = trained(root.path(), "run", &["--model", words(&file), "--epochs", "1"]);
    let copy = std::fs::read_to_string(run.join("network.toml")).unwrap();
    assert_eq!(copy, FILES[0].1);

    // From here on the file writes another network, and then there is none.
    std::fs::write(&file, FILES[0].1.replace("32 }", "48 }")).unwrap();
    let again = quick(&["--model", words(&file), "--epochs", "2", "--schedule", "constant", "--out", words(&run)]);
    fails(&again, 1, &["holds another run", "--model \"mine.toml\" where this one has another text under that name"]);
    std::fs::remove_file(&file).unwrap();
    fails(&again, 1, &["mine.toml", "no such file"]);
    succeeds(&["train", "--resume", words(&run), "--epochs", "2"]);
    assert!(tensors(&run) == tensors(&known), "a written network's checkpoint is not the known one's");
    let record = run.join("run.json");
    let repeated = trained(root.path(), "repeated", &["--config", words(&record), "--epochs", "2"]);
    assert!(checkpoints(&repeated).last() == checkpoints(&run).last(), "the same run, from its record");

    // What takes a run takes this one, and a checkpoint alone is enough.
    let alone = root.path().join("alone.safetensors");
    std::fs::copy(run.join("checkpoints/last.safetensors"), &alone).unwrap();
    let said = succeeds(&["weights", "diff", words(&alone), words(&known)]);
    assert!(said.contains("0 differ in numbers, 0 in name or shape"), "{said}");
    let judged = [&run, &known].map(|run| {
        let out = run.join("judged");
        succeeds(&["eval", words(run), "--device", &device(), "--out", words(&out)]);
        std::fs::read_to_string(out.join("predictions.csv")).unwrap()
    });
    assert_eq!(judged[0], judged[1]);
    let folder = root.path().join("exported");
    let said = succeeds(&["export", words(&alone), "--out", words(&folder)]);
    assert!(said.contains("mine.toml") && !said.contains("[layers]"), "{said}");
    let device = Device::open("host").unwrap();
    let (exported, how, _) = folder::open(&folder, &device).unwrap();
    assert_eq!(models::text(&how.network), Some(FILES[0].1));
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    assert!(readme.starts_with("mine.toml for 10 classes"), "{readme}");
    let x = generated::images(&device, 0, 3, [32, 32]);
    let logits = |network: &Sequential| bits(&network.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap());
    assert_eq!(logits(&exported), logits(&load_model(&alone, &device).unwrap().0));

    // Its weights are little-conv's, and those of any network with these names.
    for from in [words(&run), words(&folder)] {
        let rest = ["--weights", from, "--epochs", "1", "--freeze", "features", "--head", "replace"];
        let next = trained(root.path(), &format!("next-{}", from.len()), &rest);
        let (before, after) = (tensors(&run), tensors(&next));
        assert!(before["features.0.weight"] == after["features.0.weight"] && before["fc.weight"] != after["fc.weight"]);
    }
}

#[test]
fn commands_that_take_a_network_take_a_file() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("tiny.toml");
    let text = "parameters = { width = 4 }\n[layers]\nconv = { conv = \"width\", size = 3, stride = 4 }\nbn = \"batchnorm\"\n\
                relu = \"relu\"\npool = \"global_avgpool\"\nhidden = { linear = 8 }\nnorm = \"batchnorm\"\nfc = { linear = \"classes\" }\n";
    std::fs::write(&file, text).unwrap();
    let (file, wide) = (words(&file), format!("{}:width=6", file.display()));
    let said = succeeds(&["models", "show", &wide, "--input", "16"]);
    assert!(said.starts_with("layer ") && said.contains("conv    Conv2d 3 → 6, 3×3, stride 4"), "{said}");
    assert!(succeeds(&["models"]).contains("--model FILE.toml"));

    let results = root.path().join("results.json");
    let device = device();
    let bench =
        ["bench", "train", "--device", &device, "--models", &wide, "--batch", "4", "--runs", "1", "--seconds", "0"];
    let said = succeeds(&[&bench[..], &["--out", words(&results)]].concat());
    assert!(said.contains("measuring tiny.toml:width=6, 4 images") && said.contains("tiny.toml:width=6, 4 "), "{said}");
    let results: Value = serde_json::from_str(&std::fs::read_to_string(&results).unwrap()).unwrap();
    assert_eq!(results["rows"][0]["model"], format!("tiny.toml:width=6\n{text}"));

    let run = trained(
        root.path(),
        "run",
        &["--model", &wide, "--epochs", "1", "--train-only", "conv,fc", "--lr-factors", "fc=2"],
    );
    let options = run.parent().unwrap().join("options.toml");
    std::fs::write(
        &options,
        format!("model = {wide:?}\nepochs = 1\ntrain_only = \"conv,fc\"\nlr_factors = \"fc=2\"\n"),
    )
    .unwrap();
    let given = ["--config", words(&options), "--data", &shared().data, "--batch-size", "8", "--device", &device];
    let same = trained(root.path(), "same", &given);
    assert!(tensors(&run) == tensors(&same), "from a file of options");
    for (command, part) in [
        (vec!["explain", words(&run), "--images", "test:0", "--layer", "conv"], "conv"),
        (vec!["embed", words(&run), "--layer", "hidden"], "at layer hidden (8)"),
        (vec!["compare", &format!("{}@0", run.display()), &format!("{}@1", run.display())], ""),
    ] {
        let said = done(
            warptape().args(&command).args(["--device", &device]).args(["--out", words(&root.path().join(command[0]))]),
        );
        assert!(said.code == Some(0) && said.stdout.contains(part), "{command:?}: {}{}", said.stdout, said.stderr);
        assert!(!said.stdout.contains("[layers]"), "{}", said.stdout);
    }
    let found = quick(&["--model", file, "--out", words(&root.path().join("rates"))]);
    let said = succeeds(&[&["find-lr".to_owned()], &found[1..], &["--steps".to_owned(), "20".into()]].concat());
    assert!(said.contains("tiny.toml on ") && !said.contains("[layers]"), "{said}");
    // Normalization behind a linear layer is written for others, too.
    succeeds(&["export", words(&run), "--out", words(&root.path().join("exported"))]);
}
