//! CIFAR-10's binary version: files of records without a header.
//!
//! A record is 3073 bytes: one label, then 1024 red, 1024 green and 1024 blue values, each plane row by row. A file
//! says nothing about itself, so everything that can be wrong with one is checked here and named by its offset.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::{Dataset, Images};
use crate::error::{Error, Result};

/// Rows and columns of a picture.
pub const SIDE: usize = 32;
/// Values in one colour plane.
const PLANE: usize = SIDE * SIDE;
/// Bytes of a record: the label and three planes.
pub const RECORD: usize = 1 + 3 * PLANE;
/// Records of a published file; longer ones are something else.
const MOST: usize = 10_000;

const TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
const TEST: &str = "test_batch.bin";
const NAMES: &str = "batches.meta.txt";
const FOLDER: &str = "cifar-10-batches-bin";
const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// CIFAR-10 from `dir`, or from the folder `cifar-10-batches-bin` in it. A file may hold fewer records than the
/// published 10 000, so that a small excerpt works.
///
/// # Errors
/// Missing, empty, truncated or too long files and labels out of range, each with its place and what to do.
pub fn open(dir: &str) -> Result<Dataset> {
    let folder = find(Path::new(dir))?;
    let classes = classes(&folder.join(NAMES))?;
    let mut train = Images::new(SIDE, SIDE);
    for name in TRAIN {
        file(&folder.join(name), &mut train)?;
    }
    let mut test = Images::new(SIDE, SIDE);
    file(&folder.join(TEST), &mut test)?;
    Ok(Dataset::new("cifar10", classes, train, test))
}

/// The folder that holds the files.
fn find(dir: &Path) -> Result<std::path::PathBuf> {
    if !dir.is_dir() {
        let what = if dir.exists() { "is not a folder" } else { "no such folder" };
        return Err(Error::file(dir, format!("{what}; cifar10:DIR wants the folder with {} and its kin", TRAIN[0])));
    }
    let known = |folder: &Path| TRAIN.iter().chain([&TEST]).any(|name| folder.join(name).exists());
    let inner = dir.join(FOLDER);
    if let Some(folder) = [dir, &inner].into_iter().find(|folder| known(folder)) {
        return Ok(folder.to_path_buf());
    }
    let python = [dir, &dir.join("cifar-10-batches-py")].iter().any(|folder| folder.join("data_batch_1").exists());
    let fix = if python {
        "this is the Python version; get the binary version, cifar-10-binary.tar.gz"
    } else if dir.join("cifar-10-binary.tar.gz").exists() {
        "unpack cifar-10-binary.tar.gz there first"
    } else {
        "unpack cifar-10-binary.tar.gz (CIFAR-10, binary version) there or name the folder that has it"
    };
    Err(Error::file(dir, format!("holds neither {} nor {FOLDER}/{}; {fix}", TRAIN[0], TRAIN[0])))
}

/// Class names: those of the file if there is one, else the published ten.
fn classes(path: &Path) -> Result<Vec<String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(CLASSES.map(String::from).to_vec()),
        Err(e) if e.kind() == ErrorKind::InvalidData => {
            return Err(Error::file(
                path,
                "is not text; expected ten class names, one a line (the file may be removed)",
            ));
        }
        Err(e) => return Err(Error::file(path, e)),
    };
    names(path, &text, CLASSES.len())
}

/// Exactly `count` class names, one a line; blank lines do not count.
pub(super) fn names(path: &Path, text: &str, count: usize) -> Result<Vec<String>> {
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    if let Some(line) = names.iter().position(|name| name.chars().any(char::is_control)) {
        return Err(Error::file(path, format!("name {} holds control characters; expected plain text", line + 1)));
    }
    if names.len() != count {
        return Err(Error::file(path, format!("{} class names; expected {count}, one a line", names.len())));
    }
    Ok(names)
}

/// Reads one file's records onto the end of `images`; never more of it than a whole batch.
fn file(path: &Path, images: &mut Images) -> Result<()> {
    let opened = std::fs::File::open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::file(
            path,
            format!("is missing; CIFAR-10 needs {} to {} and {TEST} side by side: unpack it again", TRAIN[0], TRAIN[4]),
        ),
        _ => Error::file(path, e),
    })?;
    let length = opened.metadata().map_or(0, |data| data.len());
    let most = (MOST * RECORD) as u64;
    let mut bytes = Vec::with_capacity(length.min(most) as usize);
    opened.take(most + 1).read_to_end(&mut bytes).map_err(|e| Error::file(path, e))?;
    if bytes.len() as u64 > most {
        let what = format!(
            "{} bytes; a CIFAR-10 file ends at offset {most} at the latest ({MOST} records of {RECORD} bytes): is this the binary version?",
            length.max(bytes.len() as u64)
        );
        return Err(Error::file(path, what));
    }
    records(path, &bytes, CLASSES.len(), images)
}

/// Appends the records in `bytes` to `images`, planes interleaved to `[height, width, 3]`. `path` is for messages.
///
/// # Errors
/// No bytes at all, an incomplete last record, a label that is not below `classes`; then `images` is as it was.
pub fn records(path: &Path, bytes: &[u8], classes: usize, images: &mut Images) -> Result<()> {
    let refuse = |what: String| Err(Error::file(path, what));
    if bytes.is_empty() {
        return refuse(format!("is empty; expected records of {RECORD} bytes: unpack or download it again"));
    }
    // Labels first: a file of another kind says so by its first bytes, whatever its length.
    for (number, record) in bytes.chunks(RECORD).enumerate() {
        if usize::from(record[0]) >= classes {
            return refuse(format!(
                "record {number} at offset {}: label {}, expected 0 to {}: the file is damaged or not in CIFAR-10's binary layout",
                number * RECORD,
                record[0],
                classes - 1
            ));
        }
    }
    let left = bytes.len() % RECORD;
    if left != 0 {
        let number = bytes.len() / RECORD;
        return refuse(format!(
            "ends at offset {} inside record {number}, which begins at offset {} and has {left} of {RECORD} bytes: the file is truncated, unpack or download it again",
            bytes.len(),
            number * RECORD
        ));
    }
    images.pixels.reserve_exact(bytes.len() / RECORD * 3 * PLANE);
    for record in bytes.chunks_exact(RECORD) {
        images.labels.push(i32::from(record[0]));
        let (red, rest) = record[1..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        for ((r, g), b) in red.iter().zip(green).zip(blue) {
            images.pixels.extend_from_slice(&[*r, *g, *b]);
        }
    }
    Ok(())
}
