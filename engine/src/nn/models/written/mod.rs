//! Networks that users write: layers by name in TOML, in their order; blocks with parameters, defined once and repeated; residual
//! sums. What comes into a layer is known from the ones before it and never written. recipes/networks/README.md tells the format.
//!
//! [`read`] makes plain layers of a text, [`build`] a network of those, for images of one size.

mod build;
mod layers;
mod read;
mod settings;
mod text;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::nn::{Builder, Sequential};
use read::Plain;

/// The network that `text` writes, for images of `input` (height, width) and `classes` logits. `name` is what its mistakes are told
/// under; `given` are numbers in place of those of its own parameters.
///
/// # Errors
/// Each in one line, with the text's line and the layer: what is no TOML or says no network; a layer that does not take what comes
/// in, images that have become too small for one among them.
pub(super) fn build(
    builder: &mut Builder,
    name: &str,
    text: &str,
    given: &BTreeMap<String, String>,
    classes: usize,
    input: [usize; 2],
) -> Result<Sequential> {
    let plain = plain(name, text, given, classes)?;
    build::network(builder, name, &plain, classes, input)
}

/// Refuses a text that writes no network for any images.
///
/// # Errors
/// As [`build`].
pub(super) fn check(name: &str, text: &str, given: &BTreeMap<String, String>) -> Result<()> {
    plain(name, text, given, 1).map(drop)
}

fn plain(name: &str, text: &str, given: &BTreeMap<String, String>, classes: usize) -> Result<Plain> {
    read::read(text, given, classes).map_err(|what| Error::file(name, what))
}
