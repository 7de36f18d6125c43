//! The methods by name, and what each one goes by.

use super::look::Look;
use crate::error::Result;
use crate::op::cam::{mean_weights, plus_plus_weights};
use crate::tensor::Tensor;

/// How a map is made of a layer's activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Channels weighed by the mean of the gradient over all pixels (Selvaraju et al. 2017).
    GradCam,
    /// By positive gradients alone, each pixel's share by higher powers of it: several objects of a class all show
    /// (Chattopadhyay et al. 2018).
    GradCamPlusPlus,
}

words!(Method, "unknown method '{text}'", GradCam "gradcam", GradCamPlusPlus "gradcam++");

impl Method {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::GradCam, Self::GradCamPlusPlus];

    /// As papers write it: `Grad-CAM++`.
    pub fn title(self) -> &'static str {
        self.rule().title
    }

    /// What it goes by.
    pub(in crate::explain) fn rule(self) -> Rule {
        match self {
            Self::GradCam => Rule { title: "Grad-CAM", weigh: |_, gradient| mean_weights(gradient) },
            Self::GradCamPlusPlus => {
                Rule { title: "Grad-CAM++", weigh: |look, gradient| plus_plus_weights(gradient, look.activations) }
            }
        }
    }
}

/// What a method goes by.
pub(in crate::explain) struct Rule {
    pub title: &'static str,
    /// The weights `[N, C]` of the layer's channels, from the gradient of the target there.
    pub weigh: fn(&Look, &Tensor) -> Result<Tensor>,
}
