//! The same seed makes the same run, bit for bit, however often it is interrupted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use warptape::Device;
use warptape::data::{Dataset, Loading};
use warptape::train::checkpoint::{Checkpoint, Progress};
use warptape::train::config::Config;
use warptape::train::logs::metrics::Row;
use warptape::train::observer::{Observer, Outcome, Running};
use warptape::train::run_dir::{RunDir, RunInfo};
use warptape::train::trainer::Trainer;

use crate::command::{
    EPOCHS, checkpoints, copy_of_run, device, fails, metrics, same_runs, shared, skips_stopping, steps, succeeds,
    training, warptape,
};
use crate::data::folder::paint;

fn last(run: &Path) -> Checkpoint {
    Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_same_seed_makes_the_same_files() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let again = folder.path().join("again");
    let said = succeeds(&training(&shared.data, EPOCHS, &again));
    assert!(said.contains("test accuracy"), "{said}");
    same_runs(&shared.run, &again);
    let info = |run: &Path| {
        let info = RunInfo::read(&RunDir::open(run).unwrap()).unwrap();
        RunInfo { created: String::new(), checksum: String::new(), ..info }
    };
    assert_eq!(info(&shared.run), info(&again));

    let other = folder.path().join("other");
    let words = training(&shared.data, 1, &other);
    let words: Vec<_> = words.into_iter().map(|word| if word == "7" { "8".into() } else { word }).collect();
    succeeds(&words);
    assert_ne!(metrics(&other).lines().nth(1), metrics(&again).lines().nth(1));
}

#[test]
fn two_epochs_and_two_more_are_four() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    succeeds(&training(&shared.data, 2, &run));
    assert_eq!(last(&run).meta.progress.epoch, 2);
    let created = RunInfo::read(&RunDir::open(&run).unwrap()).unwrap().created;
    succeeds(&["train", "--resume", &text(&run), "--epochs", "4"]);
    // Epochs 1 and 2 were told of two epochs, so their files say so; from there on all is one.
    let later = |run: &Path| {
        let newer = |name: &str| name.ends_with("3.safetensors") || name.ends_with("4.safetensors");
        checkpoints(run).into_iter().filter(|(name, _)| newer(name) || name.starts_with("last")).collect::<Vec<_>>()
    };
    assert_eq!(later(&run).len(), 3);
    assert!(later(&run) == later(&shared.run), "checkpoints differ");
    assert_eq!((metrics(&run), steps(&run)), (metrics(&shared.run), steps(&shared.run)));
    let info = RunInfo::read(&RunDir::open(&run).unwrap()).unwrap();
    assert_eq!((info.created, &info.config["epochs"]), (created, &4.into()));
}

/// Stops the training at a step.
struct StopAt {
    epoch: u32,
    step: usize,
    stop: AtomicBool,
}

impl Observer for &StopAt {
    fn step(&mut self, progress: &Progress, _: usize, _: Running) {
        if (progress.epoch + 1, progress.step_in_epoch) == (self.epoch, self.step) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, _: u32, _: &[Row]) {}
}

/// A run in `path` that is stopped at each (epoch, step) of `stops` and gone on with; epoch 9 is beyond its end. Returns where it
/// stood after each part. The observer hears of a step after it was done, so the step after it is the last.
pub fn in_parts(
    config: &Config,
    data: &Dataset,
    device: &Device,
    path: &Path,
    stops: &[(u32, usize)],
) -> Vec<Progress> {
    let (mut checkpoint, mut reached) = (None, Vec::new());
    for &(epoch, step) in stops {
        let begins = checkpoint.is_none();
        let open = |info: &RunInfo| if begins { RunDir::at(path, info) } else { RunDir::resume(path) };
        let mut trainer = Trainer::new(config.clone(), data, device, open, checkpoint.as_ref()).unwrap();
        let at = StopAt { epoch, step, stop: AtomicBool::new(false) };
        let outcome = trainer.run(&at.stop, &mut &at).unwrap();
        assert_eq!(outcome == Outcome::Finished, epoch == 9);
        drop(trainer);
        let here = last(path);
        reached.push(here.meta.progress.clone());
        checkpoint = Some(here);
    }
    reached
}

#[test]
fn a_run_stopped_at_any_step_goes_on_as_if_it_had_not() {
    if skips_stopping() {
        return;
    }
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let (device, data) = (Device::open(&device()).unwrap(), Dataset::open(&shared.data, &Loading::default()).unwrap());
    let config = last(&shared.run).meta.config;
    let path = folder.path().join("run");
    // (3, 5) ends an epoch.
    let reached = in_parts(&config, &data, &device, &path, &[(1, 1), (1, 3), (2, 2), (3, 5), (9, 0)]);
    let interrupted: Vec<_> = reached.iter().map(|progress| (progress.epoch, progress.step_in_epoch)).collect();
    assert_eq!(interrupted, [(0, 2), (0, 4), (1, 3), (3, 0), (4, 0)]);
    same_runs(&path, &shared.run);
}

