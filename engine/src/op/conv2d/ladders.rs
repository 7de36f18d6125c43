//! The ladders of the three directions.

use super::direction::Pass;
use super::launches::{by_residue, classes, direct, scalar, split_k, squares, vectors};
use super::{Sizes, im2col, winograd};
use crate::error::Result;
use crate::launch::ladder::{Ladder, Rung};
use crate::tensor::Tensor;

/// What launches a rung's kernels: from its file and what is to be computed, the result.
pub type Run = fn(&'static str, &Pass) -> Result<Tensor>;

/// The kernels of the forward pass.
pub static FORWARD: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_forward",
    rungs: &[
        Rung::new("conv2d/forward/1_direct.cu", direct),
        Rung::new("conv2d/forward/2_im2col.cu", im2col::forward),
        Rung::new("conv2d/forward/3_implicit_gemm.cu", squares),
        Rung::new("conv2d/forward/4_register_tile.cu", scalar),
        Rung::new("conv2d/forward/5_vectorized.cu", vectors),
        Rung::new("conv2d/forward/6_split_k.cu", split_k),
        winograd_2x2("conv2d/forward/7_winograd_2x2.cu", winograd::forward),
        winograd_4x4("conv2d/forward/8_winograd_4x4.cu", winograd::forward),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(5),
};

/// The kernels of the gradient of the input.
pub static INPUT: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_input",
    rungs: &[
        Rung::new("conv2d/backward_input/1_direct.cu", direct),
        Rung::new("conv2d/backward_input/2_col2im.cu", im2col::input_gradient),
        Rung::new("conv2d/backward_input/3_implicit_gemm.cu", squares),
        Rung::new("conv2d/backward_input/4_register_tile.cu", scalar),
        Rung::new("conv2d/backward_input/5_vectorized.cu", vectors),
        Rung::new("conv2d/backward_input/6_split_k.cu", split_k),
        winograd_2x2("conv2d/backward_input/7_winograd_2x2.cu", winograd::input_gradient),
        winograd_4x4("conv2d/backward_input/8_winograd_4x4.cu", winograd::input_gradient),
        Rung::new("conv2d/backward_input/9_by_residue.cu", by_residue as Run)
            .only(|sizes| classes(sizes) > 1)
            .shown_by("conv2d_strided"),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(if classes(sizes) > 1 { 9 } else { 5 }),
};

/// The kernels of the gradient of the filters.
pub static FILTER: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_filter",
    rungs: &[
        Rung::new("conv2d/backward_filter/1_direct.cu", direct),
        // The patches are the forward pass's.
        Rung::new("conv2d/forward/2_im2col.cu", im2col::filter_gradient),
        Rung::new("conv2d/backward_filter/3_implicit_gemm.cu", squares),
        Rung::new("conv2d/backward_filter/4_register_tile.cu", scalar),
        Rung::new("conv2d/backward_filter/5_vectorized.cu", vectors),
        Rung::new("conv2d/backward_filter/6_split_k.cu", split_k),
        winograd_2x2("conv2d/backward_filter/7_winograd_2x2.cu", winograd::filter_gradient),
        winograd_4x4("conv2d/backward_filter/8_winograd_4x4.cu", winograd::filter_gradient),
    ],
    default: |_, sizes| winograd::best(sizes).unwrap_or(6),
};

const fn winograd_2x2(file: &'static str, run: Run) -> Rung<Sizes, Run> {
    Rung::new(file, run).only(winograd::can)
}

const fn winograd_4x4(file: &'static str, run: Run) -> Rung<Sizes, Run> {
    winograd_2x2(file, run).rounding(winograd::ROUNDING)
}
