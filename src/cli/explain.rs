//! `warptape explain`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::checkpoint;
use super::print;
use super::settings::as_options;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::drift::Drifts;
use crate::explain::gallery::{Gallery, Picture};
use crate::explain::paint::Palette;
use crate::explain::report::{Shown, sheet, write_picture};
use crate::explain::sheet::Sheet;
use crate::explain::{Cam, Method, Request, Target, cam, layers};
use crate::files::write_atomic;
use crate::tensor::{DType, Shape, Tensor};
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::judged;
use crate::train::named::{self, Name, Named, class};

/// Pictures per pass.
const BATCH: usize = 16;

#[derive(Args)]
pub struct Options {
    /// A run's folder (its best checkpoint), RUN@EPOCH, RUN@last, or a checkpoint file
    run: PathBuf,
    #[arg(long, num_args = 1.., required_unless_present = "list_layers", value_name = "IMAGE", help = named::HELP)]
    images: Vec<OsString>,
    /// Layer to look at; without it the last convolution's activations
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Whose logit: top (the predicted class), true (of test:, val: and train: pictures), a class's name or its index
    #[arg(long, default_value = "top", value_name = "CLASS")]
    target: String,
    /// gradcam or gradcam++
    #[arg(long, default_value = "gradcam")]
    method: Method,
    /// Draw what speaks against the class, too: no ReLU, blue below zero, red above
    #[arg(long)]
    signed: bool,
    /// The same pictures at many epochs on one sheet, with the drift between them: 1,3,5 or all; the last of them tells what
    /// is wrong
    #[arg(long, value_name = "EPOCHS")]
    epochs: Option<String>,
    /// Print the layers' names and the shapes of their outputs
    #[arg(long)]
    list_layers: bool,
    /// Folder for what is drawn; without it, explain in the run's folder
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
    let (run, which) = checkpoint::split(&options.run);
    let checkpoints: Vec<PathBuf> = match &options.epochs {
        Some(_) if which.is_some() => return Err(Error::usage("--epochs and RUN@EPOCH exclude each other").into()),
        Some(list) => checkpoint::epochs(&run, list)?,
        None => vec![checkpoint::find(&options.run)?],
    };
    let device = crate::cli::open(&options.device, environment)?;
    if options.list_layers {
        return Ok(list_layers(&checkpoints[0], &device)?);
    }
    let gallery = gallery(&options, checkpoints.last().expect("there is one at least"), &device)?;
    let request = Request { target_layers: options.layer.iter().cloned().collect(), ..Request::new(options.method) };
    let mut columns: Vec<(Meta, Vec<Cam>)> = Vec::new();
    for path in &checkpoints {
        let (model, meta) = load_model(path, &device)?;
        let targets = targets(&options.target, &gallery.pictures, &meta.classes)?;
        let mut cams = Vec::new();
        for (x, targets) in gallery.batches(&device, &meta, BATCH)?.iter().zip(targets.chunks(BATCH)) {
            let request = Request { targets: targets.to_vec(), ..request.clone() };
            cams.extend(cam(&model, x, &request)?);
        }
        columns.push((meta, cams));
    }
    super::faces(&columns[0].0.classes, environment);
    super::warn(&gallery.notes);
    let folder =
        options.out.clone().unwrap_or_else(|| if run.is_dir() { run.join("explain") } else { "explain".into() });
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("cannot be made: {e}; choose --out")))?;
    Ok(report(&options, &folder, &gallery, &columns)?)
}

/// The pictures. Where what is wrong is asked for, `checkpoint` says so, which is the last of several.
fn gallery(options: &Options, checkpoint: &Path, device: &Device) -> Result<Gallery> {
    let names = Name::all(&options.images, false)?;
    let (model, mut meta) = load_model(checkpoint, device)?;
    meta.config.skip_broken |= options.skip_broken;
    let named = Named::find(&names, checkpoint, &meta, None, None, &named::says(&model, &meta, device))?;
    Gallery::of(&named, judged::record(checkpoint)?.as_deref(), &meta)
}

