//! A run directory: everything that a training leaves behind, in one folder that can be moved, compared and resumed.
//!
//! Files that must be whole or absent (`run.json`, checkpoints, curves) go through [`crate::files::write_atomic`]: a process
//! killed at any moment leaves the old file or the new one, never half of one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::{self, Lock};
pub use super::run_info::RunInfo;
use crate::error::{Error, Result};
use crate::files::{TEMPORARY, sync_folder, turn, unwritable};
use crate::weights::PREPROCESSING;

/// A folder for one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Held by whoever writes.
    _lock: Option<Arc<Lock>>,
}

impl RunDir {
    /// Makes `root/<model>-<data>-<n>` with the first free n above those in use; two processes never get the same. The
    /// folder gets its name with `run.json` in it: there is no moment at which it is not a run that can be resumed.
    ///
    /// # Errors
    /// A root that cannot be made or written to.
    pub fn numbered(root: &Path, model: &str, data: &str, info: &RunInfo) -> Result<RunDir> {
        fs::create_dir_all(root).map_err(|e| unwritable(root, &e))?;
        let stem = format!("{}-{}-", plain(model), plain(data));
        let used = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix(&stem)?.parse::<u64>().ok();
        let entries = fs::read_dir(root).map_err(|e| unwritable(root, &e))?;
        let mut number = entries.flatten().filter_map(used).max().unwrap_or(0);
        let staged = Staged::new(root, &stem, info)?;
        loop {
            number = number.saturating_add(1);
            let path = root.join(format!("{stem}{number}"));
            // A folder takes the place of none or of an empty one.
            match fs::rename(staged.folder.path(), &path) {
                Ok(()) => return staged.done(path),
                Err(e) if taken(&e) && number < u64::MAX => {}
                Err(e) => return Err(unwritable(&path, &e)),
            }
        }
    }

    /// Makes the folder `path` itself (`--out`), likewise. One that holds anything is refused: a run overwrites nothing.
    ///
    /// # Errors
    /// A folder that is not empty, is a file, or cannot be made or written to.
    pub fn at(path: &Path, info: &RunInfo) -> Result<RunDir> {
        if path.exists() && !path.is_dir() {
            return Err(Error::file(path, "is a file; ‹out› wants a new or empty folder"));
        }
        if !path.exists() {
            let name =
                path.file_name().ok_or_else(|| Error::file(path, "is no folder's name; choose another ‹out›"))?;
            let root = path.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(root).map_err(|e| unwritable(root, &e))?;
            let staged = Staged::new(root, &name.to_string_lossy(), info)?;
            return match fs::rename(staged.folder.path(), path) {
                Ok(()) => staged.done(path.to_path_buf()),
                Err(e) if taken(&e) => Err(not_empty(path)),
                Err(e) => Err(unwritable(path, &e)),
            };
        }
        // The folder may be the root of a file system, or one that only its contents can be changed of.
        for entry in fs::read_dir(path).map_err(|e| unwritable(path, &e))?.flatten() {
            let name = entry.file_name();
            if name != lock::FILE && !is_temporary(&name.to_string_lossy()) {
                return Err(not_empty(path));
            }
        }
        let run = RunDir { path: path.to_path_buf(), _lock: Some(Arc::new(Lock::take(path)?)) };
        run.sweep()?;
        info.write(&run)?;
        run.furnish()
    }

    /// An existing run, to read from or to look at while it runs. Nothing is written.
    ///
    /// # Errors
    /// A folder without `run.json`.
    pub fn open(path: &Path) -> Result<RunDir> {
        let run = RunDir { path: path.to_path_buf(), _lock: None };
        if !run.file("run.json").is_file() {
            let exported = run.file(PREPROCESSING).is_file();
            let begin =
                format!("; it is an export: name its run, or begin one with it by ‹train weights={}›", path.display());
            let what = "is not a run directory: it has no run.json".to_owned();
            return Err(Error::file(path, what + if exported { &begin } else { "" }));
        }
        Ok(run)
    }

