//! The methods by name, and what each one goes by.

use super::look::{Default, Look};
use super::{Request, ablation, pixels, pooled, score};
use crate::error::Result;
use crate::explain::layers;
use crate::nn::relevance::Rules;
use crate::op::cam::{mean_weights, plus_plus_weights, positive, share_weights};
use crate::tensor::Tensor;

/// How a map is made of a layer's activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Channels weighed by the mean of the gradient over all pixels (Selvaraju et al. 2017).
    GradCam,
    /// By positive gradients alone, each pixel's share by higher powers of it: several objects of a class all show
    /// (Chattopadhyay et al. 2018).
    GradCamPlusPlus,
    /// By the weights of the linear layer behind global average pooling, of what is pooled (Zhou et al. 2016).
    Cam,
    /// Each element by its own gradient: what the logit really rests on (Draelos and Carin 2020).
    HiResCam,
    /// By the mean of the gradient, each pixel as much as it has of the channel's activation (Fu et al. 2020).
    XGradCam,
    /// Each element by its own gradient where that is positive: also of early layers (Jiang et al. 2021).
    LayerCam,
    /// No class and no gradient: the first principal component of the activations (Muhammad and Yeasin 2020).
    EigenCam,
    /// By the logit of the image through each channel as a mask, softmax over channels (Wang et al. 2020).
    ScoreCam,
    /// By how much the logit falls without each channel (Desai and Ramaswamy 2020).
    AblationCam,
    /// Of the pixels, not of a layer: the gradient that passes ReLUs where it is above 0, of each pixel its channels' largest
    /// magnitude (Springenberg et al. 2015). It draws edges, whatever the class; networks with other activation functions are
    /// refused.
    GuidedBackprop,
    /// Of the pixels: layer-wise relevance propagation, the sum over channels (Bach et al. 2015), by the rules of
    /// [`Request::composite`](super::Request).
    Lrp,
}

words!(
    Method,
    "unknown method '{text}'",
    GradCam "gradcam",
    GradCamPlusPlus "gradcam++",
    Cam "cam",
    HiResCam "hirescam",
    XGradCam "xgradcam",
    LayerCam "layercam",
    EigenCam "eigencam",
    ScoreCam "scorecam",
    AblationCam "ablationcam",
    GuidedBackprop "guided-backprop",
    Lrp "lrp"
);

impl Method {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::Cam,
        Self::HiResCam,
        Self::XGradCam,
        Self::LayerCam,
        Self::EigenCam,
        Self::ScoreCam,
        Self::AblationCam,
        Self::GuidedBackprop,
        Self::Lrp,
    ];

    /// As papers write it: `Grad-CAM++`.
    pub fn title(self) -> &'static str {
        self.rule().title
    }

    /// Whether its maps are of the pixels themselves, for which it looks at no layer.
    pub fn of_pixels(self) -> bool {
        matches!(self.rule().how, How::Pixels { .. })
    }

    /// What it goes by: the one place that knows all methods.
    pub(in crate::explain) fn rule(self) -> Rule {
        match self {
            Self::GradCam => Rule::gradient("Grad-CAM", |_, gradient| mean_weights(gradient)),
            Self::GradCamPlusPlus => Rule {
                positive_alone: true,
                ..Rule::gradient("Grad-CAM++", |look, gradient| plus_plus_weights(gradient, look.activations))
            },
            Self::Cam => Rule { default: pooled::pooled, ..Rule::of("CAM", How::Weights(pooled::weights)) },
            Self::HiResCam => Rule::gradient("HiResCAM", |_, gradient| Ok(gradient.clone())),
            Self::XGradCam => Rule::gradient("XGrad-CAM", |look, gradient| share_weights(gradient, look.activations)),
            Self::LayerCam => {
                Rule { positive_alone: true, ..Rule::gradient("Layer-CAM", |_, gradient| positive(gradient)) }
            }
            Self::EigenCam => Rule::of("Eigen-CAM", How::Component),
            Self::ScoreCam => Rule::of("Score-CAM", How::Weights(score::weights)),
            Self::AblationCam => Rule::of("Ablation-CAM", How::Weights(ablation::weights)),
            Self::GuidedBackprop => {
                let how = How::Pixels { rules: |_| Rules::Guided, shown: pixels::largest };
                Rule::of("Guided backpropagation", how)
            }
            Self::Lrp => {
                let rules = |request: &Request| Rules::Layerwise(request.composite.clone());
                Rule::of("LRP", How::Pixels { rules, shown: pixels::sum })
            }
        }
    }
}

/// What a method goes by.
pub(in crate::explain) struct Rule {
    pub title: &'static str,
    pub how: How,
    /// Whether it counts positive gradients alone.
    pub positive_alone: bool,
    /// The layer that is looked at if nobody names one.
    pub default: Default,
}

/// How a layer's activations become a map. Weights are `[N, C]` of channels, or `[N, H, W, C]` of elements.
#[derive(Clone, Copy)]
pub(in crate::explain) enum How {
    /// Weighed by what is made of the gradient of what is explained.
    Gradient(fn(&Look, &Tensor) -> Result<Tensor>),
    /// Weighed by something else.
    Weights(fn(&Look) -> Result<Tensor>),
    /// Their first principal component.
    Component,
    /// No layer's are: what arrives at the pixels by these rules, of the channels of each what `shown` says.
    Pixels { rules: fn(&Request) -> Rules, shown: fn(&[f32]) -> f32 },
}

impl Rule {
    fn of(title: &'static str, how: How) -> Self {
        Self { title, how, positive_alone: false, default: layers::default }
    }

    fn gradient(title: &'static str, weigh: fn(&Look, &Tensor) -> Result<Tensor>) -> Self {
        Self::of(title, How::Gradient(weigh))
    }
}
