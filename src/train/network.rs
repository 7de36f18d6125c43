//! The network that a person names: one that there is, or a file that writes one.

use std::path::Path;

use crate::error::{Error, Result};
use crate::files;
use crate::nn::models;

/// The most bytes of a file that writes a network, which checkpoints keep.
const MOST: u64 = 1 << 20;

/// `spec` as [`models::build`] takes it: where it names a TOML file, with that one's text, so that the file is needed no more.
///
/// # Errors
/// A file that cannot be read, or writes no network.
pub fn named(spec: &str) -> Result<String> {
    let Some(file) = models::file(spec) else { return Ok(models::respell(spec)) };
    let path = Path::new(file);
    let bytes = files::read(path, MOST).map_err(|e| Error::file(path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::file(path, "it is not a text in UTF-8"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let written = models::with_text(&format!("{name}{}", &spec[file.len()..]), &text);
    match models::check_spec(&written) {
        // Under the name that it was given.
        Err(Error::File { what, .. }) => Err(Error::file(path, what)),
        other => other.map(|()| written),
    }
}
