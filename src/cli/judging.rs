//! What checkpoints say of the pictures that they are judged on: the way there that `eval` and `compare` share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint;
use crate::data::source;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::op::metrics::Metrics;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::judged::{Judged, Part};
use crate::train::logs::metrics::{self, Row};
use crate::train::report::predictions::{Prediction, predictions};
use crate::train::views::Views;

/// Which pictures checkpoints are asked of.
pub struct Question<'a> {
    /// Other data than the runs'.
    pub data: Option<&'a str>,
    /// The part of them; without it the test part, or all of other data without parts.
    pub part: Option<Part>,
    /// Whether files that cannot be read as pictures are left out.
    pub skip_broken: bool,
    /// Views of a picture whose logits are averaged, if they are others than the runs'.
    pub tta: Option<Views>,
}

/// A checkpoint, and what it says.
pub struct Asked {
    /// Its file.
    pub path: PathBuf,
    /// What it knows of itself.
    pub meta: Meta,
    /// The pictures, which checkpoints of one run share.
    pub judged: Arc<Judged>,
    /// Loss and accuracy, and what it says of each picture.
    pub said: (Metrics, Vec<Prediction>),
}

/// Asks each of the checkpoints that `runs` name. Those of one run see the same pictures, which are decoded once.
///
/// # Errors
/// A checkpoint that there is not; those of [`judged`]; pictures whose classes are not known.
pub fn asked(runs: &[&Path], question: &Question, device: &Device) -> Result<Vec<Asked>> {
    // All of them first: nobody waits for the one to hear that there is no other.
    let paths = runs.iter().map(|run| checkpoint::find(run)).collect::<Result<Vec<_>>>()?;
    let mut open: Option<(PathBuf, Arc<Judged>, Resident)> = None;
    let one = |path: PathBuf| {
        let (model, mut meta) = load_model(&path, device)?;
        meta.config.skip_broken |= question.skip_broken;
        meta.config.tta = question.tta.unwrap_or(meta.config.tta);
        let run = path.parent().filter(|_| checkpoint::in_run(&path)).map(Path::to_path_buf);
        let (judged, images) = match open.take() {
            Some((of, judged, images)) if run.as_ref() == Some(&of) => (judged, images),
            _ => {
                let judged = judged(&path, &meta, question.data, question.part)?;
                if !judged.is_labelled() {
                    let name = question.data.map_or(judged.name, str::to_owned);
                    let what = "has no folders of classes, by which a network is judged; `warptape embed` and `predict` take such pictures";
                    return Err(Error::file(name, what));
                }
                meta.config.precision.check(device)?;
                let images = Resident::new(device, &judged.images)?.giving(meta.config.precision.dtype());
                (Arc::new(judged), images)
            }
        };
        let images = images.viewed(meta.config.tta);
        let said = predictions(&model, &images, &images.all(), meta.mean, meta.std)?;
        open = run.map(|run| (run, judged.clone(), images));
        Ok(Asked { path, meta, judged, said })
    };
    paths.into_iter().map(one).collect()
}

/// The pictures of `part` of the data of the run that the checkpoint at `path` lies in, or of `data`; what their owner should know is
/// told.
///
/// # Errors
/// Those of [`Judged::of`]; no data to be found for a checkpoint that lies in no run.
pub fn judged(path: &Path, meta: &Meta, data: Option<&str>, part: Option<Part>) -> Result<Judged> {
    let judged = Judged::of(path, meta, other(data, meta), part).map_err(|error| {
        let spec = &meta.config.data;
        let what = format!("lies in no run and does not say where its data are: name them with --data {spec}:DIR");
        if data.is_none() && !checkpoint::in_run(path) { Error::file(path, what) } else { error }
    })?;
    super::warn(&judged.notes);
    Ok(judged)
}

/// `data`, if they are others than those that the network was trained on.
pub fn other<'a>(data: Option<&'a str>, meta: &Meta) -> Option<&'a str> {
    data.filter(|spec| source::respell(spec) != meta.config.data)
}

/// The part called `text`.
pub fn part(text: &str) -> Result<Part, String> {
    let found = Part::ALL.iter().find(|(_, name)| *name == text);
    found.map(|(part, _)| *part).ok_or_else(|| "use train, val, test, new or all".into())
}

/// The rows of the `metrics.csv` of the run that the checkpoint at `path` lies in; none for one that lies in no run.
///
/// # Errors
/// Those of [`metrics::read`].
pub fn curves(path: &Path) -> Result<Vec<Row>> {
    let run = path.parent().and_then(Path::parent).filter(|_| checkpoint::in_run(path));
    match run.map(|run| run.join("metrics.csv")).filter(|file| file.is_file()) {
        Some(file) => metrics::read(&file),
        None => Ok(Vec::new()),
    }
}
