//! `bench train`: its results, PyTorch beside it (played by small programs that say what its script would), and networks
//! that must not be measured.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use warptape::bench::results::Results;
use warptape::bench::train::{Contender, Outcome, Row};

use crate::command::{copy, device, fails, refused, succeeds, warptape};

/// A program that plays Python, in a folder of its own.
fn python(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("python");
    fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

fn args<'a>(device: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let quick = ["bench", "train", "--models", "little-conv", "--batch", "4", "--runs", "3", "--seconds", "0"];
    [&quick[..], &["--device", device], more].concat()
}

fn with_python(text: &str) -> Results<Row> {
    let (folder, program) = python(text);
    let out = folder.path().join("out.json");
    let (program, file, device) = (program.display().to_string(), out.display().to_string(), device());
    let said = succeeds(&args(&device, &["--pytorch", &program, "--out", &file, "--json"]));
    let results = Results::read("train", &out).unwrap();
    assert_eq!(said, results.json());
    assert_eq!(serde_json::from_str::<Results<Row>>(&said).unwrap(), results);
    results
}

/// Images per second, peak and runs of what was measured.
fn measured(contender: &Contender) -> (f64, Option<u64>, &[f64]) {
    match &contender.outcome {
        Outcome::Measured { images_per_second, peak_bytes, step_seconds } => {
            (*images_per_second, *peak_bytes, step_seconds)
        }
        Outcome::Missing { not_measured } => panic!("{}: {not_measured}", contender.name),
    }
}

fn reason(contender: &Contender) -> &str {
    match &contender.outcome {
        Outcome::Missing { not_measured } => not_measured,
        outcome => panic!("{}: {outcome:?}", contender.name),
    }
}

/// Says what train.py says: warm, a run at each line, a peak in the end. `$7` and on: --model M --batch N --mode MODE.
const SCRIPT: &str = r#"
[ "$1" = --version ] && exit 0
case "$*" in *"--mode compiled"*) echo "a warning" >&2; echo "compiled: no compiler" >&2; exit 4 ;; esac
echo '{"versions": {"torch": "9.8.7"}, "parameters": 391466}'
seconds=8
while read -r go; do seconds=$((seconds / 2)); echo "{\"seconds\": $seconds, \"repeats\": 1}"; done
echo '{"peak_bytes": 1048576}'
"#;

#[test]
fn results_hold_all_contenders() {
    let results = with_python(SCRIPT);
    assert_eq!((&*results.what, &*results.device), ("train", &*device().replace("cuda", "cuda:0")));
    assert_eq!(results.versions["torch"], "9.8.7");
    assert_eq!((results.date.len(), &results.date[..2]), (10, "20"));
    let [row] = &results.rows[..] else { panic!("{:?}", results.rows) };
    assert_eq!((&*row.model, row.batch, row.parameters), ("little-conv", 4, 391_466));
    let [ours, eager, channels_last, compiled] = &row.contenders[..] else { panic!("{row:?}") };

    let (rate, peak, runs) = measured(ours);
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    assert_eq!((runs.len(), rate), (3, 4.0 / sorted[1]));
    // Parameters, their gradients and two moments at the least.
    assert!(peak.unwrap() > 4 * 4 * 391_466, "{peak:?}");
    for (name, theirs) in [("eager", eager), ("channels_last", channels_last)] {
        // Of 4, 2 and 1 s the middle one.
        assert_eq!((&*theirs.name, measured(theirs)), (name, (2.0, Some(1 << 20), &[4.0, 2.0, 1.0][..])));
    }
    assert_eq!((&*compiled.name, reason(compiled)), ("compiled", "compiled: no compiler"));
}

#[test]
fn a_python_without_pytorch_makes_columns_that_say_so() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: no python3");
        return;
    }
    // The real script, in a Python that has no packages.
    let results = with_python("exec python3 -S \"$@\"\n");
    for theirs in &results.rows[0].contenders[1..] {
        let reason = reason(theirs);
        assert!(reason.starts_with("no torch (") && reason.ends_with("python3 -m pip install torch"), "{reason}");
    }
    let (_folder, program) = python("exec python3 -S \"$@\"\n");
    let (program, device) = (program.display().to_string(), device());
    let said = succeeds(&args(&device, &["--pytorch", &program]));
    assert_eq!(said.matches("not measured: no torch (").count(), 3, "{said}");
    let said = succeeds(&args(&device, &[]));
    assert_eq!(said.matches("not measured: no Python with PyTorch was named").count(), 3, "{said}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let device = device();
    let with = |text: &str, parts: &[&str]| {
        let (_folder, program) = python(text);
        fails(&args(&device, &["--pytorch", &program.display().to_string()]), 1, parts);
    };
    let other = SCRIPT.replace("391466", "391467");
    with(&other, &["391466 parameters", "391467", "benches/pytorch/networks.py"]);
    with(&SCRIPT.replace("read -r go", "false"), &["PyTorch"]);
    with(&SCRIPT.replace("seconds\\\"", "minutes\\\""), &["benches/pytorch", "seconds"]);
    fails(&args(&device, &["--pytorch", "/nonexistent"]), 2, &["--pytorch /nonexistent", "python3"]);
    fails(&args(&device, &["--runs", "0"]), 2, &["--runs"]);
}

#[test]
fn numbers_that_make_no_sense() {
    let bench = ["bench", "train", "--device", "host"];
    for (option, value, parts) in [
        ("--runs", "0", &["--runs 0", "at least one"][..]),
        ("--seconds", "-1", &["--seconds"]),
        ("--seconds", "inf", &["--seconds inf", "0 to 3600"]),
        ("--batch", "1", &["--batch", "batch normalization"]),
        ("--models", "resnet19", &["unknown model 'resnet19'", "resnet18"]),
    ] {
        fails(&[&bench[..], &[&format!("{option}={value}")]].concat(), 2, parts);
    }
}

/// An Adam that walks uphill.
#[test]
fn a_network_that_does_not_learn_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let kernels = folder.path().join("kernels");
    copy(Path::new("kernels"), &kernels);
    let (file, out) = (kernels.join("prelude/optim.cuh"), folder.path().join("out.json"));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("fmaf(-rate,"));
    fs::write(&file, text.replace("fmaf(-rate,", "fmaf(rate,")).unwrap();
    let (device, out) = (device(), out.display().to_string());
    let command = &mut warptape();
    command.args(args(&device, &["--out", &out])).env("WARPTAPE_KERNELS", &kernels);
    refused(command, 1, &["little-conv does not learn: loss "]);
    assert!(!Path::new(&out).exists());
}
