//! Learning curves: loss, accuracy and learning rate against epochs, as `curves.svg` and `curves.png`.
//!
//! Both are drawn by the same code with the font that the program carries, so they look alike everywhere.

use std::collections::BTreeMap;
use std::path::Path;

use super::metrics::{Row, Split};
use crate::draw::axis::{Axis, short};
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::Result;
use crate::files::write_atomic;

/// What is drawn of each split, in the order of the legend, in colours that colour-blind readers can tell apart.
const SPLITS: [(Split, [u8; 3]); 3] =
    [(Split::Train, [0, 114, 178]), (Split::Val, [230, 145, 0]), (Split::Test, [0, 148, 105])];
const RATE: [u8; 3] = [106, 81, 163];

/// Writes `curves.svg` and `curves.png` into `folder`; `title` stands above the panels.
///
/// # Errors
/// A folder that cannot be written to.
pub fn draw(rows: &[Row], title: &str, folder: &Path) -> Result<()> {
    write_atomic(&folder.join("curves.svg"), svg(rows, title)?.as_bytes())?;
    write_atomic(&folder.join("curves.png"), &png(rows, title)?)
}

/// The curves as SVG text.
///
/// # Errors
/// None that a caller can cause.
pub fn svg(rows: &[Row], title: &str) -> Result<String> {
    chart::svg(title, &epochs(rows), &panels(rows))
}

/// The curves as the bytes of a PNG file.
///
/// # Errors
/// None that a caller can cause.
pub fn png(rows: &[Row], title: &str) -> Result<Vec<u8>> {
    pen::png(&chart::bitmap(title, &epochs(rows), &panels(rows))?)
}

/// The axis that all panels share.
fn epochs(rows: &[Row]) -> Abscissa {
    let all = || rows.iter().map(|row| row.epoch);
    Abscissa { name: "epoch", axis: Axis::whole(all().min().unwrap_or(0), all().max().unwrap_or(1)) }
}

fn panels(rows: &[Row]) -> [Panel; 3] {
    let percent = |row: &Row| 100.0 * row.top1;
    let loss = series(rows, |row| row.loss, short);
    let accuracy = series(rows, percent, |value| format!("{value:.1} %"));
    // One schedule drives all splits; the rows of training are the ones that have it.
    let rates: BTreeMap<u32, f64> = rows.iter().rev().map(|row| (row.epoch, row.lr)).collect();
    let last = rates.values().next_back().map_or(String::new(), |&rate| short(rate));
    let rates = Series { name: "learning rate".into(), value: last, color: RATE, points: points(rates) };
    let best =
        |better: fn(f64, f64) -> bool, value: fn(&Row) -> f64, show: fn(f64) -> String| note(rows, better, value, show);
    [
        Panel {
            heading: "Cross-entropy loss".into(),
            note: best(|new, old| new < old, |row| row.loss, short),
            axis: Axis::positive(&values(&loss)),
            series: loss,
        },
        Panel {
            heading: "Top-1 accuracy (%)".into(),
            note: best(|new, old| new > old, |row| 100.0 * row.top1, |value| format!("{value:.1} %")),
            axis: Axis::around(&values(&accuracy), 0.0, 100.0),
            series: accuracy,
        },
        Panel {
            heading: "Learning rate".into(),
            note: String::new(),
            axis: Axis::around(&[&[0.0], &values(std::slice::from_ref(&rates))[..]].concat(), 0.0, f64::INFINITY),
            series: vec![rates],
        },
    ]
}

/// One curve per split that has rows.
fn series(rows: &[Row], value: impl Fn(&Row) -> f64, show: impl Fn(f64) -> String) -> Vec<Series> {
    let of = |split: Split| -> BTreeMap<u32, f64> {
        rows.iter().filter(|row| row.split == split).map(|row| (row.epoch, value(row))).collect()
    };
    let curves = SPLITS.iter().map(|&(split, color)| (split, color, of(split)));
    curves
        .filter(|(_, _, values)| !values.is_empty())
        .map(|(split, color, values)| Series {
            name: split.name().into(),
            value: values.values().next_back().map_or(String::new(), |&last| show(last)),
            color,
            points: points(values),
        })
        .collect()
}

/// Where the split that is judged by (validation, else test) was best: tells over-fitting at a glance.
fn note(rows: &[Row], better: fn(f64, f64) -> bool, value: fn(&Row) -> f64, show: fn(f64) -> String) -> String {
    let has = |split: Split| rows.iter().any(|row| row.split == split);
    let Some(split) = [Split::Val, Split::Test].into_iter().find(|&split| has(split)) else {
        return String::new();
    };
    let mut best: Option<(f64, u32)> = None;
    for row in rows.iter().filter(|row| row.split == split && value(row).is_finite()) {
        if best.is_none_or(|(old, _)| better(value(row), old)) {
            best = Some((value(row), row.epoch));
        }
    }
    best.map_or(String::new(), |(value, epoch)| format!("best {} {} at epoch {epoch}", split.name(), show(value)))
}

fn points(values: BTreeMap<u32, f64>) -> Vec<(f64, f64)> {
    values.into_iter().map(|(epoch, value)| (f64::from(epoch), value)).collect()
}

fn values(series: &[Series]) -> Vec<f64> {
    series.iter().flat_map(|one| one.points.iter().map(|point| point.1)).collect()
}
