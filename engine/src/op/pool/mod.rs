//! Pooling of images `[N, H, W, C]` over windows of pixels.
//!
//! - `max_pool`: y = the maximum of the window; dx is dy at the window's first maximum, summed over windows
//! - `avg_pool`: y = Σ window / (taps of the window); dx = Σ dy / taps over the windows that cover a pixel
//! - `global_avg_pool`: the mean over all pixels
//!
//! The output has ⌊(H + 2 · padding − size) / stride⌋ + 1 rows. Padding is −∞ for the maximum and zeros for the average,
//! which counts them (PyTorch's `count_include_pad`). A NaN makes its windows NaN.

mod examples;
mod kernels;
mod sizes;

use crate::device::Arg;
use crate::error::{Error, Result};
use crate::launch::elementwise;
use crate::op::Op;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
use examples::{backward_job, cases, forward_job, workloads};
pub use kernels::{MAX_BACKWARD, MAX_FORWARD};
pub(crate) use kernels::{defines, threads, vector};
pub use sizes::Sizes;

/// Its entry.
pub static OP: Op = Op {
    cases,
    workloads,
    ladders: || vec![MAX_FORWARD.summary("max_pool", forward_job), MAX_BACKWARD.summary("max_pool", backward_job)],
    ..Op::named("pool")
};

/// Which pixels are pooled together: rows, then columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Pixels from one window to the next; windows overlap where it is below the size.
    pub stride: [usize; 2],
    /// Pixels added on either side of the image, at most half the size: −∞ or zeros, as the op says.
    pub padding: [usize; 2],
}

/// The maximum of each window.
///
/// # Errors
/// Another rank than 4, a window that does not fit, padding over half of it, more than 256 taps.
pub fn max_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    let sizes = Sizes::of("max_pool", x, window)?;
    if window.size[0].saturating_mul(window.size[1]) > 256 {
        // Which tap held the maximum is kept in a byte.
        return Err(Error::shape("max_pool", format!("a window of {:?} has more than 256 taps", window.size)));
    }
    let y = Tensor::empty(x.device(), sizes.output(), x.dtype())?;
    let taps = if tape.needs(x) { Some(Tensor::empty(x.device(), sizes.output(), DType::U8)?) } else { None };
    let taps_arg = taps.as_ref().map_or(Arg::Ptr(0), Tensor::arg);
    kernels::max_pool(&MAX_FORWARD, &sizes, &y, &[y.arg(), taps_arg, x.arg()])?;
    if let Some(taps) = taps {
        let input = x.clone();
        tape.record("max_pool", &[x], &y, move |dy, gradients| {
            let dx = elementwise::like(&input)?;
            kernels::max_pool(&MAX_BACKWARD, &sizes, &dx, &[dx.arg(), dy.arg(), taps.arg()])?;
            gradients.add(&input, dx)
        });
    }
    Ok(y)
}

/// The mean of each window; padding counts as zeros.
///
/// # Errors
/// Another rank than 4, a window that does not fit, padding over half of it.
pub fn avg_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    let sizes = Sizes::of("avg_pool", x, window)?;
    let scale = 1.0 / (window.size[0] * window.size[1]) as f32;
    let y = Tensor::empty(x.device(), sizes.output(), x.dtype())?;
    kernels::vectorized(&sizes, &y, "avg_pool_forward", &[y.arg(), x.arg()], &[scale.into()])?;
    let input = x.clone();
    tape.record("avg_pool", &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        kernels::vectorized(&sizes, &dx, "avg_pool_backward", &[dx.arg(), dy.arg()], &[scale.into()])?;
        gradients.add(&input, dx)
    });
    Ok(y)
}

/// The mean over all pixels: `[N, H, W, C]` to `[N, C]`.
///
/// # Errors
/// Another rank than 4, an image without pixels.
pub fn global_avg_pool(tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
    let &[n, h, w, c] = x.shape().dims() else {
        return Err(Error::shape("global_avg_pool", format!("{} is not [N, H, W, C]", x.shape())));
    };
    // One window, as large as the image.
    avg_pool(tape, x, Window { size: [h, w], stride: [1, 1], padding: [0, 0] })?.reshape([n, c])
}
