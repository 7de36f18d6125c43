//! A run is the same wherever it runs, and goes on wherever it was made.

use std::path::Path;

use flate2::read::GzDecoder;
use warptape::launch::choices::Kernel;
use warptape::train::checkpoint::{Checkpoint, FORMAT};
use warptape::train::run_dir::{RunDir, RunInfo};

use crate::command::{
    EPOCHS, checkpoints, copy_of_run, device, done, fails, on_host, same_runs, shared, succeeds, training, warptape,
    write_data,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_same_bytes_on_any_number_of_cores_and_wherever_the_data_lie() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(shared.data.strip_prefix("cifar10:").unwrap(), &link).unwrap();
    let data = format!("cifar10:{}", link.display());
    for threads in ["1", "7"] {
        let run = folder.path().join(threads);
        let args = training(&data, EPOCHS, &run);
        // One core, or as many threads as there are not cores.
        let mut command = if threads == "1" { std::process::Command::new("taskset") } else { warptape() };
        if threads == "1" {
            command.args(["-c", "0"]).arg(warptape().get_program());
        }
        let Ok(output) = command.args(args).env("RAYON_NUM_THREADS", threads).output() else {
            println!("skipped: one core; there is no taskset");
            continue;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        same_runs(&run, &shared.run);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn counts_are_the_same_on_any_number_of_cores() {
    // A split sum: how it is cut must not depend on who counts.
    let args = ["kernels", "profile", "conv2d_backward_filter:6", "--shape", "8,8,8,16,32,3,3,1"];
    let all = succeeds(&args);
    let Ok(one) =
        std::process::Command::new("taskset").args(["-c", "0"]).arg(warptape().get_program()).args(args).output()
    else {
        println!("skipped: there is no taskset");
        return;
    };
    assert_eq!(String::from_utf8(one.stdout).unwrap(), all, "{}", String::from_utf8_lossy(&one.stderr));
}

#[test]
fn the_same_command_goes_on_with_its_run_and_with_no_other() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    // Killed before its first checkpoint: it has its name, a record and nothing else.
    let info = RunInfo::read(&RunDir::open(&shared.run).unwrap()).unwrap();
    drop(RunDir::at(&run, &RunInfo { created: "then".into(), ..info }).unwrap());
    let command = training(&shared.data, EPOCHS, &run);
    succeeds(&command);
    same_runs(&run, &shared.run);
    assert_eq!(RunInfo::read(&RunDir::open(&run).unwrap()).unwrap().created, "then");

    fails(&command, 1, &["holds this very run, finished after 4 epochs", "--resume", "--epochs N"]);
    let other = training(&shared.data, EPOCHS + 1, &run);
    fails(&other, 1, &["holds another run, --epochs 4 where this one has 5", "choose another --out"]);
    // Without its report it is not finished.
    std::fs::remove_file(run.join("report.json")).unwrap();
    succeeds(&command);
    assert!(run.join("report.json").exists());
    same_runs(&run, &shared.run);

    let held = RunDir::resume(&run).unwrap();
    let process = format!("process {}", std::process::id());
    fails(&["train", "--resume", text(&run)], 1, &[&process, "is writing this run; wait for it or stop it"]);
    drop(held);
    succeeds(&["train", "--resume", text(&run)]);
}

#[test]
fn damage_is_not_gone_on_with() {
    let (_folder, run) = copy_of_run();
    let resume = ["train", "--resume", text(&run)];
    let file = |name: &str| run.join(name);
    let whole = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let record = whole("run.json");
    std::fs::write(file("run.json"), record.replacen("forward/", "backward/", 1)).unwrap();
    fails(&resume, 1, &["run.json", "was changed since warptape wrote it", "--config"]);
    std::fs::write(file("run.json"), &record[..record.len() / 2]).unwrap();
    fails(&resume, 1, &["run.json", "restore it"]);
    std::fs::write(file("run.json"), &record).unwrap();
    for name in ["metrics.csv", "steps.csv"] {
        let table = whole(name);
        let first: Vec<&str> = table.lines().take(2).collect();
        std::fs::write(file(name), format!("{}\n", first.join("\n"))).unwrap();
        fails(&resume, 1, &[name, " whole epochs where the checkpoint has done 4", "put the whole file back"]);
        if name == "metrics.csv" {
            // The last epoch's test row alone.
            std::fs::write(file(name), table.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n").unwrap();
            fails(&resume, 1, &[name, "holds 3 whole epochs where the checkpoint has done 4"]);
        }
        std::fs::write(file(name), table).unwrap();
    }
    succeeds(&resume);
    same_runs(&run, &shared().run);
}

#[test]
fn another_compiler_is_told_and_refused_where_that_matters() {
    if !on_host() {
        println!("skipped: the flags are those of the host's compiler");
        return;
    }
    let (_folder, run) = copy_of_run();
    let resume = |more: &[&str]| {
        let words = [&["train", "--resume", text(&run), "--epochs", "5"], more].concat();
        done(warptape().args(words).env("WARPTAPE_CXXFLAGS", "-O0"))
    };
    let refused = resume(&["--strict"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("--strict: toolchain was '"), "{}", refused.stderr);
    let warned = resume(&[]);
    assert_eq!(warned.code, Some(0), "{}", warned.stderr);
    let both = warned.stderr.starts_with("warning: toolchain was '") && warned.stderr.contains(" -O0");
    assert!(both && warned.stderr.lines().count() == 1, "{}", warned.stderr);
    assert!(warned.stdout.contains("epochs is 5 from here on, it was 4"), "{}", warned.stdout);
    assert!(!warned.stdout.contains("toolchain"), "{}", warned.stdout);
    // Going back to the first does not undo it.
    let back = done(warptape().args(["train", "--resume", text(&run), "--epochs", "6", "--strict"]));
    assert_eq!(back.code, Some(1), "{}", back.stderr);
    let both = back.stderr.contains("' when this run began, then '") && back.stderr.contains(" -O0");
    assert!(both, "{}", back.stderr);
}

#[test]
fn epochs_beyond_those_to_keep_go() {
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    succeeds(&[&training(&shared.data, EPOCHS, &run)[..], &["--keep".into(), "2".into()]].concat());
    let names: Vec<String> = checkpoints(&run).into_iter().map(|(name, _)| name).collect();
    let epochs = ["epoch-0000.safetensors", "epoch-0002.safetensors", "epoch-0004.safetensors"];
    assert_eq!(names, [&["best.safetensors"], &epochs[..], &["last.safetensors"]].concat());
}

/// A run of version 0.1 after the first of its two epochs, which took rung 4 of one ladder.
#[test]
fn a_run_of_version_0_1_goes_on_with_its_kernels() {
    if !on_host() {
        println!("skipped: the run was made on the host");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/old_run.tar.gz");
    tar::Archive::new(GzDecoder::new(std::fs::File::open(archive).unwrap())).unpack(&folder).unwrap();
    write_data(&folder.path().join("data"), 50, 20);
    let run = folder.path().join("run");
    let mut command = warptape();
    command.args(["train", "--resume", "run", "--device", &device()]).current_dir(&folder);
    // Its kernels are those of no other test: they need not be fast.
    let went = done(command.env("WARPTAPE_CXXFLAGS", "-O0"));
    assert_eq!(went.code, Some(0), "{}", went.stderr);
    let warning = "warning: warptape was '0.1.0' when this run began and is '";
    assert!(went.stderr.starts_with(warning) && went.stderr.contains("last bits"), "{}", went.stderr);
    let info = RunInfo::read_whole(&RunDir::open(&run).unwrap()).unwrap();
    let register_tile = Kernel::File("conv2d/forward/4_register_tile.cu".into());
    assert!(info.kernels["conv2d_forward"].values().filter(|&kernel| *kernel == register_tile).count() >= 4);
    let last = Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap();
    assert_eq!((last.meta.format, last.meta.progress.epoch), (FORMAT, 2));
    // What version 0.1 itself came to in the second epoch: the momenta were read in their layout.
    let rows = warptape::train::logs::metrics::read(&run.join("metrics.csv")).unwrap();
    let losses: Vec<f64> = rows[2..].iter().map(|row| row.loss).collect();
    for (loss, then) in losses.iter().zip([0.9685490826765696, 0.9843291640281677]) {
        assert!((loss - then).abs() < 1e-3, "{losses:?}");
    }
}
