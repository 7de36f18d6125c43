//! What a network learns from shares of the training set: accuracy, time and memory over the share.

use serde::{Deserialize, Serialize};

use super::trial::aligned;
use crate::draw::axis::Axis;
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::train::logs::metrics::{Row, Split, peak_bytes};

/// One share's training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share, above 0 and at most 1.
    pub fraction: f64,
    /// Pictures that it trained on.
    pub images: usize,
    /// Accuracy on the test set of what the training keeps as its best, 0 to 1.
    pub top1: f64,
    /// Whether the class is among the five likeliest, likewise.
    pub top5: f64,
    /// Epochs that it did.
    pub epochs: u32,
    /// Time of an epoch's steps, on average, in seconds.
    pub seconds: f64,
    /// Most device memory in use, in bytes.
    pub peak_bytes: u64,
}

/// The shares of `list`, such as `0.01,0.1,1`, from the smallest to the largest.
///
/// # Errors
/// What is no number above 0 and at most 1, or stands there twice.
pub fn shares(list: &str) -> Result<Vec<f64>> {
    let wrong = |part: &str, what: &str| Error::usage(format!("‹fractions={list}›: '{part}' {what}"));
    let mut shares = Vec::new();
    for part in list.split(',').map(str::trim) {
        let share: f64 = part.parse().map_err(|_| wrong(part, "is no number; use shares such as 0.01,0.1,0.5,1"))?;
        if !(share > 0.0 && share <= 1.0) {
            return Err(wrong(part, "is no share: it must be above 0 and at most 1"));
        }
        if shares.contains(&share) {
            return Err(wrong(part, "stands there twice"));
        }
        shares.push(share);
    }
    shares.sort_by(f64::total_cmp);
    Ok(shares)
}

/// How long an epoch's steps took, on average, in the `rows` of a training, and the most memory.
pub fn costs(rows: &[Row]) -> (f64, u64) {
    let seconds: Vec<f64> = rows.iter().filter(|row| row.split == Split::Train).map(|row| row.seconds).collect();
    (seconds.iter().sum::<f64>() / seconds.len().max(1) as f64, peak_bytes(rows))
}

/// The shares for people.
pub fn table(shares: &[Share]) -> String {
    let header = ["share", "pictures", "test accuracy", "top-5", "epochs", "s/epoch", "peak MiB"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(shares.iter().map(|share| {
        vec![
            format!("{} %", short_percent(share.fraction)),
            share.images.to_string(),
            format!("{:.2} %", 100.0 * share.top1),
            format!("{:.2} %", 100.0 * share.top5),
            share.epochs.to_string(),
            format!("{:.2}", share.seconds),
            format!("{:.0}", share.peak_bytes as f64 / f64::from(1 << 20)),
        ]
    }));
    aligned(&rows)
}

/// As a percentage, without what a float's last digit makes of it.
fn short_percent(share: f64) -> f64 {
    (100.0 * share * 1e9).round() / 1e9
}

/// Writes `fractions.csv` and `fractions.png` into `folder`; `title` stands above the charts.
///
/// # Errors
/// A folder that cannot be written to.
pub fn write(shares: &[Share], title: &str, folder: &std::path::Path) -> Result<()> {
    let file = folder.join("fractions.csv");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for share in shares {
        writer.serialize(share).map_err(|e| Error::file(&file, e))?;
    }
    write_atomic(&file, &writer.into_inner().map_err(|e| Error::file(&file, e.error()))?)?;
    write_atomic(&folder.join("fractions.png"), &png(shares, title)?)
}

/// Accuracy, seconds an epoch and memory over the share, as the bytes of a PNG file.
///
/// # Errors
/// None that a caller can cause.
pub fn png(shares: &[Share], title: &str) -> Result<Vec<u8>> {
    let percent = |share: &Share| short_percent(share.fraction);
    let panel = |heading: &str, color, value: fn(&Share) -> f64, most: f64| {
        let points: Vec<(f64, f64)> = shares.iter().map(|share| (percent(share), value(share))).collect();
        let values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let axis = Axis::around(&[&values[..], &[0.0]].concat(), 0.0, most);
        let series = vec![Series { name: String::new(), value: String::new(), color, points }];
        Panel { heading: heading.into(), note: String::new(), axis, series }
    };
    let panels = [
        panel("Test accuracy (%)", [0, 148, 105], |share| 100.0 * share.top1, 100.0),
        panel("Seconds per epoch", [0, 114, 178], |share| share.seconds, f64::INFINITY),
        panel("Peak memory (MiB)", [106, 81, 163], |share| share.peak_bytes as f64 / f64::from(1 << 20), f64::INFINITY),
    ];
    let [least, most] = [f64::min, f64::max].map(|of| shares.iter().map(percent).reduce(of).unwrap_or(1.0));
    let x = Abscissa { name: "share of the training set (%), logarithmic", axis: Axis::log(least / 1.2, most * 1.2) };
    pen::png(&chart::bitmap(title, &x, &panels)?)
}
