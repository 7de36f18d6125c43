//! `metrics.csv`: one row per epoch and split, appended as training goes.
//!
//! A row is one `write` of one whole line, and a last line without its line break was cut off by a kill and does not
//! count: a reader never sees half a row. A resumed run first drops what it is about to repeat, so that in the end the
//! file equals that of an uninterrupted run, but for the times.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::run_dir::{unwritable, write_atomic};
use crate::device::Device;
use crate::error::{Error, Result};
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
pub(super) struct Watch<'a> {
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
#[derive(Debug)]
pub struct Metrics {
    file: File,
    path: PathBuf,
}

impl Metrics {
    /// A new file with the header.
    ///
    /// # Errors
    /// A file that is there already or cannot be written.
    pub fn create(path: &Path) -> Result<Metrics> {
        if path.exists() {
            return Err(Error::file(
                path,
                "is there already; a run overwrites no metrics: resume it or start a new run",
            ));
        }
        Self::start(path, &[])
    }

    /// Goes on with a file, where `epoch` is the next to be trained: rows of that and later epochs are dropped, and
    /// so is a last line that was cut off. A missing file is begun anew.
    ///
    /// # Errors
    /// A damaged file, with its line; a file that cannot be written.
    pub fn resume(path: &Path, epoch: u32) -> Result<Metrics> {
        let mut rows = if path.exists() { read(path)? } else { Vec::new() };
        rows.retain(|row| row.epoch < epoch);
        Self::start(path, &rows)
    }

    /// Adds a row and has it on the disk before it returns.
    ///
    /// # Errors
    /// A file that cannot be written; it then ends with the row before.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        let line = line(&self.path, row)?;
        let mut add = || {
            let end = self.file.seek(SeekFrom::End(0))?;
            let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
            if written.is_err() {
                // A full disk may have taken part of the line; the next row must not be glued to it.
                self.file.set_len(end)?;
            }
            written
        };
        add().map_err(|e| unwritable(&self.path, &e))
    }

    fn start(path: &Path, rows: &[Row]) -> Result<Metrics> {
        let mut text = format!("{HEADER}\n");
        for row in rows {
            text.push_str(&line(path, row)?);
        }
        write_atomic(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(|e| unwritable(path, &e))?;
        Ok(Metrics { file, path: path.to_path_buf() })
    }
}

/// A row's line. Numbers are written with the fewest digits that read back as the same number.
fn line(path: &Path, row: &Row) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(row).map_err(|e| Error::file(path, e))?;
    let bytes = writer.into_inner().map_err(|e| Error::file(path, e.error()))?;
    String::from_utf8(bytes).map_err(|e| Error::file(path, e))
}

/// Every whole row of the file at `path`.
///
/// # Errors
/// A missing file, another header, a line that is not a row; with the line number and what was expected.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let bytes = std::fs::read(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::file(path, "is missing; expected the metrics that training writes"),
        _ => Error::file(path, e),
    })?;
    // What follows the last line break was being written when the process was killed.
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let first = bytes[..whole].split(|&byte| byte == b'\n').next().unwrap_or_default();
    if first.strip_suffix(b"\r").unwrap_or(first) != HEADER.as_bytes() {
        return Err(Error::file(path, format!("line 1: expected the header {HEADER}")));
    }
    let mut reader = csv::ReaderBuilder::new().quoting(false).from_reader(&bytes[..whole]);
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        rows.push(row.map_err(|e| Error::file(path, describe(&e)))?);
    }
    Ok(rows)
}

/// Where and what, in one line.
fn describe(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            match err.field().and_then(|at| HEADER.split(',').nth(at as usize)) {
                Some(field) => format!("{field}: {}", err.kind()),
                None => err.kind().to_string(),
            }
        }
        csv::ErrorKind::UnequalLengths { len, expected_len, .. } => format!("{len} fields, expected {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not text".to_string(),
        _ => error.to_string(),
    };
    // The complaint quotes the file, and a damaged one may hold anything.
    let what: String = what.chars().filter(|c| !c.is_control()).take(120).collect();
    format!("line {line}: {what}; remove the line or restore the file")
}
