//! Two-dimensional convolution (cross-correlation, as in every deep-learning library).
//!
//! `y[n,p,q,k] = bias[k] + Σ_{r,s,c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k,r,s,c]`
//!
//! With g the gradient of y: dx gathers g through the filters turned around, df correlates g with x, and the gradient
//! of the bias is the sum of g over all pixels. Each of the three has a ladder of kernels: [`forward`],
//! [`input_gradient`], [`filter_gradient`].

mod cases;
mod filter_gradient;
mod forward;
mod im2col;
mod input_gradient;
mod launches;
mod sizes;
mod winograd;

pub use cases::{cases, workloads};
pub use sizes::Sizes;

use std::collections::BTreeSet;

use crate::device::Target;
use crate::error::Result;
use crate::op::tile::Tile;
use crate::op::{Variant, ladder, reduce};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// How the filter moves over the image: `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Steps {
    /// Input pixels from one output pixel to the next; at least 1.
    pub stride: [usize; 2],
    /// Pixels of zeros on either side of the image.
    pub padding: [usize; 2],
    /// Input pixels from one filter tap to the next; 1 is a filter without gaps.
    pub dilation: [usize; 2],
}

impl Steps {
    /// Equal steps in both directions, no dilation.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2] }
    }
}

/// Convolves `x [N, H, W, C]` with `filters [K, R, S, C]` and adds `bias [K]`: `[N, P, Q, K]` with
/// `P = ⌊(H + 2·padding − dilation·(R − 1) − 1) / stride⌋ + 1`, `Q` likewise.
///
/// # Errors
/// Ranks other than 4, channel counts that differ, a stride or dilation of 0, a filter larger than the padded image.
pub fn conv2d(tape: &mut Tape, x: &Tensor, filters: &Tensor, bias: Option<&Tensor>, steps: Steps) -> Result<Tensor> {
    let sizes = Sizes::of(x, filters, bias, steps)?;
    let y = forward::run(&sizes, x, filters, bias)?;
    let (input, weights, offset) = (x.clone(), filters.clone(), bias.cloned());
    let inputs: Vec<&Tensor> = [x, filters].into_iter().chain(bias).collect();
    tape.record(&inputs, &y, move |dy, gradients| {
        if gradients.needs(&input) {
            gradients.add(&input, input_gradient::run(&sizes, dy, &weights)?)?;
        }
        if gradients.needs(&weights) {
            gradients.add(&weights, filter_gradient::run(&sizes, dy, &input)?)?;
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

/// The three ladders.
pub fn ladders() -> Vec<ladder::Summary> {
    vec![
        forward::LADDER.summary("conv2d", forward::job),
        input_gradient::LADDER.summary("conv2d", input_gradient::job),
        filter_gradient::LADDER.summary("conv2d", filter_gradient::job),
    ]
}

/// What a GPU compiles: every tile, from rung 5 on with whole and with single accesses.
pub fn variants() -> Vec<Variant> {
    let files = |numbers: &'static [u32]| {
        let of = |ladder: ladder::Summary| ladder.numbers().zip(ladder.files.clone()).collect::<Vec<_>>();
        let files = ladders().into_iter().flat_map(of).filter(|(number, _)| numbers.contains(number));
        // Two ladders share a file.
        files.map(|(_, file)| file).collect::<BTreeSet<_>>()
    };
    let mut variants = vec![launches::transpose(Target::Cuda)];
    variants.extend(files(&[1, 2]).into_iter().map(launches::simple));
    variants.extend(files(&[3]).into_iter().map(launches::square));
    for columns in [32, 64, 128] {
        let tile = Tile::pick(Target::Cuda, 128, columns, 128);
        let low = Tile::pick_for_filters(Target::Cuda, 64, columns, 128);
        variants.extend(files(&[4]).into_iter().map(|file| launches::scalar(file, tile)));
        variants.push(launches::scalar(filter_gradient::SCALAR, low));
        for (even, other) in [(64, 64), (3, 64), (64, 3), (3, 3)] {
            variants.extend(forward::variants(tile, even, other));
            variants.extend(input_gradient::variants(tile, even, other));
            variants.extend([tile, low].into_iter().flat_map(|tile| filter_gradient::variants(tile, even, other)));
        }
        variants.extend(files(&[7, 8]).into_iter().map(|file| winograd::on_gpu(file, tile)));
        variants.extend(filter_gradient::WINOGRAD.map(|file| winograd::on_gpu(file, low)));
    }
    variants
}
