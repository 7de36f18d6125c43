//! Which kernels run: forced, remembered, repeated.

use std::path::{Path, PathBuf};
use std::process::Output;

use warptape::Device;
use warptape::launch::choices::{Kernel, Table, tuned_file};
use warptape::train::run_dir::{RunDir, RunInfo};

use crate::command::{device, done, fails, shared, succeeds, training, warptape};
use crate::support::skips_long;

fn run_with(variables: &[(&str, &str)], words: &[String]) -> Output {
    let output = warptape().args(words).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn kernels(run: &Path) -> Table {
    RunInfo::read(&RunDir::open(run).unwrap()).unwrap().kernels
}

fn files(run: &Path, ladder: &str) -> Vec<String> {
    let mut files: Vec<String> = kernels(run)[ladder].values().map(Kernel::to_string).collect();
    files.dedup();
    files
}

fn weights(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("checkpoints/last.safetensors")).unwrap()
}

#[test]
fn a_run_repeated_or_resumed_takes_the_kernels_that_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let forced = [("WARPTAPE_KERNEL", "conv2d_forward:4,conv2d_backward_filter:5")];
    run_with(&forced, &training(&shared().data, 2, &at("whole")));
    assert_eq!(
        [files(&at("whole"), "conv2d_forward"), files(&at("whole"), "conv2d_backward_filter")],
        [["conv2d/forward/4_register_tile.cu"], ["conv2d/backward_filter/5_vectorized.cu"]]
    );

    // Without the variable an op chooses otherwise, and other kernels round otherwise.
    run_with(&[], &training(&shared().data, 2, &at("other")));
    assert_ne!(files(&at("other"), "conv2d_forward"), files(&at("whole"), "conv2d_forward"));
    assert!(weights(&at("other")) != weights(&at("whole")), "rungs that differ in nothing");

    let (json, out) = (at("whole").join("run.json").display().to_string(), at("again").display().to_string());
    run_with(&[], &["train", "--config", &json, "--out", &out].map(String::from));
    assert!(weights(&at("again")) == weights(&at("whole")), "a repeated run");
    assert_eq!(kernels(&at("again")), kernels(&at("whole")));

    run_with(&forced, &training(&shared().data, 1, &at("half")));
    let half = at("half").display().to_string();
    run_with(&[], &["train", "--resume", &half, "--epochs", "2"].map(String::from));
    assert_eq!(files(&at("half"), "conv2d_forward"), files(&at("whole"), "conv2d_forward"));
    assert!(weights(&at("half")) == weights(&at("whole")), "a resumed run");
}

#[test]
fn what_is_no_rung_is_refused() {
    let said = |kernel: &str| {
        let device = device();
        let done =
            done(warptape().args(["train", "--device", &device, "--epochs", "1"]).env("WARPTAPE_KERNEL", kernel));
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        done.stderr
    };
    assert!(said("conv3d:1").contains("WARPTAPE_KERNEL: there is no ladder 'conv3d': use batchnorm_forward, "));
    assert!(said("conv2d_forward:99").contains("conv2d_forward has no rung '99': conv2d/forward/1_direct.cu, "));
    assert!(said("conv2d_forward").contains("'conv2d_forward' is not LADDER:RUNG"));
    assert!(said("conv2d_forward:+3").contains("conv2d_forward has no rung '+3'"));
    let two = "WARPTAPE_KERNEL asks for rungs 3 and 5 of conv2d_forward, of which one runs: leave the other out";
    assert!(said("conv2d_forward:3,matmul_forward:2, conv2d_forward:5").contains(two));
}

/// Kernels that a person asks for where a run goes on are others than those that made its bits so far.
#[test]
fn other_kernels_than_a_run_had_are_told_and_refused_where_that_matters() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    run_with(&[("WARPTAPE_KERNEL", "conv2d_forward:5")], &training(&shared().data, 1, &run));
    let before = "conv2d/forward/5_vectorized.cu";
    let resume = |kernel: &str, more: &[&str]| {
        let words = [&["train", "--resume", run.to_str().unwrap()], more].concat();
        done(warptape().args(words).env("WARPTAPE_KERNEL", kernel))
    };
    let other = "conv2d_forward:4";
    let refused = resume(other, &["--epochs", "2", "--strict"]);
    let line =
        format!("WARPTAPE_KERNEL puts conv2d/forward/4_register_tile.cu in the place of {before}, which this run");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.starts_with(&format!("error: --strict: {line}")), "{}", refused.stderr);
    assert_eq!(files(&run, "conv2d_forward"), [before], "what was refused changes nothing");
    // The rung that ran before, and a ladder that the training does not have, are no others.
    let same = resume("conv2d_forward:5,sgd_step:1", &["--epochs", "2", "--strict"]);
    assert_eq!((same.code, &*same.stderr), (Some(0), ""), "{}", same.stdout);
    let warned = resume(other, &["--epochs", "3"]);
    assert_eq!(warned.code, Some(0), "{}", warned.stderr);
    assert!(warned.stderr.starts_with(&format!("warning: {line}")), "{}", warned.stderr);
    assert_eq!(warned.stderr.lines().count(), 1, "{}", warned.stderr);
    assert_eq!(files(&run, "conv2d_forward"), ["conv2d/forward/4_register_tile.cu"]);
}

