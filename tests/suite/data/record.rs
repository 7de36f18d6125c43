//! A run stores its split: whatever becomes of its folder of pictures, nothing is judged on what it was trained on.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use warptape::data::origin::{Digest, Origin};
use warptape::data::{Dataset, Images, Loading, Size, split};

use crate::command::{Done, copy, device, done, fails, refused, succeeds, warptape};
use crate::data::folder::{paint, paint_classes};
use crate::support::contents;

/// Two classes of 20 pictures and a run of one epoch on them.
struct Trained {
    folder: TempDir,
    run: PathBuf,
}

/// Its pictures, as `split.csv` lists them: file, class, part.
type Row = [String; 3];

impl Trained {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        paint_classes(&folder.path().join("pictures"), &["a", "b"], 20);
        let run = folder.path().join("run");
        let trained = Self { folder, run };
        let (data, device) = (trained.pictures().display().to_string(), device());
        let out = trained.run.display().to_string();
        let options = ["--image-size", "16", "--batch-size", "8", "--epochs", "1", "--seed", "3", "--device", &device];
        succeeds(&[&["train", &data, "--out", &out], &options[..]].concat());
        trained
    }

    fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    fn rows(&self) -> Vec<Row> {
        let text = fs::read_to_string(self.run.join("split.csv")).unwrap();
        let row = |line: &str| line.split(',').take(3).map(String::from).collect::<Vec<_>>().try_into().unwrap();
        text.lines().skip(1).map(row).collect()
    }

    /// The files of `part`, in the run's order.
    fn files(&self, part: &str) -> Vec<PathBuf> {
        let rows = self.rows().into_iter().filter(|row| row[2] == part);
        rows.map(|row| self.pictures().join(&row[0])).collect()
    }

    /// The report of `eval` with `options`, and what it said besides.
    fn judged(&self, options: &[&str]) -> (Value, String) {
        let run = self.run.display().to_string();
        let Done { code, stdout, stderr } =
            done(warptape().args(["eval", &run, "--json", "--device", &device()]).args(options));
        assert_eq!(code, Some(0), "{stderr}");
        (serde_json::from_str(&stdout).unwrap(), stderr)
    }
}

#[test]
fn what_becomes_of_a_folder_after_training_moves_nothing_to_the_test_part() {
    let trained = Trained::new();
    let [train, val, test] = ["train", "val", "test"].map(|part| trained.files(part));
    assert_eq!([train.len(), val.len(), test.len()], [32, 4, 4]);
    assert!(trained.rows().iter().all(|[file, label, _]| file.starts_with(&format!("{label}/"))));
    let (before, said) = trained.judged(&[]);
    assert_eq!((&before["images"], &before["part"], said.as_str()), (&4.into(), &"test".into(), ""));
    assert_eq!(trained.judged(&["--part", "val"]).0["images"], 4);

    // A new file in each class. Drawn anew, training pictures would have got into the test part.
    let pictures = trained.pictures();
    paint(&pictures.join("a/000 new.png"), 8, 8, [250, 1, 1]);
    paint(&pictures.join("b/000 new.png"), 8, 8, [250, 2, 2]);
    let (after, said) = trained.judged(&[]);
    assert_eq!((&after["loss"], &after["confusion"]), (&before["loss"], &before["confusion"]));
    assert!(said.contains("2 pictures not in this run's data when it began: a/000 new.png"), "{said}");
    assert!(said.contains("--part new"), "{said}");
    assert_eq!(trained.judged(&["--part", "new"]).0["images"], 2);
    // A run goes on with what it began with.
    let run = trained.run.display().to_string();
    let resumed = done(warptape().args(["train", "--resume", &run, "--epochs", "2", "--device", &device()]));
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("2 pictures not in this run's data when it began"), "{}", resumed.stderr);

    // A training picture under another name and in another class, once more besides: still trained on.
    fs::copy(&train[0], pictures.join("b/000 copy.png")).unwrap();
    fs::rename(&train[1], pictures.join("b/000 moved.png")).unwrap();
    // A test picture renamed, one changed, one of validation gone.
    fs::rename(&test[0], test[0].with_file_name("renamed.png")).unwrap();
    paint(&test[1], 8, 8, [9, 9, 9]);
    fs::remove_file(&val[0]).unwrap();
    let (changed, said) = trained.judged(&[]);
    assert_eq!(changed["images"], 3);
    // The changed one is named, and no other, whatever the new ones are called.
    let name = test[1].strip_prefix(&pictures).unwrap().display();
    for part in [
        "3 pictures not in this run's data when it began: a/000 new.png".to_owned(),
        "1 picture gone since this run began: 0 train, 1 val, 0 test".into(),
        format!(
            "1 picture changed since this run began, when they were 0 train, 0 val, 1 test; new to it now: \"{name}\"\n"
        ),
    ] {
        assert!(said.contains(&part), "{part:?} is not in {said}");
    }
    assert!(said.contains("1 picture in another class than when this run began: b/000 moved.png (a then)"), "{said}");
    let (new, said) = trained.judged(&["--part", "new"]);
    assert_eq!(new["images"], 3);
    assert!(said.contains("1 picture was trained on and left out"), "{said}");
    assert_eq!(trained.judged(&["--part", "all"]).0["images"], 3 + 3 + 3);
    let text = done(warptape().args(["eval", &run, "--part", "train", "--device", &device()])).stdout;
    assert!(text.contains("32 training images, which it was trained on"), "{text}");
    fails(&["eval", &run, "--part", "tset"], 2, &["use train, val, test, new or all"]);

    // What is gone cannot be gone on with.
    let parts = ["1 picture gone", "1 picture changed", &name.to_string(), "bring them back"];
    refused(warptape().args(["train", "--resume", &run, "--epochs", "3"]), 1, &parts);
}

