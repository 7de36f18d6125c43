//! `warptape eval`.

use std::path::PathBuf;

use clap::Args;

use super::judging::{Asked, Question, asked, curves, other, part};
use super::print;
use crate::environment::Environment;
use crate::explain::judged as sheets;
use crate::explain::report::write_picture;
use crate::train::judged::Part;
use crate::train::report::{Report, fit};
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
    let device = crate::cli::open(&options.device, environment)?;
    let Options { data, part, skip_broken, tta, .. } = &options;
    let question = Question { data: data.as_deref(), part: *part, skip_broken: *skip_broken, tta: *tta };
    let mut asked = asked(&[&options.run], &question, &device)?;
    let Asked { path, meta, judged, said } = asked.pop().expect("one was asked");
    let (files, name) = (judged.images.names(), path.display().to_string());
    let mut report = Report::new(&meta, device.target(), said, files, &judged.name, judged.part, &name)?;
    if other(question.data, &meta).is_none() {
        report.fit = fit::note(&curves(&path)?);
    }
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
