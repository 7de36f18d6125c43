//! The record of a run: what it takes to repeat it, and what its bits depend on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::config::Config;
use super::run_dir::RunDir;
use crate::data::Dataset;
use crate::data::record::{FILE, Record};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::files::{self, timestamp, write_atomic};
use crate::launch::choices::Table;
use crate::launch::recorded::known;
use crate::nn::models;

/// What comes of going on with anything else than before.
pub(super) const BITS: &str = "results may differ in their last bits from those of a run that was never interrupted";

/// The text of a network that was written by a user.
const NETWORK: &str = "network.toml";

/// What it takes to repeat a run: the contents of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// When the run began, UTC, `2025-01-31T12:00:00Z`.
    pub created: String,
    /// What bits depend on besides the settings: `warptape`, the `toolchain` that compiles kernels, and SHA-256 of the
    /// texts of all `kernels`.
    pub versions: BTreeMap<String, String>,
    /// The device as the command line names it.
    pub device: String,
    /// The device in words: model, memory, cores.
    pub device_description: String,
    /// The seed of everything random.
    pub seed: u64,
    /// The data set's spec.
    pub data: String,
    /// [`crate::data::Dataset::hash`] of what was trained on.
    pub data_hash: String,
    /// Every setting with the value in force.
    pub config: serde_json::Value,
    /// Which kernels ran, of those that could have: the same ones make the same bits.
    #[serde(default)]
    pub kernels: Table,
    /// What was changed by resuming, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// SHA-256 of `split.csv`, which says what was trained on; none in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// SHA-256 of the file of weights that it began with; none where they were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// What is written there where a run begins.
    #[serde(skip)]
    pub record: Option<Arc<Record>>,
    /// SHA-256 of the other fields; none in files of version 0.1.
    #[serde(default)]
    pub checksum: String,
}

/// A setting, or something of [`RunInfo::versions`], that a resumed run changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Steps that were taken before.
    pub step: u64,
    /// The setting, as in the configuration or the versions.
    pub setting: String,
    /// Its value until then.
    pub from: serde_json::Value,
    /// Its value since.
    pub to: serde_json::Value,
}

