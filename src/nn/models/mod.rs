//! The networks, one file each: layers only.

mod little_conv;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::{Builder, Sequential};

type Build = fn(&mut Builder, usize) -> Result<Sequential>;

/// Name, what it is, and how it is built for a number of classes. A new model is its file and a line here.
const MODELS: &[(&str, &str, Build)] =
    &[("little-conv", "four 3×3 convolutions with batch normalization, 15.0 MMAC at 32×32", little_conv::build)];

/// The model `name` with `classes` outputs, initialized from `seed`. Input: `[N, H, W, 3]`; output: logits `[N, classes]`.
///
/// # Errors
/// An unknown name; the error lists the known ones.
pub fn build(name: &str, classes: usize, device: &Device, seed: u64) -> Result<Sequential> {
    let Some((_, _, build)) = MODELS.iter().find(|(known, _, _)| *known == name) else {
        let known: Vec<_> = MODELS.iter().map(|(name, _, _)| *name).collect();
        return Err(Error::usage(format!("unknown model '{name}': use {}", known.join(", "))));
    };
    build(&mut Builder::new(device, seed), classes)
}
