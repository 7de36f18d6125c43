//! CSV tables that are appended to as training goes: `metrics.csv`, `steps.csv`.
//!
//! A row is one `write` of one whole line, and a last line without its line break was cut off by a kill and does not
//! count: a reader never sees half a row. A resumed run first drops what it is about to repeat, so that in the end the
//! file equals that of an uninterrupted run, but for the times.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::files::{self, unwritable, write_atomic};

/// A row of a table.
pub trait Record: Serialize + DeserializeOwned {
    /// The file's first line: the names of the fields, in order.
    const HEADER: &'static str;
}

/// A table being written.
#[derive(Debug)]
pub struct Table<R> {
    file: File,
    path: PathBuf,
    rows: Vec<R>,
}

impl<R: Record> Table<R> {
    /// A new file with the header.
    ///
    /// # Errors
    /// A file that is there already or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            return Err(Error::file(path, "is there already; a run overwrites nothing: resume it or start a new run"));
        }
        Self::start(path, Vec::new())
    }

    /// Goes on with a file: rows that are not to be kept are dropped, and so is a last line that was cut off.
    ///
    /// # Errors
    /// A missing or damaged file, with its line; a file that cannot be written.
    pub fn resume(path: &Path, keep: impl Fn(&R) -> bool) -> Result<Self> {
        let mut rows = read(path)?;
        rows.retain(keep);
        Self::start(path, rows)
    }

    /// What is in the file.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Adds a row, which survives the process from then on; [`Table::sync`] makes it survive the machine.
    ///
    /// # Errors
    /// A file that cannot be written; it then ends with the row before.
    pub fn append(&mut self, row: R) -> Result<()> {
        let line = line(&self.path, &row)?;
        let mut add = || {
            let end = self.file.seek(SeekFrom::End(0))?;
            let written = self.file.write_all(line.as_bytes());
            if written.is_err() {
                // A full disk may have taken part of the line; the next row must not be glued to it.
                self.file.set_len(end)?;
            }
            written
        };
        add().map_err(|e| unwritable(&self.path, &e))?;
        self.rows.push(row);
        Ok(())
    }

    /// Has every row on the disk before it returns.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| unwritable(&self.path, &e))
    }

    fn start(path: &Path, rows: Vec<R>) -> Result<Self> {
        let mut text = format!("{}\n", R::HEADER);
        for row in &rows {
            text.push_str(&line(path, row)?);
        }
        write_atomic(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(|e| unwritable(path, &e))?;
        Ok(Self { file, path: path.to_path_buf(), rows })
    }
}

/// A row's line. Numbers are written with the fewest digits that read back as the same number.
fn line(path: &Path, row: &impl Serialize) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(row).map_err(|e| Error::file(path, e))?;
    let bytes = writer.into_inner().map_err(|e| Error::file(path, e.error()))?;
    String::from_utf8(bytes).map_err(|e| Error::file(path, e))
}

/// The most bytes of a table: some ten million rows.
const MOST: u64 = 1 << 30;

/// Every whole row of the file at `path`.
///
/// # Errors
/// A missing file, another header, a line that is not a row; with the line number and what was expected.
pub fn read<R: Record>(path: &Path) -> Result<Vec<R>> {
    let bytes = files::read(path, MOST).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::file(path, "is missing; expected the table that training writes"),
        _ => Error::file(path, e),
    })?;
    // What follows the last line break was being written when the process was killed.
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let first = bytes[..whole].split(|&byte| byte == b'\n').next().unwrap_or_default();
    if first.strip_suffix(b"\r").unwrap_or(first) != R::HEADER.as_bytes() {
        return Err(Error::file(path, format!("line 1: expected the header {}", R::HEADER)));
    }
    let mut reader = csv::ReaderBuilder::new().quoting(false).from_reader(&bytes[..whole]);
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        rows.push(row.map_err(|e| Error::file(path, describe(&e, R::HEADER)))?);
    }
    Ok(rows)
}

/// Where and what, in one line.
fn describe(error: &csv::Error, header: &str) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            match err.field().and_then(|at| header.split(',').nth(at as usize)) {
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
