//! `warptape bench train`.

use std::path::PathBuf;

use crate::bench::pytorch::Python;
use crate::bench::results::Results;
use crate::bench::tables;
use crate::bench::train::{MODELS, Plan, Row, measure};
use crate::bench::usual_batch;
use crate::cli::print;
use crate::cli::settings::as_options;
use crate::environment::Environment;
use crate::nn::models;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Device: auto, host, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Networks, with their options [default: little-conv, vgg16_bn, resnet18, resnet34]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    models: Vec<String>,
    /// Images in a batch [default: 128, for ResNets 64]
    #[arg(long)]
    batch: Option<usize>,
    /// Timed runs; the median counts
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// How long a run takes at the least, seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// A Python with PyTorch: measures that, too, in turns with our own runs
    #[arg(long, value_name = "PYTHON")]
    pytorch: Option<PathBuf>,
    /// Write the results to a file
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,
    /// Keep what that file holds of this commit on this device already, and measure the rest
    #[arg(long, requires = "out")]
    r#continue: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    super::check_runs(options.runs, options.seconds)?;
    let models = super::batches(&options.models, &MODELS, options.batch, usual_batch)?;
    let device = crate::cli::open(&options.device, environment)?;
    let python = options.pytorch.as_deref().map(|program| Python::new(program, &device.info().name)).transpose()?;
    let mut results = Results::<Row>::new("train", &device)?;
    if let Some(path) = options.out.as_deref().filter(|_| options.r#continue) {
        results.go_on(path)?;
    }
    let settings = [
        ("step", "forward, cross-entropy, backward, Adam".into()),
        ("images", "random, 32×32×3, 10 classes".into()),
        ("precision", "f32; no TF32 anywhere".into()),
        ("runs", format!("median of {} of at least {} s, in turns", options.runs, options.seconds)),
        ("memory", "ours: live buffers at the peak; PyTorch's: allocated at the peak on a GPU, on a CPU the process's peak above what it held before it built the network".into()),
    ];
    results.settings.extend(settings.map(|(name, text)| (name.to_owned(), text)));
    for (model, batch) in models {
        if results.rows.iter().any(|row: &Row| row.model == model && row.batch == batch) {
            continue;
        }
        let (runs, seconds) = (options.runs, options.seconds);
        if !options.json {
            let name = &device.info().name;
            print(format_args!(
                "measuring {}, {batch} images a step, on {name}: {runs} runs of at least {seconds} s",
                models::name(&model)
            ))?;
        }
        let (row, versions) = measure(&device, &Plan { model, batch, runs, seconds, python: python.clone() })?;
        results.versions.extend(versions);
        results.rows.push(row);
        // What is there by now is not lost with what comes.
        options.out.as_deref().map_or(Ok(()), |path| results.write(path))?;
    }
    let text = if options.json { results.json() } else { as_options(&tables::train::text(&results)) };
    Ok(print(text.trim_end())?)
}
