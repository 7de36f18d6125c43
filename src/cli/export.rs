//! `warptape export`.

use std::path::PathBuf;

use clap::Args;

use super::{checkpoint, print};
use crate::device::Device;
use crate::environment::Environment;
use crate::export::folder::{self, GRAPH, LABELS, PREPROCESSING, PTH, README, WEIGHTS};
use crate::export::onnx::OPSET;
use crate::train::evaluate::load_model;

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file [default: RUN@best]
    run: PathBuf,
    /// Folder to make, or an empty one: ONNX graph, weights as safetensors and for PyTorch, labels, what becomes of a picture
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let path = checkpoint::find(&options.run)?;
    // Nothing is computed: weights go through memory alone.
    let (model, meta) = load_model(&path, &Device::open_in("host", environment)?)?;
    folder::write(&options.out, &model, &meta)?;
    let (name, epoch, out) = (meta.config.network(), meta.progress.epoch, options.out.display());
    print(format_args!("{name}, epoch {epoch}, {} classes, for other programs in {out}:", meta.classes.len()))?;
    print(format_args!("  {GRAPH} (opset {OPSET}), {WEIGHTS}, {PTH}, {LABELS}, {PREPROCESSING}, {README}"))?;
    print(format_args!("run it on a picture: python3 examples/run_exported.py {out} PICTURE"))?;
    Ok(())
}
