//! `warptape predict`.

mod output;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use super::{checkpoint, print};
use crate::data::record::{Record, Role};
use crate::data::{Ahead, Images, guarded};
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic_with;
use crate::nn::Layer;
use crate::op::augment::Channels;
use crate::op::cast::cast;
use crate::op::cross_entropy::softmax;
use crate::tape::Tape;
use crate::tensor::DType;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::{EVALUATION_BATCH as BATCH, load_model};
use crate::train::images::Resident;
use crate::train::judged;
use crate::train::named::{self, Name, Named};
use crate::train::views;
use output::{Output, Predicted};

/// Pictures that are decoded ahead of those in use.
const AHEAD: usize = 2 * BATCH;

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file [default: RUN@best]
    run: PathBuf,
    #[arg(required = true, value_name = "IMAGE", help = named::HELP)]
    images: Vec<OsString>,
    /// How many classes to show for each picture, and to write with --out [default: 5 of one picture, of several a line with the best
    /// two; all into the file]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Also write a table into this CSV file: picture, part of the run's data, class, all probabilities or those of --top
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave out files of the data set that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON, with all probabilities and logits
    #[arg(long)]
    json: bool,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let names = Name::all(&options.images, false)?;
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (model, mut meta) = load_model(&path, &device)?;
    meta.config.precision.check(&device)?;
    meta.config.skip_broken |= options.skip_broken;
    let named = Named::find(&names, &path, &meta, None, None, &named::says(&model, &meta, &device))?;
    super::warn(&named.notes);
    let (count, plural) = (named.places.len(), if named.places.len() == 1 { "" } else { "s" });
    if !options.json {
        let (name, epoch) = (meta.config.network(), meta.progress.epoch);
        let path = path.display();
        print(format_args!("{count} picture{plural} by {name} of {path}, epoch {epoch}, on {}", device.info().name))?;
    }
    let (named, record) = (Arc::new(named), judged::record(&path)?);
    let mut broken = Vec::new();
    let mut predict = |file: Option<&mut File>| {
        let top = options.top.map(|top| top as usize);
        let mut output = Output::new(&named, &meta.classes, top, options.json, file)?;
        all(&model, &meta, &device, &named, record.clone(), &mut output, &mut broken)?;
        output.end()
    };
    match &options.out {
        None => predict(None)?,
        Some(path) => {
            let mut failed = None;
            let written = write_atomic_with(path, |file| {
                failed = predict(Some(file)).err();
                if failed.is_some() { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
            });
            failed.map_or(written, Err)?;
        }
    }
    // One that cannot be read costs only itself, and the exit code.
    match broken.pop() {
        None => Ok(()),
        Some(error) if broken.is_empty() => Err(error.into()),
        Some(error) => {
            tell(&error);
            Err(anyhow!("{} of {count} pictures cannot be read", broken.len() + 1))
        }
    }
}

/// Classifies all that was `named`, batch by batch, while the next pictures are decoded. Those that cannot be read are told and put
/// with the `broken`, the last of which is yet to be told.
fn all(
    model: &dyn Layer,
    meta: &Meta,
    device: &Device,
    named: &Arc<Named>,
    record: Option<Arc<Record>>,
    output: &mut Output,
    broken: &mut Vec<Error>,
) -> Result<()> {
    let (count, fit, like) = (named.places.len(), meta.config.resize.unwrap_or_default(), meta.images());
    let (pictures, sizes) = (named.clone(), like.clone());
    let read = move |at: usize| -> Result<(Vec<u8>, Option<Role>)> {
        let (pixels, digest) = guarded(pictures.name(at), || pictures.pixels(at, &sizes, fit))?;
        Ok((pixels, digest.and_then(|digest| record.as_ref()?.role(digest))))
    };
    let mut ahead = Ahead::of(read, 0..count, AHEAD, 0);
    for first in (0..count).step_by(BATCH) {
        let (mut images, mut known) = (like.clone(), Vec::new());
        for at in first..count.min(first + BATCH) {
            match ahead.next().expect("there are so many") {
                Ok((pixels, role)) => {
                    images.pixels.extend(pixels);
                    images.labels.push(0);
                    known.push((at, role));
                }
                Err(error) => {
                    broken.last().into_iter().for_each(tell);
                    broken.push(error);
                }
            }
        }
        if !known.is_empty() {
            let (logits, probabilities) = classified(model, meta, device, &images)?;
            let classes = meta.classes.len();
            let rows = logits.chunks_exact(classes).zip(probabilities.chunks_exact(classes));
            let predicted = known.into_iter().zip(rows);
            let predicted =
                predicted.map(|((at, role), (logits, probabilities))| Predicted { at, role, logits, probabilities });
            output.add(&predicted.collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// Logits and probabilities `[N, K]` of `images`.
fn classified(model: &dyn Layer, meta: &Meta, device: &Device, images: &Images) -> Result<(Vec<f32>, Vec<f32>)> {
    let resident = Resident::new(device, images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
    let (order, channels) = (resident.order(&resident.all())?, Channels { mean: meta.mean, std: meta.std });
    let (views, _) = resident.seen(&order, 0, resident.len(), &channels)?;
    let mut tape = Tape::new();
    let logits = views::logits(model, &mut tape, &views)?;
    let logits = cast(&mut tape, &logits, DType::F32)?;
    Ok((logits.to_vec()?, softmax(&logits)?.to_vec()?))
}

fn tell(error: &Error) {
    let _ = writeln!(io::stderr(), "error: {}", error.to_string().replace(char::is_control, " "));
}
