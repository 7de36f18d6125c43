//! Two checkpoints on the same pictures: which changed rank, and whether the difference could be chance.

use std::cmp::Reverse;
use std::fmt::Write;

use serde_json::{Value, json};

use super::predictions::Prediction;
use crate::draw::axis::{Axis, short};
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::{Error, Result};
use crate::train::logs::metrics::{Row, Split};

/// Pictures that the text names; the CSV has all.
const SHOWN: usize = 20;
/// What is drawn of each.
const SPLITS: [Split; 2] = [Split::Train, Split::Test];
/// The colours of the two, of training and of the test part, which colour-blind readers can tell apart.
const COLORS: [[[u8; 3]; 2]; 2] = [[[150, 200, 230], [0, 114, 178]], [[245, 200, 120], [205, 105, 0]]];
/// Those of two epochs of one run.
const MARKS: [[u8; 3]; 2] = [[230, 145, 0], [170, 30, 90]];

/// A picture with what both say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Its position in the part that was judged, from 0.
    pub number: usize,
    /// Its file; empty if it is none.
    pub file: String,
    /// What the first says, and the second.
    pub of: [Prediction; 2],
}

/// Two checkpoints on the same pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What they are called.
    pub names: [String; 2],
    /// What the pictures are, in words.
    pub part: String,
    /// Class names.
    pub classes: Vec<String>,
    /// The pictures.
    pub images: Vec<Compared>,
}

/// The exact p-value of McNemar's test (two-sided, by the binomial distribution): how likely it is that of the pictures that one of
/// two classifiers alone gets right, the share of one of them is as far from a half as this, if both are equally good. `only` are
/// their numbers.
///
/// Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947; statsmodels'
/// `mcnemar(exact=True)`.
pub fn mcnemar(only: [u64; 2]) -> f64 {
    let (least, n) = (only[0].min(only[1]), only[0] + only[1]);
    // log C(n, k) − n log 2, from k to k + 1: neither a factorial nor a power leaves the range of f64.
    let mut log = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=least {
        sum += log.exp();
        log += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * sum).min(1.0)
}

impl Comparison {
    /// Pictures by who is right: `[neither or second alone, first alone or both]`, of each `[…, second right]`.
    fn counts(&self) -> [[u64; 2]; 2] {
        let mut counts = [[0; 2]; 2];
        for one in &self.images {
            let [first, second] = one.of.map(|prediction| usize::from(prediction.is_right()));
            counts[first][second] += 1;
        }
        counts
    }

    /// The pictures whose class has another rank, those that changed the most first.
    pub fn changed(&self) -> Vec<&Compared> {
        let mut changed: Vec<&Compared> = self.images.iter().filter(|one| one.of[0].rank != one.of[1].rank).collect();
        changed.sort_by_key(|one| Reverse(one.of[0].rank.abs_diff(one.of[1].rank)));
        changed
    }