    /// An existing run, to go on writing to: [`RunDir::open`] for one writer at a time, and temporary files of a killed
    /// process are removed.
    ///
    /// # Errors
    /// Those of [`RunDir::open`]; a folder that cannot be written to, or that another process writes to.
    pub fn resume(path: &Path) -> Result<RunDir> {
        let run = RunDir::open(path)?;
        let run = RunDir { _lock: Some(Arc::new(Lock::take(path)?)), ..run }.furnish()?;
        run.sweep()?;
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

    /// The folder of the sheets that are drawn on the way; see [`Config::cam_every`](crate::train::config::Config::cam_every).
    pub fn cams(&self) -> PathBuf {
        self.path.join("cam")
    }

    /// Makes the folders inside, which also shows at once whether they can be.
    fn furnish(self) -> Result<RunDir> {
        let inner = self.checkpoints();
        fs::create_dir_all(&inner).map_err(|e| unwritable(&inner, &e))?;
        Ok(self)
    }

    /// Removes what a killed writer of this run left half written. A folder that is a link leads to somebody else's files.
    fn sweep(&self) -> Result<()> {
        for folder in [self.path.clone(), self.checkpoints(), self.cams()] {
            if !fs::symlink_metadata(&folder).is_ok_and(|it| it.is_dir() || folder == self.path) {
                continue;
            }
            for entry in fs::read_dir(&folder).map_err(|e| unwritable(&folder, &e))?.flatten() {
                let file = entry.file_type().is_ok_and(|kind| kind.is_file());
                if file && is_temporary(&entry.file_name().to_string_lossy()) {
                    fs::remove_file(entry.path()).map_err(|e| unwritable(&entry.path(), &e))?;
                }
            }
        }
        Ok(())
    }
}

/// A run's folder before it has its name.
struct Staged {
    folder: tempfile::TempDir,
    lock: Lock,
}

impl Staged {
    /// A folder in `root`, whose name begins like that of the run, with all in it that a run begins with.
    fn new(root: &Path, name: &str, info: &RunInfo) -> Result<Self> {
        let prefix = format!(".{name}.");
        // Without a turn, those of processes that were killed stay.
        let turn = turn(root);
        let entries = fs::read_dir(root).map_err(|e| unwritable(root, &e))?.flatten().filter(|_| turn.is_some());
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&prefix) && name.ends_with(TEMPORARY) && Lock::is_held(&entry.path()) == Some(false) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(TEMPORARY);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let folder = builder.tempdir_in(root).map_err(|e| unwritable(root, &e))?;
        let lock = Lock::take(folder.path())?;
        drop(turn);
        let run = RunDir { path: folder.path().to_path_buf(), _lock: None };
        info.write(&run)?;
        run.furnish()?;
        Ok(Self { folder, lock })
    }

    /// The run, now that the folder's name is `path`.
    fn done(self, path: PathBuf) -> Result<RunDir> {
        let _ = self.folder.keep();
        let root = path.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(root).map_err(|e| unwritable(root, &e))?;
        Ok(RunDir { path, _lock: Some(Arc::new(self.lock)) })
    }
}

/// Whether a folder could not take a name since that is another's.
fn taken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory)
}

fn not_empty(path: &Path) -> Error {
    Error::file(path, "is not empty; ‹out› wants a new or empty folder, or the folder of a run to go on with")
}

/// Whether it is the name that one of a run's files has while it is written.
fn is_temporary(name: &str) -> bool {
    const OURS: [&str; 18] = [
        "run.json",
        "network.toml",
        "split.csv",
        "broken.txt",
        "metrics.csv",
        "steps.csv",
        "curves.svg",
        "curves.png",
        "running.png",
        "report.txt",
        "report.json",
        "report.html",
        "predictions.csv",
        "confusion.csv",
        "confusion.png",
        "best.safetensors",
        "last.safetensors",
        "epoch-",
    ];
    let inner = name.strip_prefix('.').filter(|name| name.ends_with(TEMPORARY));
    inner.is_some_and(|inner| OURS.iter().any(|ours| inner.starts_with(ours)))
}

/// A name fit for a folder anywhere: letters, digits, dot, dash and underscore; anything else becomes a dash.
fn plain(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let plain: String = name.chars().map(fit).collect();
    plain.trim_start_matches('.').to_string()
}
