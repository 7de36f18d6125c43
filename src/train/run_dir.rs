//! A run directory: everything that a training leaves behind, in one folder that can be moved, compared and resumed.
//!
//! Files that must be whole or absent (`run.json`, checkpoints, curves) go through [`write_atomic`]: a process killed
//! at any moment leaves the old file or the new one, never half of one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::data::Dataset;
use crate::device::Device;
use crate::device::choices::Table;
use crate::error::{Error, Result};

/// How a temporary file's name ends; it begins with a dot and the name of the file it is to become.
const TEMPORARY: &str = ".part";

/// A folder for one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes `root/<model>-<data>-<n>` with the first free n above those in use; two processes never get the same.
    ///
    /// # Errors
    /// A root that cannot be made or written to.
    pub fn numbered(root: &Path, model: &str, data: &str) -> Result<RunDir> {
        fs::create_dir_all(root).map_err(|e| unwritable(root, &e))?;
        let stem = format!("{}-{}-", plain(model), plain(data));
        let used = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix(&stem)?.parse::<u64>().ok();
        let entries = fs::read_dir(root).map_err(|e| unwritable(root, &e))?;
        let mut number = entries.flatten().filter_map(used).max().unwrap_or(0);
        loop {
            number = number.saturating_add(1);
            let path = root.join(format!("{stem}{number}"));
            // create_dir, not create_dir_all: that the folder was not there before is what makes it ours.
            match fs::create_dir(&path) {
                Ok(()) => return RunDir { path }.furnish(),
                Err(e) if e.kind() == ErrorKind::AlreadyExists && number < u64::MAX => {}
                Err(e) => return Err(unwritable(&path, &e)),
            }
        }
    }

    /// Makes the folder `path` itself (`--out`). One that holds anything is refused: a run overwrites nothing.
    ///
    /// # Errors
    /// A folder that is not empty, is a file, or cannot be made or written to.
    pub fn at(path: &Path) -> Result<RunDir> {
        if path.exists() && !path.is_dir() {
            return Err(Error::file(path, "is a file; --out wants a new or empty folder"));
        }
        fs::create_dir_all(path).map_err(|e| unwritable(path, &e))?;
        let mut entries = fs::read_dir(path).map_err(|e| unwritable(path, &e))?;
        if entries.next().is_some() {
            let what = if path.join("run.json").exists() { "holds a run already" } else { "is not empty" };
            return Err(Error::file(path, format!("{what}; --out wants a new or empty folder (to go on, resume it)")));
        }
        RunDir { path: path.to_path_buf() }.furnish()
    }

    /// An existing run, to read from or to look at while it runs. Nothing is written.
    ///
    /// # Errors
    /// A folder without `run.json`.
    pub fn open(path: &Path) -> Result<RunDir> {
        let run = RunDir { path: path.to_path_buf() };
        if !run.file("run.json").is_file() {
            return Err(Error::file(path, "is not a run directory: it has no run.json"));
        }
        Ok(run)
    }

    /// An existing run, to go on writing to: [`RunDir::open`], and temporary files of a killed process are removed.
    ///
    /// # Errors
    /// Those of [`RunDir::open`]; a folder that cannot be written to.
    pub fn resume(path: &Path) -> Result<RunDir> {
        let run = RunDir::open(path)?.furnish()?;
        for folder in [run.path.clone(), run.checkpoints()] {
            let entries = fs::read_dir(&folder).map_err(|e| unwritable(&folder, &e))?;
            for entry in entries.flatten() {
                let name = entry.file_name();
                let stale = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(TEMPORARY));
                if stale {
                    fs::remove_file(entry.path()).map_err(|e| unwritable(&entry.path(), &e))?;
                }
            }
        }
        Ok(run)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Makes the folders inside, which also shows at once whether they can be.
    fn furnish(self) -> Result<RunDir> {
        let inner = self.checkpoints();
        fs::create_dir_all(&inner).map_err(|e| unwritable(&inner, &e))?;
        Ok(self)
    }
}

/// What it takes to repeat a run: the contents of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// When the run began, UTC, `2025-01-31T12:00:00Z`.
    pub created: String,
    /// The program and what it stands on: `warptape`, the compiler, the driver.
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
}

impl RunInfo {
    /// Of a run that begins now.
    ///
    /// # Errors
    /// A host device without a compiler.
    pub fn new(config: &Config, device: &Device, data: &Dataset) -> Result<RunInfo> {
        let mut versions = BTreeMap::from([("warptape".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        if device.info().name == "host" {
            versions.insert("c++".into(), crate::device::host::compiler::find()?.version);
        } else if let Ok((major, minor)) = crate::device::cuda::version() {
            versions.insert("cuda driver".into(), format!("{major}.{minor}"));
        }
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
        })
    }

    /// Writes `run.json` into `run`.
    ///
    /// # Errors
    /// Those of [`write_atomic`].
    pub fn write(&self, run: &RunDir) -> Result<()> {
        let path = run.file("run.json");
        let mut text = serde_json::to_string_pretty(self).map_err(|e| Error::file(&path, e))?;
        text.push('\n');
        write_atomic(&path, text.as_bytes())
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
        let text = fs::read(path).map_err(|e| Error::file(path, e))?;
        serde_json::from_slice(&text).map_err(|e| {
            Error::file(path, format!("{e}; expected the run.json that warptape wrote: restore it or start a new run"))
        })
    }
}

/// Replaces the file at `path` by `bytes`, wholly or not at all: see [`write_atomic_with`].
///
/// # Errors
/// Those of [`write_atomic_with`].
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Replaces the file at `path` by what `write` writes, wholly or not at all.
///
/// A temporary file beside it is written and synced, takes over the name, and the folder is synced, so that after a
/// crash there is the old file or the new one. If anything fails, the temporary file is removed and the old one stays.
///
/// # Errors
/// What the file system or `write` says, with the path and the fix.
pub fn write_atomic_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    replace(path, write).map_err(|e| unwritable(path, &e))
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not a file's name"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    // As any other new file: readable by all that the user's mask allows, not by the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Dropped on any error below, and removed with it.
    let mut temporary = builder.tempfile_in(folder)?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// Makes a rename survive a power cut; file systems that cannot sync a folder are left to their own ways.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// A failed write in one line, with the fix where there is one.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let fix = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room there or choose another place with --out",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
            "choose a folder that can be written to with --out"
        }
        _ => "check the folder or choose another with --out",
    };
    Error::file(path, format!("cannot be written: {error}; {fix}"))
}

/// A name fit for a folder anywhere: letters, digits, dot, dash and underscore; anything else becomes a dash.
fn plain(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let plain: String = name.chars().map(fit).collect();
    plain.trim_start_matches('.').to_string()
}

/// Now in UTC, as `2025-01-31T12:00:00Z`.
pub fn timestamp() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// `seconds` after 1970 as a UTC date and time.
pub fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 0000-03-01, so that a leap day is the last of its year (Howard Hinnant's algorithm).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}
