//! The tree of kernels. It is embedded in the binary; `WARPTAPE_KERNELS=DIR` reads it from a folder instead, so that a kernel can be
//! edited and run again without building anything.

use std::path::PathBuf;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::{Defines, Source};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../kernels");

/// The kernels that are built in, or those of a folder.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    folder: Option<PathBuf>,
}

impl Tree {
    /// The folder that `WARPTAPE_KERNELS` names, else what is built in.
    pub fn of(environment: &Environment) -> Self {
        Self { folder: environment.path("WARPTAPE_KERNELS") }
    }

    /// Its file `file`.
    ///
    /// # Errors
    /// No such file; those of [`Tree::source`].
    pub fn load(&self, file: &str, defines: &Defines) -> Result<Source> {
        self.source(file, &self.read(file)?, defines)
    }

    /// [`Source::from_text`] with what this tree has to include.
    ///
    /// # Errors
    /// An `#include` that cannot be resolved; host code.
    pub fn source(&self, file: &str, text: &str, defines: &Defines) -> Result<Source> {
        Source::spliced(self, file, text, defines)
    }

    /// SHA-256 of all kernels and what they include, in hexadecimal: equal texts make equal bits.
    ///
    /// # Errors
    /// A folder that lacks one of them.
    pub fn digest(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for file in files().into_iter().filter(|file| file.ends_with(".cu") || file.ends_with(".cuh")) {
            hash.update(file.as_bytes());
            hash.update(self.read(&file)?);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text of a file.
    pub(super) fn read(&self, file: &str) -> Result<String> {
        if let Some(folder) = &self.folder {
            let path = folder.join(file);
            return files::read_code(&path).map_err(|e| {
                Error::file(path, format!("{e} (WARPTAPE_KERNELS names the folder to read kernels from)"))
            });
        }
        let found = BUILT_IN.get_file(file).and_then(|f| f.contents_utf8());
        found.map(str::to_owned).ok_or_else(|| Error::Source { file: file.into(), what: "no such file".into() })
    }
}

/// Every `.cu` file that is built in, by path.
pub fn kernel_files() -> Vec<String> {
    let mut files = files();
    files.retain(|file| file.ends_with(".cu"));
    files
}

/// Every file that is built in, by path.
fn files() -> Vec<String> {
    fn walk(dir: &Dir<'_>, files: &mut Vec<String>) {
        files.extend(dir.files().map(|file| file.path().to_string_lossy().into_owned()));
        dir.dirs().for_each(|d| walk(d, files));
    }
    let mut files = Vec::new();
    walk(&BUILT_IN, &mut files);
    files.sort();
    files
}
