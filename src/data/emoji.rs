//! The built-in data set: emoji pictures of two vendors in nine classes, in CIFAR-10's record layout.
//!
//! It is in the program itself, so that a first training needs no download. Split by emoji: both vendors' pictures and
//! all skin variations of one emoji stand on the same side. The classes are as unequal as they are in nature.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::source::{Part, Parts, Source};
use super::{Images, Loading, Size, cifar};
use crate::error::{Error, Result};

const TRAIN: &[u8] = include_bytes!("../../assets/emoji/train.bin.gz");
const TEST: &[u8] = include_bytes!("../../assets/emoji/test.bin.gz");
const NAMES: &str = include_str!("../../assets/emoji/classes.txt");
/// How many classes there are.
const CLASSES: usize = 9;

/// The emoji data set.
///
/// # Errors
/// A split, which it has already; damaged files that the program was built from.
pub fn find(loading: &Loading) -> Result<Source> {
    loading.refuse_split("the emoji set")?;
    let names = Path::new("assets/emoji/classes.txt");
    let classes = cifar::names(names, NAMES, CLASSES)?;
    let train = images(Path::new("assets/emoji/train.bin.gz"), TRAIN, CLASSES)?;
    let test = images(Path::new("assets/emoji/test.bin.gz"), TEST, CLASSES)?;
    let parts = Parts::divided([train, Images::default(), test].map(Part::Pixels));
    Ok(Source {
        name: "emoji".into(),
        classes,
        root: PathBuf::new(),
        parts,
        size: Size::square(cifar::SIDE),
        notes: Vec::new(),
        warnings: Vec::new(),
        empty: Vec::new(),
    })
}

/// Unpacks gzip-compressed records; `path` is for messages.
///
/// # Errors
/// Bytes that are not gzip, and what [`cifar::records`] refuses.
pub fn images(path: &Path, packed: &[u8], classes: usize) -> Result<Images> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).map_err(|e| {
        Error::file(path, format!("cannot be unpacked as gzip ({e}): build the program from whole files"))
    })?;
    let mut images = Images::new(cifar::SIDE, cifar::SIDE);
    cifar::records(path, &bytes, 1, classes, &mut images)?;
    Ok(images)
}
