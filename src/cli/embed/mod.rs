//! `warptape embed`.

mod near;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::settings::as_options;
use super::{checkpoint, judging, print};
use crate::data::Images;
use crate::device::Device;
use crate::embed::features::{self, Features};
use crate::embed::picture::Picture;
use crate::embed::pictures::Pictures;
use crate::embed::projection::{self, Projection};
use crate::embed::projector::Projector;
use crate::embed::report::{HEADINGS, Scores, counted, csv, rows};
use crate::embed::{Method, tsne, umap};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::report::write_picture;
use crate::files::write_atomic;
use crate::nn::Layer;
use crate::tensor::{DType, Tensor};
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::judged::{self, Judged, Part};
use crate::train::named::{self, Name, Named};

#[derive(Args)]
pub struct Options {
    /// A run's folder (its best checkpoint), RUN@EPOCH (0 is before the first step), RUN@last, or a checkpoint file
    run: PathBuf,
    /// Layer whose output is embedded, of images the mean over their pixels; without it what the last layer gets (avgpool in ResNet)
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// How points are brought onto a plane: pca (largest variance), tsne or umap (who is near whom)
    #[arg(long, default_value = "pca")]
    method: Method,
    /// Of tsne: the effective number of neighbors [default: 30]
    #[arg(long)]
    perplexity: Option<f64>,
    /// Of umap: neighbors of each picture, itself among them; fewer show detail, more the whole [default: 15]
    #[arg(long, value_name = "N")]
    neighbors: Option<usize>,
    /// Of umap: how close pictures may come to each other [default: 0.1]
    #[arg(long, value_name = "D")]
    min_dist: Option<f64>,
    /// Other data than the run's, of classes that it knows, or a folder of pictures whose classes are not known
    #[arg(long)]
    data: Option<String>,
    /// Pictures: train, val, test, new (not there when the run began) or all that it was not trained on [default: test; all of other
    /// data without parts]
    #[arg(long, value_parser = judging::part)]
    part: Option<Part>,
    /// At most so many pictures, drawn by the seed; and of training pictures that neighbors and the linear probe know
    #[arg(long, default_value_t = 4000, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    limit: u32,
    /// Seed of what is drawn, and of umap
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also show the pictures nearest to these, named as explain's --images are; numbers alone, such as 3,50, are of the part
    /// (embedding.csv's index), also of what --limit leaves out
    #[arg(long, num_args = 1.., value_name = "IMAGE")]
    near: Vec<OsString>,
    /// Print the layers' names and the shapes of their outputs
    #[arg(long)]
    list_layers: bool,
    /// Folder for the picture and tables; without it, embed/LAYER-METHOD-EPOCH in the run's folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leave out files that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let how = projection(&options)?;
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (model, mut meta) = load_model(&path, &device)?;
    meta.config.skip_broken |= options.skip_broken;
    if options.list_layers {
        return Ok(list_layers(&model, &meta, &device)?);
    }
    let names = Name::all(&options.near, true)?;
    let judged = Arc::new(judging::judged(&path, &meta, options.data.as_deref(), options.part)?);
    let record = judged::record(&path)?;
    let (limit, seed) = (options.limit as usize, options.seed);
    let pictures = Pictures::of(&judged, record.as_deref(), limit, seed);
    let layer = options.layer.as_deref();
    let features = Features::of(&model, &device, &pictures.images, &meta, layer)?;
    let (other, says) = (judging::other(options.data.as_deref(), &meta), named::says(&model, &meta, &device));
    let named = Named::find(&names, &path, &meta, other, Some(&judged), &says)?;
    super::warn(&named.notes);
    let near = near::of(&named, &pictures, &features, &model, &device, &meta)?;

    let own_training = judged.part == Part::Train && judging::other(options.data.as_deref(), &meta).is_none();
    let asked = pictures.labels.is_some() && !own_training;
    let references = if asked { training(&path, &meta, limit, seed) } else { None };
    let references = match &references {
        Some((images, labels)) => Some((Features::of(&model, &device, images, &meta, layer)?.points, labels)),
        None => None,
    };
    let (colors, thumbnails) = pictures.looks()?;
    let projection = Projection::of(&features.points, options.method, &how)?;
    let known = references.as_ref().map(|(points, labels)| (points, &labels[..]));
    let scores = Scores::of(&pictures, meta.classes.len(), &features, &colors, &projection.points, known)?;

