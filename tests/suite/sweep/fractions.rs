//! `warptape fractions`: trainings on shares of the training set.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use warptape::data::record::Role;
use warptape::data::{Dataset, Loading};
use warptape::sweep::fractions::shares;
use warptape::train::config::Config;
use warptape::train::roles;
use warptape::train::run_dir::RunInfo;

use crate::command::{device, fails, on_host, same_runs, shared, skips_stopping, succeeds, warptape};

fn words(out: &Path, list: &str) -> Vec<String> {
    let rest = ["--epochs", "2", "--batch-size", "5", "--device", &device(), "--out", out.to_str().unwrap()];
    ["fractions", &shared().data, "--fractions", list].iter().chain(&rest).map(|word| word.to_string()).collect()
}

#[test]
fn shares_are_trained_compared_and_gone_on_with() {
    if skips_stopping() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (out, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let said = succeeds(&words(&out, "1,0.2,0.6"));
    let table = std::fs::read_to_string(out.join("fractions.csv")).unwrap();
    assert!(table.starts_with("fraction,images,top1,top5,epochs,seconds,peak_bytes\n0.2,10,"), "{table}");
    let images: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(images, ["10", "30", "50"]);
    assert!(said.contains("share  pictures  test accuracy     top-5  epochs  s/epoch  peak MiB"), "{said}");
    assert!(image::open(out.join("fractions.png")).unwrap().width() > 1000);
    let runs = ["fraction-0.2", "fraction-0.6", "fraction-1"].map(|name| out.join(name));
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let trained = runs.each_ref().map(|run| {
        assert!(run.join("report.txt").exists());
        let config = RunInfo::from_file(&run.join("run.json")).unwrap().config;
        roles::with(&roles::roles(&Config::recorded(config).unwrap(), &data).unwrap(), Role::Train)
    });
    assert_eq!(trained.each_ref().map(Vec::len), [10, 30, 50]);
    for pair in trained.windows(2) {
        assert!(pair[0].iter().all(|picture| pair[1].contains(picture)), "the smaller is not within the larger");
    }

    // Killed in the second one.
    let words = words(&stopped, "0.2,0.6,1");
    let mut child = warptape().args(&words).stdout(Stdio::null()).spawn().unwrap();
    let steps = stopped.join("fraction-0.6/steps.csv");
    while std::fs::read_to_string(&steps).map_or(0, |text| text.lines().count()) < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    succeeds(&words);
    let parts: [PathBuf; 3] = ["fraction-0.2", "fraction-0.6", "fraction-1"].map(|name| stopped.join(name));
    for (a, b) in runs.iter().zip(&parts) {
        same_runs(a, b);
    }
    let numbers = |out: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(out.join("fractions.csv")).unwrap();
        text.lines().map(|line| line.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(numbers(&out), numbers(&stopped));
    let other = self::words(&stopped, "0.2,1");
    fails(&other, 1, &["was begun with fractions [0.2,0.6,1.0], now it is [0.2,1.0]"]);
}

#[test]
fn lists_of_shares_are_read_or_refused() {
    assert_eq!(shares("0.5, 0.01,1").unwrap(), [0.01, 0.5, 1.0]);
    for (list, part) in [
        ("0.5,x", "'x' is no number"),
        ("0.5,0", "'0' is no share"),
        ("1.5", "at most 1"),
        ("0.1,0.10", "twice"),
        ("", "no number"),
    ] {
        let error = shares(list).unwrap_err().to_string();
        assert!(error.contains(part), "{list}: {error}");
    }
}

#[test]
fn what_is_of_one_training_is_refused() {
    if !on_host() {
        println!("skipped: nothing of it is the device's");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let with = |more: &[&str]| [words(&out, "0.1,1"), more.iter().map(|word| word.to_string()).collect()].concat();
    fails(&with(&["--train-fraction", "0.5"]), 2, &["--train-fraction is of one training", "--fractions"]);
    fails(&with(&["--strict"]), 2, &["--strict is of one training"]);
    let wide: Vec<String> =
        words(&out, "0.2,1").into_iter().map(|word| if word == "5" { "20".into() } else { word }).collect();
    fails(&wide, 2, &["--fractions 0.2", "--batch-size 20", "there are 10 images to train on"]);
    let without: Vec<String> =
        words(&out, "1").into_iter().filter(|word| word != "--out" && *word != out.display().to_string()).collect();
    fails(&without, 2, &["--out is missing"]);
    assert!(!out.exists());
}
