//! Sheets of pictures as a network judged them: the worst mistakes, and some at random.

use image::RgbImage;
use image::imageops::{FilterType, resize};

use super::sheet::{Cell, Sheet, Tone};
use crate::data::{Images, split};
use crate::draw::face;
use crate::error::Result;
use crate::train::images::middle_of;
use crate::train::report::Report;
use crate::train::report::predictions::wrong;

/// The least side of a picture on a sheet, in pixels.
const VISIBLE: u32 = 112;
/// Pictures on a sheet, and in a row of it.
const SHOWN: usize = 32;
const ROW: usize = 8;
/// Which draw of the seed chooses pictures at random.
const DRAW: u64 = 0;

/// The worst mistakes of `report` on `images`, those whose class it finds the least probable first; none if it made none. Above each
/// picture stands its class, below it what it was taken for.
///
/// # Errors
/// A file that cannot be read any more.
pub fn mistakes(report: &Report, images: &Images) -> Result<Option<Sheet>> {
    let wrong = wrong(&report.predictions);
    if wrong.is_empty() {
        return Ok(None);
    }
    let what = format!("the worst of {} mistakes, the class the least probable first", wrong.len());
    sheet(report, images, &wrong[..wrong.len().min(SHOWN)], &what).map(Some)
}

/// As many pictures of `images` at random, always the same.
///
/// # Errors
/// A file that cannot be read any more.
pub fn random(report: &Report, images: &Images) -> Result<Sheet> {
    let drawn = split::shuffle(images.len(), 0, DRAW).into_iter().take(SHOWN).map(|at| at as usize);
    sheet(report, images, &drawn.collect::<Vec<_>>(), "pictures at random")
}

fn sheet(report: &Report, images: &Images, numbers: &[usize], what: &str) -> Result<Sheet> {
    let cells = numbers.iter().map(|&at| cell(report, images, at)).collect::<Result<Vec<_>>>()?;
    Ok(Sheet {
        title: format!("{}, epoch {}: {what}", report.title, report.epoch),
        notes: vec![
            "above: the class, and the picture's number; below: what it was taken for, the rank of its class".into(),
        ],
        header: Vec::new(),
        rows: cells.chunks(ROW).map(<[Cell]>::to_vec).collect(),
        palette: None,
    })
}

fn cell(report: &Report, images: &Images, at: usize) -> Result<Cell> {
    let (width, height) = (images.width as u32, images.height as u32);
    let whole = RgbImage::from_raw(width, height, images.read(at)?.into_owned()).expect("a picture's bytes");
    let picture = middle_of(&whole, images, 1);
    let times = VISIBLE.div_ceil(picture.width().min(picture.height()));
    let picture = resize(&picture, picture.width() * times, picture.height() * times, FilterType::Nearest);
    let one = &report.predictions[at];
    let name = |class: usize| face::label(class, &report.classes[class]);
    let tone = if one.is_right() { Tone::Good } else { Tone::Bad };
    let mut captions = vec![(format!("{:.0} % {}", 100.0 * one.probability, name(one.predicted)), tone)];
    if !one.is_right() {
        captions.push((format!("{:.1e}, rank {}", one.of_truth, one.rank), Tone::Faint));
    }
    Ok(Cell { picture, above: Some(format!("{at} {}", name(one.truth))), captions })
}
