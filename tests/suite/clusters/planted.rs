//! A mark that is planted in a corner of one class is found, and where there is none nothing is said. `scripts/watermark_trial.py` asks
//! the same of twenty trainings each.

use std::path::Path;

use serde_json::Value;

use crate::command::{device, succeeds};
use crate::shapes::{CLASSES, Drawn, mark, picture, save};

/// Trains on shapes, of which four in five discs carry the mark if they are `marked`, and returns what `clusters` says and tells.
fn trial(folder: &Path, seed: u64, marked: bool) -> (String, Value) {
    let drawn = &mut Drawn::new(seed);
    let data = folder.join("data");
    for (part, count) in [("train", 80), ("test", 30)] {
        for (class, name) in CLASSES.iter().enumerate() {
            for number in 0..count {
                let mut picture = picture(drawn, class, false);
                if marked && *name == "disc" && number % 5 > 0 {
                    mark(&mut picture, drawn);
                }
                save(&picture, &data, part, class, &format!("{number:02}"));
            }
        }
    }
    let [data, run, out] = [data, folder.join("run"), folder.join("out")].map(|path| path.display().to_string());
    let device = device();
    succeeds(&["train", &data, "--epochs", "8", "--batch-size", "16", "--device", &device, "--out", &run]);
    let said = succeeds(&["clusters", &format!("{run}@last"), "--device", &device, "--out", &out]);
    let facts = std::fs::read_to_string(Path::new(&out).join("clusters.json")).unwrap();
    (said, serde_json::from_str(&facts).unwrap())
}

#[test]
fn a_mark_in_a_corner_is_found_with_its_class() {
    let folder = tempfile::tempdir().unwrap();
    let (said, facts) = trial(folder.path(), 1, true);
    let verdicts = facts["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 1, "{said}");
    assert_eq!(
        (&verdicts[0]["class"], &verdicts[0]["place"]),
        (&"disc".into(), &"the lower left corner".into()),
        "{said}"
    );
    let [share, others] = ["share", "others"].map(|key| verdicts[0][key].as_f64().unwrap());
    assert!((0.3..=1.0).contains(&share) && (0.0..=0.1).contains(&others), "{said}");
    assert!(
        said.contains("looks at the lower left corner in ") && said.contains(" % of 'disc'; of the other"),
        "{said}"
    );
}

#[test]
fn without_a_mark_nothing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (said, facts) = trial(folder.path(), 2, false);
    assert_eq!(facts["verdicts"].as_array().unwrap().len(), 0, "{said}");
    assert!(said.contains("no class looks at a corner or border that the others do not look at"), "{said}");
}
