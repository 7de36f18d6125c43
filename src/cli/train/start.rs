//! What a training begins with: new settings, a run to go on with, or a run to repeat.

use std::path::Path;

use super::options::Options;
use super::{STOP, file};
use crate::cli::weights::file as file_of_weights;
use crate::data::read::Broken;
use crate::data::{Bytes, Dataset, Loading};
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::launch::choices::Table;
use crate::nn::models;
use crate::train::checkpoint::{self, Checkpoint};
use crate::train::config::Config;
use crate::train::network;
use crate::train::run_dir::{RunDir, RunInfo};
use crate::train::trainer::Trainer;

/// What a training begins with.
pub struct Start {
    pub config: Config,
    /// What nobody asked for and was chosen, in a line.
    pub chosen: Option<String>,
    /// Kernels of a run that is repeated.
    pub kernels: Table,
    /// The weights that one began with: their file, and its SHA-256.
    pub weights: Option<(String, String)>,
    /// The run to go on with.
    pub run: Option<RunDir>,
    pub checkpoint: Option<Checkpoint>,
}

impl Start {
    /// As the options say.
    ///
    /// # Errors
    /// Settings that make no sense; a run that cannot be gone on with.
    pub fn of(options: &Options, environment: &Environment) -> Result<Self> {
        if let Some(folder) = &options.resume {
            return resumed(folder, options);
        }
        let start = started(options, environment)?;
        match &options.out {
            Some(folder) if folder.join("run.json").exists() => same(folder, start),
            _ => Ok(start),
        }
    }

    /// A new training of `config`.
    ///
    /// # Errors
    /// Weights that are not there.
    pub fn new(config: Config, environment: &Environment) -> Result<Self> {
        let weights = config.weights.map(|name| weights(&name, environment)).transpose()?;
        let config = Config { weights, ..config };
        let (chosen, kernels, weights, run, checkpoint) = (None, Table::new(), None, None, None);
        Ok(Start { config, chosen, kernels, weights, run, checkpoint })
    }

    /// The same in `folder`, gone on with if it is there already, however far it is.
    ///
    /// # Errors
    /// Another run in the folder.
    pub fn at(self, folder: &Path) -> Result<Self> {
        if folder.join("run.json").exists() { found(folder, self) } else { Ok(self) }
    }

    /// The device that it runs on, told which kernels to choose.
    ///
    /// # Errors
    /// Those of [`open`](crate::cli::open).
    pub fn device(&self, environment: &Environment) -> Result<Device> {
        let device = crate::cli::open(&self.config.device, environment)?;
        device.compile_until(&STOP);
        device.choices().prefer(&self.kernels);
        Ok(device)
    }

    /// Its data, as the run knows them if there is one, decoded by so many threads into so much memory.
    ///
    /// # Errors
    /// Those of [`Dataset::open`].
    pub fn data(&self, workers: usize, memory: Option<Bytes>) -> Result<Dataset> {
        let record = self.run.as_ref().map_or(Ok(None), |run| RunInfo::read_whole(run)?.split(run.path()))?;
        let classes = self.checkpoint.as_ref().map(|checkpoint| checkpoint.meta.classes.clone());
        let memory = memory.map(|Bytes(bytes)| bytes);
        Dataset::open(&self.config.data, &Loading { workers, memory, record, classes, ..self.config.loading() })
    }

    /// The training, in the run's folder, in `out`, or in a numbered folder.
    ///
    /// # Errors
    /// Those of [`Trainer::new`]; a folder that cannot be made.
    pub fn begin(self, data: &Dataset, device: &Device, out: Option<&Path>) -> Result<Trainer> {
        let Self { config, weights, run, checkpoint, .. } = self;
        let model = config.network().to_owned();
        let folder = |info: &RunInfo| {
            check_weights(info, weights.as_ref())?;
            match (run, out) {
                (Some(run), _) => Ok(run),
                (None, Some(folder)) => RunDir::at(folder, info),
                (None, None) => RunDir::numbered(Path::new("runs"), &model, &data.name, info),
            }
        };
        let trainer = Trainer::new(config, data, device, folder, checkpoint.as_ref())?;
        if !data.broken.is_empty() {
            let lines: Vec<String> =
                data.broken.iter().map(|Broken { file, reason }| format!("{file}: {reason}\n")).collect();
            write_atomic(&trainer.run_dir().file("broken.txt"), lines.concat().as_bytes())?;
        }
        Ok(trainer)
    }
}

fn started(options: &Options, environment: &Environment) -> Result<Start> {
    let mut repeated = None;
    let (mut config, given, kernels) = match options.config.as_deref() {
        Some(path) if path.extension().is_some_and(|end| end == "json") => {
            let info = RunInfo::from_file(path)?;
            let config = recorded(&info, path)?;
            repeated = config.weights.clone().zip(info.weights.clone());
            (config, Config::KEYS.map(String::from).to_vec(), info.kernels)
        }
        Some(path) => {
            let (config, given) = file::read(path)?;
            (config, given, Table::new())
        }
        None => Default::default(),
    };
    let repeats = options.config.as_deref().is_some_and(|path| path.extension().is_some_and(|end| end == "json"));
    let given = options.apply(&mut config, given);
    let freezes = !config.freeze.is_empty() || !config.train_only.is_empty();
    let freezes = freezes || !config.unfreeze.is_empty() || !config.freeze_after.is_empty();
    if !repeats && !freezes && given.iter().any(|key| key == "frozen_statistics") {
        let what = "nothing is frozen: name layers with ‹freeze›, ‹train_only›, ‹unfreeze› or ‹freeze_after›";
        return Err(Error::usage(format!("‹frozen_statistics={}›: {what}", config.frozen_statistics)));
    }
    config.weights = config.weights.map(|name| weights(&name, environment)).transpose()?;
    config.model = network::named(&config.model)?;
    let chosen = config.chosen(&given);
    let weights = repeated.filter(|(file, _)| config.weights.as_ref() == Some(file));
    Ok(Start { config, chosen, kernels, weights, run: None, checkpoint: None })
}

