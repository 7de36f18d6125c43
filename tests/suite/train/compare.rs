//! Two checkpoints, picture by picture; what one says of each; sheets of both.

use std::path::Path;

use serde_json::Value;
use warptape::train::report::compare::mcnemar;

use crate::command::{TEST, device, fails, shared, succeeds};

/// statsmodels 0.14's `mcnemar(exact=True)`.
#[test]
fn mcnemars_p_is_statsmodels() {
    for (only, expected) in [
        ([0, 0], 1.0),
        ([1, 0], 1.0),
        ([3, 9], 0.14599609375),
        ([12, 5], 0.143463134765625),
        ([40, 41], 1.0),
        ([100, 160], 0.00023894190306813953),
        ([900, 1100], 8.45708953550381e-06),
        ([5000, 5203], 0.04551614361382605),
        ([7, 0], 0.015625),
    ] {
        let p = mcnemar(only);
        assert!((p / expected - 1.0).abs() < 1e-9, "{only:?}: {p}, expected {expected}");
        assert_eq!(mcnemar([only[1], only[0]]), p);
    }
}

fn table(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn two_epochs_are_compared_picture_by_picture() {
    let folder = tempfile::tempdir().unwrap();
    let (run, device) = (shared().run.display().to_string(), device());
    let [first, second] = ["1", "4"].map(|epoch| format!("{run}@{epoch}"));
    let out = folder.path().join("out");
    let words = ["compare", &first, &second, "--device", &device];
    let said = succeeds(&[&words[..], &["--out", out.to_str().unwrap()]].concat());
    // What each says of its own is what `eval` says.
    let each = [&first, &second].map(|checkpoint| {
        let out = folder.path().join(checkpoint.rsplit('@').next().unwrap());
        succeeds(&["eval", checkpoint, "--device", &device, "--out", out.to_str().unwrap()]);
        table(&out.join("predictions.csv"))
    });
    let rows = table(&out.join("compare.csv"));
    assert_eq!((rows.len(), each[0].len()), (TEST, TEST));
    let (mut changed, mut counts) = (0, [[0u64; 2]; 2]);
    for (number, row) in rows.iter().enumerate() {
        let [a, b] = each.each_ref().map(|table| &table[number]);
        // number, file, true, predicted, right, probability, probability_of_true, rank_of_true
        let of = |one: &[String]| [&one[7], &one[3], &one[5], &one[6]].map(String::clone).to_vec();
        assert_eq!(*row, [a[..3].to_vec(), of(a), of(b)].concat());
        changed += usize::from(a[7] != b[7]);
        let [a, b] = [a, b].map(|one| usize::from(one[4] == "1"));
        counts[a][b] += 1;
    }
    let json: Value = serde_json::from_str(&std::fs::read_to_string(out.join("compare.json")).unwrap()).unwrap();
    assert!(changed > 0 && json["changed"].as_array().unwrap().len() == changed, "{json}");
    let [[neither, b], [a, both]] = counts;
    assert_eq!(
        [&json["neither"], &json["only_b"], &json["only_a"], &json["both"]].map(|count| count.as_u64().unwrap()),
        [neither, b, a, both]
    );
    assert_eq!(json["p"].as_f64().unwrap(), mcnemar([a, b]));
    for part in [
        format!("both right {both}   only A {a}   only B {b}   neither {neither}"),
        format!("{changed} pictures' classes have another rank"),
    ] {
        assert!(said.contains(&part), "no {part:?} in {said}");
    }
    assert!(image::open(out.join("compare.png")).unwrap().width() > 800);
    let printed: Value = serde_json::from_str(&succeeds(&[&words[..], &["--json"]].concat())).unwrap();
    assert_eq!(printed, json);
    // With itself nothing changes.
    let same = succeeds(&["compare", &first, &first, "--device", &device]);
    assert!(same.contains("p = 1.00:") && same.contains("no picture's class has another rank"), "{same}");
    for name in ["mistakes.png", "random.png"] {
        assert!(image::open(folder.path().join("1").join(name)).unwrap().height() > 200, "{name}");
    }
    fails(&["compare", &first, "nowhere"], 1, &["no such file or folder"]);
}
