//! Before the first step: all kernels of a training are known, compiled at once, and compilers end when asked to.

#[cfg(unix)]
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::time::Duration;

use warptape::data::Dataset;
use warptape::device::dry::Dry;
use warptape::device::host::{Host, Options};
use warptape::device::{Backend, Device, Function, Info, Target};
use warptape::train::checkpoint::Progress;
use warptape::train::config::Config;
use warptape::train::logs::metrics::Row;
use warptape::train::observer::{Observer, Outcome, Running};
use warptape::train::run_dir::RunDir;
use warptape::train::trainer::Trainer;

use crate::command::{warptape, write_data};

/// What a training said of its kernels.
#[derive(Default)]
struct Told(Vec<(usize, usize)>);

impl Observer for Told {
    fn compiling(&mut self, done: usize, total: usize) {
        self.0.push((done, total));
    }
    fn step(&mut self, _: &Progress, _: usize, _: Running) {}
    fn epoch(&mut self, _: u32, _: &[Row]) {}
}

/// On dry devices, which compile nothing: what was prepared is what the training then launched, no more and no less.
#[test]
fn a_training_knows_its_kernels_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_data(&folder.path().join("data"), 5, 1);
    let data = Dataset::open(&path, &Config::default().loading()).unwrap();
    let host = Host::new(Options::default());
    let gpu = Info { target: Target::Cuda, units: 132, ..host.info().clone() };
    // The last keeps what frozen layers make of pictures, of fewer layers from the second epoch on.
    let frozen = Config {
        augment: "none".into(),
        train_only: "features.12,fc".parse().unwrap(),
        unfreeze: "features.8=2".parse().unwrap(),
        epochs: 2,
        ..Config::default()
    };
    let whole = || Config { epochs: 1, ..Config::default() };
    let trainings = [
        (host.info(), "little-conv", "adamw", whole()),
        (&gpu, "resnet18", "sgd", whole()),
        (host.info(), "little-conv", "adam", frozen),
    ];
    for (number, (info, model, optim, config)) in trainings.into_iter().enumerate() {
        let dry = Dry::as_if(info.clone(), warptape::Environment::of_process());
        let launched = dry.launched();
        let device = Device::new(Box::new(dry));
        let text = |text: &str| text.to_owned();
        let config = Config { model: text(model), data: path.clone(), optim: text(optim), batch_size: 4, ..config };
        let at = folder.path().join(number.to_string());
        let mut trainer = Trainer::new(config, &data, &device, |info| RunDir::at(&at, info), None).unwrap();
        let mut told = Told::default();
        assert_eq!(trainer.run(&AtomicBool::new(false), &mut told).unwrap(), Outcome::Finished);
        trainer.report().unwrap();
        let compiled = launched.sources();
        let steps: Vec<(usize, usize)> = (0..=compiled.len()).map(|done| (done, compiled.len())).collect();
        assert_eq!(told.0, steps, "{model}: a kernel was found late");
        let functions = launched.functions();
        for source in compiled {
            let of_it = |function: &Function| function.file() == Some(&source.file);
            assert!(functions.iter().any(of_it), "{model}: {} was for nothing", source.file);
        }
    }
}

/// A compiler that takes minutes, which leaves its number behind.
#[test]
#[cfg(unix)]
fn compilers_end_with_the_training() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let answers = "--version) echo slow 1; exit;; *\" -dM \"*) echo '#define __cplusplus'; exit;;";
    let script = format!("#!/bin/sh\ncase \"$*\" in {answers} esac\nsleep 600 &\necho $! >> \"$0.started\"\nwait\n");
    std::fs::write(file("slow"), script).unwrap();
    std::fs::set_permissions(file("slow"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = write_data(&file("data"), 5, 1);
    let mut command = warptape();
    command.args(["train", "--data", &data, "--device", "host", "--batch-size", "5", "--out"]);
    command.arg(file("run")).env("CXX", file("slow")).env("WARPTAPE_CACHE", file("cache"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = || std::fs::read_to_string(file("slow.started")).unwrap_or_default();
    while !started().ends_with('\n') {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its compilers began");
        std::thread::sleep(Duration::from_millis(5));
    }
    // SAFETY: the child was not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) }, 0);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    for number in started().lines() {
        let state = || std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let runs = || Some(state()).filter(|state| !state.is_empty() && !state.contains(") Z "));
        // A process that was killed is gone when the system gets to it.
        let patience = std::time::Instant::now() + Duration::from_secs(60);
        while let Some(state) = runs() {
            assert!(std::time::Instant::now() < patience, "{number} still runs: {state}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let left: Vec<_> = std::fs::read_dir(file("cache")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
