//! The commands in good times: what they print, that their JSON is whole, and that a second start compiles nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;
use warptape::Environment;
use warptape::data::{Dataset, Loading};
use warptape::device::disk_cache::Cache;
use warptape::train::logs::metrics::{Split, read};

use crate::command::{EPOCHS, TEST, TRAIN, device, done, fails, shared, succeeds, warptape};

fn json(args: &[&str]) -> Value {
    let text = succeeds(args);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn eval(run: &str, which: &str) -> Value {
    json(&["eval", &format!("{run}@{which}"), "--device", &device(), "--json"])
}

#[test]
fn help_and_version() {
    let help = succeeds(&["--help"]);
    for command in
        ["train", "eval", "predict", "explain", "clusters", "mistakes", "embed", "kernels", "bench", "doctor"]
    {
        assert!(help.contains(command), "{help}");
        assert!(succeeds(&[command, "--help"]).contains("Usage: warptape"), "{command}");
    }
    assert_eq!(succeeds(&["--version"]), format!("warptape {}\n", env!("CARGO_PKG_VERSION")));
    for wrong in [&[][..], &["fly"], &["train", "--fly"], &["train", "--epochs", "many"], &["predict"]] {
        let done = done(warptape().args(wrong));
        assert_eq!(done.code, Some(2), "{wrong:?}: {}", done.stderr);
        assert!(done.stderr.contains("--help"), "{wrong:?}: {}", done.stderr);
    }
}

#[test]
fn a_training_says_what_it_did() {
    let shared = shared();
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("a run");
    let out = run.display().to_string();
    let words = ["--data", &shared.data, "--device", &device(), "--batch-size", "25", "--epochs", "2", "--out", &out];
    let said = succeeds(&[&["train"], &words[..]].concat());
    let mut lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 6, "{said}");
    let chosen = "by default: model little-conv, optimizer adam, lr 0.003, schedule onecycle, weight decay 0, precision f32, augment crop2, label smoothing 0.1, train fraction 1, validation 0, seed 0";
    assert_eq!(lines.remove(0), chosen);
    assert!(lines[0].starts_with("little-conv on ") && lines[0].ends_with(&out), "{said}");
    assert!(
        lines[1].starts_with("epoch   1/2  train loss (smoothed) ") && lines[2].starts_with("epoch   2/2"),
        "{said}"
    );
    assert!(lines[1].contains("  peak ") && lines[1].ends_with(" MiB"), "{said}");
    assert!(lines[3].starts_with("test accuracy ") && lines[3].ends_with("(the latest: epoch 2)"), "{said}");
    let tables = ["run.json", "metrics.csv", "steps.csv", "report.txt", "report.json", "confusion.csv"];
    let pictures = ["curves.svg", "curves.png", "running.png", "confusion.png", "checkpoints/epoch-0002.safetensors"];
    for file in tables.iter().chain(&pictures) {
        assert!(run.join(file).is_file(), "{file}");
    }
    let rows = read(&run.join("metrics.csv")).unwrap();
    assert_eq!(rows.iter().map(|row| (row.epoch, row.split)).collect::<Vec<_>>(), {
        [1, 2].map(|epoch| [(epoch, Split::Train), (epoch, Split::Test)]).concat()
    });
    assert!(rows.iter().all(|row| row.peak_bytes > 0 && row.images_per_second > 0.0));
}

#[test]
fn a_file_of_options_is_overridden_by_the_command_line() {
    let shared = shared();
    let folder = tempfile::tempdir().unwrap();
    let (file, run) = (folder.path().join("run.toml"), folder.path().join("run"));
    let text = format!("data = {:?}\nbatch_size = 10\nepochs = 9\noptim = 'sgd'\nseed = 5\n", shared.data);
    std::fs::write(&file, text).unwrap();
    let (file, out) = (file.display().to_string(), run.display().to_string());
    succeeds(&["train", "--config", &file, "--epochs", "1", "--device", &device(), "--out", &out]);
    let info: Value = serde_json::from_slice(&std::fs::read(run.join("run.json")).unwrap()).unwrap();
    let config = &info["config"];
    assert_eq!((&config["epochs"], &config["batch_size"], &config["optim"]), (&1.into(), &10.into(), &"sgd".into()));
    assert_eq!((&info["seed"], &config["lr"], &info["data"]), (&5.into(), &0.05.into(), &(*shared.data).into()));
}

