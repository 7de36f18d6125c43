//! What `warptape explain` leaves behind: overlays, raw maps, a contact sheet, and tables of figures.

use std::fmt;
use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use super::Cam;
use super::gallery::{Picture, plain};
use super::paint::{Palette, faded, overlay};
use super::sheet::{Cell, Sheet, Tone};
use crate::draw::{face, pen};
use crate::error::Result;
use crate::files::write_atomic;

/// The map of one picture at one epoch, with what it takes to show it.
pub struct Shown<'a> {
    /// The picture.
    pub picture: &'a Picture,
    /// Epochs that the network was trained for.
    pub epoch: u32,
    /// The map.
    pub cam: &'a Cam,
    /// The classes' names.
    pub classes: &'a [String],
    /// Which values of the map are drawn.
    pub palette: Palette,
}

impl Shown<'_> {
    /// The values that are drawn, in the size of the input.
    pub fn map(&self) -> Vec<f32> {
        match self.palette {
            Palette::Heat => self.cam.scaled.clone(),
            Palette::Signed => self.cam.signed(),
        }
    }

    /// The class with the largest logit, and all classes' probabilities.
    pub fn prediction(&self) -> (usize, Vec<f64>) {
        let logits: Vec<f64> = self.cam.logits.iter().map(|&v| f64::from(v)).collect();
        let top = super::cam::look::top(&self.cam.logits);
        let powers: Vec<f64> = logits.iter().map(|logit| (logit - logits[top]).exp()).collect();
        let sum: f64 = powers.iter().sum();
        (top, powers.iter().map(|power| power / sum).collect())
    }

    /// Whether nothing is to be seen. A signed map shows what the plain one lacks, unless it is zero all over.
    fn blank(&self) -> bool {
        let nothing = || self.cam.raw.iter().all(|v| *v == 0.0) || self.cam.raw.iter().any(|v| !v.is_finite());
        self.cam.diagnosis.is_some() && (self.palette == Palette::Heat || nothing())
    }

    /// The overlay with captions.
    pub fn cell(&self) -> Cell {
        let (top, probabilities) = self.prediction();
        let tone = match self.picture.truth {
            Some(truth) if truth == top => Tone::Good,
            Some(_) => Tone::Bad,
            None => Tone::Plain,
        };
        let name = |class: usize| face::label(class, &self.classes[class]);
        let of = match self.cam.target(name) {
            _ if self.cam.class == top && self.cam.minus.is_none() => String::new(),
            target => format!(", map of {target}"),
        };
        let mut captions = vec![
            (format!("{:.1} % {}", 100.0 * probabilities[top], name(top)), tone),
            (format!("{} {:.2}{of}", self.cam.what(), self.cam.score()), Tone::Faint),
        ];
        let picture = match &self.cam.diagnosis {
            Some(diagnosis) if self.blank() => {
                captions.push((format!("blank: {}", diagnosis.cause()), Tone::Bad));
                faded(&self.picture.shown)
            }
            _ => overlay(&self.picture.shown, &self.map(), self.cam.size, self.palette),
        };
        Cell { picture, above: None, captions }
    }

    /// Writes the overlay (PNG) and the raw map (NPY) into `folder`, and returns what is to be known about them. Their names tell
    /// the method if there are `several`.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn write(&self, folder: &Path, several: bool) -> Result<Value> {
        let cam = self.cam;
        let method = if several { format!("-{}", cam.method) } else { String::new() };
        let stem = format!("{}-epoch-{:04}{method}", self.picture.name, self.epoch);
        let (png, npy) = (format!("{stem}.png"), format!("{stem}.npy"));
        write_picture(&folder.join(&png), &self.cell().picture)?;
        write_atomic(&folder.join(&npy), &npy_bytes(&cam.raw, [cam.shape[0], cam.shape[1]]))?;
        let (top, probabilities) = self.prediction();
        let name = |class: usize| &self.classes[class];
        let extreme = |pick: fn(f32, f32) -> f32| cam.raw.iter().copied().reduce(pick);
        let (lowest, highest) = (extreme(f32::min), extreme(f32::max));
        // What ReLU leaves is scaled to 0 … 1 by these; a mean of maps is made of scaled ones.
        let divided = lowest.zip(highest).map(divisor);
        let scale = json!({ "subtracted": lowest.map(|v| v.max(0.0)), "divided_by": divided });
        let scale = if cam.averaged { Value::Null } else { scale };
        let diagnosis = cam.diagnosis.as_ref().map(|d| json!({ "cause": d.cause(), "text": d.to_string() }));
        Ok(json!({
            "image": self.picture.name,
            "file": self.picture.file,
            "method": cam.method.to_string(),
            "epoch": self.epoch,
            "true_class": self.picture.truth.map(name),
            "predicted_class": name(top),
            "target_class": name(cam.class),
            "target_index": cam.class,
            "minus_class": cam.minus.map(name),
            "minus_index": cam.minus,
            "layer": cam.layer,
            "layer_shape": cam.shape,
            "raw_min": lowest,
            "raw_max": highest,
            "scale": scale,
            "diagnosis": diagnosis,
            "logits": cam.logits,
            "probabilities": probabilities,
            "overlay": png,
            "raw": npy,
        }))
    }
}