/// Everything drawn at random, for images and for batches, depends on the step alone; and whether pictures are held or decoded
/// ahead of the steps, by how many workers, changes nothing.
#[test]
fn a_run_of_mixed_or_streamed_batches_stopped_in_an_epoch_goes_on_as_if_it_had_not() {
    if skips_stopping() {
        return;
    }
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let device = Device::open(&device()).unwrap();
    let pictures = folder.path().join("pictures");
    for number in 0..60u8 {
        paint(
            &pictures.join(["a", "b"][usize::from(number % 2)]).join(format!("{number}.png")),
            20,
            20,
            [4 * number, 9, 200],
        );
    }
    let spec = format!("folder:{}", pictures.display());
    let mixed = "resized-crop(0.5-1,0.75-1.33)+flip+rotate(20)+contrast(0.4)+cutout(6)+mixup(0.4)";
    for (augment, load_size) in [("crop2+flip", None), (mixed, Some("18x20".parse().unwrap()))] {
        let config = last(&shared.run).meta.config;
        let (data, image_size) = (spec.clone(), Some("16".parse().unwrap()));
        let config =
            Config { epochs: 2, augment: augment.into(), validation: 0.0, data, image_size, load_size, ..config };
        let open = |memory, workers| Dataset::open(&spec, &Loading { memory, workers, ..config.loading() }).unwrap();
        let (held, one, four) = (open(None, 0), open(Some(0), 1), open(Some(0), 4));
        assert!(one.train.is_streamed() && !held.train.is_streamed());
        let folder = tempfile::tempdir().unwrap();
        let (whole, stopped) = (vec![(9, 0)], vec![(1, 2), (2, 1), (9, 0)]);
        let runs = [(&held, &whole), (&held, &stopped), (&one, &whole), (&four, &stopped)];
        for (number, (data, stops)) in runs.into_iter().enumerate() {
            let path = folder.path().join(number.to_string());
            in_parts(&config, data, &device, &path, stops);
            let first = folder.path().join("0");
            if data.train.is_streamed() {
                // All but the peak of memory, which is what it is about.
                assert!(checkpoints(&path) == checkpoints(&first), "{augment}: checkpoints of run {number} differ");
            } else {
                same_runs(&path, &first);
            }
        }
    }
}

/// Starts the command and waits until it says that epoch `epoch` is done.
fn started_until(args: &[String], epoch: u32) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let mut child = warptape().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(&format!("epoch {epoch:3}/")) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before epoch {epoch}");
    }
    (child, lines)
}

#[test]
#[cfg(unix)]
fn ctrl_c_finishes_the_step_saves_and_says_how_to_go_on() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let mut args = training(&shared.data, EPOCHS, &run);
    let mut epoch = 1;
    // Where in an epoch a signal arrives is a matter of luck; a_run_stopped_at_any_step leaves nothing to it.
    loop {
        let (child, mut rest) = started_until(&args, epoch);
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut said = String::new();
        std::io::Read::read_to_string(&mut rest, &mut said).unwrap();
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let progress = last(&run).meta.progress;
        if progress.epoch == EPOCHS {
            break;
        }
        assert_eq!(output.status.code(), Some(130), "{said}{error}");
        let resume = format!("warptape train --resume {}", run.display());
        assert!(said.trim_end().ends_with(&resume), "{said}");
        assert!(error.contains("finishing this step") && error.trim().lines().count() == 1, "{error:?}");
        args = vec!["train".into(), "--resume".into(), text(&run)];
        epoch = progress.epoch + 1;
        if epoch == EPOCHS {
            succeeds(&args);
            break;
        }
    }
    same_runs(&run, &shared.run);
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let (mut child, _lines) = started_until(&training(&shared.data, EPOCHS, &run), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(last(&run).meta.progress.epoch >= 2);
    succeeds(&["train", "--resume", &text(&run)]);
    same_runs(&run, &shared.run);
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_again() {
    let (_folder, run) = copy_of_run();
    std::fs::remove_dir_all(run.join("checkpoints")).unwrap();
    fails(&["eval", &text(&run)], 1, &["has no checkpoint 'best'", "none yet", "--resume"]);
    std::fs::remove_file(run.join("metrics.csv")).unwrap();
    succeeds(&["train", "--resume", &text(&run)]);
    same_runs(&run, &shared().run);
}

#[test]
fn without_its_last_checkpoint_a_run_goes_on_from_the_newest_epoch() {
    let (_folder, run) = copy_of_run();
    for name in ["last.safetensors", "epoch-0004.safetensors"] {
        std::fs::remove_file(run.join("checkpoints").join(name)).unwrap();
    }
    let said = succeeds(&["train", "--resume", &text(&run)]);
    assert!(said.contains("epoch   4/4") && !said.contains("epoch   3/4"), "{said}");
    same_runs(&run, &shared().run);
}

#[test]
fn a_finished_run_resumed_is_as_it_was() {
    let (_folder, run) = copy_of_run();
    let said = succeeds(&["train", "--resume", &text(&run)]);
    assert!(said.contains("test accuracy"), "{said}");
    same_runs(&run, &shared().run);
}

#[test]
fn a_resumed_run_changes_only_its_device_and_epochs() {
    let (_folder, run) = copy_of_run();
    for option in [["--model", "little-conv"], ["--momentum", "0.1"], ["--seed", "1"], ["--batch-size", "4"]] {
        fails(&["train", "--resume", &text(&run), option[0], option[1]], 2, &[option[0], "start a new run"]);
    }
    fails(&["train", "--resume", &text(&run), "--epochs", "3"], 2, &["--epochs 3", "4 already"]);
    fails(&["train", "--resume", &text(&run), "--epochs", "0"], 2, &["--epochs 0"]);
    same_runs(&run, &shared().run);
}