#[test]
fn eval_agrees_with_the_run() {
    let shared = shared();
    let run = shared.run.to_str().unwrap();
    let rows = read(&shared.run.join("metrics.csv")).unwrap();
    let of = |split: Split, epoch: u32| rows.iter().find(|row| (row.split, row.epoch) == (split, epoch)).unwrap();
    let best = (1..=EPOCHS).rev().max_by(|&a, &b| of(Split::Val, a).top1.total_cmp(&of(Split::Val, b).top1)).unwrap();
    for (which, epoch) in [("last", EPOCHS), ("2", 2), ("best", best)] {
        let report = eval(run, which);
        let row = of(Split::Test, epoch);
        let told = ["epoch", "images", "loss", "top1", "top5"].map(|key| report[key].as_f64().unwrap());
        assert_eq!(told, [epoch.into(), TEST as f64, row.loss, row.top1, row.top5], "{which}");
        let file = report["checkpoint"].as_str().unwrap();
        assert!(Path::new(file).is_file());
        assert_eq!(eval(file, "best"), report, "by the file's name");
    }
}

#[test]
fn eval_reports_every_class_and_every_mistake() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = shared.run.to_str().unwrap();
    let data = Dataset::open(&shared.data, &Loading::default()).unwrap();
    let report = eval(run, "best");
    let confusion: Vec<Vec<u64>> = serde_json::from_value(report["confusion"].clone()).unwrap();
    assert_eq!(report["names"], Value::from(data.classes.clone()));
    let support: Vec<u64> = confusion.iter().map(|row| row.iter().sum()).collect();
    assert_eq!(support, data.test.class_counts(10).iter().map(|&count| count as u64).collect::<Vec<_>>());
    let right: u64 = (0..10).map(|class| confusion[class][class]).sum();
    assert_eq!(report["top1"], Value::from(right as f64 / TEST as f64));
    assert_eq!(report["report"]["accuracy"], report["top1"]);
    let mut wrong = 0;
    for pair in report["confused"].as_array().unwrap() {
        let class = |key: &str| data.classes.iter().position(|name| pair[key] == **name).unwrap();
        let images: Vec<usize> = serde_json::from_value(pair["images"].clone()).unwrap();
        assert!(images.iter().all(|&image| data.test.labels[image] == class("true") as i32), "{pair}");
        assert_eq!(confusion[class("true")][class("predicted")], images.len() as u64, "{pair}");
        wrong += images.len();
    }
    assert_eq!(wrong as u64 + right, TEST as u64);

    // What training left in the run's folder is this report, but for the checkpoint's name and the remark on the fit.
    let left: Value = serde_json::from_slice(&std::fs::read(shared.run.join("report.json")).unwrap()).unwrap();
    for (key, value) in report.as_object().unwrap().iter().filter(|(key, _)| *key != "checkpoint" && *key != "fit") {
        assert_eq!(&left[key], value, "{key}");
    }
    assert_eq!(left["checkpoint"], "checkpoints/best.safetensors");

    let out = folder.path().join("new/reports");
    let args = ["eval", run, "--device", &device(), "--out", out.to_str().unwrap()];
    let plain = succeeds(&args);
    assert!(plain.contains(&format!("{TEST} test images\nloss ")), "{plain}");
    assert!(
        plain.contains("   precision    recall  f1-score   support\n") && plain.contains("weighted avg"),
        "{plain}"
    );
    let file = |name: &str| std::fs::read(out.join(name)).unwrap();
    assert_eq!(file("report.txt"), plain.as_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&file("report.json")).unwrap(), report);
    for name in ["confusion.csv", "confusion.png"] {
        assert_eq!(file(name), std::fs::read(shared.run.join(name)).unwrap(), "{name}");
    }
    assert_eq!(succeeds(&args), plain, "again, over the first");
    let file = shared.run.join("run.json");
    fails(&["eval", run, "--device", &device(), "--out", file.to_str().unwrap()], 1, &["run.json", "another --out"]);
}

