//! `warptape data preview` and `warptape data augment`.

use std::collections::BTreeSet;
use std::path::Path;

use warptape::data::{Dataset, Images, Loading};

use crate::command::{device, done, fails, shared, succeeds, warptape};
use crate::data::folder::paint_classes;

#[test]
fn a_preview_is_a_sheet_of_what_training_sees() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = |name: &str, words: &[&str]| {
        let (out, device) = (folder.path().join(name).display().to_string(), device());
        let said =
            succeeds(&[&["data", "preview", &shared().data, "--device", &device, "--out", &out], words].concat());
        assert!(said.contains(name), "{said}");
        image::open(&out).unwrap().to_rgb8()
    };
    let order = "resized-crop(0.5-1,0.75-1.33)+flip+rotate(30)+hue(0.2)";
    let [plain, one, again] = [("a.png", "none"), ("b.png", order), ("c.png", order)]
        .map(|(name, order)| sheet(name, &["--count", "3", "--augment", order]));
    assert!(one == again && one != plain && one.dimensions() == plain.dimensions());
    let mixed = sheet("d.png", &["--count", "3", "--augment", "mixup(0.5)"]);
    assert!(mixed.height() > plain.height(), "two labels stand below a picture");
    fails(
        &["data", "preview", &shared().data, "--augment", "turn(3)"],
        2,
        &["there is no 'turn(3)'", "rotate(DEGREES)"],
    );
}

#[test]
fn the_sheets_file_is_a_png_and_broken_pictures_are_left_out_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("pictures");
    paint_classes(&root, &["a", "b"], 10);
    let (spec, out) = (root.display().to_string(), folder.path().join("sheet"));
    let words = |more: &[&str]| -> Vec<String> {
        let device = device();
        let all = ["data", "preview", &spec, "--device", &device, "--count", "2"];
        all.iter().chain(more).map(|word| word.to_string()).collect()
    };
    let said = succeeds(&words(&["--out", out.to_str().unwrap()]));
    assert!(said.ends_with("sheet.png\n") && !out.exists(), "{said}");
    image::open(out.with_extension("png")).unwrap();
    fails(&words(&["--out", out.with_extension("jpg").to_str().unwrap()]), 1, &["sheet.jpg", "the ending .png"]);
    fails(&words(&["--out", spec.as_str()]), 1, &["is a folder"]);

    std::fs::write(root.join("a/cut.png"), b"no picture").unwrap();
    fails(&words(&[]), 1, &["cut.png", "--skip-broken leaves them out"]);
    let sheet = folder.path().join("whole.png").display().to_string();
    let left_out = done(warptape().args(words(&["--skip-broken", "--out", &sheet])));
    assert_eq!(left_out.code, Some(0), "{}", left_out.stderr);
    let said = left_out.stderr;
    assert!(said.starts_with("warning: 1 files cannot be read and are left out; the first: "), "{said}");
    let to = folder.path().join("copies").display().to_string();
    let device = device();
    let copy = ["data", "augment", &spec, "--device", &device, "--to", &to];
    fails(&copy, 1, &["cut.png", "--skip-broken leaves them out"]);
    let copied = done(warptape().args(copy).arg("--skip-broken"));
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    assert!(copied.stdout.contains(": 36 files; use it"), "{}", copied.stdout);
}

fn pictures(images: &Images) -> BTreeSet<(i32, &[u8])> {
    (0..images.len()).map(|number| (images.labels[number], images.image(number))).collect()
}

/// The files below `folder`, by their part and class, `train/cat/000003-copy1`.
fn files(folder: &Path) -> BTreeSet<String> {
    let below = |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let classes = below(folder).into_iter().flat_map(|part| below(&part));
    let all = classes.flat_map(|class| below(&class)).map(|file| file.with_extension(""));
    all.map(|file| file.strip_prefix(folder).unwrap().display().to_string().replace('\\', "/")).collect()
}

#[test]
fn copies_are_of_training_pictures_and_stay_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("larger");
    let (out, device) = (to.display().to_string(), device());
    let command =
        ["data", "augment", &shared().data, "--device", &device, "--augment", "flip+rotate(30)", "--copies", "2"];
    let said = succeeds(&[&command[..], &["--to", &out]].concat());
    let before = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let after = Dataset::open(&format!("folder:{out}"), &Loading::default()).unwrap();
    assert!(
        said.contains(&format!("{} files", 3 * before.train.len() + before.val.len() + before.test.len())),
        "{said}"
    );
    assert_eq!(after.train.len(), 3 * before.train.len());
    // A folder's classes are those that it has pictures of.
    let renamed = |images: &Images| {
        let label = |&label: &i32| {
            let name = &before.classes[label as usize];
            after.classes.iter().position(|other| other == name).unwrap() as i32
        };
        Images { labels: images.labels.iter().map(label).collect(), ..images.clone() }
    };
    let [train, test] = [&before.train, &before.test].map(renamed);
    assert!(pictures(&train).is_subset(&pictures(&after.train)) && pictures(&test) == pictures(&after.test));
    // Of each copy the origin is in the training part, under the same class; no other part has one.
    let (copies, rest): (Vec<String>, Vec<String>) = files(&to).into_iter().partition(|file| file.contains("-copy"));
    assert_eq!(copies.len(), 2 * train.len());
    for copy in &copies {
        let (origin, _) = copy.split_once("-copy").unwrap();
        assert!(copy.starts_with("train/") && rest.iter().any(|file| file == origin), "{copy}");
    }
    fails(&[&command[..], &["--to", &out]].concat(), 1, &["is there already", "new folder"]);
    let mixing = ["data", "augment", &shared().data, "--augment", "mixup(1)", "--to", "nowhere"];
    fails(&mixing, 2, &["a file has one class"]);
}