impl RunInfo {
    /// Of a run that begins now, and does with its pictures what `record` says.
    ///
    /// # Errors
    /// Kernels that cannot be read.
    pub fn new(config: &Config, device: &Device, data: &Dataset, record: Option<Record>) -> Result<RunInfo> {
        let mut versions = BTreeMap::from([("warptape".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        versions.insert("toolchain".into(), device.info().toolchain.clone());
        versions.insert("kernels".into(), device.tree().digest()?);
        Ok(RunInfo {
            created: timestamp(),
            versions,
            device: device.info().name.clone(),
            device_description: device.info().description.clone(),
            seed: config.seed,
            data: config.data.clone(),
            data_hash: data.hash.clone(),
            config: serde_json::to_value(config).expect("plain data"),
            kernels: Table::new(),
            changes: Vec::new(),
            split: record.as_ref().map(|record| sha256(&record.csv())),
            weights: None,
            record: record.map(Arc::new),
            checksum: String::new(),
        })
    }

    /// Goes on where `before` was, which has taken `step` steps: with its kernels, if it ran on a device of this kind.
    /// Returns what may make other bits than an uninterrupted run's.
    pub(super) fn follow(&mut self, before: RunInfo, step: u64) -> Vec<String> {
        let mut warnings = Vec::new();
        self.changes = before.changes;
        for (what, now) in &self.versions {
            // What version 0.1 did not record is said by the difference of versions.
            let Some(last) = before.versions.get(what) else { continue };
            // All that it was since the run began: going back to the first does not undo what another computed.
            let of_it = self.changes.iter().filter(|change| change.setting == *what);
            let mut was: Vec<&str> = of_it.filter_map(|change| change.from.as_str()).chain([&**last]).collect();
            was.dedup();
            if was != [now] {
                let first = was.remove(0);
                let then: String = was.into_iter().map(|value| format!(", then '{value}',")).collect();
                warnings.push(format!("{what} was '{first}' when this run began{then} and is '{now}': {BITS}"));
            }
            if last != now {
                let (setting, from, to) = (what.clone(), last.as_str().into(), now.as_str().into());
                self.changes.push(Change { step, setting, from, to });
            }
        }
        let kind = |device: &str| device.split(':').next().unwrap_or_default().to_owned();
        if kind(&before.device) == kind(&self.device) {
            let (kernels, lost) = known(&crate::op::ladders(), &before.kernels);
            self.kernels = kernels;
            warnings.extend(
                lost.iter().map(|kernel| format!("{kernel} is no longer there, another takes its place: {BITS}")),
            );
        } else {
            warnings.push(format!("this run began on {} and goes on on {}: {BITS}", before.device, self.device));
        }
        for (setting, to) in self.config.as_object().into_iter().flatten() {
            let from = before.config.get(setting).cloned().unwrap_or_default();
            if from != *to && setting != "device" {
                self.changes.push(Change { step, setting: setting.clone(), from, to: to.clone() });
            }
        }
        self.created = before.created;
        self.weights = before.weights;
        if before.split.is_some() {
            (self.split, self.record) = (before.split, None);
        }
        warnings
    }

    /// Writes `run.json` into `run`; before it, if the run has none, `split.csv`, and `network.toml` of a written network, for people:
    /// the run itself knows it by its settings.
    ///
    /// # Errors
    /// Those of [`write_atomic`].
    pub fn write(&self, run: &RunDir) -> Result<()> {
        let split = run.file(FILE);
        if let Some(record) = self.record.as_ref().filter(|_| !split.exists()) {
            write_atomic(&split, &record.csv())?;
        }
        let (network, model) = (run.file(NETWORK), self.config.get("model").and_then(serde_json::Value::as_str));
        if let Some(text) = model.and_then(models::text).filter(|_| !network.exists()) {
            write_atomic(&network, text.as_bytes())?;
        }
        let path = run.file("run.json");
        let whole = RunInfo { checksum: self.digest(), ..self.clone() };
        let mut text = serde_json::to_string_pretty(&whole).map_err(|e| Error::file(&path, e))?;
        text.push('\n');
        write_atomic(&path, text.as_bytes())
    }

    /// Reads `run.json` of `run`, whose contents must be what was written: one number changed, and a resumed run would
    /// silently be another one.
    ///
    /// # Errors
    /// Those of [`RunInfo::read`]; a file that was changed since.
    pub fn read_whole(run: &RunDir) -> Result<RunInfo> {
        let info = Self::read(run)?;
        // Version 0.1 wrote none.
        let old = info.checksum.is_empty() && info.versions.get("warptape").is_some_and(|version| version == "0.1.0");
        if !old && info.checksum != info.digest() {
            let what = "was changed since warptape wrote it, so this run cannot be gone on with as it was: restore it, \
                        or start a new run from it with ‹config›";
            return Err(Error::file(run.file("run.json"), what));
        }
        Ok(info)
    }

    /// SHA-256 of all but the checksum, in hexadecimal.
    fn digest(&self) -> String {
        let bare = RunInfo { checksum: String::new(), ..self.clone() };
        sha256(&serde_json::to_vec(&bare).expect("plain data"))
    }

    /// What the run in `folder` did with its pictures, as it wrote it; none in runs of earlier versions.
    ///
    /// # Errors
    /// A record that was changed since.
    pub fn split(&self, folder: &Path) -> Result<Option<Arc<Record>>> {
        let path = folder.join(FILE);
        let Some(record) = Record::read(&path)?.filter(|_| self.split.is_some()) else { return Ok(None) };
        if self.split != Some(sha256(&record.csv())) {
            let what = "was changed since the run wrote it, so it does not say what was trained on: restore it";
            return Err(Error::file(path, what));
        }
        Ok(Some(Arc::new(record)))
    }

    /// Reads `run.json` of `run`. Fields it does not know are passed over, so that a newer run can be read.
    ///
    /// # Errors
    /// A missing or damaged file, with line and column.
    pub fn read(run: &RunDir) -> Result<RunInfo> {
        Self::from_file(&run.file("run.json"))
    }

    /// Reads a `run.json`.
    ///
    /// # Errors
    /// Those of [`RunInfo::read`].
    pub fn from_file(path: &Path) -> Result<RunInfo> {
        let text = files::read(path, files::TEXT).map_err(|e| Error::file(path, e))?;
        serde_json::from_slice(&text).map_err(|e| {
            Error::file(path, format!("{e}; expected the run.json that warptape wrote: restore it or start a new run"))
        })
    }
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
