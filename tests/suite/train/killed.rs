//! A process killed at any moment leaves checkpoints that load.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use warptape::train::checkpoint::Checkpoint;

use crate::command::{checkpoints, device, succeeds, warptape, write_data};

/// Loads every checkpoint of `run` and removes those of epochs, which would fill the disk. Returns the last epoch and
/// how many files a kill has left half written.
fn inspect(run: &Path) -> (u32, usize) {
    let folder = run.join("checkpoints");
    let mut unfinished = 0;
    for (name, _) in checkpoints(run) {
        let path = folder.join(&name);
        if name.starts_with('.') {
            unfinished += 1;
            continue;
        }
        let epoch = Checkpoint::load(&path).unwrap_or_else(|e| panic!("{e}")).meta.progress.epoch;
        if let Some(number) = name.strip_prefix("epoch-") {
            assert_eq!(number, format!("{epoch:04}.safetensors"));
            std::fs::remove_file(path).unwrap();
        }
    }
    let epoch = |name: &str| Checkpoint::load(&folder.join(name)).unwrap().meta.progress.epoch;
    let (last, best) = (epoch("last.safetensors"), epoch("best.safetensors"));
    // `best` is written before `last`: it is of the same epoch, or of the one that was being saved.
    assert!(best == last || best == last + 1, "best is of epoch {best}, last of {last}");
    (last, unfinished)
}

/// Waits until a checkpoint is being written under its temporary name: the epoch's, `best` or `last`. Half a second
/// without one passes too: any moment is as good.
fn await_writing(folder: &Path, which: u32) {
    let prefix = [".epoch", ".best", ".last"][which as usize];
    for _ in 0..5000 {
        let mut names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        if names.any(|name| name.to_string_lossy().starts_with(prefix)) {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_kill_at_any_moment_of_saving_leaves_checkpoints_that_load() {
    const KILLS: u32 = 24;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // One step of five pictures and three checkpoints an epoch: the process does little but save.
    let data = write_data(&folder.path().join("data"), 5, 1);
    let device = device();
    let path = run.to_str().unwrap();
    let first = ["train", "--data", &data, "--device", &device, "--batch-size", "5", "--out", path];
    let endless = ["--schedule", "constant", "--epochs", "1000000"];
    let (mut before, mut unfinished) = (0, 0);
    for kill in 0..KILLS {
        let args = if kill == 0 { [&first[..], &endless[..]].concat() } else { vec!["train", "--resume", path] };
        let mut child = warptape().args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let saving = lines.find(|line| line.as_ref().unwrap().starts_with("epoch"));
        assert!(saving.is_some(), "start {kill} does not train");
        // Reads on, so that the process never waits for this one.
        let reader = std::thread::spawn(move || lines.for_each(drop));
        if kill % 3 == 0 {
            std::thread::sleep(Duration::from_millis(u64::from(kill * 37 % 101)));
        } else {
            await_writing(&run.join("checkpoints"), kill / 3 % 3);
            std::thread::sleep(Duration::from_micros(u64::from(kill * 631 % 4001)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        let (last, left) = inspect(&run);
        assert!(last > before, "start {kill} resumed from epoch {before} and ended at {last}");
        before = last;
        unfinished += left;
        if kill % 8 == 0 {
            for which in ["last", "best"] {
                succeeds(&["eval", &format!("{path}@{which}"), "--device", &device]);
            }
        }
    }
    println!("{KILLS} kills in {before} epochs left {unfinished} files half written");
}
