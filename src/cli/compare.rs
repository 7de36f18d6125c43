//! `warptape compare`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::eval::{judged, part};
use super::{checkpoint, print};
use crate::data::Images;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::judged::Part;
use crate::train::logs::metrics;
use crate::train::report::compare::{Compared, Comparison, curves};
use crate::train::report::predictions::{Prediction, predictions};

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another, of the same classes
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Other data than the runs', of classes that they know
    #[arg(long)]
    data: Option<String>,
    /// Pictures to compare them on, of which neither was trained on any: train, val, test, new or all [default: test; all of other
    /// data without parts]
    #[arg(long, value_parser = part)]
    part: Option<Part>,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON: with every picture whose class has another rank
    #[arg(long)]
    json: bool,
    /// Also write compare.csv (all pictures), compare.json and compare.png (the curves of both) into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What one checkpoint says of its pictures.
struct Side {
    path: PathBuf,
    images: Images,
    classes: Vec<String>,
    /// What the pictures are, in words.
    part: String,
    predictions: Vec<Prediction>,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let device = crate::cli::open(&options.device, environment)?;
    let side = |run: &Path| side(run, &options, &device);
    let (first, second) = (side(&options.first)?, side(&options.second)?);
    let comparison = compared(&options, &first, &second)?;
    if let Some(folder) = &options.out {
        let what = |e| Error::file(folder, format!("cannot be made: {e}; choose another ‹out›"));
        std::fs::create_dir_all(folder).map_err(what)?;
        write_atomic(&folder.join("compare.csv"), &comparison.csv()?)?;
        write_atomic(&folder.join("compare.json"), format!("{:#}\n", comparison.json()).as_bytes())?;
        let rows = |side: &Side| match side.path.parent().and_then(Path::parent).map(|run| run.join("metrics.csv")) {
            Some(file) if file.is_file() => metrics::read(&file),
            _ => Ok(Vec::new()),
        };
        let rows = [rows(&first)?, rows(&second)?];
        write_atomic(&folder.join("compare.png"), &curves(&comparison.names, [&rows[0], &rows[1]])?)?;
    }
    if options.json {
        print(format_args!("{:#}", comparison.json()))?;
    } else {
        print(comparison.text().trim_end())?;
    }
    Ok(())
}

fn side(run: &Path, options: &Options, device: &Device) -> Result<Side> {
    let path = checkpoint::find(run)?;
    let (model, meta) = load_model(&path, device)?;
    let judged = judged(&path, &meta, options.data.as_deref(), options.part)?;
    if !judged.is_labelled() {
        let what = "has no folders of classes, by which networks are compared";
        return Err(Error::file(judged.name, what));
    }
    meta.config.precision.check(device)?;
    let resident = Resident::new(device, &judged.images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
    let (_, predictions) = predictions(&model, &resident, &resident.all(), meta.mean, meta.std)?;
    let part = judged.part.words().to_owned();
    Ok(Side { path, images: judged.images, classes: meta.classes, part, predictions })
}

/// The pictures that both were asked of, in the order in which the first has them.
fn compared(options: &Options, first: &Side, second: &Side) -> Result<Comparison> {
    if first.classes != second.classes {
        let what = "knows other classes, or in another order: compare networks of the same classes";
        return Err(Error::file(&second.path, what));
    }
    // By their pixels, for what one was trained on is left out of its part alone; pictures that are no files by their place.
    let known = |images: &Images| images.origins.len() == images.len();
    let by_digest = known(&first.images) && known(&second.images);
    if !by_digest && first.images.len() != second.images.len() {
        let what = format!("is judged on {} pictures, the other on {}", second.images.len(), first.images.len());
        return Err(Error::file(&second.path, format!("{what}: compare runs on the same data")));
    }
    let place: HashMap<_, usize> = if by_digest {
        second.images.origins.iter().map(|origin| origin.digest).zip(0..).collect()
    } else {
        HashMap::new()
    };
    let files = first.images.names();
    let other = |number: usize| {
        if by_digest { place.get(&first.images.origins[number].digest).copied() } else { Some(number) }
    };
    let one = |number: usize| {
        let of = [first.predictions[number], second.predictions[other(number)?]];
        Some(Compared { number, file: files.get(number).cloned().unwrap_or_default(), of })
    };
    let images: Vec<Compared> = (0..first.images.len()).filter_map(one).collect();
    if images.is_empty() {
        return Err(Error::file(
            &second.path,
            "shares no picture to judge with the other: compare runs on the same data",
        ));
    }
    let left_out = first.images.len().max(second.images.len()) - images.len();
    if left_out > 0 {
        super::warn(&[format!("{left_out} pictures are left out: only one of the two is judged on them")]);
    }
    let names = [&options.first, &options.second].map(|run| run.display().to_string());
    Ok(Comparison { names, part: first.part.clone(), classes: first.classes.clone(), images })
}
