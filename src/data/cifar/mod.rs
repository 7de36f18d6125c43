//! CIFAR-10 and CIFAR-100, each in the binary and the Python version as published.
//!
//! Which version a folder holds is seen by its files. Both give the same pictures in the same order, so the same data
//! set with the same hash.

mod binary;
mod python;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use binary::records;

use super::fetch::Archive;
use super::source::{Part, Parts, Source, check_name};
use super::{Images, Loading, Size};
use crate::error::{Error, Result};
use crate::files;

/// Rows and columns of a picture.
pub const SIDE: usize = 32;
/// Values in one color plane.
const PLANE: usize = SIDE * SIDE;

/// One of the two data sets.
pub struct Cifar {
    name: &'static str,
    title: &'static str,
    classes: &'static [&'static str],
    binary: Layout,
    python: Layout,
}

/// The files of one version.
struct Layout {
    /// The folder that its archive unpacks to.
    folder: &'static str,
    /// Training files in order.
    train: &'static [&'static str],
    /// Records in each as published; no file has more.
    records: usize,
    /// The test file; 10 000 records as published.
    test: &'static str,
    /// The file with the classes' names; it may be missing.
    names: &'static str,
    /// Labels in front of a binary record, the last of which counts; 0 in the Python version.
    labels: usize,
    /// The archive: name, bytes, MD5.
    archive: (&'static str, u64, &'static str),
}

/// CIFAR-10: 50 000 training and 10 000 test pictures, ten classes.
pub const CIFAR10: Cifar = Cifar {
    name: "cifar10",
    title: "CIFAR-10",
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    binary: Layout {
        folder: "cifar-10-batches-bin",
        train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        records: 10_000,
        test: "test_batch.bin",
        names: "batches.meta.txt",
        labels: 1,
        archive: ("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),
    },
    python: Layout {
        folder: "cifar-10-batches-py",
        train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        records: 10_000,
        test: "test_batch",
        names: "batches.meta",
        labels: 0,
        archive: ("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a"),
    },
};

/// CIFAR-100: 50 000 training and 10 000 test pictures, a hundred fine classes.
pub const CIFAR100: Cifar = Cifar {
    name: "cifar100",
    title: "CIFAR-100",
    classes: &FINE,
    binary: Layout {
        folder: "cifar-100-binary",
        train: &["train.bin"],
        records: 50_000,
        test: "test.bin",
        names: "fine_label_names.txt",
        labels: 2,
        archive: ("cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"),
    },
    python: Layout {
        folder: "cifar-100-python",
        train: &["train"],
        records: 50_000,
        test: "test",
        names: "meta",
        labels: 0,
        archive: ("cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85"),
    },
};

#[rustfmt::skip]
const FINE: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest",
    "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard",
    "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum",
    "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper",
    "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf",
    "woman", "worm",
];

/// `set` from `dir`, or from the published folder in it. A file may hold fewer records than the published one, so that
/// a small excerpt works; the notes then say so.
///
/// # Errors
/// Missing, empty, truncated or too long files and labels out of range, each with its place and what to do.
pub fn find(set: &Cifar, dir: &str, loading: &Loading) -> Result<Source> {
    loading.refuse_split(set.title)?;
    let (layout, folder) = set.locate(Path::new(dir))?;
    let classes = set.class_names(layout, &folder.join(layout.names))?;
    let size = Size::square(SIDE);
    let (mut train, mut test) = (Images::new(SIDE, SIDE), Images::new(SIDE, SIDE));
    let mut notes = Vec::new();
    let files = layout.train.iter().map(|&name| (name, layout.records, true)).chain([(layout.test, 10_000, false)]);
    for (name, most, training) in files {
        let images = if training { &mut train } else { &mut test };
        let before = images.len();
        set.file(layout, &folder.join(name), most, images)?;
        let count = images.len() - before;
        if count < most {
            notes.push(format!("{name} holds {count} of the published {most} pictures: an excerpt, or cut short"));
        }
    }
    let parts = Parts::divided([train, Images::new(SIDE, SIDE), test].map(Part::Pixels));
    let (warnings, empty) = Default::default();
    Ok(Source { name: set.name.into(), classes, root: PathBuf::new(), parts, size, notes, warnings, empty })
}

