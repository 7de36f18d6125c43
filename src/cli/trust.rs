//! `warptape trust`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::settings::as_options;
use super::{checkpoint, print};
use crate::data::split;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::Method;
use crate::explain::gallery::Gallery;
use crate::explain::report::write_picture;
use crate::explain::trust::{Explainer, Networks, Trust, trust};
use crate::files::write_atomic;
use crate::nn::Sequential;
use crate::nn::relevance::Composite;
use crate::tensor::Tensor;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::judged::{self, Judged, Part};
use crate::train::named::{self, Name, Named, Place};

/// Pictures without `--images`, and which draw of the seed chooses them.
const PICTURES: usize = 24;
const DRAW: u64 = 2;
/// Pictures per pass of a method.
const BATCH: usize = 24;
/// Methods that ask the network once for every channel, which takes minutes where the others take seconds: only if they are
/// named.
const SLOW: [&str; 2] = ["scorecam", "ablationcam"];

#[derive(Args)]
pub struct Options {
    /// A run's folder (its best checkpoint), RUN@EPOCH, RUN@last, or a checkpoint file
    run: PathBuf,
    /// Pictures to judge maps on, named as explain's --images are [default: 24 of the test part, drawn by the seed]
    #[arg(long, num_args = 1.., value_name = "IMAGE")]
    images: Vec<OsString>,
    /// Methods with commas between, or all [default: all but those that ask the network for every channel, which take minutes]
    #[arg(long, value_name = "METHODS")]
    methods: Option<String>,
    /// Steps of insertion and deletion
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    steps: u32,
    /// Seed of random weights, noise, and the pictures that are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for trust.json, trust.csv and trust.png; without it, trust in the run's folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leave out files of the data set that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let methods = methods(options.methods.as_deref())?;
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (trained, mut meta) = load_model(&path, &device)?;
    meta.config.skip_broken |= options.skip_broken;
    let named = pictures(&options.images, options.seed, &path, &meta, &named::says(&trained, &meta, &device))?;
    let gallery = Gallery::of(&named, judged::record(&path)?.as_deref(), &meta)?;
    super::warn(&gallery.notes);
    let how =
        crate::explain::trust::Options { steps: options.steps as usize, seed: options.seed, ..Default::default() };
    let found = judge(&trained, &meta, &gallery, &methods, &how, &device)?;
    Ok(report(&options, &path, &gallery, &meta, &found)?)
}

/// What `methods` make of the pictures `gallery`, judged as `how` says, beside controls.
pub fn judge(
    trained: &Sequential,
    meta: &Meta,
    gallery: &Gallery,
    methods: &[Method],
    how: &crate::explain::trust::Options,
    device: &Device,
) -> Result<Trust> {
    let x = input(gallery, device, meta)?;
    // Not the trained one's seed, or the first layers would be those that it began with.
    let other = how.seed.wrapping_add(meta.config.seed).wrapping_add(1);
    let (copy, fresh) = (meta.network(device, other)?, meta.network(device, other)?);
    let composite = Composite::of_pixels(&meta.mean, &meta.std)?;
    let mut explainers: Vec<Explainer> =
        methods.iter().map(|&method| Explainer::method(method, BATCH, composite.clone())).collect();
    explainers.extend(Explainer::controls(how.seed));
    let networks = Networks { trained, copy: &copy, fresh: &fresh };
    trust(&networks, &x, &explainers, how)
}

/// The methods that `list` names; of none, all but those that are slow.
pub fn methods(list: Option<&str>) -> Result<Vec<Method>> {
    match list {
        None => Ok(Method::ALL.into_iter().filter(|method| !SLOW.contains(&&*method.to_string())).collect()),
        Some("all") => Ok(Method::ALL.to_vec()),
        Some(list) => {
            let mut methods = Vec::new();
            for name in list.split(',') {
                let method = name.trim().parse()?;
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
            Ok(methods)
        }
    }
}

/// Those that were named, or some of the test part.
pub fn pictures(images: &[OsString], seed: u64, path: &Path, meta: &Meta, says: &named::Says) -> Result<Named> {
    let names = Name::all(images, false)?;
    if !names.is_empty() {
        return Named::find(&names, path, meta, None, None, says);
    }
    let judged = Judged::of(path, meta, None, Some(Part::Test))?;
    let mut numbers: Vec<usize> = split::shuffle(judged.images.len(), seed, DRAW)
        .into_iter()
        .take(PICTURES)
        .map(|number| number as usize)
        .collect();
    numbers.sort_unstable();
    let places = numbers.into_iter().map(|number| Place::Of { set: 0, number }).collect();
    let notes = judged.notes.clone();
    Ok(Named { sets: vec![Arc::new(judged)], places, notes })
}

/// All pictures in one batch, which the measures take apart.
fn input(gallery: &Gallery, device: &Device, meta: &Meta) -> Result<Tensor> {
    let mut batches = gallery.batches(device, meta, gallery.pictures.len().max(1))?;
    if batches.is_empty() {
        Err(Error::usage("there are no pictures to judge maps on"))
    } else {
        Ok(batches.swap_remove(0))
    }
}

/// Prints and writes everything.
fn report(options: &Options, path: &Path, gallery: &Gallery, meta: &Meta, found: &Trust) -> Result<()> {
    let (epoch, model) = (meta.progress.epoch, meta.config.network());
    let count = gallery.pictures.len();
    let pictures = if count == 1 { "1 picture".to_owned() } else { format!("{count} pictures") };
    print(format_args!("maps of {pictures} of {}, {model} ({}, epoch {epoch})", gallery.of, path.display()))?;
    print(as_options(&found.table()))?;
    let run = path.parent().and_then(Path::parent).filter(|_| checkpoint::in_run(path));
    let folder = options.out.clone().unwrap_or_else(|| run.map_or(PathBuf::new(), Path::to_path_buf).join("trust"));
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("cannot be made: {e}; choose --out")))?;
    let names: Vec<&String> = gallery.pictures.iter().map(|picture| &picture.name).collect();
    let facts = json!({
        "run": options.run, "checkpoint": path, "epoch": epoch, "model": model, "data": meta.config.data,
        "names": meta.classes, "pictures": names, "trust": found,
    });
    write_atomic(&folder.join("trust.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    let table = String::from_utf8_lossy(&found.csv()?).into_owned();
    write_atomic(&folder.join("trust.csv"), as_options(&table).as_bytes())?;
    let title = format!("Can maps of {model} be believed? {pictures} of {}, epoch {epoch}", gallery.of);
    write_picture(&folder.join("trust.png"), &found.picture(&title)?)?;
    print(format_args!("trust.json, trust.csv and trust.png: {}", folder.display()))
}
