//! The report on a checkpoint: what one pass over a set of images says about it, as text, JSON, CSV and a picture.

pub mod compare;
pub mod confusion;
pub mod fit;
pub mod heatmap;
pub mod predictions;
pub mod scores;

use std::fmt::Write;
use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use crate::train::checkpoint::Meta;
use confusion::{Confusion, Mistake, mistakes};
use predictions::Prediction;

use crate::device::Target;
use crate::draw::pen::png;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::op::metrics::Metrics;
use crate::train::config::Config;
use crate::train::judged::Part;
use crate::train::precision::Precision;
use crate::train::summary::Summary;
use scores::Scores;

/// What a precision of half the size saves a training of `meta` on a device of kind `target`. None in f32, or for a network
/// that cannot be summed up.
fn half(meta: &Meta, target: Target) -> Option<String> {
    let Config { model, precision, batch_size, .. } = &meta.config;
    if *precision == Precision::F32 {
        return None;
    }
    let kept = |precision| {
        let summary = Summary::new(model, meta.classes.len(), meta.input, *batch_size, precision, target).ok()?;
        Some(summary.activations() as f64 / f64::from(1 << 20))
    };
    let (narrow, single) = (kept(*precision)?, kept(Precision::F32)?);
    Some(format!("{precision}: the activations of a training step take {narrow:.2} MiB; in f32 {single:.2} MiB"))
}

/// Decimals of the table.
const DIGITS: usize = 2;
/// Pairs of classes, and images of each, that the text shows; the JSON has all.
const PAIRS: usize = 10;
const IMAGES: usize = 8;

/// How well a checkpoint does on a part of a data set.
#[derive(Clone, Debug)]
pub struct Report {
    /// The checkpoint as it shall be called.
    pub checkpoint: String,
    /// Its epoch.
    pub epoch: u32,
    /// The network's name and the data set's spec.
    pub title: String,
    /// Which part of it the images are.
    pub part: Part,
    /// Class names.
    pub classes: Vec<String>,
    /// Loss, top-1, top-5 and number of images.
    pub sums: Metrics,
    /// True against predicted classes.
    pub confusion: Confusion,
    /// Precision, recall, F1.
    pub scores: Scores,
    /// What it says of each image.
    pub predictions: Vec<Prediction>,
    /// The images' files, if they are any.
    pub files: Vec<String>,
    /// The confused pairs of classes, the most frequent first, with their images.
    pub mistakes: Vec<Mistake>,
    /// Which scores are undefined; what a precision other than f32 saves; whether several views of a picture were averaged.
    pub notes: Vec<String>,
    /// What the run's curves say about over- or underfitting, where they are at hand: see [`fit`].
    pub fit: Option<String>,
}

impl Report {
    /// On what checkpoint `checkpoint` of network `meta`, on a device of kind `target`, `said` of pictures that are `part` of data set
    /// `data` and came from `files`.
    ///
    /// # Errors
    /// A prediction that is none of the classes.
    pub fn new(
        meta: &Meta,
        target: Target,
        said: (Metrics, Vec<Prediction>),
        files: Vec<String>,
        data: &str,
        part: Part,
        checkpoint: &str,
    ) -> Result<Self> {
        let (sums, predictions) = said;
        let classes = meta.classes.clone();
        let labels: Vec<i32> = predictions.iter().map(|one| one.truth as i32).collect();
        let predicted: Vec<i32> = predictions.iter().map(|one| one.predicted as i32).collect();
        let confusion = Confusion::count(&labels, &predicted, classes.len())?;
        let scores = Scores::of(&confusion);
        let mut notes = scores.notes(&classes);
        notes.extend(half(meta, target));
        notes.extend(meta.config.tta.note());
        Ok(Self {
            checkpoint: checkpoint.into(),
            epoch: meta.progress.epoch,
            title: format!("{} on {data}", meta.config.network()),
            part,
            sums,
            notes,
            fit: None,
            mistakes: mistakes(&labels, &predicted),
            predictions,
            files,
            classes,
            confusion,
            scores,
        })
    }

