//! `warptape eval`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{checkpoint, print};
use crate::data::source;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::judged as sheets;
use crate::explain::report::write_picture;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::judged::{Judged, Part};
use crate::train::report::Report;
use crate::train::views::Views;

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file [default: RUN@best]
    run: PathBuf,
    /// Other data than the run's, of classes that it knows; a folder without train, val, test is judged as a whole
    #[arg(long)]
    data: Option<String>,
    /// Pictures to judge: train, val, test, new (not there when the run began) or all that it was not trained on [default: test;
    /// all of other data without parts]
    #[arg(long, value_parser = part)]
    part: Option<Part>,
    /// Leave out files that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Views of a picture whose logits are averaged: none, mirror, or mirror+translate [default: the run's]
    #[arg(long, value_name = "VIEWS")]
    tta: Option<Views>,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON: also the confusion matrix and every confused pair with its images
    #[arg(long)]
    json: bool,
    /// Also write report.txt, report.json, predictions.csv (what it says of each picture), confusion.csv, confusion.png,
    /// and sheets of pictures, mistakes.png (the worst) and random.png, into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (model, mut meta) = load_model(&path, &device)?;
    meta.config.skip_broken |= options.skip_broken;
    meta.config.tta = options.tta.unwrap_or(meta.config.tta);
    let judged = judged(&path, &meta, options.data.as_deref(), options.part)?;
    if !judged.is_labelled() {
        let what = "has no folders of classes, by which a network is judged; `warptape embed` and `predict` take such pictures";
        return Err(Error::file(options.data.unwrap_or(judged.name), what).into());
    }
    meta.config.precision.check(&device)?;
    let images = Resident::new(&device, &judged.images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
    let (files, name) = (judged.images.names(), path.display().to_string());
    let report = Report::new(&model, &meta, &images, files, &judged.name, judged.part, &name)?;
    if let Some(folder) = &options.out {
        super::faces(&report.classes, environment);
        report.write(folder, &report.picture()?)?;
        let mistakes = sheets::mistakes(&report, &judged.images)?;
        for (name, sheet) in mistakes
            .into_iter()
            .map(|sheet| ("mistakes.png", sheet))
            .chain([("random.png", sheets::random(&report, &judged.images)?)])
        {
            write_picture(&folder.join(name), &sheet.draw()?)?;
        }
    }
    if options.json {
        print(format_args!("{:#}", report.json()))?;
    } else {
        print(report.text().trim_end())?;
    }
    Ok(())
}

/// The pictures of `part` of the data of the run that the checkpoint at `path` lies in, or of `data`; what their owner should know is
/// told.
///
/// # Errors
/// Those of [`Judged::of`]; no data to be found for a checkpoint that lies in no run.
pub(super) fn judged(path: &Path, meta: &Meta, data: Option<&str>, part: Option<Part>) -> Result<Judged> {
    let judged = Judged::of(path, meta, other(data, meta), part).map_err(|error| {
        let spec = &meta.config.data;
        let what = format!("lies in no run and does not say where its data are: name them with --data {spec}:DIR");
        if data.is_none() && !checkpoint::in_run(path) { Error::file(path, what) } else { error }
    })?;
    super::warn(&judged.notes);
    Ok(judged)
}

/// `data`, if they are others than those that the network was trained on.
pub(super) fn other<'a>(data: Option<&'a str>, meta: &Meta) -> Option<&'a str> {
    data.filter(|spec| source::respell(spec) != meta.config.data)
}

/// The part called `text`.
pub(super) fn part(text: &str) -> Result<Part, String> {
    let found = Part::ALL.iter().find(|(_, name)| *name == text);
    found.map(|(part, _)| *part).ok_or_else(|| "use train, val, test, new or all".into())
}
