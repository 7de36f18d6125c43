//! The confusion matrix: how often images of each class were taken for each class.

use std::cmp::Reverse;

use crate::error::{Error, Result};

/// Counts of images by true and predicted class, over all classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

/// Two classes of which the first was taken for the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What the images show.
    pub truth: usize,
    /// What they were taken for.
    pub predicted: usize,
    /// Which images: positions in the set, ascending.
    pub images: Vec<usize>,
}

impl Confusion {
    /// Counts each image's class in `labels` and `predictions`.
    ///
    /// # Errors
    /// Lists of different lengths; a class that is none of the `classes`.
    pub fn count(labels: &[i32], predictions: &[i32], classes: usize) -> Result<Self> {
        if labels.len() != predictions.len() {
            let (labels, predictions) = (labels.len(), predictions.len());
            return Err(Error::shape("confusion", format!("{labels} labels and {predictions} predictions")));
        }
        let mut counts = vec![0; classes * classes];
        for (image, pair) in labels.iter().zip(predictions).enumerate() {
            let [truth, predicted] = [*pair.0, *pair.1].map(|class| usize::try_from(class).unwrap_or(usize::MAX));
            if truth >= classes || predicted >= classes {
                let what = format!("image {image} has label {} and prediction {} of {classes} classes", pair.0, pair.1);
                return Err(Error::shape("confusion", what));
            }
            counts[truth * classes + predicted] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many images of class `truth` were taken for class `predicted`.
    ///
    /// # Panics
    /// If either is no class.
    pub fn at(&self, truth: usize, predicted: usize) -> u64 {
        self.row(truth)[predicted]
    }

    /// What the images of class `truth` were taken for.
    ///
    /// # Panics
    /// If it is no class.
    pub fn row(&self, truth: usize) -> &[u64] {
        &self.counts[truth * self.classes..][..self.classes]
    }

    /// Images of each class.
    pub fn support(&self) -> Vec<u64> {
        (0..self.classes).map(|truth| self.row(truth).iter().sum()).collect()
    }

    /// Images that were taken for each class.
    pub fn predicted(&self) -> Vec<u64> {
        (0..self.classes).map(|class| (0..self.classes).map(|truth| self.at(truth, class)).sum()).collect()
    }

    /// All images.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The table as CSV: a row for each true class, a column for each predicted one, `names` in the first of both.
    ///
    /// # Errors
    /// None that names can cause: they are quoted where they have to be.
    pub fn csv(&self, names: &[String]) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::error::Error| Error::file("confusion.csv", e);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let corner = "true \\ predicted".to_owned();
        writer.write_record(std::iter::once(&corner).chain(names)).map_err(|e| failed(&e))?;
        for (truth, name) in names.iter().enumerate() {
            let counts = self.row(truth).iter().map(u64::to_string);
            writer.write_record(std::iter::once(name.clone()).chain(counts)).map_err(|e| failed(&e))?;
        }
        writer.into_inner().map_err(|e| failed(e.error()))
    }
}

/// Every pair of classes of which the first was taken for the second, the most frequent first, equal ones in the order of
/// the classes.
pub fn mistakes(labels: &[i32], predictions: &[i32]) -> Vec<Mistake> {
    let mut wrong: Vec<(usize, usize, usize)> = (labels.iter().zip(predictions).enumerate())
        .filter(|(_, (label, predicted))| label != predicted)
        .map(|(image, (&label, &predicted))| (label as usize, predicted as usize, image))
        .collect();
    wrong.sort_unstable();
    let pairs = wrong.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    let mut mistakes: Vec<Mistake> = pairs
        .map(|pair| Mistake { truth: pair[0].0, predicted: pair[0].1, images: pair.iter().map(|w| w.2).collect() })
        .collect();
    mistakes.sort_by_key(|mistake| Reverse(mistake.images.len()));
    mistakes
}
