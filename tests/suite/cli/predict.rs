//! `warptape predict` on folders, on parts of the data, and on more pictures than a batch holds.

use std::path::Path;

use serde_json::Value;
use warptape::data::{Dataset, Loading};

use crate::command::{Done, TEST, device, done, fails, record, shared, succeeds, warptape};

/// A picture of the tiny data set's kind.
fn save(path: &Path, number: usize) {
    let planes = &record(number)[1..];
    let pixel = |x: u32, y: u32| image::Rgb([0, 1, 2].map(|plane| planes[1024 * plane + (32 * y + x) as usize]));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_fn(32, 32, pixel).save(path).unwrap();
}

fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn predict(words: &[&str]) -> String {
    let (run, device) = (shared().run.to_str().unwrap(), device());
    succeeds(&[&["predict", run, "--device", &device], words].concat())
}

#[test]
fn a_folder_is_a_table_and_a_file_of_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("photos");
    let files = ["a.png", "b.png", "deep/c.png"].map(|name| root.join(name));
    files.iter().enumerate().for_each(|(number, file)| save(file, 2000 + number));
    let (photos, out) = (root.to_str().unwrap(), folder.path().join("out.csv"));
    let said = predict(&[photos, "--out", out.to_str().unwrap()]);
    let json: Value = serde_json::from_str(&predict(&[photos, "--json"])).unwrap();
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("3 pictures by little-conv of ") && lines[1].starts_with("picture "), "{said}");
    let (header, rows) = table(&out);
    let columns = data.classes.iter().map(|class| format!("probability of {class}"));
    let begin = ["picture", "part", "true", "class", "probability"].map(String::from);
    assert_eq!(header, begin.into_iter().chain(columns).collect::<Vec<_>>());
    assert_eq!((rows.len(), lines.len()), (3, 5), "{said}");
    for (number, (row, one)) in rows.iter().zip(json.as_array().unwrap()).enumerate() {
        assert_eq!(one["image"], files[number].to_str().unwrap());
        assert_eq!(
            (&row[0], &row[3]),
            (&one["image"].as_str().unwrap().into(), &one["class"].as_str().unwrap().into())
        );
        let shares: Vec<f64> = one["probabilities"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let written: Vec<f64> = row[4..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        assert!(shares.iter().zip(&written[1..]).all(|(a, b)| (a - b).abs() <= 1e-6 * a), "{shares:?}, {written:?}");
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
        assert_eq!((&row[3], written[0]), (&data.classes[order[0]], written[1 + order[0]]));
        // The line has the best two.
        let line: Vec<&str> = lines[2 + number].split_whitespace().collect();
        let part = |at: usize| [data.classes[at].clone(), format!("{:.2}", 100.0 * shares[at]), "%".into()];
        assert_eq!(line, [&[row[0].clone()][..], &part(order[0]), &part(order[1])].concat(), "{said}");
    }
    // The best three.
    let said = predict(&[photos, "--top", "3", "--out", out.to_str().unwrap()]);
    let (header, three) = table(&out);
    assert_eq!(header[3..], ["class", "probability", "class_2", "probability_2", "class_3", "probability_3"]);
    for (row, all) in three.iter().zip(&rows) {
        assert_eq!(row[..5], all[..5]);
        for pair in row[3..].chunks(2) {
            assert_eq!(pair[1], all[5 + data.classes.iter().position(|class| *class == pair[0]).unwrap()]);
        }
    }
    assert_eq!(said.lines().count(), 1 + 3 * 4, "{said}");
}

#[test]
fn parts_of_the_data_are_classified_as_eval_judges_them() {
    let folder = tempfile::tempdir().unwrap();
    let (run, device) = (shared().run.to_str().unwrap(), device());
    succeeds(&["eval", run, "--device", &device, "--out", folder.path().to_str().unwrap()]);
    let (_, judged) = table(&folder.path().join("predictions.csv"));
    let json: Value = serde_json::from_str(&predict(&["test:all", "--json"])).unwrap();
    assert_eq!((judged.len(), json.as_array().unwrap().len()), (TEST, TEST));
    // number, file, true, predicted, right, probability, probability_of_true, rank_of_true
    for (row, one) in judged.iter().zip(json.as_array().unwrap()) {
        assert_eq!(one["image"], format!("test:{}", row[0]));
        assert_eq!((&one["true"], &one["class"]), (&row[2].as_str().into(), &row[3].as_str().into()));
    }
    let mut wrong: Vec<&Vec<String>> = judged.iter().filter(|row| row[4] == "0").collect();
    wrong.sort_by(|a, b| a[6].parse::<f64>().unwrap().total_cmp(&b[6].parse().unwrap()));
    let images = |words: &[&str]| -> Vec<String> {
        let json: Value = serde_json::from_str(&predict(&[words, &["--json"]].concat())).unwrap();
        json.as_array().unwrap().iter().map(|one| one["image"].as_str().unwrap().to_owned()).collect()
    };
    let names = |rows: &[&Vec<String>]| rows.iter().map(|row| format!("test:{}", row[0])).collect::<Vec<_>>();
    assert!(wrong.len() > 1, "{judged:?}");
    assert_eq!(images(&["test:wrong"]), names(&wrong));
    assert_eq!(images(&["test:wrong(1)", "test:0"]), [names(&wrong[..1]), vec!["test:0".into()]].concat());
    let (truth, taken_for) = (&wrong[0][2], &wrong[0][3]);
    let pair: Vec<_> = wrong.iter().copied().filter(|row| (&row[2], &row[3]) == (truth, taken_for)).collect();
    assert_eq!(images(&[&format!("test:wrong:{truth}:{taken_for}")]), names(&pair));
    let said = predict(&["train:0", "test:0"]);
    assert!(said.contains("train:0") && said.contains(" (was trained on)\n"), "{said}");
    assert_eq!(said.matches(" (true: ").count(), 2, "{said}");
    fails(&["predict", run, "test:15", "--device", &device], 2, &["test:15: 15 is beyond the last"]);
    fails(&["predict", run, "nowhere/*.png", "--device", &device], 1, &["nowhere/*.png: matches no file"]);
}

#[test]
fn more_than_a_batch_and_what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("many");
    // Ten different ones, again and again.
    for number in 0..270 {
        save(&root.join(format!("{number:03}.png")), number % 10);
    }
    for name in ["005.jpg", "260.jpg"] {
        std::fs::write(root.join(name), b"\xff\xd8\xff\xe0").unwrap();
    }
    let (run, out, device) = (shared().run.to_str().unwrap(), folder.path().join("out.csv"), device());
    let words = ["predict", run, root.to_str().unwrap(), "--device", &device, "--out", out.to_str().unwrap()];
    let Done { code, stderr, stdout } = done(warptape().args(words));
    assert_eq!(code, Some(1));
    let told: Vec<&str> = stderr.lines().collect();
    assert!(told.len() == 3 && told[0].contains("005.jpg: is a damaged picture"), "{stderr}");
    assert!(told[1].contains("260.jpg: is a damaged picture"), "{stderr}");
    assert_eq!(told[2], "error: 2 of 272 pictures cannot be read");
    let (_, rows) = table(&out);
    assert_eq!((rows.len(), stdout.lines().count()), (270, 272));
    for (number, row) in rows.iter().enumerate() {
        assert!(row[0].ends_with(&format!("{number:03}.png")), "{row:?}");
        let shares = |row: &[String]| row[4..].iter().map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>();
        let far = shares(row).iter().zip(shares(&rows[number % 10])).any(|(a, b)| (a - b).abs() > 1e-5 * b.max(1e-3));
        assert!(row[3] == rows[number % 10][3] && !far, "{row:?}");
    }
    // A file that cannot be written is told in a line, and nothing stays behind.
    let nowhere = folder.path().join("absent/out.csv");
    let mut words = words;
    words[6] = nowhere.to_str().unwrap();
    words[2] = "test:0";
    fails(&words, 1, &["out.csv: cannot be written: no such file or folder", "--out"]);
}
