//! Machines that cannot: no GPU, no compiler, no room; and a training that diverges. One line that says what to do (and
//! numbered source lines for a kernel that does not compile), exit code 1.

use std::path::Path;
use std::process::Command;

use warptape::train::checkpoint::Checkpoint;
use warptape::train::run_dir::{RunDir, RunInfo};

use crate::command::{
    checkpoints, copy, device, done, fails, on_host, quick as train, refused, shared, succeeds, training, warptape,
};

#[test]
fn devices_compilers_and_kernels_that_are_not_there() {
    if warptape::device::cuda::gpus().is_err() {
        fails(&train(&["--device", "cuda"]), 1, &["cuda"]);
        fails(&["bench", "train", "--device", "cuda:3"], 1, &["cuda"]);
    }
    if !on_host() {
        println!("skipped: what follows is about the host device");
        return;
    }
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let install = &["CXX=/nonexistent", "apt install g++", "set CXX"];
    refused(warptape().args(train(&["--epochs", "1"])).env("CXX", "/nonexistent"), 1, install);
    refused(warptape().args(["eval", run, "--device", "host"]).env("CXX", "/nonexistent"), 1, install);

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let unwritable = ["kernel cache", "set WARPTAPE_CACHE to a folder that can be written to"];
    refused(
        warptape().args(train(&["--out", &format!("{}/a", folder.path().display())])).env("WARPTAPE_CACHE", &file),
        1,
        &unwritable,
    );

    let missing = ["WARPTAPE_KERNELS names the folder"];
    refused(warptape().args(["eval", run, "--device", "host"]).env("WARPTAPE_KERNELS", "/nonexistent"), 1, &missing);
    let kernels = folder.path().join("kernels");
    copy(Path::new("kernels"), &kernels);
    let name = "augment/gather.cu";
    let broken = kernels.join(name);
    let text = std::fs::read_to_string(&broken).unwrap();
    std::fs::write(&broken, format!("{text}\nstatic int one = 1;\nstatic int broken = one +;\n")).unwrap();
    let done = done(warptape().args(["eval", run, "--device", "host"]).env("WARPTAPE_KERNELS", &kernels));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let number = text.lines().count() + 3;
    for part in
        [format!("error: {name}"), format!("{name}:{number}:"), format!("{number} | static int broken = one +;")]
    {
        assert!(done.stderr.contains(&part), "no {part:?} in {}", done.stderr);
    }
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
}

/// Of the checkpoints.
fn names(run: &Path) -> Vec<String> {
    checkpoints(run).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_loss_that_is_not_finite_stops_the_training() {
    let folder = tempfile::tempdir().unwrap();
    for (optim, lr) in [("sgd", "1e30"), ("adam", "1e38"), ("sgd", "1e300")] {
        let out = folder.path().join(format!("{optim}-{lr}"));
        let args = train(&["--optim", optim, "--lr", lr, "--schedule", "constant", "--out", out.to_str().unwrap()]);
        let parts =
            ["the loss is not finite in epoch 1, step 2: the first bad values", "features.", "with a lower rate: "];
        fails(&args, 1, &parts);
        assert_eq!(names(&out), ["epoch-0000.safetensors"], "bad weights were saved");
    }
    // The advice works, and the record tells what was done.
    let out = folder.path().join("sgd-1e30");
    succeeds(&["train", "--resume", out.to_str().unwrap(), "--lr", "0.01", "--epochs", "1"]);
    let info = RunInfo::read(&RunDir::open(&out).unwrap()).unwrap();
    let changed: Vec<&str> = info.changes.iter().map(|change| change.setting.as_str()).collect();
    assert_eq!((changed, info.changes[0].step), (vec!["epochs", "lr"], 0));
    assert_eq!((&info.config["lr"], &info.config["epochs"]), (&0.01.into(), &1.into()));
    // The one step of an epoch ruins the weights: nothing is bad before the test set is looked at.
    let out = folder.path().join("late");
    let args = train(&["--optim", "sgd", "--lr", "1e30", "--batch-size", "50", "--out", out.to_str().unwrap()]);
    fails(&args, 1, &["the loss is not finite on the test set after epoch 1: the first bad values", "features."]);
    assert_eq!(names(&out), ["epoch-0000.safetensors"], "bad weights were saved");
    assert_eq!(std::fs::read_to_string(out.join("metrics.csv")).unwrap().lines().count(), 1);
}

#[test]
#[cfg(unix)]
fn nobody_listens() {
    let run = shared().run.to_str().unwrap();
    let program = warptape().get_program().to_str().unwrap().to_owned();
    let shell = |words: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("\"$0\" {words}"), &program, run, &device()]);
        command
    };
    if Path::new("/dev/full").exists() {
        refused(&mut shell("eval \"$1\" --device \"$2\" > /dev/full"), 1, &["standard output", "no space is left"]);
        let mut silent = shell("eval \"$1/nowhere\" --device \"$2\" 2> /dev/full");
        assert_eq!(done(&mut silent).code, Some(1));
    }
    // The reader is gone before the first line.
    let gone = done(&mut shell("eval \"$1\" --device \"$2\" --json | true"));
    assert_eq!((gone.code, gone.stderr.as_str()), (Some(0), ""));
}

/// A file system of a few MiB, unmounted when dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let size = ["-t", "tmpfs", "-o", "size=12m", "warptape"];
        let mounted = Command::new("mount").args(size).arg(at).output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[cfg(unix)]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Small::mount(folder.path()) else {
        println!("skipped: this user cannot mount a small file system");
        return;
    };
    let out = disk.0.join("run");
    let path = out.to_str().unwrap();
    // A checkpoint is 4.7 MB and there are four after the first epoch: two fit.
    fails(&training(&shared().data, 4, &out), 1, &["best.safetensors: cannot be written", "make room there"]);
    let found = checkpoints(&out);
    assert_eq!(found.len(), 2, "a half written file was left");
    for (name, _) in found {
        Checkpoint::load(&out.join("checkpoints").join(name)).unwrap();
    }
    // With room, the run goes on to the same end.
    let more = Command::new("mount").args(["-o", "remount,size=100m"]).arg(disk.0).status();
    assert!(more.unwrap().success());
    succeeds(&["train", "--resume", path]);
    crate::command::same_runs(&out, &shared().run);
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // 1000 KiB a file, and no signal: a checkpoint is larger.
    let mut bash = Command::new("bash");
    bash.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]).arg(warptape().get_program());
    let device = device();
    if device != "host" || Command::new("bash").arg("--version").output().is_err() {
        println!("skipped: needs bash and the host device");
        return;
    }
    refused(
        bash.args(training(&shared().data, 1, &out)),
        1,
        &["epoch-0000.safetensors: cannot be written", "File too large"],
    );
    assert!(checkpoints(&out).is_empty(), "a half written file was left");
    succeeds(&["train", "--resume", out.to_str().unwrap()]);
}
