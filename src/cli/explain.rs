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
use crate::explain::report::{Across, Shown, sheet, write_picture};
use crate::explain::sheet::Sheet;
use crate::explain::{Cam, Method, Request, Target, cam, layers};
use crate::files::write_atomic;
use crate::nn::relevance::Composite;
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
    /// Layer to look at; of several, with commas, the mean of their maps; without it the last convolution's activations (for cam,
    /// what is pooled)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    layer: Vec<String>,
    /// Whose logit: top (the predicted class), true (of test:, val: and train: pictures), a class's name or its index, or the
    /// difference of two, such as cat-dog or 3-5 (what tells a cat from a dog; a class's name may have a '-' itself)
    #[arg(long, default_value = "top", value_name = "CLASS")]
    target: String,
    /// How maps are made; several with commas stand side by side: gradcam, gradcam++, cam, hirescam, xgradcam, layercam, eigencam
    /// (of no class), scorecam and ablationcam (the network once for each channel); and of the pixels themselves, without a layer,
    /// lrp and guided-backprop
    #[arg(long, default_value = "gradcam", value_delimiter = ',')]
    method: Vec<Method>,
    /// The mean map of each picture and its mirror image, at 0.9, 1 and 1.1 times their values
    #[arg(long)]
    aug_smooth: bool,
    /// The first principal component of the weighed activations instead of their sum
    #[arg(long)]
    eigen_smooth: bool,
    /// Pictures per pass of scorecam and ablationcam
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
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

pub fn run(mut options: Options, environment: &Environment) -> anyhow::Result<()> {
    let mut known = Vec::new();
    options.method.retain(|method| {
        !known.contains(method) && {
            known.push(*method);
            true
        }
    });
    if options.method.len() > 1 && options.epochs.is_some() {
        return Err(Error::usage("--epochs is of one --method: name one, or leave the epochs out").into());
    }
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
    let request = |method: Method, targets: &[Target], composite: &Composite| Request {
        method,
        target_layers: options.layer.clone(),
        targets: targets.to_vec(),
        aug_smooth: options.aug_smooth,
        eigen_smooth: options.eigen_smooth,
        batch_size: options.batch_size as usize,
        composite: composite.clone(),
    };
    let mut columns: Vec<(Meta, Vec<Vec<Cam>>)> = Vec::new();
    for path in &checkpoints {
        let (model, meta) = load_model(path, &device)?;
        let targets = targets(&options.target, &gallery.pictures, &meta.classes)?;
        let batches = gallery.batches(&device, &meta, BATCH)?;
        let composite = Composite::of_pixels(&meta.mean, &meta.std)?;
        let mut of_methods = Vec::new();
        for &method in &options.method {
            let mut cams = Vec::new();
            for (x, targets) in batches.iter().zip(targets.chunks(BATCH)) {
                cams.extend(cam(&model, x, &request(method, targets, &composite))?);
            }
            of_methods.push(cams);
        }
        columns.push((meta, of_methods));
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
fn report(options: &Options, folder: &Path, gallery: &Gallery, columns: &[(Meta, Vec<Vec<Cam>>)]) -> Result<()> {
    let palette = if options.signed { Palette::Signed } else { Palette::Heat };
    let mut rows = Vec::new();
    for (i, picture) in gallery.pictures.iter().enumerate() {
        let mut row = Vec::new();
        for (meta, of_methods) in columns {
            let (epoch, classes) = (meta.progress.epoch, &meta.classes[..]);
            row.extend(of_methods.iter().map(|cams| Shown { picture, epoch, cam: &cams[i], classes, palette }));
        }
        rows.push(row);
    }
    let (meta, methods) = (&columns[0].0, &options.method);
    for cam in rows[0].iter().take(methods.len()).map(|shown| shown.cam) {
        let chosen = match cam.method {
            _ if !options.layer.is_empty() || cam.method.of_pixels() => "",
            Method::Cam => ", which is pooled",
            _ => ", the last convolution's activations",
        };
        print(format_args!("{} of {}{chosen}", cam.method, layer(cam)))?;
    }
    let mut maps = Vec::new();
    for shown in rows.iter().flatten() {
        maps.push(shown.write(folder, methods.len() > 1)?);
        print(as_options(&shown.to_string()))?;
    }
    let drifts = Drifts::of(&rows);
    if options.epochs.is_some() {
        write_atomic(&folder.join("drift.csv"), &drifts.csv().map_err(|e| Error::file(folder, e))?)?;
        print(as_options(&drifts.table()))?;
    }
    let (model, data) = (meta.config.network(), &meta.config.data);
    let joined = |name: fn(Method) -> String| methods.iter().map(|&method| name(method)).collect::<Vec<_>>().join(", ");
    let facts = json!({
        "run": options.run, "model": model, "data": data, "method": joined(|method| method.to_string()),
        "target": options.target, "signed": options.signed, "aug_smooth": options.aug_smooth,
        "eigen_smooth": options.eigen_smooth, "classes": meta.classes, "maps": maps,
    });
    write_atomic(&folder.join("explain.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    let epoch = if options.epochs.is_some() { String::new() } else { format!(", epoch {}", meta.progress.epoch) };
    let smoothed = [(options.aug_smooth, ", aug-smooth"), (options.eigen_smooth, ", eigen-smooth")];
    let smoothed: String = smoothed.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    let across = match methods.len() {
        _ if options.epochs.is_some() => Across::Epochs,
        1 => Across::Pictures,
        _ => Across::Methods,
    };
    let mut layers: Vec<String> = Vec::new();
    for layer in rows[0].iter().map(|shown| layer(shown.cam)) {
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    let layers = layers.join(" and ");
    let sheet = Sheet {
        title: format!("{} of {model} on {}", joined(|method| method.title().to_owned()), gallery.of),
        notes: vec![format!("{layers}, target {}{smoothed}, {}{epoch}", options.target, options.run.display())],
        ..sheet(&rows, across)
    };
    write_picture(&folder.join("sheet.png"), &sheet.draw()?)?;
    print(format_args!("overlays, raw maps, explain.json and sheet.png: {}", folder.display()))
}

/// The layer of a map in words.
fn layer(cam: &Cam) -> String {
    let [height, width, channels] = cam.shape;
    match cam.layer.contains(", ") {
        true => format!("the mean over layers {}", cam.layer),
        false if cam.method.of_pixels() => format!("the pixels ({height}x{width}x{channels})"),
        false => format!("layer {} ({height}x{width}x{channels})", cam.layer),
    }
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
    let known = |name: &str| class(name, classes).ok();
    let pair = |(at, _): (usize, &str)| Some((known(&name[..at])?, known(&name[at + 1..])?));
    let pairs: Vec<(usize, usize)> = name.match_indices('-').filter_map(pair).collect();
    let target = match (class(name, classes), &pairs[..]) {
        _ if name == "top" => Target::Top,
        (Ok(class), _) => Target::Class(class),
        (_, &[(of, minus)]) if of == minus => {
            return Err(Error::usage(format!("--target {name}: a class minus itself is zero; name two classes")));
        }
        (_, &[(of, minus)]) => Target::Difference(of, minus),
        (_, [_, _, ..]) => {
            let what = "can be read as more than one difference; use the classes' indices, such as 3-5";
            return Err(Error::usage(format!("--target {name} {what}")));
        }
        (Err(fix), _) => {
            let what = format!("--target {name} is no class: use top, true, {fix}");
            return Err(Error::usage(format!("{what}, or the difference of two such as {}-{}", 0, classes.len() - 1)));
        }
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
