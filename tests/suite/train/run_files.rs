//! What a run leaves on disk: its folder, run.json, whole files; also when writing fails.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::TempDir;
use warptape::files::{utc, write_atomic, write_atomic_with};
use warptape::launch::choices::Kernel;
use warptape::train::run_dir::{RunDir, RunInfo};

use crate::data::files::says;
use crate::support::contents;

#[test]
fn numbered_runs_never_meet() {
    let root = TempDir::new().unwrap();
    let runs = root.path().join("deep/runs");
    let made = |_| RunDir::numbered(&runs, "little-conv", "emoji", &info()).unwrap().path().to_path_buf();
    let first: Vec<_> = (0..3).map(made).collect();
    assert_eq!(first[2], runs.join("little-conv-emoji-3"));
    // A deleted run's number is not given again while later ones stand.
    fs::remove_dir_all(&first[0]).unwrap();
    assert_eq!(made(0), runs.join("little-conv-emoji-4"));
    let odd = RunDir::numbered(&runs, "../x y", "cifar10:/data", &info()).unwrap();
    assert_eq!(odd.path(), runs.join("-x-y-cifar10--data-1"));
    // None takes another's folder, which has no name yet, for what a killed process left.
    let at_once: Vec<_> = std::thread::scope(|scope| {
        let spawn = |_| scope.spawn(|| RunDir::numbered(&runs, "vgg", "emoji", &info()).unwrap().path().to_path_buf());
        let threads: Vec<_> = (0..64).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(at_once.iter().collect::<std::collections::BTreeSet<_>>().len(), 64);
}

#[test]
fn out_wants_a_new_or_empty_folder() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("a/b");
    let run = RunDir::at(&out, &info()).unwrap();
    assert!(run.checkpoints().is_dir());
    says(RunDir::at(&out, &info()), &["is not empty", "‹out›"]);
    // An empty folder that is there already, and what a kill at the start of a run may have left in one.
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join(".lock"), "").unwrap();
    fs::write(empty.join(".run.json.abc.part"), "{").unwrap();
    let _run = RunDir::at(&empty, &info()).unwrap();
    assert_eq!(contents(&empty), [".lock", "checkpoints", "run.json"]);
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    says(RunDir::at(&file, &info()), &["is a file"]);
    says(RunDir::at(&file.join("below"), &info()), &["cannot be written", "‹out›"]);
    says(RunDir::numbered(&file, "m", "d", &info()), &["file", "cannot be written"]);
    says(RunDir::open(root.path()), &["no run.json"]);
}

#[test]
fn resuming_sweeps_what_a_kill_left_and_looking_does_not() {
    let root = TempDir::new().unwrap();
    let run = RunDir::at(&root.path().join("run"), &info()).unwrap();
    drop(run.clone());
    let stale = [run.file(".curves.png.abc.part"), run.checkpoints().join(".last.safetensors.xyz.part")];
    let kept = [run.file(".gitignore"), run.file("notes.part")];
    stale.iter().chain(&kept).for_each(|path| fs::write(path, "x").unwrap());
    RunDir::open(run.path()).unwrap();
    assert!(stale.iter().all(|path| path.exists()));
    let path = run.path().to_path_buf();
    says(RunDir::resume(&path), &["process ", "is writing this run; wait for it or stop it"]);
    drop(run);
    RunDir::resume(&path).unwrap();
    assert!(stale.iter().all(|path| !path.exists()) && kept.iter().all(|path| path.exists()));
    assert_eq!(fs::read_to_string(path.join(".lock")).unwrap(), "");
}