fn divisor((lowest, highest): (f32, f32)) -> f32 {
    highest.max(0.0) - lowest.max(0.0) + 1e-7
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (top, probabilities) = self.prediction();
        write!(
            f,
            "{} ({}), epoch {}: {} {:.1} %",
            self.picture.name,
            self.picture.file,
            self.epoch,
            self.classes[top],
            100.0 * probabilities[top]
        )?;
        if let Some(truth) = self.picture.truth {
            write!(f, " (true: {})", self.classes[truth])?;
        }
        let target = self.cam.target(|class| self.classes[class].clone());
        let (method, what) = (self.cam.method.title(), self.cam.what());
        write!(f, ", {method} of {target} with {what} {:.3}", self.cam.score())?;
        match &self.cam.diagnosis {
            Some(diagnosis) if self.blank() => write!(f, ", blank: {diagnosis}"),
            _ => Ok(()),
        }
    }
}

/// What stands side by side on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// Pictures, each with its one overlay.
    Pictures,
    /// Overlays of one picture, of one epoch after the other.
    Epochs,
    /// Overlays of one picture, by one method after the other.
    Methods,
}

/// The grid of a sheet: a row for each picture, or where each has one overlay, several pictures in a row.
pub fn sheet(rows: &[Vec<Shown>], across: Across) -> Sheet {
    let cells = |row: &Vec<Shown>| -> Vec<Cell> {
        let first = &row[0];
        std::iter::once(original(first.picture, first.classes)).chain(row.iter().map(Shown::cell)).collect()
    };
    let grid: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
    let side_by_side = match rows.len() {
        _ if across != Across::Pictures => 1,
        4 => 2,
        8 => 4,
        n => n.min(3),
    };
    let head = |shown: &Shown| match across {
        Across::Methods => shown.cam.method.title().to_owned(),
        _ => format!("epoch {}", shown.epoch),
    };
    let header = std::iter::once(String::new()).chain(rows[0].iter().map(head)).collect();
    Sheet {
        title: String::new(),
        notes: Vec::new(),
        header: if across == Across::Pictures { Vec::new() } else { header },
        rows: grid.chunks(side_by_side).map(<[Vec<Cell>]>::concat).collect(),
        palette: Some(rows[0][0].palette),
    }
}

/// The picture itself with its name, its file and its class.
fn original(picture: &Picture, classes: &[String]) -> Cell {
    // A folder is told by whoever named it; the file's own name is what it is found by.
    let file = Path::new(&picture.file).file_name().map_or(picture.file.clone(), |name| name.to_string_lossy().into());
    let file = (plain(&file) != picture.name).then_some((file, Tone::Faint));
    let truth = picture.truth.map(|class| (format!("true: {}", face::label(class, &classes[class])), Tone::Faint));
    let captions = std::iter::once((picture.name.clone(), Tone::Plain)).chain(file).chain(truth).collect();
    Cell { picture: picture.shown.clone(), above: None, captions }
}

/// Writes a PNG.
///
/// # Errors
/// A folder that cannot be written to.
pub fn write_picture(path: &Path, picture: &RgbImage) -> Result<()> {
    write_atomic(path, &pen::png(picture)?)
}

/// NumPy's file format, version 1.0: a magic number, a header that fills up to a multiple of 64 bytes, the elements.
pub fn npy_bytes(values: &[f32], [height, width]: [usize; 2]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header += &" ".repeat(length - 1 - header.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(header.bytes().chain(*b"\n"));
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
