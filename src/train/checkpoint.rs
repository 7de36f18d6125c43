//! Checkpoints: one safetensors file with everything that training needs to go on bit for bit.
//!
//! Model tensors stand under PyTorch's names in PyTorch's layouts, so other programs can read them; the optimizer's stand
//! under `optimizer.<slot>.<parameter>`. What is not a tensor is JSON in the header, under one key, so that equal
//! states make equal bytes. Random numbers are counter-based: seed and step in [`Meta`] are the generator's whole state.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::fs::DirEntry;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, SafeTensors};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::config::Config;
pub use super::progress::Progress;
use super::run_dir::RunInfo;
use super::state_dict::{self, OPTIMIZER, load_tensor, no_other};
use crate::data::{Dataset, Images, Size};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::files;
use crate::nn::{Layer, Layout, Sequential, State, models, parameters};
use crate::optim::{Optimizer, Schedule};
use crate::weights::safetensors::header;
use crate::weights::{Format, Weights};

const KEY: &str = "warptape";
/// Where the weights stand that averages are of.
const TRAINED: &str = "trained";
/// The layout that this version writes. It reads 1, too, where the optimizer's tensors lie as ours do, not as PyTorch's.
pub const FORMAT: u32 = 2;

/// What a checkpoint says besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Version of this layout.
    pub format: u32,
    /// The run's configuration: model, data, seed, and all else.
    #[serde(deserialize_with = "recorded")]
    pub config: Config,
    /// Class names, in the order of the logits.
    pub classes: Vec<String>,
    /// Outputs of the network below an added head; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<usize>,
    /// Input height and width in pixels.
    pub input: [usize; 2],
    /// What is subtracted from each channel of an input, in units of full intensity (255 is 1).
    pub mean: [f32; 3],
    /// What each channel is then divided by, in the same units; above 0.
    pub std: [f32; 3],
    /// SHA-256 of the data set.
    pub data_hash: String,
    /// The learning rate's schedule, with the state of one that listens to the loss.
    pub schedule: Schedule,
    /// Where training stands.
    pub progress: Progress,
}

fn recorded<'de, D: Deserializer<'de>>(from: D) -> Result<Config, D::Error> {
    Config::recorded(Deserialize::deserialize(from)?).map_err(D::Error::custom)
}

impl Meta {
    /// No pictures yet, of the sizes in which this network's are loaded and seen.
    pub fn images(&self) -> Images {
        let [height, width] = self.input;
        let seen = Size { height, width };
        Images::of(self.config.load_size.unwrap_or(seen), seen)
    }

    /// The network, drawn from `seed`.
    ///
    /// # Errors
    /// Those of [`models::build`].
    pub fn network(&self, device: &Device, seed: u64) -> Result<Sequential> {
        models::build(&self.spec(), self.classes.len(), self.input, device, seed)
    }

    /// The network, as [`models::build`] takes it.
    pub fn spec(&self) -> String {
        let model = &self.config.model;
        self.outputs.map_or(model.clone(), |outputs| models::with_option(model, &format!("outputs={outputs}")))
    }

    /// Refuses what no training writes and what would make no sense further on.
    fn check(&self) -> Result<(), String> {
        let sides = self.input.iter().all(|side| (1..=4096).contains(side));
        if self.progress.scaling.is_some() != self.config.precision.scaling().is_some() {
            return Err(format!("a training in {} with or without a scale of the loss", self.config.precision));
        }
        if self.progress.scaling.as_ref().is_some_and(|scaling| !(scaling.factor.is_finite() && scaling.factor > 0.0)) {
            return Err("a scale of the loss that is no positive number".into());
        }
        let scale = self.mean.iter().chain(&self.std).all(|v| v.is_finite()) && self.std.iter().all(|&s| s > 0.0);
        match (self.classes.is_empty(), sides, scale) {
            (true, _, _) => Err("it has no classes".into()),
            (_, false, _) => Err(format!("input of {}x{} pixels", self.input[0], self.input[1])),
            (_, _, false) => Err(format!("mean {:?} and deviation {:?} of the input", self.mean, self.std)),
            _ => Ok(()),
        }
    }
}

/// A checkpoint in memory, header parsed and checked.
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    /// What the header says: configuration, classes, normalization, progress.
    pub meta: Meta,
}

