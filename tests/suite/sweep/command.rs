//! `warptape sweep`: what it leaves behind, and that a sweep that was stopped or killed ends like one that was not.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use warptape::train::logs::metrics;

use crate::command::{TEST, TRAIN, device, fails, same_runs, shared, skips_stopping, succeeds, warptape, write_data};

/// Rates of which most are far too high or too low, in trials of three epochs that may end after the first.
const FILE: &str = r#"
epochs = 3
batch_size = 8
validation = 0.2
schedule = "constant"
augment = "none"
model = "little-conv"

[sweep]
trials = 7
startup = 3
prune = "median"
unpruned = 2

[parameters]
lr = { from = 1e-6, to = 1e1, log = true }
optim = ["sgd", "adamw"]
"#;

/// The command for a file of this `text`, whose trials go to `out` in `folder`.
fn words(folder: &Path, text: &str) -> Vec<String> {
    let file = folder.join("sweep.toml");
    std::fs::write(&file, text).unwrap();
    let out = folder.join("out");
    ["sweep", file.to_str().unwrap(), &shared().data, "--device", &device(), "--out", out.to_str().unwrap()]
        .map(String::from)
        .to_vec()
}

/// A sweep that nothing disturbed; no test may change it.
fn whole() -> &'static (PathBuf, String) {
    static WHOLE: OnceLock<(TempDir, (PathBuf, String))> = OnceLock::new();
    let (_, whole) = WHOLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let said = succeeds(&words(folder.path(), FILE));
        let out = folder.path().join("out");
        (folder, (out, said))
    });
    whole
}

/// A table without its last column, of seconds.
fn timeless(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect()
}

/// What the sweep in `out` remembers, without times.
fn journal(out: &Path) -> Value {
    let mut all: Value = serde_json::from_str(&std::fs::read_to_string(out.join("sweep.json")).unwrap()).unwrap();
    for trial in all["done"].as_array_mut().unwrap() {
        trial["seconds"] = Value::Null;
    }
    all
}

/// Asserts that two sweeps left the same, but for times.
fn same_sweeps(a: &Path, b: &Path) {
    assert_eq!(timeless(&a.join("trials.csv")), timeless(&b.join("trials.csv")));
    assert_eq!(journal(a), journal(b));
    for picture in ["parallel.svg", "parallel.png", "history.png"] {
        assert!(
            std::fs::read(a.join(picture)).unwrap() == std::fs::read(b.join(picture)).unwrap(),
            "{picture} differs"
        );
    }
    for trial in trials(a) {
        same_runs(&a.join(&trial), &b.join(&trial));
    }
    assert_eq!(trials(a), trials(b));
}

/// The folders of trials in `out`, in order.
fn trials(out: &Path) -> Vec<String> {
    let names = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("trial-")).collect();
    names.sort();
    names
}

#[test]
fn a_sweep_leaves_tables_pictures_and_runs() {
    let (out, said) = whole();
    let table = std::fs::read_to_string(out.join("trials.csv")).unwrap();
    assert!(table.starts_with("trial,state,lr,optim,validation_accuracy,epochs,pruned_at,seconds\n1,"), "{table}");
    assert_eq!(table.lines().count(), 8);
    let pruned: Vec<&str> = table.lines().filter(|line| line.contains(",pruned,")).collect();
    assert!(!pruned.is_empty(), "nothing was pruned: {table}");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (state, epochs, pruned_at) = (cells[1], cells[5], cells[6]);
        assert!(
            matches!((state, epochs, pruned_at), ("finished", "3", "") | ("pruned", "1", "1") | ("pruned", "2", "2")),
            "{line}"
        );
        // Each is a run, whose validation accuracy is the best of its epochs.
        let run = out.join(format!("trial-{:02}", cells[0].parse::<u32>().unwrap()));
        let rows = metrics::read(&run.join("metrics.csv")).unwrap();
        let best = rows.iter().filter(|row| row.split == metrics::Split::Val).map(|row| row.top1).fold(0.0, f64::max);
        assert_eq!(cells[4].parse::<f64>().unwrap(), best, "{line}");
    }
    for picture in ["parallel.png", "history.png"] {
        let picture = image::open(out.join(picture)).unwrap();
        assert!(picture.width() > 400 && picture.height() > 400);
    }
    let drawn = std::fs::read_to_string(out.join("parallel.svg")).unwrap();
    for word in ["lr", "optim", "sgd", "adamw", "accuracy (%)", "pruned", "importance"] {
        assert!(drawn.contains(word), "{word}");
    }
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].ends_with("7 trials, by validation accuracy"), "{said}");
    assert!(lines[1].starts_with("trial-01 (lr "), "{said}");
    let test = said.lines().find(|line| line.starts_with("best: ")).unwrap();
    assert!(test.contains("on the test set, looked at now, accuracy "), "{said}");
    assert_eq!(said.matches("test").count(), 1, "the test set is for the best trial: {said}");
    assert!(said.contains("what decides who is among the best 1 of 7 (PED-ANOVA): "), "{said}");
    // The others were never judged on it.
    let reports: Vec<String> =
        trials(out).into_iter().filter(|trial| out.join(trial).join("report.json").exists()).collect();
    let [best] = &reports[..] else { panic!("reports of {reports:?}") };
    assert!(test.contains(best.as_str()), "{test}: {best}");
    let other = trials(out).into_iter().find(|trial| trial != best).unwrap();
    succeeds(&["eval", out.join(other).to_str().unwrap(), "--device", &device()]);
}

