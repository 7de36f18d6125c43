//! `warptape predict`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use unicode_width::UnicodeWidthStr;

use super::{checkpoint, padded, print};
use crate::data::origin::Digest;
use crate::data::picture;
use crate::data::record::Role;
use crate::environment::Environment;
use crate::op::augment::Channels;
use crate::op::cast::cast;
use crate::op::cross_entropy::softmax;
use crate::op::topk::topk;
use crate::tape::Tape;
use crate::tensor::DType;
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::judged;
use crate::train::views::logits;

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file [default: RUN@best]
    run: PathBuf,
    /// Pictures to classify
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many classes to show for each picture
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON, with all probabilities and logits
    #[arg(long)]
    json: bool,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (model, meta) = load_model(&path, &device)?;
    if !options.json {
        let (count, plural) = (options.images.len(), if options.images.len() == 1 { "" } else { "s" });
        let (name, epoch) = (meta.config.network(), meta.progress.epoch);
        print(format_args!(
            "{count} picture{plural} by {name} of {}, epoch {epoch}, on {}",
            path.display(),
            device.info().name
        ))?;
    }
    let mut images = meta.images();
    let fit = meta.config.resize.unwrap_or_default();
    let record = judged::record(&path)?;
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for file in &options.images {
        match picture::open(file) {
            Ok(picture) => {
                images.push(&picture, fit, 0)?;
                read.push((file, record.as_ref().and_then(|record| record.role(Digest::of_picture(&picture)))));
            }
            Err(error) => broken.push(error),
        }
    }
    // One that cannot be read costs only itself, and the exit code.
    let failed = broken.pop();
    for error in &broken {
        let _ = writeln!(std::io::stderr(), "error: {error}");
    }
    let end = failed.map_or(Ok(()), |error| Err(error.into()));
    if read.is_empty() {
        return end;
    }
    meta.config.precision.check(&device)?;
    let resident = Resident::new(&device, &images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
    let order = resident.order(&resident.all())?;
    let (views, _) = resident.seen(&order, 0, resident.len(), &Channels { mean: meta.mean, std: meta.std })?;
    let mut tape = Tape::new();
    let logits = logits(&model, &mut tape, &views)?;
    let logits = cast(&mut tape, &logits, DType::F32)?;
    let probabilities = softmax(&logits)?;
    let classes = meta.classes.len();
    let shown = options.top.clamp(1, classes.min(32));
    let (values, indices) = topk(&probabilities, shown)?;
    let (values, indices) = (values.to_vec::<f32>()?, indices.to_vec::<i32>()?);
    let (logits, probabilities) = (logits.to_vec::<f32>()?, probabilities.to_vec::<f32>()?);
    let width = meta.classes.iter().map(|name| name.width()).max().unwrap_or(0).max(24);
    let mut report = Vec::new();
    for (i, (file, role)) in read.iter().enumerate() {
        let best = (0..shown).map(|j| (indices[i * shown + j] as usize, values[i * shown + j]));
        if options.json {
            let row = i * classes..(i + 1) * classes;
            report.push(serde_json::json!({
                "image": file,
                "part": role.map(|role| role.to_string()),
                "class": meta.classes[indices[i * shown] as usize],
                "classes": meta.classes,
                "probabilities": probabilities[row.clone()],
                "logits": logits[row],
            }));
        } else {
            let trained = if *role == Some(Role::Train) { " (was trained on)" } else { "" };
            print(format_args!("{}{trained}", file.display()))?;
            for (class, probability) in best {
                let logit = logits[i * classes + class];
                let (percent, name) = (100.0 * probability, padded(&meta.classes[class], width));
                print(format_args!("  {percent:6.2} %  {name}  logit {logit:.3}"))?;
            }
        }
    }
    if options.json {
        print(format_args!("{:#}", serde_json::Value::from(report)))?;
    }
    end
}
