//! Pictures of one size with their labels, held in memory or read from their files when they are needed.

use std::borrow::Cow;
use std::path::PathBuf;

use image::RgbImage;

use super::origin::{Digest, Moments, Origin};
use super::{Fit, Size, picture};
use crate::error::{Error, Result};

/// How picture files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The folder that origins name them from.
    pub root: PathBuf,
    /// What becomes of another shape.
    pub fit: Fit,
    /// Threads that decode; 0 means as many as there are cores.
    pub workers: usize,
}

/// Pictures of one size with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// `[n, height, width, 3]`, red green blue, 0 to 255; empty where [`Images::files`] are read when they are needed.
    pub pixels: Vec<u8>,
    /// The class of each picture, an index into [`Dataset::classes`](super::Dataset::classes).
    pub labels: Vec<i32>,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
    /// What a network sees of each: the middle, or a part that augmentation draws; all of it if none.
    pub seen: Option<Size>,
    /// Where each picture is from; empty for pictures that were made here.
    pub origins: Vec<Origin>,
    /// How those are read that are picture files.
    pub files: Option<Files>,
}

impl Images {
    /// No pictures yet, of this size.
    pub fn new(height: usize, width: usize) -> Self {
        Images { height, width, ..Images::default() }
    }

    /// No pictures yet, of size `loaded`, of which a network sees a part of size `seen`.
    pub fn of(loaded: Size, seen: Size) -> Self {
        Images { seen: (seen != loaded).then_some(seen), ..Images::new(loaded.height, loaded.width) }
    }

    /// Rows and columns of what a network sees.
    pub fn input(&self) -> [usize; 2] {
        self.seen.map_or([self.height, self.width], |seen| [seen.height, seen.width])
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pictures' files, as origins have them; none for pictures that are no files.
    pub fn names(&self) -> Vec<String> {
        self.origins.iter().map(|origin| origin.file.clone()).collect()
    }

    /// Bytes of one picture.
    pub fn stride(&self) -> usize {
        self.height * self.width * 3
    }

    /// Whether there are pictures whose pixels are not here but are decoded when they are needed.
    pub fn is_streamed(&self) -> bool {
        self.pixels.is_empty() && !self.is_empty()
    }

    /// Picture `index`, `[height, width, 3]`, from memory or from its file.
    ///
    /// # Errors
    /// A file that cannot be read, or holds another picture than when the data set was opened.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`].
    pub fn read(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        let Some(files) = self.files.as_ref().filter(|_| self.is_streamed()) else {
            return Ok(Cow::Borrowed(self.image(index)));
        };
        let origin = &self.origins[index];
        let path = files.root.join(&origin.file);
        let picture = picture::open(&path)?;
        if Digest::of_picture(&picture) != origin.digest {
            return Err(Error::file(path, "was changed while it was in use; start again"));
        }
        Ok(Cow::Owned(picture::fitted(&picture, self.height, self.width, files.fit)?))
    }

    /// Picture `index` of those that are held, `[height, width, 3]`.
    ///
    /// # Panics
    /// If `index` is not below [`Images::len`], or its pixels are not held.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.stride()..][..self.stride()]
    }

    /// A copy of the pictures at `indices`, in that order: what [`split`](super::split) chose.
    ///
    /// # Panics
    /// If an index is not below [`Images::len`].
    pub fn select(&self, indices: &[u32]) -> Images {
        let mut chosen = Images { files: self.files.clone(), seen: self.seen, ..Images::new(self.height, self.width) };
        let stride = if self.is_streamed() { 0 } else { self.stride() };
        chosen.pixels.reserve_exact(indices.len() * stride);
        for &index in indices {
            chosen.pixels.extend_from_slice(&self.pixels[index as usize * stride..][..stride]);
            chosen.labels.push(self.labels[index as usize]);
            chosen.origins.extend(self.origins.get(index as usize).cloned());
        }
        chosen
    }

    /// Puts `picture` of class `label` behind these, brought to their size.
    ///
    /// # Errors
    /// Those of [`picture::resize`].
    pub fn push(&mut self, picture: &RgbImage, fit: Fit, label: i32) -> Result<()> {
        self.pixels.extend(picture::fitted(picture, self.height, self.width, fit)?);
        self.labels.push(label);
        Ok(())
    }

    /// Puts `others`, which have the same size, behind these.
    pub(crate) fn append(&mut self, others: Images) {
        if self.is_empty() {
            *self = others;
            return;
        }
        self.pixels.extend(others.pixels);
        self.labels.extend(others.labels);
        self.origins.extend(others.origins);
    }

    /// How many pictures each of `classes` classes has.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        class_counts(&self.labels, classes)
    }

    /// Mean and (biased) standard deviation of each channel, with pixels scaled to 0..1.
    ///
    /// The sums are integers, so the result is right to the last digit or two and the same on every machine. A channel
    /// that never changes has deviation 0; without pictures both are 0.
    pub fn mean_std(&self) -> ([f64; 3], [f64; 3]) {
        let known = || self.origins.iter().fold(Moments::default(), |all, origin| all.and(&origin.moments));
        let Moments { count, sum, squares } = if self.is_streamed() { known() } else { Moments::of(&self.pixels) };
        let count = u128::from(count.max(1));
        let scale = 255.0 * count as f64;
        let mean = sum.map(|s| s as f64 / scale);
        // n Σx² − (Σx)² is an exact integer: no cancellation, whatever the mean.
        let spread = |c: usize| count * u128::from(squares[c]) - u128::from(sum[c]) * u128::from(sum[c]);
        (mean, [0, 1, 2].map(|channel| (spread(channel) as f64).sqrt() / scale))
    }
}

/// How many of `labels` each of `classes` classes has; what is no class is not counted.
pub fn class_counts(labels: &[i32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        if let Some(count) = usize::try_from(label).ok().and_then(|class| counts.get_mut(class)) {
            *count += 1;
        }
    }
    counts
}