/// Refuses the training of `info` if it begins with a file that has become another one since the run that it repeats.
///
/// # Errors
/// If it is so.
fn check_weights(info: &RunInfo, weights: Option<&(String, String)>) -> Result<()> {
    let what = "is another file than the weights that the run began with: bring them back";
    match weights.filter(|(_, hash)| info.weights.as_ref() != Some(hash)) {
        Some((file, _)) => Err(Error::file(file, what)),
        None => Ok(()),
    }
}

/// The file that `name`, a file, another run, an exported folder or weights that were fetched, stands for.
fn weights(name: &str, environment: &Environment) -> Result<String> {
    let file = file_of_weights(Path::new(name), environment)?;
    let file = std::path::absolute(&file).map_err(|e| Error::file(&file, e))?;
    let text = file.to_str().ok_or_else(|| Error::file(&file, "has a name that is no Unicode: rename it"))?;
    Ok(text.to_owned())
}

/// The run in `folder`, which must be the one that `start` would begin, and not be over.
fn same(folder: &Path, start: Start) -> Result<Start> {
    let start = found(folder, start)?;
    let done = start.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.meta.progress.epoch);
    if done >= start.config.epochs && folder.join("report.json").exists() {
        let fix = format!("choose another --out, or train on: warptape train --resume {} --epochs N", folder.display());
        return Err(Error::file(folder, format!("holds this very run, finished after {done} epochs; {fix}")));
    }
    Ok(start)
}

/// The run in `folder`, which must be the one that `start` would begin.
fn found(folder: &Path, start: Start) -> Result<Start> {
    let run = RunDir::resume(folder)?;
    let info = RunInfo::read_whole(&run)?;
    let here = serde_json::to_value(&start.config).expect("plain data");
    let there = serde_json::to_value(recorded(&info, &run.file("run.json"))?).expect("plain data");
    let keys = here.as_object().into_iter().chain(there.as_object()).flat_map(|all| all.keys());
    if let Some(key) = keys.into_iter().find(|&key| key != "device" && here.get(key) != there.get(key)) {
        let value = |all: &serde_json::Value| match all.get(key) {
            // Of a network that a file writes, not its text.
            Some(serde_json::Value::String(text)) if key == "model" => format!("{:?}", models::name(text)),
            other => other.map_or("none".into(), ToString::to_string),
        };
        let (flag, there, mut here) = (key.replace('_', "-"), value(&there), value(&here));
        if there == here {
            here = "another text under that name".into();
        }
        let fix = format!("choose another --out, or go on with it: warptape train --resume {}", folder.display());
        return Err(Error::file(
            folder,
            format!("holds another run, --{flag} {there} where this one has {here}; {fix}"),
        ));
    }
    Ok(Start { checkpoint: last(&run, &start.config)?, run: Some(run), ..start })
}

fn resumed(folder: &Path, options: &Options) -> Result<Start> {
    if let Some(key) = options.fixed() {
        let flag = key.replace('_', "-");
        return Err(Error::usage(format!("--{flag} cannot be changed by --resume; start a new run")));
    }
    let run = RunDir::resume(folder)?;
    let mut config = recorded(&RunInfo::read_whole(&run)?, &run.file("run.json"))?;
    options.settings.apply(&mut config);
    config.device = Device::respell(&config.device);
    // The run directory knows its kernels.
    let checkpoint = last(&run, &config)?;
    Ok(Start { config, chosen: None, kernels: Table::new(), weights: None, checkpoint, run: Some(run) })
}

/// The latest checkpoint of `run`. A run that ended before its first one begins again: the same seed makes the same run. If it
/// began with weights of others, epoch 0's checkpoint has them, and their file may be gone.
fn last(run: &RunDir, config: &Config) -> Result<Option<Checkpoint>> {
    let folder = run.checkpoints();
    let last = folder.join("last.safetensors");
    if last.exists() {
        return Checkpoint::load(&last).map(Some);
    }
    // Gone, or a kill came between the two files of the first epoch. Epoch 0 is the beginning.
    let least = if config.weights.is_some() { 0 } else { 1 };
    let newest = checkpoint::epochs(&folder).into_iter().filter(|&epoch| epoch >= least).max();
    newest.map(|epoch| Checkpoint::load(&folder.join(checkpoint::file(epoch)))).transpose()
}

/// The configuration in the `run.json` at `path`.
fn recorded(info: &RunInfo, path: &Path) -> Result<Config> {
    Config::recorded(info.config.clone()).map_err(|e| Error::file(path, format!("config: {e}; start a new run")))
}
