//! Pooling of images `[N, H, W, C]` over windows of pixels.
//!
//! - `max_pool`: y = the maximum of the window; dx is dy at the window's first maximum, summed over windows
//! - `avg_pool`: y = Σ window / (taps of the window); dx = Σ dy / taps over the windows that cover a pixel
//! - `avg_pool_inside`: the same of the taps that lie on the image
//! - `global_avg_pool`: the mean over all pixels
//!
//! The output has ⌊(H + 2 · padding − reach) / stride⌋ + 1 rows, where a window reaches over dilation · (size − 1) + 1 of them.
//! Rounded up, it has one more if something is left of the image that a window can begin in (PyTorch's `ceil_mode`). Padding is
//! −∞ for the maximum and zeros for the average, which counts them (PyTorch's `count_include_pad`), but not what a window has
//! beyond the padding. A NaN makes its windows NaN.

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
    /// Pixels from one tap to the next; 1 is a window without gaps, and the only one of means.
    pub dilation: [usize; 2],
    /// Whether a last window that begins in the image may end behind it.
    pub ceil: bool,
}

impl Window {
    /// One without gaps, none of which end behind the padding.
    pub const fn new(size: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        Self { size, stride, padding, dilation: [1; 2], ceil: false }
    }

    /// Rows (or columns) of what it makes of images with `length` of them; none if it is larger than the padded image. `d` is 0
    /// for rows, 1 for columns.
    pub fn extent(&self, length: usize, d: usize) -> Option<usize> {
        let padded = length.checked_add(self.padding[d].checked_mul(2)?)?;
        let room = padded.checked_sub(self.reach(d)?)?;
        let whole = room / self.stride[d] + 1;
        let next = whole.checked_mul(self.stride[d])?;
        let more = self.ceil && !room.is_multiple_of(self.stride[d]) && next < length + self.padding[d];
        Some(whole + usize::from(more))
    }

    /// From its first to its last row (or column).
    fn reach(&self, d: usize) -> Option<usize> {
        self.size[d].checked_sub(1)?.checked_mul(self.dilation[d])?.checked_add(1)
    }
}

/// The most pixels of a window of [`max_pool`]: which of them held the maximum is kept in a byte.
pub const TAPS: usize = 256;

/// The maximum of each window.
///
/// # Errors
/// Another rank than 4, a window that does not fit, padding over half of it, more than [`TAPS`], gaps wider than the image.
pub fn max_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    let sizes = Sizes::of("max_pool", x, window)?;
    if window.size[0].saturating_mul(window.size[1]) > TAPS {
        return Err(Error::shape("max_pool", format!("a window of {:?} has more than {TAPS} taps", window.size)));
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
/// Another rank than 4, a window that does not fit or has gaps, padding over half of it.
pub fn avg_pool(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    average("avg_pool", tape, x, window, true)
}

/// The mean of what each window has on the image: PyTorch's `count_include_pad=False`.
///
/// # Errors
/// Those of [`avg_pool`].
pub fn avg_pool_inside(tape: &mut Tape, x: &Tensor, window: Window) -> Result<Tensor> {
    average("avg_pool_inside", tape, x, window, false)
}

fn average(op: &'static str, tape: &mut Tape, x: &Tensor, window: Window, padding_counts: bool) -> Result<Tensor> {
    if window.dilation != [1, 1] {
        let what = format!("dilation {:?}: the mean is of windows without gaps", window.dilation);
        return Err(Error::shape(op, what));
    }
    let sizes = Sizes::of(op, x, window)?;
    let scale = 1.0 / (window.size[0] * window.size[1]) as f32;
    let alike = (padding_counts || window.padding == [0, 0]) && !sizes.ends_behind();
    let by_window = (!alike).then_some(padding_counts);
    let y = Tensor::empty(x.device(), sizes.output(), x.dtype())?;
    kernels::avg_pool(&sizes, &y, "avg_pool_forward", &[y.arg(), x.arg()], scale, by_window)?;
    let input = x.clone();
    tape.record(op, &[x], &y, move |dy, gradients| {
        let dx = elementwise::like(&input)?;
        kernels::avg_pool(&sizes, &dx, "avg_pool_backward", &[dx.arg(), dy.arg()], scale, by_window)?;
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
    avg_pool(tape, x, Window::new([h, w], [1, 1], [0, 0]))?.reshape([n, c])
}
