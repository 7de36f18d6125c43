//! Data sets: what a run trains and tests on, held in memory as 8-bit pictures.
//!
//! A data set is one file in this folder and one line in [`source`]'s table; [`Dataset::open`] finds it by its spec.

pub mod cifar;
mod container;
pub mod emoji;
pub mod fetch;
pub mod folder;
pub mod info;
mod kinds;
pub mod loading;
pub mod pickle;
pub mod picture;
pub mod read;
pub mod source;
pub mod split;
pub mod tiny_imagenet;

use sha2::{Digest, Sha256};

pub use loading::{Fit, Loading, Ratios, Size};
use read::Broken;
use source::{Part, Source};

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
    /// The data set's own validation pictures, of the same size; empty if it has none.
    pub val: Images,
    /// The test pictures, of the same size.
    pub test: Images,
    /// SHA-256 of classes, sizes, labels and pixels: two runs with the same hash saw the same data.
    pub hash: String,
    /// What its owner should do something about, a sentence each.
    pub warnings: Vec<String>,
    /// Files that were left out ([`Loading::skip_broken`]).
    pub broken: Vec<Broken>,
}

impl Dataset {
    /// The data set that `spec` names: `emoji`, or a kind with its folder, `cifar10:DIR`.
    ///
    /// # Errors
    /// A spec that is not in the table (the message lists it), whatever is wrong with the files, and a data set that is
    /// larger than the machine's memory.
    pub fn open(spec: &str, loading: &Loading) -> Result<Dataset> {
        let Source { name, classes, parts, size, mut warnings, .. } = Source::find(spec, loading)?;
        let size = loading.image_size.unwrap_or(size);
        // Known before an epoch was trained for nothing.
        if parts[2].is_empty() {
            let fix = "add pictures, or make folders 'train' and 'test'";
            return Err(Error::usage(format!("{spec} leaves no picture to test on, having one of each class: {fix}")));
        }
        read::fits(parts.iter().map(Part::len).sum(), size)?;
        let mut broken = Vec::new();
        let mut load = |part| read::load(part, size, loading, &mut broken);
        let [train, val, test] = parts;
        let data = Dataset::new(name, classes, load(train)?, load(val)?, load(test)?);
        if let Some(Broken { file, reason }) = broken.first() {
            warnings
                .push(format!("{} files cannot be read and are left out; the first: {file}: {reason}", broken.len()));
        }
        Ok(Dataset { warnings, broken, ..data })
    }

    /// Puts the parts together and hashes them.
    pub fn new(name: impl Into<String>, classes: Vec<String>, train: Images, val: Images, test: Images) -> Dataset {
        // An empty part leaves no trace: the hash of a set without validation pictures is that of its other two.
        let parts: Vec<_> = [&train, &test, &val].into_iter().filter(|part| !part.is_empty()).collect();
        let hash = hash(&classes, &parts);
        Dataset { name: name.into(), classes, train, val, test, hash, warnings: Vec::new(), broken: Vec::new() }
    }

    /// How many training, validation and test pictures each class has.
    pub fn class_counts(&self) -> [Vec<usize>; 3] {
        [&self.train, &self.val, &self.test].map(|part| part.class_counts(self.classes.len()))
    }
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