/// Writes and prints everything.
fn report(options: &Options, folder: &Path, gallery: &Gallery, columns: &[(Meta, Vec<Cam>)]) -> Result<()> {
    let palette = if options.signed { Palette::Signed } else { Palette::Heat };
    let mut rows = Vec::new();
    for (i, picture) in gallery.pictures.iter().enumerate() {
        let mut row = Vec::new();
        for (meta, cams) in columns {
            let (epoch, classes) = (meta.progress.epoch, &meta.classes[..]);
            row.push(Shown { picture, epoch, cam: &cams[i], classes, palette });
        }
        rows.push(row);
    }
    let (meta, first) = (&columns[0].0, &rows[0][0]);
    let layer =
        format!("layer {} ({}x{}x{})", first.cam.layer, first.cam.shape[0], first.cam.shape[1], first.cam.shape[2]);
    let chosen = if options.layer.is_some() { "" } else { ", the last convolution's activations" };
    print(format_args!("{} of {layer}{chosen}", options.method))?;
    let mut maps = Vec::new();
    for shown in rows.iter().flatten() {
        maps.push(shown.write(folder)?);
        print(as_options(&shown.to_string()))?;
    }
    let drifts = Drifts::of(&rows);
    if options.epochs.is_some() {
        write_atomic(&folder.join("drift.csv"), &drifts.csv().map_err(|e| Error::file(folder, e))?)?;
        print(as_options(&drifts.table()))?;
    }
    let (model, data) = (meta.config.network(), &meta.config.data);
    let facts = json!({
        "run": options.run, "model": model, "data": data, "method": options.method.to_string(),
        "target": options.target, "signed": options.signed, "classes": meta.classes, "maps": maps,
    });
    write_atomic(&folder.join("explain.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    let epoch = if options.epochs.is_some() { String::new() } else { format!(", epoch {}", meta.progress.epoch) };
    let sheet = Sheet {
        title: format!("{} of {model} on {}", options.method.title(), gallery.of),
        notes: vec![format!("{layer}, target {}, {}{epoch}", options.target, options.run.display())],
        ..sheet(&rows, options.epochs.is_some())
    };
    write_picture(&folder.join("sheet.png"), &sheet.draw()?)?;
    print(format_args!("overlays, raw maps, explain.json and sheet.png: {}", folder.display()))
}

/// The target of each picture.
fn targets(name: &str, pictures: &[Picture], classes: &[String]) -> Result<Vec<Target>> {
    if name == "true" {
        let truth = |picture: &Picture| {
            let unknown = || format!("--target true: the class of '{}' is not known; name a class", picture.name);
            picture.truth.map(Target::Class).ok_or_else(|| Error::usage(unknown()))
        };
        return pictures.iter().map(truth).collect();
    }
    let target = match class(name, classes) {
        _ if name == "top" => Target::Top,
        Ok(class) => Target::Class(class),
        Err(fix) => return Err(Error::usage(format!("--target {name} is no class: use top, true, {fix}"))),
    };
    Ok(vec![target; pictures.len()])
}

fn list_layers(checkpoint: &Path, device: &Device) -> Result<()> {
    let (model, meta) = load_model(checkpoint, device)?;
    let [height, width] = meta.input;
    let (found, default) = layers::list(&model, &Tensor::zeros(device, [1, height, width, 3], DType::F32)?)?;
    print_layers(&found, &default)
}

/// Names and shapes in columns; `default` is marked.
pub(super) fn print_layers(found: &[(String, Shape)], default: &str) -> Result<()> {
    let widest = found.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, shape) in found {
        let note = if *name == default { "  (default)" } else { "" };
        print(format_args!("{name:<widest$}  {}{note}", layers::shape(shape)))?;
    }
    Ok(())
}
