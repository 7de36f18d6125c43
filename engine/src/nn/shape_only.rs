//! Layers without state.

use super::conv::unless;
use super::{Layer, Operation, Pass};
use crate::error::Result;
use crate::op::adaptive_pool::{adaptive_avg_pool, adaptive_max_pool};
use crate::op::dropout::dropout;
use crate::op::epilogue::Epilogue;
use crate::op::gelu::gelu;
use crate::op::pool::{Window, avg_pool, avg_pool_inside, global_avg_pool, max_pool};
use crate::op::relu::relu;
use crate::tensor::Tensor;

/// `max(x, 0)`.
pub struct Relu;

impl Layer for Relu {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        relu(pass.tape, x)
    }

    fn as_epilogue(&self) -> Epilogue {
        Epilogue::Relu
    }

    fn describe(&self) -> String {
        "ReLU".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Relu
    }
}

/// `x · Φ(x)`, exact: PyTorch's `GELU` without an approximation.
pub struct Gelu;

impl Layer for Gelu {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        gelu(pass.tape, x)
    }

    fn describe(&self) -> String {
        "GELU".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Gelu
    }
}

/// The maximum of each window.
pub struct MaxPool(pub Window);

impl MaxPool {
    /// Square windows of `size` without padding, `size` apart.
    pub fn halving(size: usize) -> Self {
        Self::new(size, size, 0)
    }

    /// Square windows of `size`, `stride` apart.
    pub fn new(size: usize, stride: usize, padding: usize) -> Self {
        Self(Window::new([size; 2], [stride; 2], [padding; 2]))
    }
}

impl Layer for MaxPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        max_pool(pass.tape, x, self.0)
    }

    fn describe(&self) -> String {
        format!("MaxPool {}", window(self.0))
    }

    fn operation(&self) -> Operation<'_> {
        Operation::MaxPool(self.0)
    }
}

/// A window in a few words.
fn window(Window { size, stride, padding, dilation, ceil }: Window) -> String {
    // 0 is no stride: it is always told.
    let (stride, padding) = (unless(0, "stride", stride), unless(0, "padding", padding));
    let (dilation, ceil) = (unless(1, "dilation", dilation), if ceil { ", ceil" } else { "" });
    format!("{}×{}{stride}{padding}{dilation}{ceil}", size[0], size[1])
}

/// The mean of each window.
pub struct AvgPool {
    /// Which pixels are pooled together.
    pub window: Window,
    /// Whether padding counts, as zeros.
    pub padding_counts: bool,
}

impl Layer for AvgPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let pool = if self.padding_counts { avg_pool } else { avg_pool_inside };
        pool(pass.tape, x, self.window)
    }

    fn describe(&self) -> String {
        let without = if self.padding_counts { "" } else { ", padding does not count" };
        format!("AvgPool {}{without}", window(self.window))
    }

    fn operation(&self) -> Operation<'_> {
        Operation::AvgPool { window: self.window, padding_counts: self.padding_counts }
    }
}

/// The mean over all pixels: `[N, H, W, C]` to `[N, C]`.
pub struct GlobalAvgPool;

impl Layer for GlobalAvgPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        global_avg_pool(pass.tape, x)
    }

    fn describe(&self) -> String {
        "GlobalAvgPool".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::GlobalAvgPool
    }
}

/// The mean of each of `self.0` × `self.0` bins that cover the image: `[N, H, W, C]` to `[N, bins, bins, C]`.
pub struct AdaptiveAvgPool(pub usize);

impl Layer for AdaptiveAvgPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        adaptive_avg_pool(pass.tape, x, [self.0; 2])
    }

    fn describe(&self) -> String {
        format!("AdaptiveAvgPool {}×{}", self.0, self.0)
    }

    fn operation(&self) -> Operation<'_> {
        Operation::AdaptiveAvgPool(self.0)
    }
}

/// The maximum of each of `self.0` × `self.0` bins that cover the image: `[N, H, W, C]` to `[N, bins, bins, C]`.
pub struct AdaptiveMaxPool(pub usize);

impl Layer for AdaptiveMaxPool {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        adaptive_max_pool(pass.tape, x, [self.0; 2])
    }

    fn describe(&self) -> String {
        format!("AdaptiveMaxPool {}×{}", self.0, self.0)
    }

    fn operation(&self) -> Operation<'_> {
        Operation::AdaptiveMaxPool(self.0)
    }
}

/// Images as rows: `[N, H, W, C]` to `[N, H · W · C]`. The linear layer behind it is [`Linear::after_flatten`].
///
/// [`Linear::after_flatten`]: super::Linear::after_flatten
pub struct Flatten;

impl Layer for Flatten {
    fn forward(&self, _: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let rows = x.dim(0);
        x.reshape([rows, x.elements() / rows.max(1)])
    }

    fn describe(&self) -> String {
        "Flatten".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Flatten
    }
}

/// In training, zeroes each element with the given probability and scales the others up to keep the mean; with probability 1,
/// all of them.
pub struct Dropout(pub f32);

impl Layer for Dropout {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        if !pass.training {
            return Ok(x.clone());
        }
        let key = pass.next_key();
        dropout(pass.tape, x, self.0, key)
    }

    fn describe(&self) -> String {
        format!("Dropout {}", self.0)
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Dropout
    }
}
