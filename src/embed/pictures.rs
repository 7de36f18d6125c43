//! The pictures that are embedded: which, what they are called, and what they look like in small.

use image::RgbImage;
use image::imageops::{FilterType, resize};
use rayon::prelude::*;

use super::Points;
use crate::data::record::Record;
use crate::data::{Images, split};
use crate::error::Result;
use crate::train::images::middle_of;
use crate::train::judged::Judged;

/// The longest side of a thumbnail, in pixels.
const SIDE: u32 = 64;
/// Which stream of the seed chooses among too many pictures.
const CHOICE: u64 = 0;

/// Some pictures of a part of a data set.
pub struct Pictures {
    /// What a network gets.
    pub images: Images,
    /// Their numbers in the part, ascending.
    pub numbers: Vec<u32>,
    /// How many the part has.
    pub of: usize,
    /// Their classes, if they are known: those of pictures without class folders are not.
    pub labels: Option<Vec<usize>>,
    /// Their files, or which pictures of the data set they are.
    pub files: Vec<String>,
    /// What the run did with each: `test`, `train`, `held-back`.
    pub parts: Vec<String>,
}

/// The numbers of `limit` pictures out of `of`, drawn by `seed`, ascending; all, if there are no more.
pub fn drawn(of: usize, limit: usize, seed: u64) -> Vec<u32> {
    if of <= limit {
        return (0..of as u32).collect();
    }
    let mut numbers: Vec<u32> = split::shuffle(of, seed, CHOICE).into_iter().take(limit).collect();
    numbers.sort_unstable();
    numbers
}

impl Pictures {
    /// All of `judged`, or `limit` of them drawn by `seed`. `record` knows what the run did with each.
    pub fn of(judged: &Judged, record: Option<&Record>, limit: usize, seed: u64) -> Self {
        let of = judged.images.len();
        let numbers = drawn(of, limit, seed);
        let images = judged.images.select(&numbers);
        let origin = |at: usize| images.origins.get(at);
        let file = |at: usize| origin(at).map_or(String::new(), |origin| origin.file.clone());
        let part = |at: usize| {
            let role = record.and_then(|record| record.role(origin(at)?.digest));
            role.map_or(judged.part.to_string(), |role| role.to_string())
        };
        let files = (0..images.len()).map(file).collect();
        let parts = (0..images.len()).map(part).collect();
        // Data sets are opened with the network's classes, and refused where they have others.
        let labels = images.labels.iter().map(|&label| usize::try_from(label).ok()).collect();
        Self { numbers, of, labels, files, parts, images }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The class of picture `at`, if it is known.
    pub fn class(&self, at: usize) -> Option<usize> {
        self.labels.as_ref().map(|labels| labels[at])
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The mean red, green and blue, from 0 to 1, of what the network sees of each, and a small copy of that: no side is longer than
    /// 64 pixels, nor than the network's.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn looks(&self) -> Result<(Points, Vec<RgbImage>)> {
        let looks: Result<Vec<_>> = (0..self.len()).into_par_iter().map(|at| look(&self.images, at)).collect();
        let (means, thumbnails): (Vec<[f64; 3]>, Vec<RgbImage>) = looks?.into_iter().unzip();
        Ok((Points::new(3, means.concat()), thumbnails))
    }
}

/// Picture `at` of `images` as the network sees it.
///
/// # Errors
/// A file that cannot be read any more.
pub fn seen(images: &Images, at: usize) -> Result<RgbImage> {
    let (width, height) = (images.width as u32, images.height as u32);
    let whole = RgbImage::from_raw(width, height, images.read(at)?.into_owned()).expect("a picture's bytes");
    Ok(middle_of(&whole, images, 1))
}

fn look(images: &Images, at: usize) -> Result<([f64; 3], RgbImage)> {
    let seen = seen(images, at)?;
    let mut sums = [0u64; 3];
    seen.pixels().for_each(|pixel| sums.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += u64::from(value)));
    let (width, height) = seen.dimensions();
    let means = sums.map(|sum| sum as f64 / 255.0 / f64::from(width * height));
    let longest = width.max(height);
    if longest <= SIDE {
        return Ok((means, seen));
    }
    let side = |side: u32| (side * SIDE / longest).max(1);
    Ok((means, resize(&seen, side(width), side(height), FilterType::Triangle)))
}
