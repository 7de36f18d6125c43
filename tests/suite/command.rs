//! Runs the real command, and makes what it is run on: a tiny data set in CIFAR-10's layout and one run trained on it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Training and test pictures of the tiny data set.
pub const TRAIN: usize = 50;
pub const TEST: usize = 15;

/// The device that commands are told to use.
pub fn device() -> String {
    std::env::var("WARPTAPE_TEST_DEVICE").unwrap_or_else(|_| "host".into())
}

/// Whether that is this machine's CPU.
pub fn on_host() -> bool {
    device() == "host"
}

/// Whether a test that stops a training between two steps is to be skipped, which it then says.
pub fn skips_stopping() -> bool {
    let on_gpu = device().starts_with("cuda");
    if on_gpu {
        println!("skipped: on a GPU the loop tells of a step only now and then");
    }
    on_gpu
}

/// A folder with kernel file `mine.cu` and, unless it is empty, its launch; and the file.
pub fn folder(kernel: &str, launch: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.cu");
    std::fs::write(&file, kernel).unwrap();
    if !launch.is_empty() {
        std::fs::write(file.with_extension("toml"), launch).unwrap();
    }
    (folder, file.display().to_string())
}

/// The command: the one that `WARPTAPE_BIN` names, the one that cargo built, or the one beside this test.
pub fn warptape() -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let beside = std::env::current_exe().unwrap().with_file_name("warptape");
        let built = option_env!("CARGO_BIN_EXE_warptape").map(PathBuf::from);
        let candidates = [std::env::var_os("WARPTAPE_BIN").map(PathBuf::from), built, Some(beside)];
        let found = candidates.into_iter().flatten().find(|path| path.is_file());
        found.expect("the warptape command: beside this test, or named by WARPTAPE_BIN")
    });
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).env_remove("WARPTAPE_KERNELS");
    command
}

/// What a command did.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `command` to its end.
pub fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Runs the command with `args`; it must succeed without a word on standard error. Returns its standard output.
pub fn succeeds<S: AsRef<OsStr>>(args: &[S]) -> String {
    let Done { code, stdout, stderr } = done(warptape().args(args));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(!stdout.contains(|c: char| c.is_control() && c != '\n'), "control characters in {stdout:?}");
    stdout
}

/// What Rust and its libraries say to programmers.
pub const MEANINGLESS: [&str; 9] = [
    "os error",
    "expected u",
    "expected f32",
    "expected f64",
    "panicked",
    "found in string",
    "target type",
    "literal",
    "is not in ",
];

/// Runs `command`, which must fail with exit code `code` and one line that contains all of `parts`.
pub fn refused(command: &mut Command, code: i32, parts: &[&str]) {
    let Done { code: got, stdout, stderr } = done(command);
    assert_eq!(got, Some(code), "{command:?}: {stdout}{stderr}");
    let line = stderr.strip_suffix('\n').unwrap_or_else(|| panic!("{command:?} ends without a line: {stderr:?}"));
    assert!(line.starts_with("error: ") && !line.contains(char::is_control), "{command:?}: not one line: {stderr:?}");
    for word in MEANINGLESS {
        assert!(!line.contains(word), "{command:?}: {word:?} means nothing to a person: {line:?}");
    }
    for part in parts {
        assert!(line.contains(part), "{command:?}: no {part:?} in {line:?}");
    }
}

/// [`refused`] for the command with `args`.
pub fn fails<S: AsRef<OsStr>>(args: &[S], code: i32, parts: &[&str]) {
    refused(warptape().args(args), code, parts);
}

/// One record in CIFAR-10's layout: noise in its class's colour, so that there is something to learn.
pub fn record(number: usize) -> Vec<u8> {
    let label = number % 10;
    let mut state = number as u32 + 1;
    let noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 26) as u8
    };
    let colour = |plane: usize| (label * 19 * (plane + 1) % 190) as u8;
    let pixels = (0..3).flat_map(|plane| [colour(plane); 1024]).zip(std::iter::repeat_with(noise));
    std::iter::once(label as u8).chain(pixels.map(|(colour, noise)| colour + noise)).collect()
}