/// Starts the command and waits until `file` has `lines` lines.
fn started(words: &[String], file: &Path, lines: usize) -> Child {
    let child = warptape().args(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while std::fs::read_to_string(file).map_or(0, |text| text.lines().count()) < lines {
        assert!(begin.elapsed() < Duration::from_secs(300), "{} has no {lines} lines", file.display());
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

/// Killed in trial 2, told to stop in the middle of trial 4's first epoch, and killed again in the last one.
#[test]
#[cfg(unix)]
fn a_sweep_that_was_killed_goes_on_as_if_it_had_not() {
    if skips_stopping() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let words = words(folder.path(), FILE);
    let out = folder.path().join("out");
    // A header, three rows an epoch, one a step.
    let stops =
        [("trial-02/metrics.csv", 4, "-KILL"), ("trial-04/steps.csv", 3, "-INT"), ("trial-07/steps.csv", 3, "-KILL")];
    for (file, lines, signal) in stops {
        let child = started(&words, &out.join(file), lines);
        if file.starts_with("trial-02") {
            fails(&words, 1, &["process ", "is writing", "wait for it or stop it"]);
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), if signal == "-INT" { Some(130) } else { None });
        let done = journal(&out)["done"].as_array().unwrap().len();
        assert!(done < 7, "{signal} came too late");
    }
    let said = succeeds(&words);
    assert!(said.contains(" are done, by validation accuracy"), "{said}");
    same_sweeps(&out, &whole().0);
    // Once more, nothing is left to do, and nothing changes.
    let files = |out: &Path| -> Vec<Vec<u8>> {
        trials(out)
            .iter()
            .map(|trial| std::fs::read(out.join(trial).join("checkpoints/last.safetensors")).unwrap())
            .collect()
    };
    let before = files(&out);
    let again = succeeds(&words);
    assert!(again.contains("7 trials, of which 7 are done") && !again.contains("trial-01 ("), "{again}");
    assert!(before == files(&out));
    same_sweeps(&out, &whole().0);
}

#[test]
fn a_file_that_changed_meanwhile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = write_data(&folder.path().join("data"), TRAIN, TEST);
    let words = |folder: &Path, text: &str| -> Vec<String> {
        let own = |word: String| if word == shared().data { data.clone() } else { word };
        words(folder, text).into_iter().map(own).collect()
    };
    let first = FILE.replace("trials = 7", "trials = 1").replace("startup = 3\nprune = \"median\"\nunpruned = 2\n", "");
    succeeds(&words(folder.path(), &first));
    for (from, to, parts) in [
        ("epochs = 3", "epochs = 4", &["was begun with options.epochs 3, now it is 4"][..]),
        ("to = 1e1", "to = 1e0", &["parameters.lr.to 10.0, now it is 1.0"]),
        ("\"sgd\", ", "\"adam\", ", &["parameters.optim", "[\"sgd\",\"adamw\"]", "choose another --out"]),
        ("trials = 1", "trials = 2", &["sweep.trials 1, now it is 2"]),
    ] {
        fails(&words(folder.path(), &first.replace(from, to)), 1, parts);
    }
    // A remark is no change.
    let again = words(folder.path(), &format!("# The same.\n{first}"));
    succeeds(&again);
    // Nor may the pictures change.
    write_data(&folder.path().join("data"), TRAIN + 10, TEST);
    fails(&again, 1, &["was begun with pictures ", "bring that back or choose another --out"]);
}

/// One of two rates is far too high for SGD: its loss is no number, which is told and the sweep goes on.
#[test]
fn a_trial_that_fails_is_the_worst_and_seeds_are_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
epochs = 2
batch_size = 8
validation = 0.2
optim = "sgd"
schedule = "constant"
model = "mynet"
image_size = 32
[sweep]
search = "grid"
seeds = 2
objective = "loss"
[parameters]
lr = [1e30, 1e-3]
momentum = [0.0, 0.5]
"#;
    let said = succeeds(&words(folder.path(), text));
    let out = folder.path().join("out");
    assert!(
        said.contains("trial-01 (lr 1e30, momentum 0.0): failed: the loss is not finite in epoch 1, step 2: "),
        "{said}"
    );
    let names =
        ["trial-01-seed0", "trial-02-seed0", "trial-03-seed0", "trial-03-seed1", "trial-04-seed0", "trial-04-seed1"];
    assert_eq!(trials(&out), names);
    let table = std::fs::read_to_string(out.join("trials.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][2..7], ["lr", "momentum", "validation_loss", "seed0", "seed1"]);
    assert_eq!((rows[1][1], rows[1][4]), ("failed", ""));
    let number = |row: usize, at: usize| rows[row][at].parse::<f64>().unwrap();
    for row in [3, 4] {
        assert_eq!(number(row, 4), (number(row, 5) + number(row, 6)) / 2.0, "{table}");
        assert_ne!(rows[row][5], rows[row][6]);
    }
    let best = if number(3, 4) < number(4, 4) { "trial-03" } else { "trial-04" };
    assert!(said.contains(&format!("best: {best} ")), "{said}");
}