#[test]
fn other_data_are_judged_but_for_what_was_trained_on() {
    let trained = Trained::new();
    let run = trained.run.display().to_string();
    let train = trained.files("train");
    // Everything elsewhere: what is not trained on is judged, or a part of it.
    let moved = trained.folder.path().join("moved");
    copy(&trained.pictures(), &moved);
    let moved_spec = moved.display().to_string();
    let (report, said) = trained.judged(&["--data", &moved_spec]);
    assert_eq!((&report["images"], &report["part"]), (&8.into(), &"all".into()));
    assert!(said.contains("32 pictures were trained on and left out"), "{said}");
    let own = trained.judged(&[]).0;
    assert_eq!(trained.judged(&["--data", &moved_spec, "--part", "test"]).0["loss"], own["loss"]);
    // Of others nothing is gone or changed.
    let [lost, changed] = [0, 1].map(|at| moved.join(train[at].strip_prefix(trained.pictures()).unwrap()));
    fs::remove_file(lost).unwrap();
    paint(&changed, 8, 8, [3, 200, 100]);
    let (report, said) = trained.judged(&["--data", &moved_spec]);
    assert_eq!(report["images"], 9);
    let told = "these data lack 2 pictures of this run's and have 1 picture that it had not";
    assert!(said.contains(told) && !said.contains("began"), "{said}");

    // A folder that was not split is judged as a whole; classes are matched by their names.
    let other = trained.folder.path().join("other");
    for name in ["b/1.png", "b/2.png", "b/3.png", "zero/1.png"] {
        paint(&other.join(name), 8, 8, [200, name.as_bytes()[2], 5]);
    }
    let spec = other.display().to_string();
    fails(&["eval", &run, "--data", &spec], 2, &["has a class \"zero\"", "trained on \"a\", \"b\"", "rename"]);
    fs::remove_dir_all(other.join("zero")).unwrap();
    let (report, said) = trained.judged(&["--data", &spec]);
    assert!(said.contains("other has no class \"a\""), "{said}");
    assert_eq!(report["confusion"][0], serde_json::json!([0, 0]));
    assert_eq!(report["images"], 3);

    // Without folders of classes there is nothing to judge by.
    let flat = trained.folder.path().join("flat");
    paint(&flat.join("1.png"), 8, 8, [200, 120, 5]);
    let spec = flat.display().to_string();
    fails(&["eval", &run, "--data", &spec], 1, &["flat: has no folders of classes", "`warptape embed` and `predict`"]);

    // One with a test part alone, and one that holds a training picture there.
    let parts = trained.folder.path().join("parts");
    paint_classes(&parts.join("test"), &["a", "b"], 5);
    paint(&parts.join("test/a/unknown.png"), 8, 8, [77, 77, 77]);
    let spec = parts.display().to_string();
    let (report, _) = trained.judged(&["--data", &spec]);
    // An emptied class is told of, and stops nothing.
    let emptied = trained.folder.path().join("emptied");
    paint(&emptied.join("a/1.png"), 8, 8, [200, 120, 5]);
    fs::create_dir(emptied.join("b")).unwrap();
    fs::write(emptied.join("a/cut.png"), b"no picture").unwrap();
    let spec_of_emptied = emptied.display().to_string();
    fails(&["eval", &run, "--data", &spec_of_emptied], 1, &["cut.png", "--skip-broken leaves them out"]);
    let (_, said) = trained.judged(&["--data", &spec_of_emptied, "--skip-broken", "--part", "test"]);
    assert!(said.contains("class \"b\" has no pictures") && said.contains("1 files cannot be read"), "{said}");
    let known = trained.files("train").iter().filter(|file| file.ends_with_number_below(5)).count();
    assert_eq!(report["images"], 11 - known);
    fails(&["eval", &run, "--data", &spec, "--part", "val"], 2, &["no pictures to judge in part val"]);
    fails(&["train", &spec], 1, &["has no 'train'", "nothing to train on"]);

    // Pictures by themselves.
    let file = trained.files("train")[0].display().to_string();
    let text = succeeds(&["predict", &run, &file, "--device", &device()]);
    assert!(text.contains(&format!("{file} (was trained on)\n")), "{text}");
    let fresh = parts.join("test/a/unknown.png").display().to_string();
    assert!(!succeeds(&["predict", &run, &fresh, "--device", &device()]).contains("was trained on"));
}

