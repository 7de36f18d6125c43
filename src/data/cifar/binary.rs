//! The binary version: files of records without a header.
//!
//! A record is one label byte (CIFAR-100: two, coarse and fine), then 1024 red, 1024 green and 1024 blue values, each
//! plane row by row. A file says nothing about itself, so everything that can be wrong with one is checked here and
//! named by its offset.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{PLANE, append};
use crate::data::Images;
use crate::error::{Error, Result};

/// Reads the records of `opened` onto the end of `images`; never more of it than `most` records.
pub(super) fn file(
    path: &Path,
    opened: File,
    labels: usize,
    most: usize,
    classes: usize,
    images: &mut Images,
) -> Result<()> {
    let record = labels + 3 * PLANE;
    let length = opened.metadata().map_or(0, |data| data.len());
    let longest = (most * record) as u64;
    let mut bytes = Vec::with_capacity(length.min(longest) as usize);
    opened.take(longest + 1).read_to_end(&mut bytes).map_err(|e| Error::file(path, e))?;
    if bytes.len() as u64 > longest {
        let what = format!(
            "{} bytes; this file ends at offset {longest} at the latest ({most} records of {record} bytes): is it the binary version?",
            length.max(bytes.len() as u64)
        );
        return Err(Error::file(path, what));
    }
    records(path, &bytes, labels, classes, images)
}

/// Appends the records in `bytes` to `images`, planes interleaved to `[height, width, 3]`. Each begins with `labels`
/// label bytes, the last of which counts. `path` is for messages.
///
/// # Errors
/// No bytes at all, an incomplete last record, a label that is not below `classes`; then `images` is as it was.
pub fn records(path: &Path, bytes: &[u8], labels: usize, classes: usize, images: &mut Images) -> Result<()> {
    let size = labels + 3 * PLANE;
    let refuse = |what: String| Err(Error::file(path, what));
    if bytes.is_empty() {
        return refuse(format!("is empty; expected records of {size} bytes: unpack or download it again"));
    }
    // Labels first: a file of another kind says so by its first bytes, whatever its length.
    for (number, record) in bytes.chunks(size).enumerate() {
        if let Some(&label) = record.get(labels - 1).filter(|&&label| usize::from(label) >= classes) {
            return refuse(format!(
                "record {number} at offset {}: label {label}, expected 0 to {}: the file is damaged or not in CIFAR's binary layout",
                number * size,
                classes - 1
            ));
        }
    }
    let left = bytes.len() % size;
    if left != 0 {
        let number = bytes.len() / size;
        return refuse(format!(
            "ends at offset {} inside record {number}, which begins at offset {} and has {left} of {size} bytes: the file is truncated, unpack or download it again",
            bytes.len(),
            number * size
        ));
    }
    images.pixels.reserve_exact(bytes.len() / size * 3 * PLANE);
    for record in bytes.chunks_exact(size) {
        append(images, i32::from(record[labels - 1]), &record[labels..]);
    }
    Ok(())
}
