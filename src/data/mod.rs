//! Data sets: what a run trains and tests on, held in memory as 8-bit pictures.
//!
//! A data set is one file in this folder and one line in the `KINDS` table; [`Dataset::open`] finds it by its spec.

pub mod cifar;
pub mod emoji;
pub mod picture;
pub mod split;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Pictures of one size with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `[n, height, width, 3]`, red green blue, 0 to 255.
    pub pixels: Vec<u8>,
    /// The class of each picture, an index into [`Dataset::classes`].
    pub labels: Vec<i32>,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
}

impl Images {
    /// No pictures yet, of this size.
    pub fn new(height: usize, width: usize) -> Self {
        Images { height, width, ..Images::default() }
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one picture.
    pub fn stride(&self) -> usize {
        self.height * self.width * 3
    }

    /// Picture `index`, `[height, width, 3]`.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.stride()..][..self.stride()]
    }

    /// A copy of the pictures at `indices`, in that order: what [`split`] chose.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn select(&self, indices: &[u32]) -> Images {
        let mut chosen = Images::new(self.height, self.width);
        chosen.pixels.reserve_exact(indices.len() * self.stride());
        for &index in indices {
            chosen.pixels.extend_from_slice(self.image(index as usize));
            chosen.labels.push(self.labels[index as usize]);
        }
        chosen
    }

    /// How many pictures each of `classes` classes has.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = usize::try_from(label).ok().and_then(|class| counts.get_mut(class)) {
                *count += 1;
            }
        }
        counts
    }

    /// Mean and (biased) standard deviation of each channel, with pixels scaled to 0..1.
    ///
    /// The sums are integers, so the result is right to the last digit or two and the same on every machine. A channel
    /// that never changes has deviation 0; without pictures both are 0.
    pub fn mean_std(&self) -> ([f64; 3], [f64; 3]) {
        let (mut sum, mut squares) = ([0u64; 3], [0u64; 3]);
        for pixel in self.pixels.chunks_exact(3) {
            for channel in 0..3 {
                let value = u64::from(pixel[channel]);
                sum[channel] += value;
                squares[channel] += value * value;
            }
        }
        let count = (self.pixels.len() / 3).max(1) as u128;
        let scale = 255.0 * count as f64;
        let mean = sum.map(|s| s as f64 / scale);
        // n Σx² − (Σx)² is an exact integer: no cancellation, whatever the mean.
        let spread = |c: usize| count * u128::from(squares[c]) - u128::from(sum[c]) * u128::from(sum[c]);
        (mean, [0, 1, 2].map(|channel| (spread(channel) as f64).sqrt() / scale))
    }
}

/// A data set: its classes, what to train on and what to test on.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name, fit for a folder's name: `emoji`, `cifar10`.
    pub name: String,
    /// The classes' names; a label is an index into it.
    pub classes: Vec<String>,
    /// The training pictures.
    pub train: Images,
    /// The test pictures, of the same size.
    pub test: Images,
    /// SHA-256 of classes, sizes, labels and pixels: two runs with the same hash saw the same data.
    pub hash: String,
}

/// One kind of data set, as the command line names it.
struct Kind {
    name: &'static str,
    /// What stands after the colon; empty where nothing may.
    argument: &'static str,
    about: &'static str,
    open: fn(&str) -> Result<Dataset>,
}

/// Every data set there is: one line each.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "emoji", argument: "", about: "4 458 emoji in nine classes, 32x32, built in", open: |_| emoji::open() },
    Kind { name: "cifar10", argument: "DIR", about: "CIFAR-10's binary version, unpacked in DIR", open: cifar::open },
];

impl Dataset {
    /// The data set that `spec` names: `emoji`, or a kind with its folder, `cifar10:DIR`.
    ///
    /// # Errors
    /// A spec that is not in the table (the message lists it), and whatever is wrong with the files.
    pub fn open(spec: &str) -> Result<Dataset> {
        let (name, argument) = match spec.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (spec, None),
        };
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            return Err(Error::usage(format!("unknown data set {name:?}: use {}", list(", "))));
        };
        match argument {
            None if !kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name} needs a folder: write {name}:{}", kind.argument)))
            }
            Some("") if !kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name}: the folder after the colon is empty: write {name}:DIR")))
            }
            Some(extra) if kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name} takes nothing after its name, got {extra:?}: write {name}")))
            }
            argument => (kind.open)(argument.unwrap_or_default()),
        }
    }

    /// The known specs with a word on each, one a line: for a help text.
    pub fn known() -> String {
        list("\n")
    }

    /// Puts the parts together and hashes them.
    pub fn new(name: impl Into<String>, classes: Vec<String>, train: Images, test: Images) -> Dataset {
        let hash = hash(&classes, &[&train, &test]);
        Dataset { name: name.into(), classes, train, test, hash }
    }

    /// How many training and test pictures each class has.
    pub fn class_counts(&self) -> (Vec<usize>, Vec<usize>) {
        (self.train.class_counts(self.classes.len()), self.test.class_counts(self.classes.len()))
    }
}

/// The table's lines, joined.
fn list(separator: &str) -> String {
    let line = |kind: &Kind| {
        let colon = if kind.argument.is_empty() { "" } else { ":" };
        format!("{}{colon}{} ({})", kind.name, kind.argument, kind.about)
    };
    KINDS.iter().map(line).collect::<Vec<_>>().join(separator)
}

/// SHA-256 in hex; every part goes in behind its length, so that no two data sets share a byte stream.
fn hash(classes: &[String], parts: &[&Images]) -> String {
    let mut hash = Sha256::new();
    hash.update((classes.len() as u64).to_le_bytes());
    for class in classes {
        hash.update((class.len() as u64).to_le_bytes());
        hash.update(class);
    }
    for images in parts {
        for size in [images.len(), images.height, images.width] {
            hash.update((size as u64).to_le_bytes());
        }
        for label in &images.labels {
            hash.update(label.to_le_bytes());
        }
        hash.update(&images.pixels);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