/// The bytes of a checkpoint file. With `average`, the network of averaged weights, that is what stands under PyTorch's names, for
/// it is what is evaluated; the weights that training goes on with then stand with the optimizer's tensors.
pub fn encode(model: &dyn Layer, average: Option<&dyn Layer>, optimizer: &Optimizer, meta: &Meta) -> Result<Vec<u8>> {
    let mut tensors = state_dict::entries(average.unwrap_or(model), "")?;
    let layouts = layouts(model);
    if average.is_some() {
        for (name, parameter) in parameters(model) {
            let (_, layout) = &layouts[&parameter.id()];
            tensors.push(state_dict::entry(slot_name(TRAINED, &name), &parameter, *layout)?);
        }
    }
    for (slot, values) in optimizer.slots() {
        for (parameter, kept) in optimizer.parameters().zip(values) {
            let (name, layout) = &layouts[&parameter.id()];
            tensors.push(state_dict::entry(slot_name(slot, name), &kept, *layout)?);
        }
    }
    let header = serde_json::to_string(meta).expect("plain data");
    state_dict::encode(&tensors, Some(HashMap::from([(KEY.to_owned(), header)])))
}

/// The name of an epoch's checkpoint.
pub fn file(epoch: u32) -> String {
    format!("epoch-{epoch:04}.safetensors")
}

/// The epochs that have a checkpoint in `folder`, in order.
pub fn epochs(folder: &Path) -> Vec<u32> {
    let epoch = |file: DirEntry| file.path().file_stem()?.to_str()?.strip_prefix("epoch-")?.parse::<u32>().ok();
    let mut found: Vec<u32> = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(epoch).collect();
    found.sort_unstable();
    found
}

/// Which of the epochs `present` (ascending) to remove so that `keep` are left, spread evenly, beside epoch 0. It is the same
/// whether epochs came one by one or some at once were left by a killed process.
pub fn superfluous(present: &[u32], keep: usize) -> Vec<u32> {
    let mut kept: Vec<u32> = present.iter().copied().filter(|&epoch| epoch > 0).collect();
    let mut gone = Vec::new();
    while kept.len() > keep.max(1) {
        // The one between whose neighbors the gap would be the smallest; never the newest.
        let gap = |at: usize| kept[at + 1] - if at == 0 { 0 } else { kept[at - 1] };
        let at = (0..kept.len() - 1).min_by_key(|&at| gap(at)).expect("more than one is left");
        gone.push(kept.remove(at));
    }
    gone
}

/// Name of each parameter and how it lies in PyTorch, by its tensor.
fn layouts(model: &dyn Layer) -> HashMap<u64, (String, Layout)> {
    let mut found = HashMap::new();
    model.visit("", &mut |name, state| {
        if let State::Parameter(tensor, layout) = state {
            found.insert(tensor.id(), (name, layout));
        }
    });
    found
}

