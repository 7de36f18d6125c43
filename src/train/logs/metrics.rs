//! `metrics.csv`: one row per epoch and split.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::table::{self, Record, Table};
use crate::device::Device;
use crate::error::Result;
use crate::op::metrics::Metrics as Averages;

/// The file's first line.
pub const HEADER: &str = "epoch,split,loss,top1,top5,lr,seconds,images_per_second,peak_bytes";

/// Which pictures a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The pictures trained on, as they were when the step saw them: augmented, and by a network still moving.
    Train,
    /// The part of the training set held back.
    Val,
    /// The test set.
    Test,
}

impl Split {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The epoch, counted as the training loop counts.
    pub epoch: u32,
    /// Which pictures.
    pub split: Split,
    /// Mean loss; may be NaN or inf where training went wrong.
    pub loss: f64,
    /// Share of pictures whose class came out first, 0 to 1.
    pub top1: f64,
    /// Share of pictures whose class was among the first five, 0 to 1.
    pub top5: f64,
    /// Learning rate of the epoch's last step.
    pub lr: f64,
    /// How long the pass took.
    pub seconds: f64,
    /// Pictures a second of the pass.
    pub images_per_second: f64,
    /// Most device memory in use during the pass.
    pub peak_bytes: u64,
}

/// Time and memory of one pass over images.
pub(crate) struct Watch<'a> {
    device: &'a Device,
    started: Instant,
}

impl<'a> Watch<'a> {
    /// Memory counts from here on too: the peak of a pass must not depend on what the process did before it.
    pub fn start(device: &'a Device) -> Self {
        device.reset_peak();
        Self { device, started: Instant::now() }
    }

    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The pass as a row of `metrics.csv`; `images` went through it in its time.
    pub fn row(&self, epoch: u32, split: Split, sums: &Averages, lr: f64, images: u64) -> Row {
        let Averages { loss, top1, top5, .. } = *sums;
        let (seconds, peak_bytes) = (self.seconds(), self.device.memory().peak);
        Row { epoch, split, loss, top1, top5, lr, seconds, images_per_second: images as f64 / seconds, peak_bytes }
    }
}

/// A `metrics.csv` being written.
pub type Metrics = Table<Row>;

impl Record for Row {
    const HEADER: &'static str = HEADER;
}

/// Every whole row of the `metrics.csv` at `path`.
///
/// # Errors
/// Those of [`table::read`].
pub fn read(path: &Path) -> Result<Vec<Row>> {
    table::read(path)
}

/// The most device memory, in bytes, that was in use in the passes of `rows`.
pub fn peak_bytes(rows: &[Row]) -> u64 {
    rows.iter().map(|row| row.peak_bytes).max().unwrap_or(0)
}
