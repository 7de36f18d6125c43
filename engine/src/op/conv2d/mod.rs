//! Two-dimensional convolution (cross-correlation, as in every deep-learning library).
//!
//! `y[n,p,q,k] = bias[k] + Σ_{r,s,c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k,r,s,c]`
//!
//! In groups, filters `i·K/G … (i+1)·K/G − 1` see channels `i·C/G … (i+1)·C/G − 1` alone, for each of G groups i; with as many
//! groups as channels the convolution is depthwise.
//!
//! With g the gradient of y: dx gathers g through the filters turned around, df correlates g with x, and the gradient
//! of the bias is the sum of g over all pixels. Each of the three products has a ladder of kernels; their launches are
//! written once, for any [`Direction`].

mod direction;
mod examples;
mod im2col;
mod ladders;
mod launches;
mod sizes;
mod winograd;

use crate::error::Result;
use crate::op::{Op, reduce};
use crate::tape::Tape;
use crate::tensor::Tensor;
use direction::{Direction, compute};
use examples::{cases, job, workloads};

pub use sizes::Sizes;

/// Its entry.
pub static OP: Op = Op {
    cases,
    workloads,
    ladders: || {
        vec![
            ladders::FORWARD
                .summary("conv2d", |device, problem, element| job(Direction::Forward, device, problem, element)),
            ladders::INPUT
                .summary("conv2d", |device, problem, element| job(Direction::Input, device, problem, element)),
            ladders::FILTER
                .summary("conv2d", |device, problem, element| job(Direction::Filter, device, problem, element)),
        ]
    },
    // Every tile for pixels whose channels whole accesses divide and for others; then every tile of Winograd's.
    sizes: &[
        ("conv2d", &[&[1], &[2], &[2], CHANNELS, CHANNELS, &[1], &[1], &[1]]),
        ("conv2d_strided", &[&[1], &[2], &[2], CHANNELS, CHANNELS, &[1], &[1], &[2]]),
        ("conv2d", &[&[1], &[4], &[4], &[32, 64, 128], &[32, 64, 128], &[3], &[3], &[1]]),
    ],
    ..Op::named("conv2d")
};

const CHANNELS: &[usize] = &[31, 32, 63, 64, 127, 128];

/// How the filter moves over the image: `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dParams {
    /// Input pixels from one output pixel to the next; at least 1.
    pub stride: [usize; 2],
    /// Pixels of zeros on either side of the image.
    pub padding: [usize; 2],
    /// Input pixels from one filter tap to the next; 1 is a filter without gaps.
    pub dilation: [usize; 2],
    /// Into how many groups channels and filters are divided, which do not see each other; 1 is a convolution of all.
    pub groups: usize,
}

impl Conv2dParams {
    /// The same in both directions, no dilation, one group.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2], groups: 1 }
    }
}

/// Convolves `x [N, H, W, C]` with `filters [K, R, S, C / groups]` and adds `bias [K]`: `[N, P, Q, K]` with
/// `P = ⌊(H + 2·padding − dilation·(R − 1) − 1) / stride⌋ + 1`, `Q` likewise.
///
/// # Errors
/// Ranks other than 4, channel counts that differ, a stride or dilation of 0, a filter larger than the padded image, groups that
/// do not divide channels and filters.
pub fn conv2d(
    tape: &mut Tape,
    x: &Tensor,
    filters: &Tensor,
    bias: Option<&Tensor>,
    params: Conv2dParams,
) -> Result<Tensor> {
    let sizes = Sizes::of(x, filters, bias, params)?;
    let y = compute(Direction::Forward, &sizes, [x, filters], bias)?;
    let (input, weights, offset) = (x.clone(), filters.clone(), bias.cloned());
    let inputs = [x, filters, bias.unwrap_or(x)];
    tape.record("conv2d", &inputs[..2 + usize::from(bias.is_some())], &y, move |dy, gradients| {
        if gradients.needs(&input) {
            gradients.add(&input, compute(Direction::Input, &sizes, [dy, &weights], None)?)?;
        }
        if gradients.needs(&weights) {
            gradients.add(&weights, compute(Direction::Filter, &sizes, [dy, &input], None)?)?;
        }
        match &offset {
            Some(bias) if gradients.needs(bias) => {
                gradients.add(bias, reduce::column_sums(dy, sizes.pixels(), sizes.k)?)
            }
            _ => Ok(()),
        }
    });
    Ok(y)
}
