//! The pictures that maps are drawn on: files, or pictures of a data set by number.

use std::path::Path;

use image::RgbImage;

use crate::data::origin::Digest;
use crate::data::record::{Record, Role};
use crate::data::{Fit, Images, picture};
use crate::device::Device;
use crate::error::Result;
use crate::op::augment::Augment;
use crate::op::random::Key;
use crate::tensor::Tensor;
use crate::train::checkpoint::Meta;
use crate::train::images::{Resident, middle_of};
use crate::train::named::{Named, Place};

/// The least side of what is drawn, in pixels.
const VISIBLE: usize = 224;

/// One picture.
pub struct Picture {
    /// What files and captions call it: `test-17`, or a file's name without its ending.
    pub name: String,
    /// Its file, or what its data set calls it: see [`Named::file`].
    pub file: String,
    /// Its class, if it is from a data set.
    pub truth: Option<usize>,
    /// Enlarged by a whole number for people to see: the network's size or a multiple of it.
    pub shown: RgbImage,
}

/// Pictures, and what the network takes of them.
pub struct Gallery {
    /// In the order in which they were named.
    pub pictures: Vec<Picture>,
    /// What their owner should know of them, in sentences.
    pub notes: Vec<String>,
    /// What they are of, in words: the data set, a file, so many files.
    pub of: String,
    images: Images,
    fit: Fit,
}

impl Gallery {
    /// The pictures that were `named`, in the size that `meta` says; of files `record` knows which the network was trained on.
    ///
    /// # Errors
    /// A file that is no picture.
    pub fn of(named: &Named, record: Option<&Record>, meta: &Meta) -> Result<Self> {
        let fit = meta.config.resize.unwrap_or_default();
        let (pictures, notes, of, images) = (Vec::new(), named.notes.clone(), String::new(), meta.images());
        let mut gallery = Self { pictures, notes, of, images, fit };
        let mut files = Vec::new();
        for (at, place) in named.places.iter().enumerate() {
            let (picture, name) = (named.read(at)?, named.name(at));
            let Place::File(path) = place else {
                gallery.push(&name, named.file(at), named.truth(at), &picture)?;
                continue;
            };
            let stem = path.file_stem().map_or("picture".into(), |stem| stem.to_string_lossy());
            if record.and_then(|record| record.role(Digest::of_picture(&picture))) == Some(Role::Train) {
                gallery.notes.push(format!("{name} was trained on"));
            }
            gallery.push(&stem, named.file(at), None, &picture)?;
            files.push(path.file_name().map_or(stem, |name| name.to_string_lossy()).into_owned());
        }
        let files = match &files[..] {
            [] => None,
            [one] => Some(one.clone()),
            all => Some(format!("{} files", all.len())),
        };
        let set = named.sets.first().map(|judged| judged.name.clone());
        gallery.of = set.into_iter().chain(files).collect::<Vec<String>>().join(" and ");
        Ok(gallery)
    }

    /// All of `images`, which are of the size that `meta` says and of the data that `of` names.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn whole(images: &Images, of: &str, meta: &Meta) -> Result<Self> {
        let fit = meta.config.resize.unwrap_or_default();
        let (pictures, notes, of) = (Vec::new(), Vec::new(), of.to_owned());
        let mut gallery = Self { pictures, notes, of, images: meta.images(), fit };
        for at in 0..images.len() {
            let (width, height) = (images.width as u32, images.height as u32);
            let picture = RgbImage::from_raw(width, height, images.read(at)?.into_owned()).expect("a picture's bytes");
            let file = images.origins.get(at).map_or_else(|| format!("picture {at}"), |origin| origin.file.clone());
            let name = Path::new(&file).file_stem().map_or(file.clone(), |stem| stem.to_string_lossy().into());
            gallery.push(&name, file, usize::try_from(images.labels[at]).ok(), &picture)?;
        }
        Ok(gallery)
    }

    fn push(&mut self, name: &str, file: String, truth: Option<usize>, picture: &RgbImage) -> Result<()> {
        let [height, width] = self.images.input();
        let times = VISIBLE.div_ceil(height.min(width));
        let (rows, columns) = (times * self.images.height, times * self.images.width);
        let whole = RgbImage::from_raw(columns as u32, rows as u32, picture::fitted(picture, rows, columns, self.fit)?)
            .expect("it returns the size that it is asked for");
        let shown = middle_of(&whole, &self.images, times as u32);
        self.images.push(picture, self.fit, truth.map_or(-1, |class| class as i32))?;
        // Names become files': plain, and different from each other.
        let plain = plain(name);
        let taken = |name: &str| self.pictures.iter().any(|other| other.name == name);
        let mut name = plain.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        self.pictures.push(Picture { name, file, truth, shown });
        Ok(())
    }

    /// The network's input `[B, H, W, 3]` for each stretch of at most `batch` pictures.
    ///
    /// # Errors
    /// Those of the device.
    pub fn batches(&self, device: &Device, meta: &Meta, batch: usize) -> Result<Vec<Tensor>> {
        let resident = Resident::new(device, &self.images)?;
        let how = Augment::evaluation(meta.mean, meta.std);
        let all = resident.all();
        let order = resident.order(&all)?;
        let one = |at: usize| {
            let count = batch.min(all.len() - at);
            Ok(resident.batch(&order, at, count, &how, Key { seed: 0, step: 0, stream: 0 })?.0)
        };
        (0..all.len()).step_by(batch).map(one).collect()
    }
}

/// `name` as that of a file: of letters, digits, dots, underscores and hyphens.
pub(super) fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}
