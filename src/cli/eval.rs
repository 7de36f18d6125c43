//! `warptape eval`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::print;
use crate::data::{Dataset, Loading, Size};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::report::Report;
use crate::train::run_dir::RunDir;

#[derive(Args)]
pub struct Options {
    /// A run's folder, or a checkpoint file
    run: PathBuf,
    /// Which checkpoint of the run: best, last or an epoch's number
    #[arg(long, default_value = "best")]
    checkpoint: String,
    /// Other data than the run's, of the same classes
    #[arg(long)]
    data: Option<String>,
    /// Device: auto, host, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON: also the confusion matrix and every confused pair with its images
    #[arg(long)]
    json: bool,
    /// Also write report.txt, report.json, confusion.csv and confusion.png into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The checkpoint file that `run` and `which` name.
pub fn checkpoint_path(run: &Path, which: &str) -> Result<PathBuf> {
    if run.is_file() {
        return Ok(run.to_path_buf());
    }
    let name = match which {
        "best" | "last" => which.to_owned(),
        number => match number.parse::<u32>() {
            Ok(epoch) => format!("epoch-{epoch:04}"),
            Err(_) => return Err(Error::usage(format!("--checkpoint {which}: use best, last or an epoch's number"))),
        },
    };
    if !run.exists() {
        return Err(Error::file(run, "no such file or folder; name a run's folder or a checkpoint file"));
    }
    let folder = RunDir::open(run)?.checkpoints();
    let path = folder.join(format!("{name}.safetensors"));
    if !path.exists() {
        let epoch =
            |file: std::fs::DirEntry| file.path().file_stem()?.to_str()?.strip_prefix("epoch-")?.parse::<u32>().ok();
        let newest = std::fs::read_dir(&folder).into_iter().flatten().flatten().filter_map(epoch).max();
        let known = match newest {
            Some(epoch) => format!("the last epoch it has is {epoch}"),
            None => format!("it has none yet; go on with: warptape train --resume {}", run.display()),
        };
        return Err(Error::file(run, format!("has no checkpoint '{name}'; {known}")));
    }
    Ok(path)
}

pub fn run(options: Options) -> anyhow::Result<()> {
    let path = checkpoint_path(&options.run, &options.checkpoint)?;
    let device = Device::open(&options.device)?;
    let (model, meta) = load_model(&path, &device)?;
    // Other data come in the size that the network was trained on.
    let image_size = Some(Size { height: meta.input[0], width: meta.input[1] });
    let mut loading = Loading { image_size, ..meta.config.loading() };
    let spec = options.data.as_deref().unwrap_or(&meta.config.data);
    if spec != meta.config.data {
        loading.split = None; // the run's own split is that of its own data
    }
    let data = Dataset::open(spec, &loading)?;
    if data.classes != meta.classes {
        let what = format!(
            "was trained on {} other classes than the {} of '{}'; evaluate it on data like '{}'",
            meta.classes.len(),
            data.classes.len(),
            data.name,
            meta.config.data
        );
        return Err(Error::file(path, what).into());
    }
    let images = Resident::new(&device, &data.test)?;
    let report = Report::new(&model, &meta, &images, spec, &path.display().to_string())?;
    if let Some(folder) = &options.out {
        report.write(folder, &report.picture()?)?;
    }
    if options.json {
        print(format_args!("{:#}", report.json()))?;
    } else {
        print(report.text().trim_end())?;
    }
    Ok(())
}
