//! Views of a picture whose logits are averaged where a network is judged: test-time augmentation.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::nn::{Layer, Pass};
use crate::op::add::add;
use crate::op::augment::Moved;
use crate::op::scale::scale;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Which views there are; those of airbench's scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Views {
    /// The picture alone.
    #[default]
    #[serde(rename = "none")]
    None,
    /// The picture and its mirror image.
    #[serde(rename = "mirror")]
    Mirror,
    /// Both, for half of the weight; for the other half both of the picture moved by one pixel down and right, and up and left, where
    /// its edge mirrors it.
    #[serde(rename = "mirror+translate")]
    MirrorTranslate,
}

words!(Views, "unknown views '{text}'", None "none", Mirror "mirror", MirrorTranslate "mirror+translate");

impl Views {
    /// Each view: how the picture is moved, and the weight of its logits. The picture as it is comes first; the weights sum to 1.
    pub fn all(self) -> Vec<(Vec<Moved>, f32)> {
        let by = |pixels: i32| vec![Moved::Crop { down: pixels, right: pixels, reflect: true }];
        let places = match self {
            Self::None => return vec![(Vec::new(), 1.0)],
            Self::Mirror => vec![(Vec::new(), 0.5)],
            Self::MirrorTranslate => vec![(Vec::new(), 0.25), (by(-1), 0.125), (by(1), 0.125)],
        };
        let both = |(moves, weight): (Vec<Moved>, f32)| {
            let mirrored = moves.iter().copied().chain([Moved::Flip(true)]).collect();
            [(moves, weight), (mirrored, weight)]
        };
        places.into_iter().flat_map(both).collect()
    }

    /// What a report should say of it.
    pub fn note(self) -> Option<String> {
        (self != Self::None)
            .then(|| format!("logits are means over {} views of each picture ({self})", self.all().len()))
    }
}

/// The logits `[B, K]` of `model` for the same pictures in several `views` `[B, H, W, 3]`, averaged by their weights; in inference.
///
/// # Errors
/// What the model or the device says.
pub fn logits(model: &dyn Layer, tape: &mut Tape, views: &[(Tensor, f32)]) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (x, weight) in views {
        let logits = model.forward(&mut Pass::inference(tape), x)?;
        let logits = if *weight == 1.0 { logits } else { scale(tape, &logits, *weight)? };
        sum = Some(match sum {
            Some(sum) => add(tape, &sum, &logits)?,
            None => logits,
        });
    }
    Ok(sum.expect("the picture itself is a view"))
}
