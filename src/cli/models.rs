//! `warptape models`.

use clap::{Args, Subcommand};

use super::print;
use crate::data::Size;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::nn::models::{self, MODELS};
use crate::train::network;
use crate::train::precision::Precision;
use crate::train::summary::Summary;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Layers, output shapes, parameters, multiply-adds and memory of a network; nothing is computed for it
    Show(Show),
}

#[derive(Args)]
struct Show {
    /// Network, with its options: resnet18, vgg16_bn:head=imagenet; or a TOML file that writes one
    model: String,
    /// Size of the images, N or HxW pixels
    #[arg(long, default_value = "32")]
    input: Size,
    /// Classes
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// Images in a batch; shapes, work and memory are those of the whole batch
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Type of activations: f32, bf16 or f16
    #[arg(long, default_value_t = Precision::F32)]
    precision: Precision,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The surprise in the names: said before anything else.
const SMALL: &str = "networks under torchvision's names are made for CIFAR here: small stems and heads, 32x32 pixels; \
                     torchvision's own are resnet18:stem=imagenet and vgg16:head=imagenet, with --input 224";

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    match options.command {
        Some(Command::Show(options)) => Ok(show(&options, environment)?),
        None => Ok(list()?),
    }
}

fn list() -> Result<()> {
    print(SMALL)?;
    for model in MODELS {
        let line = format!("{:<12} {:<58} {}", model.name, model.about, model.options);
        print(line.trim_end())?;
    }
    print("options: --model NAME:OPTION=VALUE,…; the first of several values is the default")?;
    print("your own: --model FILE.toml, whose layers recipes/networks shows how to write")?;
    print("layers, shapes, memory: warptape models show NAME --input 32 --batch 64")
}

fn show(options: &Show, environment: &Environment) -> Result<()> {
    for (name, value) in [("classes", options.classes), ("batch", options.batch)] {
        if !(1..=1 << 20).contains(&value) {
            return Err(Error::usage(format!("--{name} {value}: expected 1 to {}", 1 << 20)));
        }
    }
    let Size { height, width } = options.input;
    let target = Device::open_in("auto", environment)?.target();
    let model = network::named(&options.model)?;
    let summary = Summary::new(&model, options.classes, [height, width], options.batch, options.precision, target)?;
    if options.json {
        return print(format_args!("{:#}", serde_json::to_value(&summary).expect("plain data")));
    }
    if models::file(&options.model).is_none() {
        print(SMALL)?;
    }
    let head = ["layer", "", "output", "parameters", "MMAC", "KiB"].map(str::to_owned);
    let rows = summary.rows.iter().map(|row| {
        let output: Vec<_> = row.output.iter().map(usize::to_string).collect();
        let (macs, kib) = (format!("{:.2}", row.macs as f64 / 1e6), format!("{:.1}", row.bytes as f64 / 1024.0));
        [row.name.clone(), row.kind.clone(), output.join("×"), row.parameters.to_string(), macs, kib]
    });
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    // As wide as the widest cell: names and sizes are the user's.
    let [a, b, c, d, e, f]: [usize; 6] =
        std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
    for [name, kind, output, parameters, macs, kib] in &lines {
        print(format_args!("{name:<a$}  {kind:<b$}  {output:<c$}  {parameters:>d$}  {macs:>e$}  {kib:>f$}"))?;
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (parameters, macs) = (summary.parameters(), summary.macs() as f64 / 1e6);
    print(format_args!("{parameters} parameters ({:.1} MiB), {macs:.1} MMAC forward", mib(4 * parameters as u64)))?;
    let (activations, inference) = (mib(summary.activations()), mib(summary.inference_peak));
    print(format_args!("activations {activations:.1} MiB; peak of inference {inference:.1} MiB"))?;
    match summary.training_peak {
        Some(peak) => print(format_args!("peak of a training step with Adam {:.1} MiB", mib(peak))),
        None => print("too few images to train on: batch normalization needs two values per channel, --batch 2"),
    }
}
