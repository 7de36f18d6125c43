//! What pictures are normalized with.

use serde::{Deserialize, Serialize};

use crate::data::Images;
use crate::error::{Error, Result};
use crate::weights::Preparation;

/// Whose mean and deviation a picture's channels are brought to 0 and 1 by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// The training set's own.
    #[default]
    Data,
    /// ImageNet's, as torchvision has it.
    Imagenet,
    /// What the weights that a run begins with were trained with.
    Weights,
}

impl Normalize {
    /// Mean and deviation of each channel in units of full intensity, where `images` are trained on and the weights that it begins
    /// with want `wanted`.
    ///
    /// # Errors
    /// Weights of which it is not known.
    pub fn of(self, images: &Images, wanted: Option<&Preparation>) -> Result<[[f32; 3]; 2]> {
        match (self, wanted) {
            (Self::Data, _) => {
                let (mean, std) = images.mean_std();
                // A channel that never changes has nothing to be scaled.
                Ok([mean.map(|m| m as f32), std.map(|s| if s > 0.0 { s as f32 } else { 1.0 })])
            }
            (Self::Imagenet, _) => Ok([Preparation::IMAGENET.mean, Preparation::IMAGENET.std]),
            (Self::Weights, Some(wanted)) => Ok([wanted.mean, wanted.std]),
            (Self::Weights, None) => {
                let what = "nothing says what these weights were trained with; use imagenet or data";
                Err(Error::usage(format!("‹normalize=weights›: {what}")))
            }
        }
    }
}

words!(Normalize, "unknown normalization '{text}'", Data "data", Imagenet "imagenet", Weights "weights");
