//! `warptape mistakes`: what it leaves behind, and what it refuses.

use std::path::Path;

use serde_json::Value;

use crate::command::{TEST, TRAIN, device, fails, shared, succeeds};
use crate::shapes::{Drawn, picture};

#[test]
fn every_picture_has_its_scores() {
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let (out, device) = (folder.path().to_str().unwrap(), device());
    let said = succeeds(&["mistakes", run, "--out", out, "--device", &device]);
    assert!(said.starts_with("little-conv on 15 test images of cifar10, epoch "), "{said}");
    assert!(said.contains(&format!("near-duplicates among {} pictures: ", TRAIN + TEST)), "{said}");
    let mut table = csv::Reader::from_path(folder.path().join("mistakes.csv")).unwrap();
    let header = [
        "number",
        "file",
        "class",
        "predicted",
        "probability",
        "probability_of_class",
        "mistakenness",
        "hardness",
        "uniqueness",
        "doubted",
    ];
    assert_eq!(table.headers().unwrap(), &header[..]);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), TEST);
    // What eval says of the same pictures.
    let judged = folder.path().join("judged");
    succeeds(&["eval", run, "--device", &device, "--out", judged.to_str().unwrap()]);
    let mut eval = csv::Reader::from_path(judged.join("predictions.csv")).unwrap();
    let eval: Vec<csv::StringRecord> = eval.records().map(Result::unwrap).collect();
    for row in &rows {
        let known = &eval[row[0].parse::<usize>().unwrap()];
        assert_eq!((&row[1], &row[2], &row[3]), (&known[1], &known[2], &known[3]));
        for (own, other) in [(4, 5), (5, 6)] {
            let [own, other] = [&row[own], &known[other]].map(|value| value.parse::<f64>().unwrap());
            assert!((own - other).abs() <= 1e-6 * other.abs(), "{own} and {other}");
        }
        let unique: f64 = row[8].parse().unwrap();
        assert!((0.0..=1.0).contains(&unique));
    }
    assert!(rows.iter().any(|row| &row[8] == "1.000000"), "the farthest is the most unique");
    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("mistakes.json")).unwrap()).unwrap();
    assert_eq!((&facts["layer"], &facts["part"]), (&"avgpool".into(), &"test".into()));
    // A single picture has no neighbors.
    let said = succeeds(&["mistakes", run, "--out", out, "--device", &device, "--limit", "1"]);
    assert!(said.contains("1 of 15 test images") && !said.contains("NaN"), "{said}");
}

#[test]
fn other_data_are_compared_with_what_was_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = shared().run.to_str().unwrap();
    let data = warptape::data::Dataset::open(&shared().data, &Default::default()).unwrap();
    // A training picture a little lighter (the very same is left out) under another class, and one that is new.
    let place = |class: usize| {
        let place = folder.path().join("photos").join(&data.classes[class]);
        std::fs::create_dir_all(&place).unwrap();
        place
    };
    let pixels = data.train.image(0).iter().map(|value| value.saturating_add(20)).collect();
    let class = (data.train.labels[0] as usize + 1) % 10;
    image::RgbImage::from_raw(32, 32, pixels).unwrap().save(place(class).join("again.png")).unwrap();
    picture(&mut Drawn::new(1), 0, true).save(place((class + 1) % 10).join("new.png")).unwrap();
    let (photos, out) = (folder.path().join("photos"), folder.path().join("out"));
    let words =
        ["mistakes", run, "--device", &device(), "--data", photos.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let found = crate::command::done(crate::command::warptape().args(words));
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(out.join("mistakes.json")).unwrap()).unwrap();
    let pairs = facts["pairs"].as_array().unwrap();
    let again = |pair: &&Value| {
        pair["second"]["part"] == "data" && pair["first"]["file"] == data.train.origins[0].file.as_str()
    };
    let pair = pairs.iter().find(again).unwrap_or_else(|| panic!("not found: {}", found.stdout));
    assert_eq!(pair["alike"].as_f64().map(|alike| (alike * 1e9).round()), Some(1e9));
    assert!(pair["first"]["class"] != pair["second"]["class"]);
}

#[test]
fn what_cannot_be_judged_is_refused_in_a_line() {
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let device = device();
    let say =
        |words: &[&str], parts: &[&str]| fails(&[&["mistakes", run, "--device", &device], words].concat(), 2, parts);
    say(&["--layer", "nonsense"], &["no layer is called 'nonsense'"]);
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    picture(&mut Drawn::new(1), 0, false).save(photos.join("one.png")).unwrap();
    say(&["--data", photos.to_str().unwrap()], &["no folders of classes", "which class may be wrong"]);
    say(&["--part", "new"], &["has no pictures to judge in part new"]);
    let not_a_folder = Path::new(run).join("run.json").join("x");
    fails(
        &["mistakes", run, "--device", &device, "--out", not_a_folder.to_str().unwrap()],
        1,
        &["cannot be made", "choose --out"],
    );
}
