//! The Python version: each file is a pickled dictionary with the pixels as a numpy array and the labels as a list.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{PLANE, append};
use crate::data::Images;
use crate::data::source::check_name;
use crate::error::{Error, Result};
use crate::pickle::Pickle;

/// Bytes of a file beyond its pixels that a record may take: file names, labels, and what an old protocol spends on
/// writing pixels as text.
const SLACK: usize = 4 * 3 * PLANE;

/// Reads the records of `opened` onto the end of `images`.
///
/// # Errors
/// What [`Pickle`] refuses; a dictionary without pixels or labels, of different numbers, labels out of range.
pub(super) fn file(path: &Path, opened: File, most: usize, classes: usize, images: &mut Images) -> Result<()> {
    let longest = (most * (3 * PLANE + SLACK)) as u64;
    let mut bytes = Vec::new();
    opened.take(longest + 1).read_to_end(&mut bytes).map_err(|e| Error::file(path, e))?;
    if bytes.len() as u64 > longest {
        return Err(Error::file(path, format!("is longer than {longest} bytes: is it CIFAR's Python version?")));
    }
    let refuse = |what: String| Error::file(path, what);
    let pickle = Pickle::parse(&bytes).map_err(refuse)?;
    // CIFAR-10 has one kind of label; of CIFAR-100's two the fine one is meant.
    let labels = ["fine_labels", "labels"].into_iter().find_map(|key| pickle.get(key));
    let labels = labels.ok_or_else(|| refuse("has neither 'labels' nor 'fine_labels': not a CIFAR batch".into()))?;
    let labels = pickle.integers(labels).ok_or_else(|| refuse("its labels are no list of numbers".into()))?;
    let data = pickle.get("data").ok_or_else(|| refuse("has no 'data': not a CIFAR batch".into()))?;
    let (shape, pixels) = pickle.bytes(data).ok_or_else(|| refuse("'data' is no array of bytes (uint8)".into()))?;
    if shape != [labels.len(), 3 * PLANE] {
        let what = format!("'data' has shape {shape:?}; expected [{}, {}], a row a label", labels.len(), 3 * PLANE);
        return Err(refuse(what));
    }
    if labels.is_empty() || labels.len() > most {
        return Err(refuse(format!("{} pictures; expected 1 to {most}", labels.len())));
    }
    if let Some((record, label)) = labels.iter().enumerate().find(|(_, label)| !(0..classes as i64).contains(label)) {
        return Err(refuse(format!("record {record}: label {label}, expected 0 to {}", classes - 1)));
    }
    images.pixels.reserve_exact(pixels.len());
    for (&label, planes) in labels.iter().zip(pixels.chunks_exact(3 * PLANE)) {
        append(images, label as i32, planes);
    }
    Ok(())
}

/// The class names in the file of names.
///
/// # Errors
/// What [`Pickle`] refuses, and anything but `count` names.
pub(super) fn names(path: &Path, bytes: &[u8], count: usize) -> Result<Vec<String>> {
    let refuse = |what: String| Error::file(path, format!("{what} (the file may be removed)"));
    let pickle = Pickle::parse(bytes).map_err(refuse)?;
    let list = ["fine_label_names", "label_names"].into_iter().find_map(|key| pickle.get(key));
    let names = list.and_then(|list| pickle.texts(list));
    let names = names.ok_or_else(|| refuse("has no list of class names".into()))?;
    if names.len() != count {
        return Err(refuse(format!("{} class names; expected {count}", names.len())));
    }
    names.iter().try_for_each(|name| check_name(name)).map_err(refuse)?;
    Ok(names)
}
