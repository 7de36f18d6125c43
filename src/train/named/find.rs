//! Which pictures names name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::{Name, Of, Which, class};
use crate::data::origin::Digest;
use crate::data::{Fit, Images, found, picture};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::train::checkpoint::Meta;
use crate::train::images::Resident;
use crate::train::judged::{Judged, Part};
use crate::train::report::predictions::{Prediction, predictions, wrong};

/// Where a picture is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file, which may be none or no picture.
    File(PathBuf),
    /// In one of [`Named::sets`], under its number in that part.
    Of {
        /// Which of the sets.
        set: usize,
        /// Which of its pictures.
        number: usize,
    },
}

/// Pictures that were named.
pub struct Named {
    /// Parts of data that some of them are of.
    pub sets: Vec<Arc<Judged>>,
    /// The pictures, in the order in which they were named.
    pub places: Vec<Place>,
    /// What their owner should know, in sentences.
    pub notes: Vec<String>,
}

/// What a network says of a part of data: asked only where somebody names what it gets wrong.
pub type Says<'a> = dyn Fn(&Judged) -> Result<Vec<Prediction>> + 'a;

/// [`Says`] of `model`.
pub fn says<'a>(
    model: &'a dyn Layer,
    meta: &'a Meta,
    device: &'a Device,
) -> impl Fn(&Judged) -> Result<Vec<Prediction>> + 'a {
    move |judged| {
        meta.config.precision.check(device)?;
        let images =
            Resident::new(device, &judged.images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
        Ok(predictions(model, &images, &images.all(), meta.mean, meta.std)?.1)
    }
}

impl Named {
    /// What `names` name. Parts are of the data of the run that the checkpoint at `path` lies in, or of `data`; `about` is one that is
    /// open already, in which numbers without a part are. What is wrong is told by `says`.
    ///
    /// # Errors
    /// A folder without pictures, a pattern that no picture matches, a number beyond the last, a class that there is not; those of
    /// [`Judged::of`] and of `says`.
    pub fn find(
        names: &[Name],
        path: &Path,
        meta: &Meta,
        data: Option<&str>,
        about: Option<&Arc<Judged>>,
        says: &Says,
    ) -> Result<Self> {
        let mut named = Self { sets: about.into_iter().cloned().collect(), places: Vec::new(), notes: Vec::new() };
        for name in names {
            match &name.of {
                Of::Files(file) => named.files(file)?,
                Of::Data(part, which) => {
                    let set = match part {
                        None => 0,
                        Some(part) => named.set(*part, path, meta, data)?,
                    };
                    let numbers = numbers(which, name, &named.sets[set], &meta.classes, says)?;
                    named.places.extend(numbers.into_iter().map(|number| Place::Of { set, number }));
                }
            }
        }
        Ok(named)
    }

    /// Those of a file, a folder or a pattern. A file that is none is told by whoever reads it.
    fn files(&mut self, path: &Path) -> Result<()> {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !path.exists());
        let (files, warning) = match pattern {
            Some(pattern) => found::matching(pattern)?,
            None if path.is_dir() => found::pictures(path)?,
            None => (vec![path.to_path_buf()], None),
        };
        self.places.extend(files.into_iter().map(Place::File));
        self.notes.extend(warning);
        Ok(())
    }

    /// The place of `part` among the sets, where it is put if it is not there.
    fn set(&mut self, part: Part, path: &Path, meta: &Meta, data: Option<&str>) -> Result<usize> {
        if let Some(at) = self.sets.iter().position(|set| set.part == part) {
            return Ok(at);
        }
        let judged = Judged::of(path, meta, data, Some(part))?;
        // What is to be said of the whole data is said once.
        let told = |note: &&String| self.sets.iter().any(|set| set.notes.contains(note));
        self.notes.extend(judged.notes.iter().filter(|note| !told(note)).cloned());
        self.sets.push(Arc::new(judged));
        Ok(self.sets.len() - 1)
    }

    /// Picture `at`: of a file as it is, of data in the size in which they are loaded.
    ///
    /// # Errors
    /// A file that is no picture, or not the one any more that was there when the data were opened.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn read(&self, at: usize) -> Result<RgbImage> {
        match &self.places[at] {
            Place::File(path) => picture::open(path),
            Place::Of { set, number } => {
                let images = &self.sets[*set].images;
                let pixels = images.read(*number)?.into_owned();
                Ok(RgbImage::from_raw(images.width as u32, images.height as u32, pixels).expect("a picture's bytes"))
            }
        }
    }

    /// Picture `at` as a network gets it that gets pictures `like` these, `[height, width, 3]`, those of files brought to that size as
    /// `fit` says; and the digest by which a run knows it, if it has one.
    ///
    /// # Errors
    /// As [`Named::read`].
    ///
    /// # Panics
    /// If there are not so many.
    pub fn pixels(&self, at: usize, like: &Images, fit: Fit) -> Result<(Vec<u8>, Option<Digest>)> {
        match &self.places[at] {
            Place::File(path) => {
                let picture = picture::open(path)?;
                Ok((picture::fitted(&picture, like.height, like.width, fit)?, Some(Digest::of_picture(&picture))))
            }
            Place::Of { set, number } => {
                let images = &self.sets[*set].images;
                Ok((images.read(*number)?.into_owned(), images.origins.get(*number).map(|origin| origin.digest)))
            }
        }
    }

    /// What picture `at` is called: its file, or part and number as it can be named by.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn name(&self, at: usize) -> String {
        match &self.places[at] {
            Place::File(path) => path.display().to_string(),
            Place::Of { set, number } => format!("{}:{number}", self.sets[*set].part),
        }
    }

    /// The file of picture `at`; of data that have no files, which picture of which part it is there: `test picture 17`.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn file(&self, at: usize) -> String {
        match &self.places[at] {
            Place::File(path) => path.display().to_string(),
            Place::Of { set, number } => {
                let origin = self.sets[*set].images.origins.get(*number);
                origin.map_or_else(|| self.name(at), |origin| origin.file.clone())
            }
        }
    }

    /// The class of picture `at`, if that is known: of files it is not.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn truth(&self, at: usize) -> Option<usize> {
        match &self.places[at] {
            Place::File(_) => None,
            Place::Of { set, number } => usize::try_from(self.sets[*set].images.labels[*number]).ok(),
        }
    }
}

