//! What a data set is made of, as a practitioner wants to know it before training: counts, sizes, broken files,
//! duplicates, conversions, warnings.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::origin::{Digest, Origin};
use super::picture::Conversion;
use super::read::Broken;
use super::source::Source;
use super::{Images, Loading, Size, division};
use crate::error::Result;

/// Examples in lists of duplicates.
const EXAMPLES: usize = 5;
/// A class with fewer training pictures is called small.
const FEW: usize = 20;
/// Largest to smallest class from which on a training set is called unequal.
const UNEQUAL: f64 = 3.0;

/// The names of the parts, in order.
const PARTS: [&str; 3] = ["train", "val", "test"];

/// What [`survey`] found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The data set's name.
    pub name: String,
    /// Its classes.
    pub classes: Vec<String>,
    /// Whole pictures of each class in each part.
    pub counts: BTreeMap<&'static str, Vec<usize>>,
    /// What all pictures are brought to.
    pub size: Size,
    /// What a network sees of them.
    pub seen: Size,
    /// The pictures' own sizes; none without pictures.
    pub sizes: Option<Sizes>,
    /// Mean of the training part by channel, full intensity being 1, in size [`Report::size`]. Training uses it.
    pub mean: [f64; 3],
    /// Standard deviation, likewise.
    pub std: [f64; 3],
    /// How many pictures were converted, by conversion.
    pub conversions: BTreeMap<&'static str, usize>,
    /// Files that cannot be read as pictures.
    pub broken: Vec<Broken>,
    /// Classes without pictures, a sentence each.
    pub empty: Vec<String>,
    /// Pictures with equal pixels.
    pub duplicates: Duplicates,
    /// Facts about the source.
    pub notes: Vec<String>,
    /// What may spoil a training.
    pub warnings: Vec<String>,
}

/// The pictures' own sizes.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// The fewest pixels.
    pub smallest: Size,
    /// The most pixels.
    pub largest: Size,
    /// The size of most pictures.
    pub most_common: Size,
    /// How many pictures have it.
    pub most_common_count: usize,
    /// How many sizes there are.
    pub different: usize,
}

/// Pictures with equal pixels, in their own sizes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Duplicates {
    /// Validation and test pictures that training, or validation, has too.
    pub across: usize,
    /// Some of them: the picture and the one it equals.
    pub across_examples: Vec<[String; 2]>,
    /// Pictures that occur under another class as well.
    pub conflicting: usize,
    /// Some of them.
    pub conflicting_examples: Vec<[String; 2]>,
}

/// Reads everything that `spec` names, as training with these settings would.
///
/// # Errors
/// As [`Dataset::open`](super::Dataset::open), but for pictures that cannot be decoded and classes that have none: the report
/// lists them.
pub fn survey(spec: &str, loading: &Loading) -> Result<Report> {
    let loading = &Loading { allow_empty: true, ..loading.clone() };
    let Source { name, classes, root, parts, size, notes, warnings: mut found, empty } = Source::find(spec, loading)?;
    let [size, seen] = loading.sizes(size)?;
    let mut broken = Vec::new();
    // Nothing is held that is only looked at.
    let loading = Loading { skip_broken: true, memory: Some(0), ..loading.clone() };
    let surveyed = division::divided(parts, &root, size, &loading, &mut broken)?.parts;
    let origins = || surveyed.iter().flat_map(|part| &part.origins);
    let mut conversions = BTreeMap::new();
    for conversion in origins().flat_map(|origin| &origin.conversions) {
        let name = Conversion::ALL.iter().find(|(known, _)| known == conversion).map_or("", |(_, name)| name);
        *conversions.entry(name).or_insert(0) += 1;
    }
    let per_class: Vec<_> = surveyed.iter().map(|part| part.class_counts(classes.len())).collect();
    let (mean, std) = surveyed[0].mean_std();
    let duplicates = duplicates(&surveyed);
    found.extend(warnings(&classes, &per_class, &broken, &duplicates));
    let sizes = sizes(origins().map(|origin| origin.size));
    let counts = PARTS.into_iter().zip(per_class).collect();
    Ok(Report {
        name,
        classes,
        counts,
        size,
        seen,
        sizes,
        mean,
        std,
        conversions,
        broken,
        empty,
        duplicates,
        notes,
        warnings: found,
    })
}

fn sizes(all: impl Iterator<Item = Size>) -> Option<Sizes> {
    // Ordered by pixels, then height, so that ties fall the same way every time.
    let mut counts = BTreeMap::new();
    all.for_each(|size| *counts.entry((size.height * size.width, size.height)).or_insert(0usize) += 1);
    let size = |&(pixels, height): &(usize, usize)| Size { height, width: pixels / height };
    let (most_common, &most_common_count) = counts.iter().max_by_key(|(_, count)| **count)?;
    Some(Sizes {
        smallest: size(counts.keys().next()?),
        largest: size(counts.keys().next_back()?),
        most_common: size(most_common),
        most_common_count,
        different: counts.len(),
    })
}

fn duplicates(parts: &[Images]) -> Duplicates {
    let mut found = Duplicates::default();
    // The first picture with these pixels: its part, class and origin.
    let mut first = HashMap::<Digest, (usize, i32, &Origin)>::new();
    for (number, part) in parts.iter().enumerate() {
        for (origin, &label) in part.origins.iter().zip(&part.labels) {
            let &mut (earlier, class, same) = first.entry(origin.digest).or_insert((number, label, origin));
            let pair = || [origin.file.clone(), same.file.clone()];
            if earlier != number {
                found.across += 1;
                found.across_examples.extend((found.across <= EXAMPLES).then(pair));
            }
            if class != label {
                found.conflicting += 1;
                found.conflicting_examples.extend((found.conflicting <= EXAMPLES).then(pair));
            }
        }
    }
    found
}

fn warnings(classes: &[String], counts: &[Vec<usize>], broken: &[Broken], duplicates: &Duplicates) -> Vec<String> {
    let mut warnings = Vec::new();
    let train = &counts[0];
    let largest = (0..train.len()).max_by_key(|&class| train[class]);
    let smallest = (0..train.len()).min_by_key(|&class| train[class]);
    if let (Some(largest), Some(smallest)) = (largest, smallest) {
        let ratio = train[largest] as f64 / train[smallest].max(1) as f64;
        if ratio >= UNEQUAL {
            let named = |class: usize| format!("{:?} with {}", classes[class], train[class]);
            warnings.push(format!(
                "classes are unequal: {} training pictures, {} ({ratio:.1} to 1): accuracy hides the small ones",
                named(largest),
                named(smallest)
            ));
        }
    }
    let small: Vec<&str> = (0..train.len()).filter(|&c| train[c] < FEW).map(|c| classes[c].as_str()).collect();
    if let Some(first) = small.first() {
        warnings.push(format!("{} classes have fewer than {FEW} training pictures, {first:?} for one", small.len()));
    }
    let untested = counts[2].iter().filter(|&&count| count == 0).count();
    if untested > 0 {
        warnings.push(format!("{untested} classes have no test pictures"));
    }
    if !broken.is_empty() {
        let (count, are) = (broken.len(), if broken.len() == 1 { "file is" } else { "files are" });
        warnings.push(format!("{count} {are} broken: no training starts with them"));
    }
    if duplicates.across > 0 {
        let count = duplicates.across;
        warnings.push(format!("{count} pictures are in more than one part: test figures will be too good"));
    }
    if duplicates.conflicting > 0 {
        let count = duplicates.conflicting;
        warnings.push(format!("{count} pictures stand under another class as well: nothing can tell them apart"));
    }
    warnings
}