impl Checkpoint {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// A file that is missing, truncated, too long, garbage, or not one of ours; each says which.
    pub fn load(path: &Path) -> Result<Self> {
        let (bytes, header) = read(path)?;
        SafeTensors::deserialize(&bytes).map_err(|e| broken(path, e))?;
        let json = header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| {
            let what = "a safetensors file, but not a checkpoint of warptape (its header has no 'warptape' entry)";
            let begin = format!("‹train weights={}› begins a run with it", path.display());
            Error::file(path, format!("{what}: name a run's folder or a file of its checkpoints; {begin}"))
        })?;
        let told = |e: serde_json::Error| broken(path, format!("the header's 'warptape' entry: {e}"));
        let value: serde_json::Value = serde_json::from_str(json).map_err(told)?;
        if let Some(format) = value.get("format").and_then(serde_json::Value::as_u64)
            && !(1..=u64::from(FORMAT)).contains(&format)
        {
            let what =
                format!("checkpoint format {format}, this version reads up to {FORMAT}: use the version that made it");
            return Err(Error::file(path, what));
        }
        let mut meta: Meta = serde_json::from_value(value).map_err(told)?;
        meta.check().map_err(|what| broken(path, what))?;
        // The run around it knows where the data are.
        let run = path.parent().and_then(Path::parent).map(|run| run.join("run.json"));
        if let Some(Ok(info)) = run.as_deref().filter(|run| run.is_file()).map(RunInfo::from_file) {
            meta.config.data = info.data;
        }
        Ok(Self { path: path.into(), bytes, meta })
    }

    /// Refuses data other than those that were trained on.
    pub fn check_data(&self, data: &Dataset) -> Result<()> {
        if self.meta.data_hash == data.hash || data.hash_of_pixels().as_ref() == Some(&self.meta.data_hash) {
            return Ok(());
        }
        let changes = if data.changes.is_empty() { String::new() } else { format!(" ({})", data.changes.join("; ")) };
        let what = format!("was trained on other data than '{}' holds now{changes}", self.meta.config.data);
        Err(Error::file(&self.path, format!("{what}: bring them back or start a new run")))
    }

    /// Copies the model's state into `model`.
    ///
    /// # Errors
    /// A tensor that the file lacks, of another shape, or that the model lacks: the checkpoint belongs to another model.
    pub fn restore_model(&self, model: &dyn Layer) -> Result<()> {
        state_dict::load(model, &self.tensors(), "").map_err(|what| self.other_model(&what))
    }

    /// Copies the weights that training goes on with into `model`, where those of [`Checkpoint::restore_model`] are averages.
    ///
    /// # Errors
    /// As there.
    pub fn restore_trained(&self, model: &dyn Layer) -> Result<()> {
        let (tensors, layouts) = (self.tensors(), layouts(model));
        for (name, parameter) in parameters(model) {
            let (_, layout) = &layouts[&parameter.id()];
            let loaded = load_tensor(&tensors, &slot_name(TRAINED, &name), &parameter, *layout);
            loaded.map_err(|what| self.other_model(&what))?;
        }
        Ok(())
    }

    /// Copies the optimizer's state into `optimizer`, whose parameters are those of `model`.
    pub fn restore_optimizer(&self, optimizer: &mut Optimizer, model: &dyn Layer) -> Result<()> {
        let tensors = self.tensors();
        let (layouts, mut known) = (layouts(model), HashSet::new());
        for (slot, values) in optimizer.slots() {
            for (parameter, kept) in optimizer.parameters().zip(&values) {
                let (name, layout) = &layouts[&parameter.id()];
                let layout = if self.meta.format == 1 { Layout::Same } else { *layout };
                let name = slot_name(slot, name);
                load_tensor(&tensors, &name, kept, layout).map_err(|e| self.other_model(&e))?;
                known.insert(name);
            }
        }
        if self.meta.config.ema.is_some() {
            known.extend(layouts.values().map(|(name, _)| slot_name(TRAINED, name)));
        }
        let of_optimizer = tensors.names().into_iter().filter(|name| name.starts_with(OPTIMIZER));
        no_other(of_optimizer, &known).map_err(|e| self.other_model(&e))?;
        optimizer.set_steps(&self.meta.progress.optimizer_steps).map_err(|e| self.other_model(&e.to_string()))
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("checked when loaded")
    }

    fn other_model(&self, what: &str) -> Error {
        Error::file(&self.path, format!("does not fit the model '{}': {what}", self.meta.config.network()))
    }
}

/// The bytes of a safetensors file and its header.
fn read(path: &Path) -> Result<(Vec<u8>, Metadata)> {
    let failed = |e: std::io::Error| Error::file(path, e);
    let mut file = files::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let (header, _) = header(&mut file, length).map_err(|what| foreign(path).unwrap_or_else(|| broken(path, what)))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize).map_err(|_| broken(path, format!("no memory for its {length} bytes")))?;
    file.rewind().map_err(failed)?;
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok((bytes, header))
}

/// What to say of the file at `path` if it holds weights of PyTorch's.
fn foreign(path: &Path) -> Option<Error> {
    let format = Weights::open(path).ok()?.format;
    let what = format!("holds weights alone ({format}), without classes and preparation of pictures");
    let begin = format!("‹train weights={}› begins a run with them", path.display());
    (format != Format::Safetensors)
        .then(|| Error::file(path, format!("{what}: name a run's folder, RUN@EPOCH or a checkpoint; {begin}")))
}

fn broken(path: &Path, what: impl Display) -> Error {
    Error::file(path, format!("not a readable checkpoint: {what}; put another checkpoint of the run in its place"))
}

fn slot_name(slot: &str, parameter: &str) -> String {
    format!("{OPTIMIZER}{slot}.{parameter}")
}