    /// For people: loss and accuracy, scikit-learn's table, notes, the most confused pairs.
    pub fn text(&self) -> String {
        let Metrics { loss, top1, top5, count, .. } = self.sums;
        let (top1, top5, balanced) = (100.0 * top1, 100.0 * top5, 100.0 * self.scores.balanced_accuracy);
        let mut text = format!("{} (epoch {}), {count} {}\n", self.checkpoint, self.epoch, self.part.words());
        let _ =
            writeln!(text, "loss {loss:.4}  top-1 {top1:.2} %  top-5 {top5:.2} %  balanced accuracy {balanced:.2} %\n");
        text += &self.scores.table(&self.classes, DIGITS);
        let notes = self.notes.iter().chain(&self.fit).map(|note| format!("note: {note}\n")).collect::<String>();
        if !notes.is_empty() {
            text = text + "\n" + &notes;
        }
        if self.mistakes.is_empty() {
            return text;
        }
        let pairs: Vec<_> = self.mistakes.iter().take(PAIRS).map(|mistake| (mistake, self.pair(mistake))).collect();
        let width = pairs.iter().map(|(_, pair)| pair.chars().count()).max().unwrap_or(0);
        let _ = writeln!(
            text,
            "\nmost confused: true → predicted, count, share of the true class, images (counted from 0 among these)"
        );
        for (mistake, pair) in pairs {
            let shown: Vec<String> = mistake.images.iter().take(IMAGES).map(usize::to_string).collect();
            let more = if mistake.images.len() > IMAGES { " …" } else { "" };
            let (count, share) = (mistake.images.len(), 100.0 * self.share(mistake));
            let _ = writeln!(text, "  {pair:width$} {count:>6} {share:>6.2} %  {}{more}", shown.join(" "));
        }
        text
    }

    fn pair(&self, mistake: &Mistake) -> String {
        format!("{} → {}", self.classes[mistake.truth], self.classes[mistake.predicted])
    }

    /// Of the images of the class, how many were taken for the other: 0 to 1.
    fn share(&self, mistake: &Mistake) -> f64 {
        mistake.images.len() as f64 / self.confusion.row(mistake.truth).iter().sum::<u64>() as f64
    }

    /// For programs, an object with the keys
    ///
    /// - `checkpoint`, `epoch`, `title`, `part` (`test`, …), `images` (their number), `loss`, `top1`, `top5` (shares, 0 to 1),
    /// - `report`: see [`Scores::json`],
    /// - `notes`: an array of lines; `fit`: a line on over- or underfitting, or null,
    /// - `names`: the classes in the order of the matrix,
    /// - `confusion`: an array of rows, one for each true class, of counts by predicted class,
    /// - `confused`: the pairs of classes that were confused, the most frequent first, each with `true`, `predicted`,
    ///   `count`, `share` (of the images of the true class, 0 to 1) and `images`, the positions of the pictures in that part, from 0.
    pub fn json(&self) -> Value {
        let confused = self.mistakes.iter().map(|mistake| {
            json!({
                "true": self.classes[mistake.truth], "predicted": self.classes[mistake.predicted],
                "count": mistake.images.len(), "share": self.share(mistake), "images": mistake.images,
            })
        });
        let rows = (0..self.classes.len()).map(|truth| self.confusion.row(truth));
        json!({
            "checkpoint": self.checkpoint, "epoch": self.epoch, "title": self.title, "part": self.part.to_string(),
            "images": self.sums.count,
            "loss": self.sums.loss, "top1": self.sums.top1, "top5": self.sums.top5,
            "report": self.scores.json(&self.classes), "notes": self.notes, "fit": self.fit, "names": self.classes,
            "confusion": rows.collect::<Vec<_>>(), "confused": confused.collect::<Vec<_>>(),
        })
    }

    /// The confusion matrix as a picture.
    ///
    /// # Errors
    /// The drawing library's, none of which input can cause.
    pub fn picture(&self) -> Result<RgbImage> {
        let title = format!("{}: {} {}, epoch {}", self.title, self.sums.count, self.part.words(), self.epoch);
        heatmap::bitmap(&title, &self.classes, &self.confusion)
    }

    /// Writes `report.txt`, `report.json`, `predictions.csv`, `confusion.csv` and `confusion.png` (`picture`) into `folder`, over
    /// those of an earlier report.
    ///
    /// # Errors
    /// A folder that cannot be made or written to.
    pub fn write(&self, folder: &Path, picture: &RgbImage) -> Result<()> {
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::file(folder, format!("cannot be made: {e}; choose another ‹out›")))?;
        write_atomic(&folder.join("report.txt"), self.text().as_bytes())?;
        write_atomic(&folder.join("report.json"), format!("{:#}\n", self.json()).as_bytes())?;
        let predictions = predictions::csv(&self.predictions, &self.files, &self.classes)?;
        write_atomic(&folder.join("predictions.csv"), &predictions)?;
        write_atomic(&folder.join("confusion.csv"), &self.confusion.csv(&self.classes)?)?;
        write_atomic(&folder.join("confusion.png"), &png(picture)?)
    }
}
