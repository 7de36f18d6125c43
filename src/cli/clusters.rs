//! `warptape clusters`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::explain::print_layers;
use super::settings::as_options;
use super::{checkpoint, judging, print};
use crate::clusters::{self, Clusters, METHOD};
use crate::embed::pictures::Pictures;
use crate::embed::report::counted;
use crate::environment::Environment;
use crate::error::Error;
use crate::explain::report::write_picture;
use crate::explain::{Method, Request, layers};
use crate::files::write_atomic;
use crate::nn::relevance::Composite;
use crate::tensor::{DType, Tensor};
use crate::train::evaluate::load_model;
use crate::train::judged::{self, Part};

#[derive(Args)]
pub struct Options {
    /// A run's folder (its best checkpoint), RUN@EPOCH, RUN@last, or a checkpoint file
    run: PathBuf,
    /// How maps are made: as explain's --method; those that weigh each pixel by itself (hirescam, layercam) say best where something is
    #[arg(long, default_value_t = METHOD)]
    method: Method,
    /// Layer to look at; without it the last one whose maps have nine rows and columns at least
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Print the layers' names and the shapes of their outputs
    #[arg(long)]
    list_layers: bool,
    /// Other data than the run's, of classes that it knows
    #[arg(long)]
    data: Option<String>,
    /// Pictures: test, train, val, new (not there when the run began) or all that it was not trained on [default: test; all of other
    /// data without parts]
    #[arg(long, value_parser = judging::part)]
    part: Option<Part>,
    /// At most so many pictures, drawn by the seed
    #[arg(long, default_value_t = 4000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Seed of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for sheets and tables; without it, clusters/LAYER-METHOD-EPOCH in the run's folder
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
    let path = checkpoint::find(&options.run)?;
    let device = super::open(&options.device, environment)?;
    let (model, mut meta) = load_model(&path, &device)?;
    if options.list_layers {
        let [height, width] = meta.input;
        let (found, _) = layers::list(&model, &Tensor::zeros(&device, [1, height, width, 3], DType::F32)?)?;
        return Ok(print_layers(&found, &clusters::default_layer(&model, &device, &meta)?)?);
    }
    meta.config.skip_broken |= options.skip_broken;
    let judged = judging::judged(&path, &meta, options.data.as_deref(), options.part)?;
    let record = judged::record(&path)?;
    let pictures = Pictures::of(&judged, record.as_deref(), options.limit as usize, options.seed);
    let layers = match &options.layer {
        Some(layer) => vec![layer.clone()],
        None if options.method.of_pixels() => Vec::new(),
        None => vec![clusters::default_layer(&model, &device, &meta)?],
    };
    let composite = Composite::of_pixels(&meta.mean, &meta.std)?;
    let request = Request { target_layers: layers, composite, ..Request::new(options.method) };
    let clusters = Clusters::of(&model, &device, &pictures, &meta, &request)?;

    let epoch = meta.progress.epoch;
    let [rows, columns, channels] = clusters.layer_shape;
    let how = format!("{} of layer {} ({rows}x{columns}x{channels})", options.method.title(), clusters.layer);
    let set = format!("{} of {}", counted(&pictures, judged.part), judged.name);
    print(format_args!("{how}, each for its class: {set}, epoch {epoch}"))?;
    print(as_options(&clusters.text()))?;
    let folder = options.out.clone().unwrap_or_else(|| {
        let name = format!("{}-{}-epoch-{epoch:04}", clusters.layer.replace(['/', '\\'], "-"), clusters.method);
        let run = path.parent().and_then(Path::parent).filter(|_| checkpoint::in_run(&path));
        run.map_or(PathBuf::new(), Path::to_path_buf).join("clusters").join(name)
    });
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("cannot be made: {e}; choose --out")))?;
    write_atomic(&folder.join("clusters.csv"), &clusters.csv()?)?;
    let mut facts = json!({
        "run": options.run, "checkpoint": path, "epoch": epoch, "model": meta.config.network(), "data": judged.name,
        "part": judged.part.to_string(), "pictures": pictures.len(), "of": pictures.of, "seed": options.seed,
    });
    let told = serde_json::to_value(&clusters).map_err(|e| Error::file(folder.join("clusters.json"), e))?;
    if let (Some(facts), serde_json::Value::Object(told)) = (facts.as_object_mut(), told) {
        facts.extend(told);
    }
    write_atomic(&folder.join("clusters.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    super::faces(&meta.classes, environment);
    let title = format!("{how}, epoch {epoch}, {}", judged.name);
    for (class, sheet) in
        clusters.classes.iter().zip(clusters.sheets(&model, &device, &pictures, &meta, &request, &title)?)
    {
        write_picture(&folder.join(file_name(class.index, &class.class)), &sheet.draw()?)?;
    }
    Ok(print(format_args!("a sheet for each class, clusters.csv and clusters.json: {}", folder.display()))?)
}

/// `class-03-horse.png`: plain letters, told apart by the number.
fn file_name(index: usize, name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' };
    format!("class-{index:02}-{}.png", name.chars().map(plain).collect::<String>())
}