#[test]
fn predict_sees_what_eval_sees() {
    let shared = shared();
    let run = shared.run.to_str().unwrap();
    let data = Dataset::open(&shared.data, &Loading::default()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (TRAIN, TEST));
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for number in 0..TEST {
        let path = folder.path().join(format!("{number}.png"));
        image::RgbImage::from_raw(32, 32, data.test.image(number).to_vec()).unwrap().save(&path).unwrap();
        files.push(path.display().to_string());
    }
    let last = format!("{run}@last");
    let mut args: Vec<&str> = vec!["predict", &last, "--json"];
    args.extend(files.iter().map(String::as_str));
    let device = device();
    args.extend(["--device", &device]);
    let report = json(&args);
    let (mut hits, mut loss) = (0, 0.0);
    for (number, (entry, file)) in report.as_array().unwrap().iter().zip(&files).enumerate() {
        let numbers =
            |key: &str| entry[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
        let (logits, probabilities) = (numbers("logits"), numbers("probabilities"));
        assert_eq!((&entry["image"], &entry["classes"]), (&Value::from(file.as_str()), &data.classes.clone().into()));
        let most = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
        assert_eq!(entry["class"], Value::from(data.classes[most].as_str()));
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        for (probability, logit) in probabilities.iter().zip(&logits) {
            assert!((probability - logit.exp() / sum).abs() < 1e-5, "{entry}");
        }
        let label = data.test.labels[number] as usize;
        hits += usize::from(label == most);
        loss -= (logits[label].exp() / sum).ln();
    }
    let expected = eval(run, "last");
    assert_eq!(expected["top1"], Value::from(hits as f64 / TEST as f64));
    assert!((expected["loss"].as_f64().unwrap() - loss / TEST as f64).abs() < 1e-5, "{loss} and {expected}");

    let plain = succeeds(&["predict", run, &files[0], &files[1], "--top", "3", "--device", &device]);
    assert_eq!(plain.lines().count(), 1 + 2 * (1 + 3), "{plain}");
    let first = plain.lines().next().unwrap();
    assert!(first.starts_with("2 pictures by little-conv of ") && first.contains(", epoch "), "{plain}");
}

/// Every file of the folder with the time it was written.
fn listing(folder: &Path) -> BTreeMap<String, SystemTime> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|f| (f.file_name().to_string_lossy().into_owned(), f.metadata().unwrap().modified().unwrap())).collect()
}

#[test]
fn a_second_start_compiles_nothing() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    // A folder of its own, because other tests compile meanwhile; what they have compiled is a head start.
    let cache = folder.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    let common = Cache::of(&Environment::of_process()).folder().unwrap();
    for name in listing(&common).keys().filter(|name| common.join(name).is_file()) {
        std::fs::copy(common.join(name), cache.join(name)).unwrap();
    }
    let start = |number: usize| {
        let run = folder.path().join(number.to_string());
        let run = run.to_str().unwrap();
        let device = device();
        let words = ["--data", &shared.data, "--device", &device, "--batch-size", "8", "--epochs", "1", "--out", run];
        for args in [&[&["train"], &words[..]].concat()[..], &["eval", run, "--device", &device]] {
            let done = done(warptape().args(args).env("WARPTAPE_CACHE", &cache));
            assert_eq!(done.code, Some(0), "{}", done.stderr);
        }
        listing(&cache)
    };
    let first = start(1);
    assert!(first.keys().any(|name| name.ends_with(".so") || name.ends_with(".cubin")), "{first:?}");
    assert_eq!(first, start(2));
}

#[test]
#[cfg(unix)]
fn on_a_terminal_the_bar_is_gone_before_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let data = &shared().data;
    // Divergence in the middle of training, when there is a bar.
    let words =
        format!("--data {data} --device {} --batch-size 8 --optim sgd --lr 1e30 --out {}", device(), out.display());
    let program = warptape().get_program().to_str().unwrap().to_owned();
    let mut script = Command::new("script");
    script
        .args(["-q", "-e", "-c", &format!("{program} train {words}"), "/dev/null"])
        .stdin(std::process::Stdio::null());
    let Ok(output) = script.output() else {
        println!("skipped: script, which lends a terminal, is not installed");
        return;
    };
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{seen:?}");
    let (before, error) = seen.rsplit_once("error: ").unwrap_or_else(|| panic!("no error in {seen:?}"));
    assert!(before.contains("compiling kernels"), "no bar in {seen:?}");
    // What the last clearing of a line left, without the steps up and down over lines.
    let after = before.rsplit_once("\r\u{1b}[2K").map_or(before, |(_, after)| after);
    let left = after.replace("\u{1b}[1A", "").replace("\u{1b}[1B", "");
    assert_eq!(left.trim(), "", "the bar is still there in {seen:?}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error:?}");
}
