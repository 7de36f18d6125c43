//! `steps.csv`: the running averages within each epoch, and `running.png`, which shows them.
//!
//! An epoch has at most [`MOST`] rows, of steps that depend on nothing but its length and how often the device is looked
//! at; each row holds exact sums' averages. So the file of a resumed run equals an uninterrupted one's to the last byte.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::table::{self, Record, Table};
use crate::draw::axis::{Axis, short};
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::Result;

/// Rows of an epoch.
pub const MOST: usize = 100;
/// Curves in the picture: more would not be told apart.
const CURVES: usize = 40;
/// Entries in its legend.
const NAMED: usize = 3;

/// One line of the file: averages over the epoch's images so far, as the network was when it saw them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps taken in the epoch.
    pub step_in_epoch: usize,
    /// Steps taken in all.
    pub step: u64,
    /// Mean loss.
    pub loss: f64,
    /// Share of images whose class came out first, 0 to 1.
    pub top1: f64,
    /// Share of images whose class was among the first five, 0 to 1.
    pub top5: f64,
    /// Learning rate of the step.
    pub lr: f64,
}

/// A `steps.csv` being written.
pub type Steps = Table<Step>;

impl Record for Step {
    const HEADER: &'static str = "epoch,step_in_epoch,step,loss,top1,top5,lr";
}

/// Every whole row of the `steps.csv` at `path`.
///
/// # Errors
/// Those of [`table::read`].
pub fn read(path: &Path) -> Result<Vec<Step>> {
    table::read(path)
}

/// Whether step `at` (from 1) of an epoch of `steps` has a row, where the sums are looked at every `look` steps and at the
/// epoch's end.
pub fn due(at: usize, steps: usize, look: usize) -> bool {
    let every = steps.div_ceil(MOST).next_multiple_of(look);
    at.is_multiple_of(every) || at == steps
}

/// The picture as the bytes of a PNG file: running top-1 and top-5 accuracy, a curve per epoch. Of very many epochs it
/// shows some, the first and the last among them.
///
/// # Errors
/// None that a caller can cause.
pub fn picture(rows: &[Step], title: &str) -> Result<Vec<u8>> {
    let epochs: Vec<&[Step]> = rows.chunk_by(|a, b| a.epoch == b.epoch).collect();
    let shown: Vec<&[Step]> = spread(epochs.len(), CURVES).into_iter().map(|index| epochs[index]).collect();
    let last = rows.iter().map(|row| row.step_in_epoch).max().unwrap_or(1);
    let x = Abscissa { name: "step in the epoch", axis: Axis::whole(1, u32::try_from(last).unwrap_or(u32::MAX)) };
    let panels = [
        panel("Running top-1 accuracy (%)", &shown, |row| row.top1),
        panel("Running top-5 accuracy (%)", &shown, |row| row.top5),
    ];
    pen::png(&chart::bitmap(title, &x, &panels)?)
}

fn panel(heading: &str, epochs: &[&[Step]], share: fn(&Step) -> f64) -> Panel {
    let named = spread(epochs.len(), NAMED);
    let series: Vec<Series> = epochs
        .iter()
        .enumerate()
        .map(|(index, rows)| {
            let points: Vec<_> = rows.iter().map(|row| (row.step_in_epoch as f64, 100.0 * share(row))).collect();
            let epoch = rows.first().map_or(0, |row| row.epoch);
            Series {
                name: if named.contains(&index) { format!("epoch {epoch}:") } else { String::new() },
                value: points.last().map_or(String::new(), |point| format!("{} %", short(point.1))),
                color: shade(index as f64 / (epochs.len() - 1).max(1) as f64),
                points,
            }
        })
        .collect();
    let values: Vec<f64> = series.iter().flat_map(|one| one.points.iter().map(|point| point.1)).collect();
    Panel { heading: heading.into(), note: String::new(), axis: Axis::around(&values, 0.0, 100.0), series }
}

/// At most `most` (two or more) of the indices below `count`, evenly spread from the first to the last.
fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|i| (i * (count - 1) + (most - 1) / 2) / (most - 1)).collect()
}

/// From light orange, the first epoch, over red to dark violet, the last: ordered in lightness for every reader.
fn shade(share: f64) -> [u8; 3] {
    pen::ramp(&[[252, 186, 98], [230, 92, 70], [150, 38, 110], [38, 14, 76]], share)
}