/// Whether a picture of [`paint_classes`] is among the first.
trait Numbered {
    fn ends_with_number_below(&self, bound: u32) -> bool;
}

impl Numbered for PathBuf {
    fn ends_with_number_below(&self, bound: u32) -> bool {
        self.file_stem().unwrap().to_str().unwrap().parse::<u32>().unwrap() < bound
    }
}

#[test]
fn runs_without_a_split_are_judged_with_a_warning_and_a_changed_one_is_refused() {
    let trained = Trained::new();
    assert!(contents(&trained.run).contains(&"split.csv".to_string()));
    let path = trained.run.join("split.csv");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen(",train,", ",test,", 1)).unwrap();
    let run = trained.run.display().to_string();
    fails(&["eval", &run], 1, &["split.csv", "was changed since the run wrote it", "restore it"]);
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    fails(&["eval", &run], 1, &["split.csv", "line 41", "digest"]);
    fs::remove_file(&path).unwrap();
    let (report, said) = trained.judged(&[]);
    assert_eq!(report["images"], 4);
    assert!(said.contains("no split.csv beside this checkpoint"), "{said}");
    // Data that are gone are asked for by name.
    fs::rename(trained.pictures(), trained.folder.path().join("elsewhere")).unwrap();
    fails(&["eval", &run], 1, &["pictures", "--data"]);
}

fn open(folder: &Path, loading: &Loading) -> Dataset {
    Dataset::open(&format!("folder:{}", folder.display()), loading).unwrap()
}

#[test]
fn equal_pictures_land_on_one_side() {
    let folder = TempDir::new().unwrap();
    // 20 pictures, each three times, in either class.
    for number in 0..60u8 {
        let class = ["a", "b"][usize::from(number % 7 == 0)];
        paint(&folder.path().join(class).join(format!("{number:02}.png")), 8, 8, [number % 20, 3, 3]);
    }
    for seed in 0..10 {
        let data = open(folder.path(), &Loading { seed, ..Loading::default() });
        let sides = [&data.train, &data.val, &data.test];
        let of = |images: &Images| images.origins.iter().map(|origin| origin.digest).collect::<Vec<Digest>>();
        let [train, val, test] = sides.map(of);
        assert_eq!(train.len() + val.len() + test.len(), 60);
        assert!(!test.is_empty() && !val.is_empty());
        assert!(test.iter().chain(&val).all(|digest| !train.contains(digest)), "seed {seed}");
        assert!(test.iter().all(|digest| !val.contains(digest)), "seed {seed}");
        let (rest, held) = split::validation(&data.train, 0.2, seed).unwrap();
        let digest = |at: &u32| data.train.origins[*at as usize].digest;
        assert!(!held.is_empty() && held.iter().all(|at| rest.iter().all(|other| digest(other) != digest(at))));
    }
}

#[test]
fn pictures_without_equals_are_split_as_ever() {
    let origin = |number: usize| {
        Origin::new(String::new(), Size::square(1), &[number as u8, (number >> 8) as u8, 0], Vec::new())
    };
    let plain = Images { labels: (0..300).map(|number| number % 3).collect(), ..Images::default() };
    let known = Images { origins: (0..300).map(origin).collect(), ..plain.clone() };
    for seed in 0..5 {
        let ratios = "7:2:1".parse().unwrap();
        assert_eq!(split::three(&plain, ratios, seed), split::three(&known, ratios, seed));
        assert_eq!(split::validation(&plain, 0.3, seed).unwrap(), split::validation(&known, 0.3, seed).unwrap());
    }
}
