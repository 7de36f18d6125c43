//! What a training begins with: new settings, a run to go on with, or a run to repeat.

use std::path::Path;

use super::file;
use super::options::Options;
use crate::cli::weights::file as file_of_weights;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::launch::choices::Table;
use crate::nn::models;
use crate::train::checkpoint::{self, Checkpoint};
use crate::train::config::Config;
use crate::train::network;
use crate::train::run_dir::{RunDir, RunInfo};

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
pub fn check_weights(info: &RunInfo, weights: Option<&(String, String)>) -> Result<()> {
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
    let start = Start { checkpoint: last(&run, &start.config)?, run: Some(run), ..start };
    let done = start.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.meta.progress.epoch);
    if done >= start.config.epochs && folder.join("report.json").exists() {
        let fix = format!("choose another --out, or train on: warptape train --resume {} --epochs N", folder.display());
        return Err(Error::file(folder, format!("holds this very run, finished after {done} epochs; {fix}")));
    }
    Ok(start)
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
