//! `warptape report`: gathers what [`crate::page`] shows, and writes it.

mod heat;
mod judged;
mod part;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::judging::Asked;
use super::settings::as_options;
use super::{checkpoint, print};
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::Method;
use crate::files::{unwritable, write_atomic};
use crate::nn::Layer;
use crate::page::{Grouped, Network, Page, Run, shown_doubts};
use crate::tensor::Tensor;
use crate::train::checkpoint::{Checkpoint, Meta, epochs};
use crate::train::evaluate::load_model;
use crate::train::logs::{metrics, steps};
use crate::train::named;
use crate::train::run_dir::RunDir;
use crate::train::run_info::RunInfo;
use crate::train::summary::{Summary, seconds};

/// The page's name.
const FILE: &str = "report.html";

#[derive(Args)]
pub struct Options {
    /// Runs' folders (the best checkpoint), RUN@EPOCH or RUN@last; of several, of the same classes, the page compares all and shows
    /// the first
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Methods of heat maps, with commas between
    #[arg(long, value_delimiter = ',', default_value = "gradcam,gradcam++,hirescam,layercam", value_name = "METHODS")]
    methods: Vec<Method>,
    /// Pictures with heat maps, named as explain's --images are: test:3,50,700, files, … [default: four that are wrong, four that
    /// are right]
    #[arg(long, num_args = 1.., value_name = "IMAGE", long_help = named::HELP)]
    images: Vec<OsString>,
    /// Epochs with heat maps: 1,3,5 or all that have checkpoints
    #[arg(long, default_value = "all", value_name = "EPOCHS")]
    epochs: String,
    /// Leave out the map of pictures
    #[arg(long)]
    no_embed: bool,
    /// Leave out whether heat maps can be believed
    #[arg(long)]
    no_trust: bool,
    /// File to write [default: report.html in the run's folder; of several runs, in the folder that the first one lies in]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave out files of the data set that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let mut found = options.runs.iter().map(|run| Found::of(run)).collect::<Result<Vec<_>>>()?;
    same_classes(&found)?;
    let out = out(&options, &found);
    if out.is_dir() {
        return Err(Error::file(&out, "is a folder; --out wants the name of a file, such as report.html").into());
    }
    // Before minutes of work.
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map_err(|error| unwritable(&out, &error))?;
    let device = crate::cli::open(&options.device, environment)?;
    let first = &found[0];
    let page = match &first.checkpoint {
        Some(path) => about(&options, path, &first.run, &device)?,
        None => nothing(&first.folder),
    };
    let runs = found.drain(..).map(|found| found.run).collect();
    let text = Page { runs, ..page }.html();
    write_atomic(&out, text.as_bytes())?;
    let mib = text.len() as f64 / f64::from(1 << 20);
    Ok(print(format_args!("{mib:.1} MiB, to be opened in a browser: {}", out.display()))?)
}

/// A run that was named.
struct Found {
    folder: PathBuf,
    /// The checkpoint that is meant; none where the run has none yet.
    checkpoint: Option<PathBuf>,
    run: Run,
}

impl Found {
    /// The run that `named` names.
    ///
    /// # Errors
    /// No run; a checkpoint that there is not, unless none was named.
    fn of(named: &Path) -> Result<Self> {
        let (folder, which) = checkpoint::split(named);
        if !folder.is_dir() {
            let what = if folder.is_file() { "is a file" } else { "no such folder" };
            return Err(Error::file(folder, format!("{what}; name a run's folder")));
        }
        let dir = RunDir::open(&folder)?;
        let info = RunInfo::read(&dir)?;
        let there = |name: &str| Some(dir.file(name)).filter(|file| file.is_file());
        let rows = there("metrics.csv").map_or(Ok(Vec::new()), |file| metrics::read(&file))?;
        let steps = there("steps.csv").map_or(Ok(Vec::new()), |file| steps::read(&file))?;
        let at = |which: &str| checkpoint::find(Path::new(&format!("{}@{which}", folder.display())));
        let last = || epochs(&dir.checkpoints()).last().map(u32::to_string);
        let checkpoint = match which {
            Some(_) => Some(checkpoint::find(named)?),
            // A run that was killed in its first epoch has no best one.
            None => at("best").or_else(|_| at("last")).ok().or_else(|| at(&last()?).ok()),
        };
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let name = whole.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
        let epoch =
            checkpoint.as_ref().map(|path| Checkpoint::load(path)).transpose()?.map(|it| it.meta.progress.epoch);
        Ok(Self { folder, checkpoint, run: Run { name, epoch, info, rows, steps } })
    }
}