    /// For people: who is right how often, McNemar's p, and which pictures changed rank.
    pub fn text(&self) -> String {
        let [[neither, second], [first, both]] = self.counts();
        let n = self.images.len();
        let percent = |count: u64| 100.0 * count as f64 / n as f64;
        let [a, b] = &self.names;
        let mut text = format!(
            "{n} {}\nA {a}: {:.2} % right\nB {b}: {:.2} % right\n\n",
            self.part,
            percent(first + both),
            percent(second + both)
        );
        let _ = writeln!(text, "both right {both}   only A {first}   only B {second}   neither {neither}");
        let p = mcnemar([first, second]);
        let says = match p {
            p if p >= 0.05 => "such a difference is no surprise where both are equally good",
            _ => "such a difference is rare where both are equally good",
        };
        let _ = writeln!(text, "McNemar's exact test: p = {}: {says}", short(p));
        let changed = self.changed();
        if changed.is_empty() {
            return text + "no picture's class has another rank\n";
        }
        let better = changed.iter().filter(|one| one.of[1].rank < one.of[0].rank).count();
        let _ = writeln!(
            text,
            "\n{} pictures' classes have another rank: {better} a better one in B, {} a worse one",
            changed.len(),
            changed.len() - better
        );
        let _ = writeln!(text, "rank in A → B, picture, its class, what A and B take it for");
        for one in changed.iter().take(SHOWN) {
            let [first, second] = one.of;
            let name = |class: usize| &self.classes[class];
            let file = if one.file.is_empty() { String::new() } else { format!("  {}", one.file) };
            let (truth, a, b) = (name(first.truth), name(first.predicted), name(second.predicted));
            let _ =
                writeln!(text, "  {:>3} → {:<3}  {}{file}  {truth}: {a} → {b}", first.rank, second.rank, one.number);
        }
        if changed.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more", changed.len() - SHOWN);
        }
        text
    }

    /// For programs, an object with the keys `a`, `b` (names), `part`, `images` (their number), `both`, `only_a`, `only_b`, `neither`
    /// (counts of pictures by who is right), `p` (McNemar's, exact, two-sided), and `changed`: the pictures whose class has
    /// another rank, each with `number`, `file`, `true`, and under `a` and `b` `rank`, `predicted`, `probability`, `probability_of_true`.
    pub fn json(&self) -> Value {
        let [[neither, second], [first, both]] = self.counts();
        let one = |of: &Prediction| {
            json!({ "rank": of.rank, "predicted": self.classes[of.predicted], "probability": of.probability,
                "probability_of_true": of.of_truth })
        };
        let changed = self.changed().into_iter().map(|image| {
            json!({ "number": image.number, "file": image.file, "true": self.classes[image.of[0].truth],
                "a": one(&image.of[0]), "b": one(&image.of[1]) })
        });
        json!({ "a": self.names[0], "b": self.names[1], "part": self.part, "images": self.images.len(), "both": both,
            "only_a": first, "only_b": second, "neither": neither, "p": mcnemar([first, second]),
            "changed": changed.collect::<Vec<_>>() })
    }

    /// All pictures as CSV: `number,file,true`, then `rank_a,predicted_a,probability_a,probability_of_true_a` and the same of b.
    ///
    /// # Errors
    /// None that names can cause: they are quoted where they have to be.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::error::Error| Error::file("compare.csv", e);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let columns = ["rank", "predicted", "probability", "probability_of_true"];
        let of = ["a", "b"].into_iter().flat_map(|which| columns.map(|column| format!("{column}_{which}")));
        let header = ["number", "file", "true"].map(String::from).into_iter().chain(of);
        writer.write_record(header).map_err(|e| failed(&e))?;
        for image in &self.images {
            let of = image.of.iter().flat_map(|one| {
                let [most, own] = [one.probability, one.of_truth].map(|share| format!("{share:.6e}"));
                [one.rank.to_string(), self.classes[one.predicted].clone(), most, own]
            });
            let begin = [image.number.to_string(), image.file.clone(), self.classes[image.of[0].truth].clone()];
            writer.write_record(begin.into_iter().chain(of)).map_err(|e| failed(&e))?;
        }
        writer.into_inner().map_err(|e| failed(e.error()))
    }
}

/// Both runs' curves in one picture, as a PNG: loss and accuracy of training and of the test part; of one run once, with what it was on
/// the test part after the `epochs` that are compared.
///
/// # Errors
/// None that a caller can cause.
pub fn curves(names: &[String; 2], epochs: [u32; 2], rows: [&[Row]; 2]) -> Result<Vec<u8>> {
    let runs = if rows[0] == rows[1] { 1 } else { 2 };
    let series = |value: fn(&Row) -> f64, show: fn(f64) -> String| -> Vec<Series> {
        let of = |at: usize| {
            let (run, split) = (at / 2, SPLITS[at % 2]);
            let rows = rows[run].iter().filter(|row| row.split == split);
            let points: Vec<(f64, f64)> = rows.map(|row| (row.epoch.into(), value(row))).collect();
            let last = points.last().map_or(String::new(), |point| show(point.1));
            // The last values of four would not stand beside each other.
            let (name, value) = match runs {
                1 => (split.name().to_owned(), last),
                _ => (format!("{} {}", ["A", "B"][run], split.name()), String::new()),
            };
            Series { name, value, color: COLORS[run][at % 2], points }
        };
        let marks = |at: usize| {
            let row = rows[0].iter().find(|row| row.split == Split::Test && row.epoch == epochs[at])?;
            let (name, value, points) = (["A", "B"][at].into(), show(value(row)), vec![(row.epoch.into(), value(row))]);
            Some(Series { name, value, color: MARKS[at], points })
        };
        let marks = (0..2).filter_map(marks).filter(|_| runs == 1);
        (0..2 * runs).map(of).chain(marks).collect()
    };
    let values = |series: &[Series]| -> Vec<f64> {
        series.iter().flat_map(|one| one.points.iter().map(|point| point.1)).collect()
    };
    let loss = series(|row| row.loss, short);
    let accuracy = series(|row| 100.0 * row.top1, |value| format!("{value:.1} %"));
    let panels = [
        Panel {
            heading: "Cross-entropy loss".into(),
            note: String::new(),
            axis: Axis::positive(&values(&loss)),
            series: loss,
        },
        Panel {
            heading: "Top-1 accuracy (%)".into(),
            note: String::new(),
            axis: Axis::around(&values(&accuracy), 0.0, 100.0),
            series: accuracy,
        },
    ];
    let all = || rows.iter().flat_map(|rows| rows.iter().map(|row| row.epoch));
    let x = Abscissa { name: "epoch", axis: Axis::whole(all().min().unwrap_or(0), all().max().unwrap_or(1)) };
    pen::png(&chart::bitmap(&format!("A {}   B {}", names[0], names[1]), &x, &panels)?)
}