/// Flags for a new cache, in which everything is compiled and need not be fast; for the same processor, or what is remembered
/// is another's.
fn unoptimized() -> String {
    std::env::var("WARPTAPE_CXXFLAGS").unwrap_or_default() + " -O0"
}

/// A cache folder of its own, so that no other test meets what is remembered there, and `warptape tune` with it.
fn tune(cache: &Path, more: &[&str]) -> String {
    let device = device();
    let words =
        [&["tune", "--device", &device, "--models", "little-conv", "--batch", "2", "--runs", "1"], more].concat();
    let words: Vec<String> = words.into_iter().map(String::from).collect();
    String::from_utf8(
        run_with(&[("WARPTAPE_CACHE", cache.to_str().unwrap()), ("WARPTAPE_CXXFLAGS", &unoptimized())], &words).stdout,
    )
    .unwrap()
}

/// Where what was tuned is remembered in `cache`.
fn remembered(cache: &Path) -> PathBuf {
    let elsewhere = tuned_file(&Device::open(&device()).unwrap()).unwrap();
    cache.join(elsewhere.file_name().unwrap())
}

#[test]
fn what_tune_finds_is_remembered() {
    if skips_long() {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let said = tune(cache.path(), &["--seconds", "0"]);
    assert!(said.contains("conv2d_forward n2 h32 w32 c3 k32 r3 s3 ") && said.contains("; remembered for "), "{said}");
    let file = remembered(cache.path());
    serde_json::from_slice::<Table>(&std::fs::read(&file).unwrap()).unwrap();
    // What a training in half precision launches is tuned beside it, and takes nothing from it.
    let table = || serde_json::from_slice::<Table>(&std::fs::read(&file).unwrap()).unwrap();
    let before = table();
    let said = tune(cache.path(), &["--seconds", "0", "--element", "bfloat16"]);
    let typed = |line: &&str| line.starts_with("conv2d_forward ") && line.contains(" dilation1,1 bf16: ");
    assert!(said.lines().any(|line| typed(&line)), "{said}");
    let of_f32 = |table: Table| {
        table.into_iter().map(|(ladder, problems)| {
            (ladder, problems.into_iter().filter(|(problem, _)| !problem.ends_with(" bf16")).collect::<Vec<_>>())
        })
    };
    let typed_ladders = ["conv2d_forward", "conv2d_backward_filter", "conv2d_backward_input", "matmul_forward"];
    let kept =
        |table: Table| of_f32(table).filter(|(ladder, _)| typed_ladders.contains(&&**ladder)).collect::<Vec<_>>();
    let filled =
        |all: Vec<(String, Vec<_>)>| all.into_iter().filter(|(_, problems)| !problems.is_empty()).collect::<Vec<_>>();
    assert_eq!(filled(kept(table())), filled(kept(before)));
}

#[test]
fn what_is_remembered_is_taken_until_it_is_forgotten() {
    let cache = tempfile::tempdir().unwrap();
    let file = remembered(cache.path());
    let trained = |name: &str| {
        let mut command = warptape();
        command.args(training(&shared().data, 1, &cache.path().join(name))).env("WARPTAPE_CACHE", cache.path());
        done(command.env("WARPTAPE_CXXFLAGS", unoptimized()))
    };
    // A table of one's own, by number as version 0.1 wrote it: what it says is what a training takes.
    let problem = "n8 h32 w32 c3 k32 r3 s3 stride1,1 pad1,1 dilation1,1";
    std::fs::write(&file, serde_json::json!({"conv2d_forward": {problem: 3}}).to_string()).unwrap();
    let went = trained("run");
    assert_eq!(went.code, Some(0), "{}", went.stderr);
    let taken = &kernels(&cache.path().join("run"))["conv2d_forward"][problem];
    assert_eq!(*taken, Kernel::File("conv2d/forward/3_implicit_gemm.cu".into()));

    std::fs::write(&file, "{").unwrap();
    let damaged = trained("damaged");
    assert!(damaged.code == Some(1) && damaged.stderr.contains("run `warptape tune` again"), "{}", damaged.stderr);
    assert!(tune(cache.path(), &["--forget"]).contains("nothing is remembered"));
    assert!(!file.exists());
    fails(&["tune", "--models", "resnet19"], 2, &["unknown model 'resnet19'"]);
    assert!(succeeds(&["tune", "--help"]).contains("--forget"));
}
