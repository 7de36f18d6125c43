use super::Layer;
use crate::op::conv2d::Conv2dParams;
use crate::op::pool::Window;

/// What a layer computes in inference, as data: for what runs a network otherwise than by [`Layer::forward`], such as a file in
/// another program's format. The layer's tensors are those that it shows by [`Layer::visit`].
pub enum Operation<'a> {
    /// Convolution by the filters `weight`, plus `bias` if there is one.
    Conv2d(Conv2dParams),
    /// `weight · (x − running_mean) / √(running_var + eps) + bias`, channel by channel.
    BatchNorm {
        /// Added to the variance.
        eps: f32,
    },
    /// `x · weightᵀ + bias`.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `x · Φ(x)`, by the error function.
    Gelu,
    /// Times this number.
    Scale(f32),
    /// The maximum of each window; padding never is it.
    MaxPool(Window),
    /// The mean of each window.
    AvgPool {
        /// Which pixels are pooled together.
        window: Window,
        /// Whether padding counts, as zeros; what a window has behind the padding never does.
        padding_counts: bool,
    },
    /// The mean over all pixels: an image becomes one number a channel.
    GlobalAvgPool,
    /// The mean of each of so many bins a side, as PyTorch's `AdaptiveAvgPool2d` has them.
    AdaptiveAvgPool(usize),
    /// The maximum of each of such bins.
    AdaptiveMaxPool(usize),
    /// Images as rows.
    Flatten,
    /// Nothing in inference.
    Dropout,
    /// The children, one after the other.
    Sequence,
    /// `max(branch(x) + shortcut(x), 0)`.
    Residual {
        /// Its layers go by the block's own name.
        branch: &'a dyn Layer,
        /// With its name below the block's; x itself if there is none.
        shortcut: Option<(&'a str, &'a dyn Layer)>,
    },
    /// None of these: only [`Layer::forward`] knows.
    Other,
}
