//! Data sets: what a run trains and tests on, held in memory as 8-bit pictures.
//!
//! A data set is one file in this folder and one line in [`source`]'s table; [`Dataset::open`] finds it by its spec.

mod ahead;
pub mod cifar;
mod container;
mod division;
pub mod emoji;
pub mod fetch;
pub mod folder;
pub mod found;
mod images;
pub mod info;
mod kinds;
pub mod loading;
pub mod origin;
pub mod picture;
pub mod read;
pub mod record;
pub mod source;
pub mod split;
mod table;
pub mod tiny_imagenet;

use sha2::{Digest, Sha256};

pub use ahead::{Ahead, guarded};
use division::Divided;
pub use images::{Files, Images, class_counts};
pub use loading::{Bytes, Fit, Loading, Ratios, Size};
use read::Broken;
use record::Record;
use source::Source;

use crate::error::{Error, Result};

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
    /// Pictures beyond [`Loading::limit_per_class`], in no part.
    pub rest: Images,
    /// Pictures that [`Loading::record`] does not know: added or changed since.
    pub new: Images,
    /// SHA-256 of classes, sizes, labels and pixels, or of picture files' digests: two runs with the same hash saw the same data.
    pub hash: String,
    /// What its owner should do something about, a sentence each.
    pub warnings: Vec<String>,
    /// What has become of the pictures since [`Loading::record`] was written, likewise.
    pub changes: Vec<String>,
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
        let Source { name, classes, root, parts, size, mut warnings, empty, .. } = Source::find(spec, loading)?;
        warnings.extend(empty);
        let [size, seen] = loading.sizes(size)?;
        let mut broken = Vec::new();
        let Divided { parts: [train, val, test], rest } = division::divided(parts, &root, size, loading, &mut broken)?;
        let seen = (seen != size).then_some(seen);
        let [train, val, test, rest] = [train, val, test, rest].map(|part| Images { seen, ..part });
        if let Some(Broken { file, reason }) = broken.first() {
            warnings
                .push(format!("{} files cannot be read and are left out; the first: {file}: {reason}", broken.len()));
        }
        let mut data = Dataset { rest, warnings, broken, ..Dataset::new(name, classes, train, val, test) };
        if let Some(record) = &loading.record {
            return Ok(data.as_recorded(record, true));
        }
        // Known before an epoch was trained for nothing.
        if data.test.is_empty() && !loading.whole {
            let fix = "add pictures, or make folders 'train' and 'test'";
            let why = "having one of each class (equal pictures are one)";
            return Err(Error::usage(format!("{spec} leaves no picture to test on, {why}: {fix}")));
        }
        data.warnings.extend(division::leak(&data));
        Ok(data)
    }

    /// Puts the parts together and hashes them.
    pub fn new(name: impl Into<String>, classes: Vec<String>, train: Images, val: Images, test: Images) -> Dataset {
        // An empty part leaves no trace: the hash of a set without validation pictures is that of its other two.
        let parts: Vec<_> = [&train, &test, &val].into_iter().filter(|part| !part.is_empty()).collect();
        let hash = hash(&classes, &parts, true);
        let (rest, new, warnings, changes, broken) = Default::default();
        Dataset { name: name.into(), classes, train, val, test, rest, new, hash, warnings, changes, broken }
    }

    /// The same pictures in the parts and in the order that `record` knows, whatever their files are called now; what it does not
    /// know is new. Changes are told of a run's `own` data; of others, which have some of its pictures, what they lack and have
    /// besides.
    pub fn as_recorded(self, record: &Record, own: bool) -> Dataset {
        let Dataset { name, classes, train, val, test, rest, broken, warnings, .. } = self;
        let mut all = train;
        [val, test, rest].into_iter().for_each(|part| all.append(part));
        let sorted = record.sort(&all, &classes);
        let changes = sorted.words(own);
        let [train, val, test, rest] = sorted.parts.map(|part| all.select(&part));
        let new = all.select(&sorted.new);
        Dataset { rest, new, warnings, changes, broken, ..Dataset::new(name, classes, train, val, test) }
    }

    /// The hash as earlier versions made it of picture files, too: of their pixels. None of files that are not held.
    pub fn hash_of_pixels(&self) -> Option<String> {
        let parts: Vec<_> = [&self.train, &self.test, &self.val].into_iter().filter(|part| !part.is_empty()).collect();
        let held = parts.iter().all(|part| !part.is_streamed());
        held.then(|| hash(&self.classes, &parts, false))
    }

    /// How many training, validation and test pictures each class has.
    pub fn class_counts(&self) -> [Vec<usize>; 3] {
        [&self.train, &self.val, &self.test].map(|part| part.class_counts(self.classes.len()))
    }
}

/// SHA-256 in hex; every part goes in behind its length, so that no two data sets share a byte stream. With `files`, picture files
/// go in as their digests and what makes pixels of them, whether their pixels are held or not.
fn hash(classes: &[String], parts: &[&Images], files: bool) -> String {
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
        match images.files.as_ref().filter(|_| files) {
            Some(files) => {
                hash.update(files.fit.to_string());
                images.origins.iter().for_each(|origin| hash.update(origin.digest.to_string()));
            }
            None => hash.update(&images.pixels),
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
