//! Which checkpoint a command is about: `RUN`, `RUN@EPOCH`, `RUN@last`, `RUN@best`, or a file.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::train::checkpoint::{self, epochs as epochs_in};
use crate::train::run_dir::RunDir;

/// The checkpoint file that `run` names; a run alone stands for its best.
///
/// # Errors
/// No such run or checkpoint; the error names the last one there is.
pub fn find(run: &Path) -> Result<PathBuf> {
    let (run, which) = split(run);
    path(&run, which.as_deref().unwrap_or("best"))
}

/// Whether a checkpoint file lies in a run's folder, whose record knows the data.
pub fn in_run(file: &Path) -> bool {
    file.parent().and_then(Path::parent).is_some_and(|run| run.join("run.json").is_file())
}

/// A run's path and what stands behind the last @, if the path as it is does not exist.
pub fn split(run: &Path) -> (PathBuf, Option<String>) {
    match run.to_str().and_then(|text| text.rsplit_once('@')) {
        Some((path, which)) if !run.exists() => (path.into(), Some(which.into())),
        _ => (run.into(), None),
    }
}

/// The checkpoints of the epochs that `list` names: `1,3,5`, or `all` that the run has.
///
/// # Errors
/// A list of anything else; as [`find`].
pub fn epochs(run: &Path, list: &str) -> Result<Vec<PathBuf>> {
    if list != "all" {
        let number = |part: &str| match part.trim().parse::<u32>() {
            Ok(epoch) => path(run, &epoch.to_string()),
            Err(_) => Err(Error::usage(format!("--epochs {list}: '{part}' is not a number; use 1,3,5 or all"))),
        };
        return list.split(',').map(number).collect();
    }
    let found = epochs_in(&RunDir::open(run)?.checkpoints());
    if found.is_empty() {
        return Err(Error::file(run, "has no checkpoints of epochs yet"));
    }
    found.iter().map(|epoch| path(run, &epoch.to_string())).collect()
}

fn path(run: &Path, which: &str) -> Result<PathBuf> {
    if run.is_file() {
        return Ok(run.to_path_buf());
    }
    let name = match which {
        "best" | "last" => which.to_owned(),
        number => match number.parse::<u32>() {
            Ok(epoch) => checkpoint::file(epoch).replace(".safetensors", ""),
            Err(_) => {
                return Err(Error::usage(format!("{}@{which}: use best, last or an epoch's number", run.display())));
            }
        },
    };
    if !run.exists() {
        return Err(Error::file(run, "no such file or folder; name a run's folder or a checkpoint file"));
    }
    let folder = RunDir::open(run)?.checkpoints();
    let path = folder.join(format!("{name}.safetensors"));
    if !path.exists() {
        let known = match epochs_in(&folder).last() {
            Some(epoch) => format!("the last epoch it has is {epoch}"),
            None => format!("it has none yet; go on with: warptape train --resume {}", run.display()),
        };
        return Err(Error::file(run, format!("has no checkpoint '{name}'; {known}")));
    }
    Ok(path)
}
