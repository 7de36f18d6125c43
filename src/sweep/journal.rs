//! What several trainings in one folder have come to, so that the same command goes on there after it was stopped or killed.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::files::{self, TEMPORARY, unwritable, write_atomic};
use crate::train::lock::{self, Lock};

/// A folder in which trainings follow each other, held by this process.
#[derive(Debug)]
pub struct Journal<T> {
    folder: PathBuf,
    file: PathBuf,
    about: Value,
    done: Vec<T>,
    _lock: Lock,
}

/// What the file holds.
#[derive(Deserialize)]
struct Contents<T> {
    about: Value,
    done: Vec<T>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Begins in `folder`, which is new or empty, or goes on there, by its file `<kind>.json`. `about` is what decides on the
    /// results: tables within tables.
    ///
    /// # Errors
    /// A folder that holds anything else, or the same kind of work about something else; one that another process writes to.
    pub fn open(folder: &Path, kind: &str, about: Value) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
        let lock = Lock::take(folder)?;
        let file = folder.join(format!("{kind}.json"));
        let done = if file.exists() {
            let text = files::read(&file, files::TEXT).map_err(|e| Error::file(&file, e))?;
            let Contents { about: there, done } = serde_json::from_slice(&text).map_err(|e| {
                Error::file(&file, format!("{e}; expected what warptape wrote: restore it or choose another ‹out›"))
            })?;
            if let Some((key, there, here)) = difference("", &there, &about) {
                let [there, here] = [there, here].map(|value| value.map_or("nothing".into(), Value::to_string));
                let what = format!("was begun with {key} {there}, now it is {here}");
                return Err(Error::file(folder, format!("{what}: bring that back or choose another ‹out›")));
            }
            done
        } else {
            if entries(folder)?.iter().any(|(name, _)| name != lock::FILE && !is_temporary(name)) {
                let what =
                    format!("is not empty; ‹out› wants a new or empty folder, or that of a {kind} to go on with");
                return Err(Error::file(folder, what));
            }
            Vec::new()
        };
        // What a killed process left half written; folders of runs are their own affair.
        for (name, path) in entries(folder)?.into_iter().filter(|(name, path)| is_temporary(name) && path.is_file()) {
            std::fs::remove_file(&path).map_err(|e| unwritable(&folder.join(name), &e))?;
        }
        let journal = Self { folder: folder.to_owned(), file, about, done, _lock: lock };
        journal.write()?;
        Ok(journal)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is done, in order.
    pub fn done(&self) -> &[T] {
        &self.done
    }

    /// Adds what was done now; it is on the disk when this returns.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn add(&mut self, one: T) -> Result<()> {
        self.done.push(one);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let text = format!("{:#}\n", json!({ "about": self.about, "done": self.done }));
        write_atomic(&self.file, text.as_bytes())
    }
}

/// What is in `folder`: names and paths.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder).map_err(|e| unwritable(folder, &e))?.flatten();
    Ok(entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect())
}

/// Whether it is the name of something that is being written.
fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// The first key whose values in `a` and `b` differ, with both; names of tables stand before it.
fn difference<'a>(key: &str, a: &'a Value, b: &'a Value) -> Option<(String, Option<&'a Value>, Option<&'a Value>)> {
    let (Value::Object(first), Value::Object(second)) = (a, b) else {
        return (a != b).then(|| (key.to_owned(), Some(a), Some(b)));
    };
    let keys = first.keys().chain(second.keys().filter(|key| !first.contains_key(*key)));
    keys.into_iter().find_map(|name| {
        let name_of = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        match (first.get(name), second.get(name)) {
            (Some(a), Some(b)) => difference(&name_of, a, b),
            (a, b) => Some((name_of, a, b)),
        }
    })
}