/// Writes a data set of `train` (a multiple of 5) and `test` records into `folder` and returns its spec.
pub fn write_data(folder: &Path, train: usize, test: usize) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let records = |range: std::ops::Range<usize>| range.flat_map(record).collect::<Vec<u8>>();
    for file in 0..5 {
        let share = train / 5;
        let path = folder.join(format!("data_batch_{}.bin", file + 1));
        std::fs::write(path, records(file * share..(file + 1) * share)).unwrap();
    }
    std::fs::write(folder.join("test_batch.bin"), records(1000..1000 + test)).unwrap();
    format!("cifar10:{}", folder.display())
}

/// The tiny data set and a run of four epochs on it. Made once; no test may change it.
pub struct Shared {
    pub data: String,
    pub run: PathBuf,
}

pub const EPOCHS: u32 = 4;

/// What the shared run was told, all but `--epochs` and `--out`: five steps an epoch, the best epoch by validation, and
/// a constant rate, so that two epochs and two more are four.
pub fn settings(data: &str) -> Vec<String> {
    let device = device();
    let words = ["train", "--data", data, "--device", &device, "--batch-size", "8", "--lr", "0.002"];
    let more = ["--schedule", "constant", "--validation", "0.2", "--seed", "7"];
    words.iter().chain(&more).map(|word| word.to_string()).collect()
}

/// `settings` with a number of epochs and a folder.
pub fn training(data: &str, epochs: u32, out: &Path) -> Vec<String> {
    let rest = ["--epochs".into(), epochs.to_string(), "--out".into(), out.display().to_string()];
    settings(data).into_iter().chain(rest).collect()
}

pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let root = scratch();
        let data = write_data(&root.join("data"), TRAIN, TEST);
        let run = root.join("run");
        succeeds(&training(&data, EPOCHS, &run));
        Shared { data, run }
    })
}

/// A folder that outlives the test that makes it; what earlier runs of the suite left is swept.
fn scratch() -> PathBuf {
    let target = option_env!("CARGO_TARGET_TMPDIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let root = target.unwrap_or_else(std::env::temp_dir);
    let prefix = "warptape-suite-";
    for entry in std::fs::read_dir(&root).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|data| data.modified()).map(|time| time.elapsed().unwrap_or_default());
        if entry.file_name().to_string_lossy().starts_with(prefix) && age.is_ok_and(|age| age.as_secs() > 3600) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new().prefix(prefix).tempdir_in(&root).unwrap().keep()
}

/// A copy of the shared run, to go on with or to damage.
pub fn copy_of_run() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&shared().run, &run);
    (folder, run)
}

/// Copies a folder and all below it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if source.is_dir() { copy(&source, &target) } else { std::fs::copy(&source, &target).map(|_| ()).unwrap() }
    }
}

/// `metrics.csv` without its two columns of time.
pub fn metrics(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("metrics.csv")).unwrap();
    let timeless = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..6], &cells[8..]].concat().join(",") + "\n"
    };
    text.lines().map(timeless).collect()
}

/// Names and contents of the checkpoints of `run`, in order.
pub fn checkpoints(run: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(run.join("checkpoints")).unwrap().map(|file| file.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> = files.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// `steps.csv`, in which nothing depends on time.
pub fn steps(run: &Path) -> String {
    std::fs::read_to_string(run.join("steps.csv")).unwrap()
}

/// Asserts that two runs left the same checkpoints, metrics and running averages.
pub fn same_runs(left: &Path, right: &Path) {
    let (a, b) = (checkpoints(left), checkpoints(right));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{name} differs");
    }
    assert_eq!(metrics(left), metrics(right));
    assert_eq!(steps(left), steps(right));
}

/// A training that would do, but for what a test adds with `rest`.
pub fn quick(rest: &[&str]) -> Vec<String> {
    let given = |name: &str| rest.contains(&name);
    let device = device();
    let mut args = vec!["train"];
    for (name, value) in [("--data", &*shared().data), ("--device", &device), ("--batch-size", "8")] {
        if !given(name) && !given("--config") {
            args.extend([name, value]);
        }
    }
    args.iter().chain(rest).map(|word| word.to_string()).collect()
}