    let (epoch, size) = (meta.progress.epoch, features.points.dimension());
    let set = format!("{} of {}", counted(&pictures, judged.part), judged.name);
    print(format_args!("{set} at layer {} ({}) of {}, epoch {epoch}", features.layer, features.shape, path.display()))?;
    print(&projection.line)?;
    print(scores.text().trim_end())?;
    let folder = options.out.clone().unwrap_or_else(|| {
        let name = format!("{}-{}-epoch-{epoch:04}", features.layer.replace(['/', '\\'], "-"), options.method);
        let run = path.parent().and_then(Path::parent).filter(|_| checkpoint::in_run(&path));
        run.map_or(PathBuf::new(), Path::to_path_buf).join("embed").join(name)
    });
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("cannot be made: {e}; choose --out")))?;
    let rows = rows(&pictures, &meta.classes, &features);
    write_atomic(&folder.join("embedding.csv"), &csv(&rows, &projection)?)?;
    let name = format!("{} {}", meta.config.network(), features.layer);
    let (points, headings) = (&features.points, &HEADINGS);
    Projector { name: &name, points, headings, known: &rows, thumbnails: &thumbnails }.write(&folder)?;
    for near in &near {
        print(near.text(&pictures, &meta.classes))?;
    }
    super::faces(&meta.classes, environment);
    let picture = Picture {
        title: format!(
            "{} of layer {}: {} on {}",
            options.method.title(),
            features.layer,
            meta.config.network(),
            judged.name
        ),
        notes: vec![
            format!("{}, epoch {epoch}; {}", counted(&pictures, judged.part), projection.line),
            format!("to this layer they lie together {}", scores.grouping)
                + if pictures.labels.is_some() {
                    ""
                } else {
                    "; frames have the colours of what the network takes them for"
                },
        ],
        axes: projection.axes.clone(),
        places: &projection.points,
        thumbnails: &thumbnails,
        labels: pictures.labels.as_deref().unwrap_or(&features.predicted),
        classes: &meta.classes,
        seed,
    };
    write_picture(&folder.join("embedding.png"), &picture.draw()?)?;
    if near.is_empty() {
        // Of an earlier time: it would be taken for this one's.
        let _ = std::fs::remove_file(folder.join("near.png"));
    } else {
        let title = format!("nearest pictures to {} on {}", meta.config.network(), judged.name);
        let note = format!("{set}, layer {} ({}), epoch {epoch}", features.layer, features.shape);
        near::draw(&near, &pictures, &meta.classes, title, note, &folder)?;
    }
    let facts = json!({
        "run": options.run, "checkpoint": path, "epoch": epoch, "model": meta.config.network(), "data": judged.name,
        "part": judged.part.to_string(), "pictures": pictures.len(), "of": pictures.of, "seed": seed,
        "layer": features.layer, "layer_shape": features.shape, "dimension": size, "classes": meta.classes,
        "method": options.method.to_string(), "projection": projection.facts, "scores": scores.json(),
        "near": near.iter().map(|near| near.json(&pictures, &meta.classes)).collect::<Vec<_>>(),
    });
    write_atomic(&folder.join("embed.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    Ok(print(format_args!(
        "embedding.png, embedding.csv, embed.json and files for TensorBoard's projector: {}",
        folder.display()
    ))?)
}

/// How points are brought onto a plane.
///
/// # Errors
/// An option of another method than the one that is asked for.
fn projection(options: &Options) -> Result<projection::Options> {
    let Options { method, perplexity, neighbors, min_dist, seed, .. } = *options;
    let given = [
        ("perplexity", perplexity.is_some(), Method::Tsne),
        ("neighbors", neighbors.is_some(), Method::Umap),
        ("min_dist", min_dist.is_some(), Method::Umap),
    ];
    if let Some((name, _, of)) = given.into_iter().find(|(_, given, of)| *given && *of != method) {
        return Err(Error::usage(format!(
            "‹{name}› is of ‹method={of}›, not of {method}: choose that, or leave it out"
        )));
    }
    let (tsne, umap) = (tsne::Options::default(), umap::Options::default());
    Ok(projection::Options {
        tsne: tsne::Options { perplexity: perplexity.unwrap_or(tsne.perplexity), ..tsne },
        umap: umap::Options {
            neighbors: neighbors.unwrap_or(umap.neighbors),
            min_dist: min_dist.unwrap_or(umap.min_dist),
            seed,
        },
    })
}

/// What the network was trained on, `limit` of it at most, with the classes; none where it is not at hand, which is told, or all
/// of one class.
fn training(path: &Path, meta: &Meta, limit: usize, seed: u64) -> Option<(Images, Vec<usize>)> {
    match Judged::of(path, meta, None, Some(Part::Train)) {
        Ok(judged) => {
            let Pictures { images, labels, .. } = Pictures::of(&judged, None, limit, seed);
            let labels = labels.filter(|labels| labels.iter().any(|label| *label != labels[0]))?;
            Some((images, labels))
        }
        Err(error) => {
            let what = format!(
                "no training pictures to ask and to learn from ({error}); the pictures are asked of each other"
            );
            let _ = writeln!(std::io::stderr(), "warning: {}", as_options(&what));
            None
        }
    }
}

fn list_layers(model: &dyn Layer, meta: &Meta, device: &Device) -> Result<()> {
    let [height, width] = meta.input;
    let x = Tensor::zeros(device, [1, height, width, 3], DType::F32)?;
    let (found, default) = features::list(model, &x)?;
    super::explain::print_layers(&found, &default)
}
