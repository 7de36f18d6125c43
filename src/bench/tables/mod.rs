//! The tables of the READMEs, written between markers from the files of results and from the profiler's counts: nothing in
//! them is typed by hand, and what no file holds is "not measured".

mod counts;
mod grid;
pub mod kernels;
pub mod train;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::results::{FOLDER, Results};
use crate::error::{Error, Result};
pub(crate) use grid::Grid;

/// The files that hold tables, below a checkout.
pub const FILES: [&str; 2] = ["README.md", "kernels/README.md"];

/// What stands where no figure is.
pub const NOT_MEASURED: &str = "not measured";

/// A file as it is and as it should be.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text.
    pub old: String,
    /// The same with every table made anew.
    pub new: String,
}

/// The files with tables in the checkout at `root`, with what its results say.
///
/// # Errors
/// A checkout without these files; markers that do not pair or name an unknown table; damaged results.
pub fn documents(root: &Path) -> Result<Vec<Document>> {
    let document = |file: &&str| {
        let path = root.join(file);
        let old = std::fs::read_to_string(&path)
            .map_err(|e| Error::file(&path, format!("{e}; run this in a checkout of warptape")))?;
        let new = rewrite(&path, &old, |name| section(root, name))?;
        Ok(Document { path, old, new })
    };
    FILES.iter().map(document).collect()
}

fn begin(name: &str) -> String {
    format!("<!-- bench:{name}:begin -->\n")
}

fn end(name: &str) -> String {
    format!("<!-- bench:{name}:end -->")
}

/// `text` with what stands between the markers of each table replaced.
fn rewrite(path: &Path, text: &str, section: impl Fn(&str) -> Result<Option<String>>) -> Result<String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("<!-- bench:") {
        let name = after.split_once(":begin -->\n").map(|(name, _)| name).filter(|name| !name.contains('\n'));
        let name = name.ok_or_else(|| {
            let what = after.lines().next().unwrap_or_default();
            Error::file(path, format!("'<!-- bench:{what}': expected <!-- bench:NAME:begin --> on a line of its own"))
        })?;
        let (begin, end) = (begin(name), end(name));
        let Some((_, after)) = after.split_once(&end) else {
            return Err(Error::file(path, format!("has no {end} after {}", begin.trim_end())));
        };
        let table = section(name)?.ok_or_else(|| {
            Error::file(
                path,
                format!("no table is called '{name}': use train, kernels, kernels/LADDER or counts/LADDER"),
            )
        })?;
        done = done + before + &begin + table.trim_end() + "\n" + &end;
        rest = after;
    }
    Ok(done + rest)
}

/// The table `name` of the checkout at `root`; none if there is no such table.
fn section(root: &Path, name: &str) -> Result<Option<String>> {
    Ok(match name {
        "train" => Some(train::markdown(&all(root, name)?)),
        "kernels" => Some(kernels::markdown(&all(root, name)?)),
        _ => {
            let (what, ladder) = name.split_once('/').unwrap_or((name, ""));
            let ladder = crate::op::ladders().into_iter().find(|one| one.name == ladder);
            match (what, ladder) {
                ("kernels", Some(ladder)) => Some(kernels::of_ladder(&all(root, "kernels")?, &ladder)),
                ("counts", Some(ladder)) => counts::of_ladder(&ladder)?,
                _ => None,
            }
        }
    })
}

/// All results of bench `what`, the host's first.
fn all<R: Serialize + DeserializeOwned>(root: &Path, what: &str) -> Result<Vec<Results<R>>> {
    let folder = root.join(FOLDER);
    let entries = std::fs::read_dir(&folder).map_err(|e| Error::file(&folder, e))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&format!("{what}-")) && name.ends_with(".json")
    });
    files.sort();
    let mut results = files.iter().map(|path| Results::read(what, path)).collect::<Result<Vec<_>>>()?;
    results.sort_by_key(|results| results.device != "host");
    Ok(results)
}

/// When and on what, for the line below a table.
fn provenance<R>(results: &Results<R>) -> String {
    let versions: Vec<String> = results.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!("{}, {}, commit {}; {}", results.card, results.date, results.commit, versions.join(", "))
}