/// The numbers of `which` pictures of `judged`.
fn numbers(which: &Which, name: &Name, judged: &Judged, classes: &[String], says: &Says) -> Result<Vec<usize>> {
    let (count, words) = (judged.images.len(), judged.part.words());
    match which {
        Which::All => Ok((0..count).collect()),
        Which::Numbers(ranges) => match ranges.iter().map(|range| *range.end()).max().filter(|&last| last >= count) {
            Some(beyond) => {
                let what =
                    format!("{beyond} is beyond the last: there are {count} {words}, numbered from 0 to {}", count - 1);
                Err(Error::usage(format!("{name}: {what}")))
            }
            None => Ok(ranges.iter().cloned().flatten().collect()),
        },
        Which::Wrong(rest) => {
            let Wrong { truth, taken_for, most } = Wrong::parse(rest, name, classes)?;
            if !judged.is_labelled() {
                let what = "has no folders of classes, so nobody knows what is wrong: name pictures by their numbers";
                return Err(Error::file(&judged.name, what));
            }
            let said = says(judged)?;
            let fits = |at: &usize| {
                truth.is_none_or(|class| said[*at].truth == class)
                    && taken_for.is_none_or(|class| said[*at].predicted == class)
            };
            let found: Vec<usize> = wrong(&said).into_iter().filter(fits).take(most.unwrap_or(count)).collect();
            if found.is_empty() {
                return Err(Error::usage(format!("{name}: none of the {count} {words} is wrong so; name others")));
            }
            Ok(found)
        }
    }
}

/// Which mistakes.
struct Wrong {
    truth: Option<usize>,
    taken_for: Option<usize>,
    most: Option<usize>,
}

impl Wrong {
    /// What stands behind `wrong`: `:CLASS` or `:CLASS:CLASS`, then `(N)`. Names of classes may have colons and end so themselves.
    fn parse(rest: &str, name: &Name, classes: &[String]) -> Result<Self> {
        let known = |name: &str| class(name, classes).ok();
        let pair = |text: &str| -> Option<(Option<usize>, Option<usize>)> {
            if text.is_empty() {
                return Some((None, None));
            }
            let text = text.strip_prefix(':')?;
            let two = |(at, _): (usize, &str)| Some((Some(known(&text[..at])?), Some(known(&text[at + 1..])?)));
            known(text).map(|truth| (Some(truth), None)).or_else(|| text.match_indices(':').find_map(two))
        };
        let limited = || {
            let (text, most) = rest.strip_suffix(')')?.rsplit_once('(')?;
            Some((pair(text), text, most.parse::<usize>().ok().filter(|&most| most > 0)))
        };
        match (pair(rest), limited()) {
            (Some((truth, taken_for)), _) => Ok(Self { truth, taken_for, most: None }),
            (None, Some((Some((truth, taken_for)), _, Some(most)))) => Ok(Self { truth, taken_for, most: Some(most) }),
            (None, Some((Some(_), _, None))) => {
                Err(Error::usage(format!("{name}: how many? Use a number of 1 or more, such as wrong(20)")))
            }
            (None, limited) => {
                let text = limited.map_or(rest, |(_, text, _)| text).trim_start_matches(':');
                let [first, second] = text.split_once(':').map_or([text, ""], |(first, second)| [first, second]);
                let unknown = if known(first).is_some() { second } else { first };
                let fix = class(unknown, classes).err().unwrap_or_default();
                Err(Error::usage(format!("{name}: '{unknown}' is no class: use {fix}")))
            }
        }
    }
}