#[test]
fn a_start_that_was_killed_leaves_nothing_for_the_next_one() {
    let root = TempDir::new().unwrap();
    let (killed, foreign) = (root.path().join(".m-d-.abc.part"), root.path().join(".m-d-.abc"));
    [&killed, &foreign].iter().for_each(|folder| fs::create_dir(folder).unwrap());
    [&killed, &foreign].iter().for_each(|folder| fs::write(folder.join(".lock"), "").unwrap());
    let run = RunDir::numbered(root.path(), "m", "d", &info()).unwrap();
    assert_eq!(contents(root.path()), [".m-d-.abc", "m-d-1"]);
    assert_eq!(contents(run.path()), [".lock", "checkpoints", "run.json"]);
    // The folder of checkpoints may be a link to another disk; what lies there is not swept.
    let (path, other) = (run.path().to_path_buf(), root.path().join("other"));
    drop(run);
    fs::rename(path.join("checkpoints"), &other).unwrap();
    fs::write(other.join(".last.safetensors.x.part"), "x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&other, path.join("checkpoints")).unwrap();
    RunDir::resume(&path).unwrap();
    assert!(other.join(".last.safetensors.x.part").exists());
}

#[test]
fn epochs_are_thinned_evenly_however_they_came() {
    use warptape::train::checkpoint::superfluous;
    let mut kept: Vec<u32> = vec![0];
    for epoch in 1..=300 {
        kept.push(epoch);
        let gone = superfluous(&kept, 50);
        kept.retain(|epoch| !gone.contains(epoch));
        assert!(kept.len() <= 51 && kept.contains(&0) && kept.contains(&epoch));
    }
    assert_eq!(kept.len(), 51);
    let gaps: Vec<u32> = kept.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let widest = gaps.iter().max().unwrap();
    assert!(*widest <= 16, "300 epochs, 50 of them: {kept:?}");
    assert!(superfluous(&[0, 1, 2, 3], 3).is_empty());
    assert_eq!(superfluous(&[0, 1, 2, 3], 1), [1, 2]);
}

fn info() -> RunInfo {
    RunInfo {
        created: utc(0),
        versions: [("warptape".to_string(), "0.2.0".to_string())].into(),
        device: "host".into(),
        device_description: "a \"CPU\"".into(),
        seed: u64::MAX,
        data: "emoji".into(),
        data_hash: "00".into(),
        config: serde_json::json!({"lr": 1e-3, "model": "little-conv"}),
        changes: Vec::new(),
        split: None,
        weights: None,
        record: None,
        checksum: String::new(),
        kernels: [(
            "matmul_forward".to_string(),
            [("NT m64 n10 k256".to_string(), Kernel::File("matmul/6_vectorized.cu".into()))].into(),
        )]
        .into(),
    }
}

#[test]
fn run_json_comes_back_as_it_was() {
    let root = TempDir::new().unwrap();
    let run = RunDir::at(root.path(), &info()).unwrap();
    let read = RunInfo::read_whole(&run).unwrap();
    assert_eq!(RunInfo { checksum: String::new(), ..read.clone() }, info());
    assert_eq!(contents(root.path()), [".lock", "checkpoints", "run.json"]);
    // One letter or digit changed anywhere is noticed before anything goes on from it.
    let text = fs::read(run.file("run.json")).unwrap();
    let mut noticed = 0;
    for at in (0..text.len()).filter(|&at| text[at].is_ascii_alphanumeric()) {
        let mut damaged = text.clone();
        damaged[at] = if damaged[at] == b'7' { b'8' } else { b'7' };
        fs::write(run.file("run.json"), damaged).unwrap();
        assert!(RunInfo::read_whole(&run).is_err(), "byte {at}");
        noticed += 1;
    }
    assert!(noticed > 200);
    fs::write(run.file("run.json"), &text).unwrap();
    assert_eq!(RunInfo::read_whole(&run).unwrap(), read);
    fs::write(run.file("run.json"), "{\n  \"created\": 3\n}").unwrap();
    says(RunInfo::read(&run), &["run.json", "line 2"]);
    fs::write(run.file("run.json"), [0xff, 0x00]).unwrap();
    says(RunInfo::read(&run), &["run.json"]);
    fs::write(run.file("run.json"), "").unwrap();
    says(RunInfo::read(&run), &["run.json", "line 1"]);
}

#[test]
fn dates() {
    assert_eq!(utc(0), "1970-01-01T00:00:00Z");
    assert_eq!(utc(951_827_696), "2000-02-29T12:34:56Z");
    assert_eq!(utc(1_735_689_599), "2024-12-31T23:59:59Z");
    assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z");
}

#[test]
fn an_atomic_write_replaces_all_or_nothing() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("state");
    write_atomic(&path, b"old").unwrap();
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let full = write_atomic_with(&path, |file| {
        file.write_all(b"half of")?;
        Err(io::Error::from(ErrorKind::StorageFull))
    });
    says(full, &["state", "cannot be written", "make room"]);
    assert_eq!((fs::read(&path).unwrap(), contents(root.path())), (b"new".to_vec(), vec!["state".to_string()]));
    // A rename that fails: the name belongs to a folder.
    let folder = root.path().join("folder");
    fs::create_dir_all(folder.join("inside")).unwrap();
    says(write_atomic(&folder, b"x"), &["folder", "cannot be written"]);
    says(write_atomic(&root.path().join("absent/file"), b"x"), &["absent", "cannot be written"]);
    says(write_atomic(Path::new("/"), b"x"), &["not a file's name"]);
    assert_eq!(contents(root.path()), ["folder", "state"]);
}

#[cfg(unix)]
#[test]
fn an_atomic_write_is_readable_as_any_new_file_is() {
    use std::os::unix::fs::PermissionsExt;
    let root = TempDir::new().unwrap();
    let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode();
    fs::write(root.path().join("plain"), "x").unwrap();
    write_atomic(&root.path().join("atomic"), b"x").unwrap();
    assert_eq!(mode("atomic"), mode("plain"));
}
