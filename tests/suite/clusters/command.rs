//! `warptape clusters`: what it leaves behind, and what it refuses.

use std::path::Path;

use serde_json::Value;

use crate::command::{TEST, device, fails, shared, succeeds};
use crate::shapes::{Drawn, picture};
use crate::support::contents;

fn clusters(run: &str, out: &Path, words: &[&str]) -> (String, Value) {
    let (out_name, device) = (out.to_str().unwrap(), device());
    let said = succeeds(&[&["clusters", run, "--out", out_name, "--device", &device], words].concat());
    let facts = std::fs::read_to_string(out.join("clusters.json")).unwrap();
    (said, serde_json::from_str(&facts).unwrap())
}

#[test]
fn every_picture_is_in_a_cluster_or_says_why_not() {
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let (said, facts) = clusters(run, folder.path(), &[]);
    // The last layer with nine rows and columns.
    assert!(
        said.contains(" of layer features.6 (16x16x64), each for its class: 15 test images of cifar10, epoch "),
        "{said}"
    );
    assert!(said.contains("too few for a verdict"), "{said}");
    let mut table = csv::Reader::from_path(folder.path().join("clusters.csv")).unwrap();
    assert_eq!(table.headers().unwrap(), vec!["number", "file", "class", "cluster", "blank"]);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), TEST);
    assert!(
        rows.iter().enumerate().all(|(at, row)| row[0] == at.to_string() && row[3].is_empty() != row[4].is_empty())
    );
    let classes = facts["classes"].as_array().unwrap();
    let sheets = contents(folder.path()).iter().filter(|name| name.starts_with("class-")).count();
    assert_eq!((classes.len(), sheets), (10, 10));
    let mut pictures = 0;
    for class in classes {
        let shares: f64 = class["clusters"].as_array().unwrap().iter().map(|one| one["share"].as_f64().unwrap()).sum();
        pictures += class["pictures"].as_u64().unwrap() + class["blank"].as_u64().unwrap();
        assert!(class["pictures"] == 0 || (shares - 1.0).abs() < 1e-12, "{class}");
        for cluster in class["clusters"].as_array().unwrap() {
            let mean: f64 = cluster["mean"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).sum();
            assert!((mean - 1.0).abs() < 1e-9, "{cluster}");
        }
    }
    assert_eq!((pictures, facts["verdicts"].as_array().unwrap().len()), (TEST as u64, 0));
    // The same again, to the last bit.
    let (first, again) = (facts["classes"].clone(), tempfile::tempdir().unwrap());
    assert_eq!(clusters(run, again.path(), &[]).1["classes"], first);
    let files = contents(folder.path());
    assert_eq!(files, contents(again.path()));
    for file in files.iter().filter(|name| name.ends_with(".png")) {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert_eq!(read(folder.path()), read(again.path()), "{file}");
    }
}

#[test]
fn one_picture_and_one_class_are_told_and_drawn() {
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let (said, facts) = clusters(run, folder.path(), &["--limit", "1", "--layer", "features.10"]);
    assert!(said.contains("1 of 15 test images"), "{said}");
    assert!(said.contains("there are no others to compare with, and no verdict"), "{said}");
    assert_eq!((facts["classes"].as_array().unwrap().len(), facts["members"].as_array().unwrap().len()), (1, 1));
    // Maps of four rows cannot tell a strip along a border.
    let (said, _) = clusters(run, folder.path(), &["--layer", "features.14"]);
    assert!(said.contains("maps of 4x4 pixels are too coarse to show a mark in the upper border, "), "{said}");
    assert!(!said.contains("a mark in the upper left corner"), "{said}");
}

#[test]
fn what_cannot_be_grouped_is_refused_in_a_line() {
    let (folder, run) = (tempfile::tempdir().unwrap(), shared().run.to_str().unwrap());
    let device = device();
    let say =
        |words: &[&str], parts: &[&str]| fails(&[&["clusters", run, "--device", &device], words].concat(), 2, parts);
    say(&["--layer", "nonsense"], &["no layer is called 'nonsense'", "the nearest are"]);
    say(&["--layer", "avgpool"], &["'avgpool' is 256", "a map needs height and width"]);
    say(&["--method", "nonsense"], &["'nonsense'"]);
    // Pictures without class folders.
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for number in 0..3 {
        picture(&mut Drawn::new(number), 0, false).save(photos.join(format!("{number}.png"))).unwrap();
    }
    say(&["--data", photos.to_str().unwrap()], &["no folders of classes", "whose logit to explain"]);
    say(&["--part", "new"], &["has no pictures to judge in part new"]);
}
