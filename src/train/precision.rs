//! Training in less than single precision.
//!
//! What is learned, what an optimizer keeps, statistics and loss are f32. A network computes in the type of its input: layers
//! cast their filters, weights and biases to it, activations and their gradients are stored in it, and kernels add up in f32
//! whatever the type (Micikevicius et al., "Mixed precision training", 2018; PyTorch's autocast).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::DType;

/// The type of a network's activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// The exponents of f32, 8 bits of precision: the loss needs no scaling.
    Bf16,
    /// 11 bits of precision, from 6e-8 to 65504: the loss is scaled, see [`Scaling`].
    F16,
}

impl Precision {
    /// As a tensor's type.
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// How the loss is scaled from the first step on, if it is.
    pub fn scaling(self) -> Option<Scaling> {
        (self == Self::F16).then(Scaling::default)
    }

    /// Refuses a device that does not have the type.
    ///
    /// # Errors
    /// A GPU from before compute capability 8.0 for bf16 (PTX ISA, "cvt").
    pub fn check(self, device: &Device) -> Result<()> {
        let info = device.info();
        let capability = info.arch.strip_prefix("sm_").and_then(|arch| arch.trim_end_matches('a').parse::<u32>().ok());
        if self == Self::Bf16 && capability.is_some_and(|capability| capability < 80) {
            let what = format!("{} ({}) has no bf16; use f16 or f32", info.description, info.arch);
            return Err(Error::usage(format!("‹precision=bf16›: {what}")));
        }
        Ok(())
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dtype().fmt(f)
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::F32, Self::Bf16, Self::F16];
        let found = DType::spelled(text).ok().and_then(|dtype| all.into_iter().find(|one| one.dtype() == dtype));
        found.ok_or_else(|| Error::usage(format!("unknown precision '{text}': use f32, bf16 or f16")))
    }
}

/// How files of options and records have it.
impl TryFrom<String> for Precision {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// The factor of the loss, which moves gradients to where f16 has numbers for them: as large as no gradient overflows. What
/// PyTorch's `GradScaler` does, with its defaults: from 2^16 doubled after 2000 steps without an overflow, halved by every
/// step with one, which is skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// What the loss is multiplied by.
    pub factor: f32,
    /// Steps since the factor changed last.
    pub steps: u32,
    /// Steps that were skipped in all.
    pub skipped: u64,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { factor: 65536.0, steps: 0, skipped: 0 }
    }
}

impl Scaling {
    /// Steps without an overflow that double the factor.
    const EVERY: u32 = 2000;
    /// Below, it is not the factor that makes gradients overflow.
    const LEAST: f32 = 1.0 / (1 << 24) as f32;

    /// Takes notice of a step whose gradients are all finite, or not.
    ///
    /// # Errors
    /// Gradients that are never finite, however small the factor.
    pub fn update(&mut self, finite: bool) -> Result<()> {
        if !finite {
            (self.factor, self.steps, self.skipped) = (self.factor / 2.0, 0, self.skipped + 1);
            if self.factor < Self::LEAST {
                let what = "gradients overflow f16 however small the loss is scaled";
                return Err(Error::Training(format!("{what}; train with ‹precision=bf16›, or with a lower ‹lr›")));
            }
            return Ok(());
        }
        self.steps += 1;
        if self.steps == Self::EVERY {
            self.steps = 0;
            // As large as a float can be it stays.
            self.factor = Some(self.factor * 2.0).filter(|factor| factor.is_finite()).unwrap_or(self.factor);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `torch.amp.GradScaler(init_scale=4, growth_interval=2000)` does.
    #[test]
    fn the_factor_doubles_after_2000_steps_and_halves_with_each_overflow() {
        let mut scaling = Scaling { factor: 4.0, ..Scaling::default() };
        (0..1999).for_each(|_| scaling.update(true).unwrap());
        assert_eq!(scaling, Scaling { factor: 4.0, steps: 1999, skipped: 0 });
        scaling.update(false).unwrap();
        assert_eq!(scaling, Scaling { factor: 2.0, steps: 0, skipped: 1 });
        (0..2000).for_each(|_| scaling.update(true).unwrap());
        assert_eq!(scaling, Scaling { factor: 4.0, steps: 0, skipped: 1 });
        let mut largest = Scaling { factor: f32::MAX, steps: 1999, skipped: 0 };
        largest.update(true).unwrap();
        assert_eq!(largest.factor, f32::MAX);
        let endless = (0..100).try_for_each(|_| scaling.update(false)).unwrap_err().to_string();
        assert!(endless.contains("bf16"), "{endless}");
    }
}
