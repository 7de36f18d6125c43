//! metrics.csv, which comes back to the last bit and is read wherever it was cut, and the curves drawn of it.

use std::fs;

use tempfile::TempDir;
use warptape::train::logs::curves;
use warptape::train::logs::metrics::{HEADER, Metrics, Row, Split, read};

use crate::data::files::says;
use crate::support::contents;

fn row(epoch: u32, split: Split) -> Row {
    let x = f64::from(epoch);
    let loss = 1.0 / (x + 3.0);
    Row {
        epoch,
        split,
        loss,
        top1: 0.1 * x,
        top5: 0.5,
        lr: 1e-7 * x,
        seconds: 1.5,
        images_per_second: 1e4,
        peak_bytes: 1 << 40,
    }
}

/// Epochs `range`, two rows each.
fn fill(metrics: &mut Metrics, range: std::ops::Range<u32>) {
    for epoch in range {
        metrics.append(row(epoch, Split::Train)).unwrap();
        metrics.append(row(epoch, Split::Test)).unwrap();
    }
}

#[test]
fn metrics_come_back_to_the_last_bit() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("metrics.csv");
    let mut metrics = Metrics::create(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{HEADER}\n"));
    assert_eq!(read(&path).unwrap(), []);
    fill(&mut metrics, 1..4);
    let diverged = Row { loss: f64::INFINITY, ..row(4, Split::Val) };
    metrics.append(diverged.clone()).unwrap();
    let rows = read(&path).unwrap();
    assert_eq!(rows.len(), 7);
    assert_eq!((&rows[0], &rows[6]), (&row(1, Split::Train), &diverged));
    metrics.append(Row { loss: f64::NAN, ..diverged }).unwrap();
    assert!(read(&path).unwrap()[7].loss.is_nan());
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with(&format!("{HEADER}\n1,train,0.25,0.1,0.5,1e-7,1.5,10000.0,1099511627776\n"))
    );
    says(Metrics::create(&path), &["is there already"]);
}

#[test]
fn a_resumed_run_ends_with_the_same_file() {
    let root = TempDir::new().unwrap();
    let (whole, resumed) = (root.path().join("whole.csv"), root.path().join("resumed.csv"));
    fill(&mut Metrics::create(&whole).unwrap(), 1..9);
    for stop in 1..9 {
        fill(&mut Metrics::create(&resumed).unwrap(), 1..7);
        // Killed in the middle of a line, resumed from a checkpoint that may be older.
        let mut text = fs::read_to_string(&resumed).unwrap();
        text.push_str("7,train,0.3");
        fs::write(&resumed, &text).unwrap();
        assert_eq!(read(&resumed).unwrap().len(), 12, "half a row does not count");
        let next = stop.min(7);
        fill(&mut Metrics::resume(&resumed, |row| row.epoch < next).unwrap(), next..9);
        assert_eq!(fs::read(&resumed).unwrap(), fs::read(&whole).unwrap(), "resumed at {next}");
        fs::remove_file(&resumed).unwrap();
    }
    says(Metrics::resume(&resumed, |_| true), &["resumed.csv", "is missing"]);
}

#[test]
fn every_cut_of_the_file_can_be_read() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("metrics.csv");
    fill(&mut Metrics::create(&path).unwrap(), 1..4);
    let text = fs::read(&path).unwrap();
    for end in HEADER.len() + 1..text.len() {
        fs::write(&path, &text[..end]).unwrap();
        let whole = text[..end].iter().filter(|byte| **byte == b'\n').count() - 1;
        assert_eq!(read(&path).unwrap().len(), whole);
    }
}

#[test]
fn damaged_metrics_are_named_by_line() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("metrics.csv");
    let case = |text: &[u8], parts: &[&str]| {
        fs::write(&path, text).unwrap();
        says(read(&path), &[&["metrics.csv"], parts].concat());
    };
    says(read(&root.path().join("none.csv")), &["none.csv", "is missing"]);
    case(b"", &["line 1", "header"]);
    case(b"epoch,loss\n1,2\n", &["line 1", "header", HEADER]);
    let with = |line: &str| format!("{HEADER}\n1,train,1,1,1,1,1,1,1\n{line}\n").into_bytes();
    case(&with("2,train,x,1,1,1,1,1,1"), &["line 3", "loss"]);
    case(&with("2,dev,1,1,1,1,1,1,1"), &["line 3", "dev", "train"]);
    case(&with("-2,train,1,1,1,1,1,1,1"), &["line 3", "epoch"]);
    case(&with("2,train,1"), &["line 3", "3 fields, expected 9"]);
    case(&with("2,\"train,1,1,1,1,1,1,1"), &["line 3", "\"train"]);
    let endless = "\u{1b}".repeat(100) + &"x".repeat(100_000);
    case(&with(&format!("2,{endless},1,1,1,1,1,1,1")), &["line 3", "xxx"]);
    assert!(read(&path).unwrap_err().to_string().len() < 500);
    case(&[HEADER.as_bytes(), b"\n1,\xff,1,1,1,1,1,1,1\n"].concat(), &["line 2", "not text"]);
}

/// A log of a run of `epochs`.
fn log(epochs: u32) -> Vec<Row> {
    (1..=epochs).flat_map(|epoch| [Split::Train, Split::Val, Split::Test].map(|split| row(epoch, split))).collect()
}

#[test]
fn curves_are_drawn_for_any_log() {
    let mut odd = log(12);
    odd[4].loss = f64::NAN;
    odd[6].loss = f64::INFINITY;
    odd[7].loss = 1e300;
    odd[8].lr = 0.0;
    let constant = vec![Row { loss: 0.0, top1: 0.0, lr: 0.0, ..row(5, Split::Train) }; 3];
    let nothing_finite = vec![Row { loss: f64::NAN, top1: f64::NAN, lr: f64::NAN, ..row(5, Split::Train) }];
    let late = vec![row(u32::MAX, Split::Test), row(u32::MAX - 1, Split::Test)];
    let tiny: Vec<Row> = (0..9).map(|e| Row { loss: 1e15 + f64::from(e), lr: 1e-300, ..row(e, Split::Val) }).collect();
    let root = TempDir::new().unwrap();
    for (name, rows) in
        [log(0), log(1), log(2), log(500), odd, constant, nothing_finite, late, tiny].into_iter().enumerate()
    {
        let title = "a <title> & \u{1f600} that is long ".repeat(name * 3);
        curves::draw(&rows, &title, root.path()).unwrap();
        let svg = fs::read_to_string(root.path().join("curves.svg")).unwrap();
        assert!(svg.starts_with("<svg width=\"1350\"") && svg.contains("Learning rate"), "{name}");
        let png = image::open(root.path().join("curves.png")).unwrap();
        assert_eq!((png.width(), png.height()), (2700, 776));
    }
    assert_eq!(contents(root.path()), ["curves.png", "curves.svg"]);
    says(curves::draw(&log(1), "", &root.path().join("absent")), &["curves.svg", "cannot be written"]);
}
