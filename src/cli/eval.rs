//! `warptape eval`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{checkpoint, print};
use crate::data::{Dataset, Loading, Size};
use crate::environment::Environment;
use crate::error::Error;
use crate::train::evaluate::load_model;
use crate::train::images::Resident;
use crate::train::report::Report;

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file [default: RUN@best]
    run: PathBuf,
    /// Other data than the run's, of the same classes
    #[arg(long)]
    data: Option<String>,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON: also the confusion matrix and every confused pair with its images
    #[arg(long)]
    json: bool,
    /// Also write report.txt, report.json, confusion.csv and confusion.png into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let path = checkpoint::find(&options.run)?;
    let device = crate::cli::open(&options.device, environment)?;
    let (model, meta) = load_model(&path, &device)?;
    // Other data come in the size that the network was trained on.
    let image_size = Some(Size { height: meta.input[0], width: meta.input[1] });
    let mut loading = Loading { image_size, ..meta.config.loading() };
    let spec = options.data.as_deref().unwrap_or(&meta.config.data);
    if spec != meta.config.data {
        loading.split = None; // the run's own split is that of its own data
    }
    let data = Dataset::open(spec, &loading).map_err(|error| {
        let alone = options.data.is_none() && !checkpoint::in_run(&path);
        let what = format!("lies in no run and does not say where its data are: name them with --data {spec}:DIR");
        if alone { Error::file(&path, what) } else { error }
    })?;
    for warning in &data.warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
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
    meta.config.precision.check(&device)?;
    let images = Resident::new(&device, &data.test)?.giving(meta.config.precision.dtype());
    let report = Report::new(&model, &meta, &images, &data.name, &path.display().to_string())?;
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
