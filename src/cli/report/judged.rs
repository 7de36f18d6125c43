//! What a checkpoint says of the test part, or of validation pictures where there is none.

use std::collections::BTreeMap;
use std::path::Path;

use super::empty;
use crate::cli::judging::{Asked, Question, asked};
use crate::cli::settings::as_options;
use crate::device::Device;
use crate::embed::pictures::seen;
use crate::error::{Error, Result};
use crate::page::{self, Perhaps, Run, Sprite, small};
use crate::train::judged::{Judged, Part};
use crate::train::report::{Report, fit};

/// The longest side of a small picture, in pixels: those of data sets of icons stay as they are.
const SIDE: u32 = 32;
/// Small pictures in a row of the sprite.
const COLUMNS: u32 = 40;

/// What the checkpoint at `path` says of the part that it is judged on, and what there is to know of that.
pub fn ask(path: &Path, run: &Run, skip_broken: bool, device: &Device) -> Perhaps<(Asked, Vec<String>)> {
    let ask = |part: Part| -> Result<Asked> {
        let question = Question { data: None, part: Some(part), skip_broken, tta: None };
        Ok(asked(&[path], &question, device)?.swap_remove(0))
    };
    let (asked, note) = match ask(Part::Test) {
        Ok(asked) => (asked, None),
        Err(error) => match ask(Part::Val) {
            Ok(asked) => (asked, Some("There is no test part: it is judged on validation images.".to_owned())),
            Err(_) => return Err(empty(&error)),
        },
    };
    let mut notes: Vec<String> =
        note.into_iter().chain(asked.judged.notes.iter().map(|note| as_options(note))).collect();
    if let (Some(epoch), Some(last)) = (run.epoch, run.rows.iter().map(|row| row.epoch).max())
        && last < u32::try_from(run.info.config["epochs"].as_u64().unwrap_or(0)).unwrap_or(0)
    {
        notes.push(format!("The training is not over: {last} epochs are, and what follows is about epoch {epoch}."));
    }
    Ok((asked, notes))
}

/// The report on that.
pub fn report(asked: &Asked, path: &Path, run: &Run, device: &Device) -> Result<Report> {
    let Asked { meta, judged, said, .. } = asked;
    let (files, name) = (judged.images.names(), path.display().to_string());
    let mut report =
        Report::new(meta, device.target(), (said.0, said.1.clone()), files, &judged.name, judged.part, &name)?;
    report.fit = fit::note(&run.rows);
    Ok(report)
}

/// `report` with the pictures that a page shows in small: what it says of them, and those with the numbers `more`.
///
/// # Errors
/// A file that cannot be read any more.
pub fn pictures(report: Report, notes: Vec<String>, judged: &Judged, more: &[usize]) -> Result<page::Judged> {
    let mut numbers = page::Judged::shown(&report);
    numbers.extend(more);
    let pictures =
        numbers.iter().map(|&at| Ok(small(&seen(&judged.images, at)?, SIDE))).collect::<Result<Vec<_>, Error>>()?;
    let thumbnails = Sprite::of(&pictures, COLUMNS)?;
    let places: BTreeMap<usize, usize> = numbers.into_iter().zip(0..).collect();
    Ok(page::Judged { report, notes, thumbnails, places })
}
