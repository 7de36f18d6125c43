//! Files of results: what was measured, on which machine, when, by which commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::device::{Device, Kind, cuda, host};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::{self, timestamp, write_atomic};

/// Where the results lie that the tables are made from, below a checkout.
pub const FOLDER: &str = "benches/results";

/// Rows of a table with all that must be known to judge them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results<R> {
    /// Which bench: `train`, `kernels`.
    pub what: String,
    /// The device as the command line names it: `host`, `cuda:0`.
    pub device: String,
    /// The processor or the GPU.
    pub card: String,
    /// The day, UTC: `2025-01-31`.
    pub date: String,
    /// The commit that was measured, with `-dirty` if files were changed since; `unknown` outside a checkout.
    pub commit: String,
    /// The program and what it stands on.
    pub versions: BTreeMap<String, String>,
    /// How it was measured.
    pub settings: BTreeMap<String, String>,
    /// What was measured.
    pub rows: Vec<R>,
}

impl<R: Serialize + DeserializeOwned> Results<R> {
    /// Of a bench on `device` that begins now.
    ///
    /// # Errors
    /// A host device without a compiler.
    pub fn new(what: &str, device: &Device) -> Result<Self> {
        let info = device.info();
        let mut versions = BTreeMap::from([("warptape".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        let mut card = info.description.clone();
        if info.kind == Kind::Host {
            card = host::cpu::describe();
            versions.insert("c++".into(), host::toolchain::find(device.environment())?.version);
        } else if let Ok((major, minor)) = cuda::version() {
            versions.insert("cuda driver".into(), format!("{major}.{minor}"));
        }
        let date = timestamp().chars().take("2025-01-31".len()).collect();
        let commit = commit(device.environment());
        let (what, device) = (what.to_owned(), info.name.clone());
        Ok(Self { what, device, card, date, commit, versions, settings: BTreeMap::new(), rows: Vec::new() })
    }

    /// The card in a file's name: `host` for any processor, else the product's name, `h200`.
    pub fn slug(&self) -> String {
        if !self.device.starts_with("cuda") {
            return "host".into();
        }
        let words = self.card.to_lowercase();
        let words: Vec<&str> =
            words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| *word != "nvidia").collect();
        words.join("-")
    }

    /// Reads a file that [`Results::write`] wrote.
    ///
    /// # Errors
    /// A file that is missing, damaged or of another bench.
    pub fn read(what: &str, path: &Path) -> Result<Self> {
        let text = files::read(path, files::TEXT).map_err(|e| Error::file(path, e))?;
        let results: Self = serde_json::from_slice(&text)
            .map_err(|e| Error::file(path, format!("{e}; expected what `‹bench {what} out›` wrote")))?;
        if results.what != what {
            return Err(Error::file(path, format!("holds results of bench {}, not of bench {what}", results.what)));
        }
        Ok(results)
    }

    /// Goes on with what the file at `path` holds, if it is of this bench, this commit and this device: its rows are kept.
    ///
    /// # Errors
    /// Those of [`Results::read`] for a file that is there.
    pub fn go_on(&mut self, path: &Path) -> Result<()> {
        if !path.exists() {
            return Ok(());
        }
        let before = Self::read(&self.what, path)?;
        if (&before.commit, &before.device, &before.card) == (&self.commit, &self.device, &self.card) {
            self.versions.extend(before.versions);
            self.rows = before.rows;
        }
        Ok(())
    }

    /// The text of the file.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }

    /// Writes the file at `path`.
    ///
    /// # Errors
    /// Those of [`write_atomic`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, self.json().as_bytes())
    }
}

/// The commit that `WARPTAPE_COMMIT` names (a copy of a checkout has no history to ask), else that of the checkout in the
/// current folder.
fn commit(environment: &Environment) -> String {
    let named = environment.text("WARPTAPE_COMMIT");
    if !named.is_empty() {
        return named.into();
    }
    let git = || {
        // The current folder may be in a repository of something else.
        let ours = Path::new(FOLDER).is_dir();
        let output =
            Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]).output();
        let output = output.ok().filter(|output| ours && output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|name| name.trim().to_owned())
    };
    git().unwrap_or_else(|| "unknown".into())
}