impl Cifar {
    /// The published archive of the `binary` or `python` version.
    pub fn archive(&self, python: bool) -> Archive {
        let Layout { folder, train, test, archive: (name, size, md5), .. } =
            if python { &self.python } else { &self.binary };
        Archive {
            name: (*name).into(),
            url: format!("https://www.cs.toronto.edu/~kriz/{name}"),
            size: *size,
            md5: (*md5).into(),
            folder: (*folder).into(),
            files: train.iter().chain([test]).map(|&file| file.into()).collect(),
        }
    }

    /// The version that `dir` holds, and the folder with its files.
    fn locate(&self, dir: &Path) -> Result<(&Layout, PathBuf)> {
        let Cifar { name, title, binary, python, .. } = self;
        let first = binary.train[0];
        if !dir.is_dir() {
            let what = if dir.exists() { "is not a folder" } else { "no such folder" };
            return Err(Error::file(dir, format!("{what}; {name}:DIR wants the folder with {first} and its kin")));
        }
        // Any one of the files shows the version: which of them are missing is then told by name.
        let holds = |layout: &Layout, folder: &Path| {
            layout.train.iter().chain([&layout.test]).any(|file| folder.join(file).is_file())
        };
        for layout in [binary, python] {
            let inner = dir.join(layout.folder);
            if let Some(folder) = [dir, &inner].into_iter().find(|folder| holds(layout, folder)) {
                return Ok((layout, folder.to_path_buf()));
            }
        }
        let packed = [binary, python].map(|layout| layout.archive.0).into_iter().find(|file| dir.join(file).exists());
        let fix = match packed {
            Some(file) => format!("unpack {file} there first"),
            None => {
                format!("`‹data fetch {name} to={}›` gets it, or name the folder that has it", dir.display())
            }
        };
        let what = format!("holds neither {first} ({title}, binary version) nor {} (Python version)", python.train[0]);
        Err(Error::file(dir, format!("{what}, itself or in {} or {}; {fix}", binary.folder, python.folder)))
    }

    /// Class names: those of the file if there is one, else the published ones.
    fn class_names(&self, layout: &Layout, path: &Path) -> Result<Vec<String>> {
        let count = self.classes.len();
        let bytes = match files::read(path, files::TEXT) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(self.classes.iter().map(|&n| n.into()).collect()),
            Err(e) => return Err(Error::file(path, e)),
        };
        if layout.labels == 0 {
            return python::names(path, &bytes, count);
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::file(
                path,
                format!("is not text; expected {count} class names, one a line (the file may be removed)"),
            )
        })?;
        names(path, &text, count)
    }

    /// Reads one file's records onto the end of `images`.
    fn file(&self, layout: &Layout, path: &Path, most: usize, images: &mut Images) -> Result<()> {
        let opened = files::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => {
                let files: Vec<_> = layout.train.iter().chain([&layout.test]).copied().collect();
                let what = format!("is missing; {} needs {} side by side", self.title, files.join(", "));
                Error::file(path, format!("{what}: unpack it again"))
            }
            _ => Error::file(path, e),
        })?;
        match layout.labels {
            0 => python::file(path, opened, most, self.classes.len(), images),
            labels => binary::file(path, opened, labels, most, self.classes.len(), images),
        }
    }
}

/// Exactly `count` class names, one a line; blank lines do not count.
pub(super) fn names(path: &Path, text: &str, count: usize) -> Result<Vec<String>> {
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    if names.len() != count {
        return Err(Error::file(path, format!("{} class names; expected {count}, one a line", names.len())));
    }
    names.iter().try_for_each(|name| check_name(name)).map_err(|what| Error::file(path, what))?;
    Ok(names)
}

/// Appends a picture, its three planes interleaved to `[height, width, 3]`.
fn append(images: &mut Images, label: i32, planes: &[u8]) {
    images.labels.push(label);
    let (red, rest) = planes.split_at(PLANE);
    let (green, blue) = rest.split_at(PLANE);
    for ((r, g), b) in red.iter().zip(green).zip(blue) {
        images.pixels.extend_from_slice(&[*r, *g, *b]);
    }
}
