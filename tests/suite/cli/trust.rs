//! `warptape trust`: what it leaves behind, and what it refuses.

use serde_json::Value;
use warptape::explain::trust::Trust;

use crate::command::{TEST, device, fails, shared, succeeds};

#[test]
fn maps_of_a_run_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out, device) = (shared().run.to_str().unwrap(), folder.path().to_str().unwrap(), device());
    let weights = std::fs::read(shared().run.join("checkpoints/best.safetensors")).unwrap();
    let words = ["--methods", "gradcam,gradcam++", "--steps", "4", "--device", &device];
    let said = succeeds(&[&["trust", run, "--out", out], &words[..]].concat());
    assert!(said.starts_with(&format!("maps of {TEST} pictures of cifar10, little-conv (")), "{said}");
    assert!(said.contains("\nrandom order ") && said.contains("\nrule: "), "{said}");
    let facts: Value = serde_json::from_slice(&std::fs::read(folder.path().join("trust.json")).unwrap()).unwrap();
    let trust: Trust = serde_json::from_value(facts["trust"].clone()).unwrap();
    let names: Vec<&str> = trust.rows.iter().map(|row| &*row.method).collect();
    assert_eq!(names, ["gradcam", "gradcam++", "random order", "edges"]);
    assert_eq!((facts["pictures"].as_array().unwrap().len(), trust.classes.len()), (TEST, TEST));
    assert!(said.contains(&format!("\n{}\n", trust.verdict.sentence)), "{said}");
    let csv = std::fs::read_to_string(folder.path().join("trust.csv")).unwrap();
    assert!(
        csv.starts_with("method,control,pictures,blank,failed,insertion_auc,") && csv.lines().count() == 5,
        "{csv}"
    );
    assert!(image::open(folder.path().join("trust.png")).unwrap().width() > 1000);
    assert_eq!(std::fs::read(shared().run.join("checkpoints/best.safetensors")).unwrap(), weights);

    // The same again, of pictures that are named: a single one has no standard error.
    let said = succeeds(&[&["trust", run, "--out", out, "--images", "test:3"], &words[..]].concat());
    assert!(said.starts_with("maps of 1 picture of cifar10, "), "{said}");
    assert!(!said.contains("NaN"), "{said}");
}

#[test]
fn wrong_words_are_refused() {
    let (run, device) = (shared().run.to_str().unwrap(), device());
    let refuse = |words: &[&str], code: i32, part: &str| {
        fails(&[&["trust", run, "--device", &device], words].concat(), code, &[part]);
    };
    refuse(&["--methods", "gradcam,none"], 2, "unknown method 'none': use gradcam");
    refuse(&["--images", "test:99"], 2, "99 is beyond the last");
    refuse(&["--steps", "0"], 2, "expected 1 to 1024");
    fails(&["trust", "nowhere", "--device", &device], 1, &["no such file or folder"]);
}