/// Refuses runs of different classes: there is nothing to compare.
fn same_classes(found: &[Found]) -> Result<()> {
    let mut first: Option<Vec<String>> = None;
    for path in found.iter().filter_map(|found| found.checkpoint.as_ref()).filter(|_| found.len() > 1) {
        let classes = Checkpoint::load(path)?.meta.classes;
        if *first.get_or_insert_with(|| classes.clone()) != classes {
            let what = "knows other classes than the first run, or in another order: compare runs of the same classes";
            return Err(Error::file(path, what));
        }
    }
    Ok(())
}

fn out(options: &Options, found: &[Found]) -> PathBuf {
    let beside = || match found {
        [one] => one.folder.clone(),
        [first, ..] => {
            first.folder.canonicalize().ok().and_then(|it| it.parent().map(Path::to_path_buf)).unwrap_or_default()
        }
        [] => PathBuf::new(),
    };
    options.out.clone().unwrap_or_else(|| beside().join(FILE))
}

/// A page without a checkpoint.
fn nothing(folder: &Path) -> Page {
    let why = format!(
        "The run has no checkpoint yet, so there is no network to ask; go on with: warptape train --resume {}",
        folder.display()
    );
    let none = || why.clone();
    Page {
        runs: Vec::new(),
        judged: Err(none()),
        doubts: Err(none()),
        heat: Err(none()),
        trust: Err(none()),
        grouped: Err(none()),
        plane: Err(none()),
        network: Err(none()),
    }
}

/// What the checkpoint at `path` of `run` is asked.
fn about(options: &Options, path: &Path, run: &Run, device: &Device) -> Result<Page> {
    let (model, mut meta) = load_model(path, device)?;
    meta.config.skip_broken |= options.skip_broken;
    let asked = judged::ask(path, run, options.skip_broken, device);
    let judged = asked.as_ref().map_err(Clone::clone).and_then(|(asked, notes)| {
        let report = judged::report(asked, path, run, device).map_err(|e| empty(&e))?;
        let Asked { judged, .. } = asked;
        print(format_args!("judged {} {}", judged.images.len(), judged.part.words())).map_err(|e| empty(&e))?;
        Ok((report, notes))
    });
    let heat = heat::gather(options, path, &meta, judged.as_ref().ok().map(|(report, _)| report), device)?;
    let trust = match &asked {
        _ if options.no_trust => Err("Left out: the report was made with --no-trust.".into()),
        Ok(_) => heat::trust(options, &model, path, &meta, device).map_err(|e| empty(&e)),
        Err(why) => Err(why.clone()),
    };
    let whole = asked
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|(asked, _)| part::Whole::new(&model, path, &asked.judged, &meta, device).map_err(|e| empty(&e)));
    let of_whole = whole.as_ref().map_err(Clone::clone);
    let doubts = of_whole.clone().and_then(|whole| whole.doubts().map_err(|e| empty(&e)));
    let grouped = of_whole.clone().and_then(|whole| whole.grouped().map_err(|e| empty(&e)));
    let plane = match of_whole {
        _ if options.no_embed => Err("Left out: the report was made with --no-embed.".into()),
        of_whole => of_whole.and_then(|whole| whole.plane().map_err(|e| empty(&e))),
    };
    let judged = match (judged, &asked) {
        (Ok((report, notes)), Ok((asked, _))) => {
            let mut more: Vec<usize> = plane.iter().flat_map(|plane| plane.numbers.clone()).collect();
            more.extend(grouped.iter().flat_map(Grouped::shown));
            more.extend(doubts.iter().flat_map(shown_doubts));
            judged::pictures(report, notes.clone(), &asked.judged, &more).map_err(|e| empty(&e))
        }
        (Err(why), _) => Err(why),
        (_, Err(why)) => Err(why.clone()),
    };
    let network = network(&model, &meta, device).map_err(|e| empty(&e));
    Ok(Page { runs: Vec::new(), judged, doubts, heat, trust, grouped, plane, network })
}

/// A section's sentence where what it shows is not to be had.
fn empty(error: &Error) -> String {
    format!("There is nothing to show: {}.", as_options(&error.to_string()))
}

/// Layers, and their time on `device`.
fn network(model: &dyn Layer, meta: &Meta, device: &Device) -> Result<Network> {
    let (batch, precision) = (meta.config.batch_size, meta.config.precision);
    let summary = Summary::new(&meta.spec(), meta.classes.len(), meta.input, batch, precision, device.target())?;
    let [height, width] = meta.input;
    precision.check(device)?;
    let x = Tensor::zeros(device, [batch, height, width, 3], precision.dtype())?;
    let seconds = seconds(model, &x)?;
    print(format_args!("timed {} layers", summary.rows.len()))?;
    Ok(Network { summary, batch, seconds, device: device.info().description.clone() })
}
