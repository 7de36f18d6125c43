//! The ladders of the three directions.

use super::direction::{Direction, Pass};
use super::launches::{by_residue, classes, direct, few_groups, scalar, split_k, squares, ungrouped, vectors};
use super::{Sizes, im2col, winograd};
use crate::device::Target;
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
        whole("conv2d/forward/2_im2col.cu", im2col::forward),
        Rung::new("conv2d/forward/3_implicit_gemm.cu", squares as Run).only(few_groups),
        whole("conv2d/forward/4_register_tile.cu", scalar),
        whole("conv2d/forward/5_vectorized.cu", vectors),
        whole("conv2d/forward/6_split_k.cu", split_k),
        winograd_2x2("conv2d/forward/7_winograd_2x2.cu", winograd::forward),
        winograd_4x4("conv2d/forward/8_winograd_4x4.cu", winograd::forward),
    ],
    default: |target, sizes| grouped(target, sizes, Direction::Forward).or(winograd::best(sizes)).unwrap_or(5),
};

/// The kernels of the gradient of the input.
pub static INPUT: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_input",
    rungs: &[
        Rung::new("conv2d/backward_input/1_direct.cu", direct),
        whole("conv2d/backward_input/2_col2im.cu", im2col::input_gradient),
        Rung::new("conv2d/backward_input/3_implicit_gemm.cu", squares as Run).only(few_groups),
        whole("conv2d/backward_input/4_register_tile.cu", scalar),
        whole("conv2d/backward_input/5_vectorized.cu", vectors),
        whole("conv2d/backward_input/6_split_k.cu", split_k),
        winograd_2x2("conv2d/backward_input/7_winograd_2x2.cu", winograd::input_gradient),
        winograd_4x4("conv2d/backward_input/8_winograd_4x4.cu", winograd::input_gradient),
        Rung::new("conv2d/backward_input/9_by_residue.cu", by_residue as Run)
            .only(|sizes| classes(sizes) > 1 && ungrouped(sizes))
            .shown_by("conv2d_strided"),
    ],
    default: |target, sizes| {
        let otherwise = if classes(sizes) > 1 { 9 } else { 5 };
        grouped(target, sizes, Direction::Input).or(winograd::best(sizes)).unwrap_or(otherwise)
    },
};

/// The kernels of the gradient of the filters.
pub static FILTER: Ladder<Sizes, Run> = Ladder {
    name: "conv2d_backward_filter",
    rungs: &[
        Rung::new("conv2d/backward_filter/1_direct.cu", direct),
        // The patches are the forward pass's.
        whole("conv2d/forward/2_im2col.cu", im2col::filter_gradient),
        Rung::new("conv2d/backward_filter/3_implicit_gemm.cu", squares as Run).only(few_groups),
        whole("conv2d/backward_filter/4_register_tile.cu", scalar),
        whole("conv2d/backward_filter/5_vectorized.cu", vectors),
        whole("conv2d/backward_filter/6_split_k.cu", split_k),
        winograd_2x2("conv2d/backward_filter/7_winograd_2x2.cu", winograd::filter_gradient),
        winograd_4x4("conv2d/backward_filter/8_winograd_4x4.cu", winograd::filter_gradient),
    ],
    default: |target, sizes| grouped(target, sizes, Direction::Filter).or(winograd::best(sizes)).unwrap_or(6),
};

/// Those that take a convolution as one product, without groups.
const fn whole(file: &'static str, run: Run) -> Rung<Sizes, Run> {
    Rung::new(file, run).only(ungrouped)
}

/// The rung for a convolution of several groups. On a CPU the definition, whose threads wait for nobody. A GPU's tiles are worth
/// their while where a group has enough of what lies along their columns, and for the gradient of the filters, of which there are
/// too few elements to have a thread each. (No GPU timed it yet.)
fn grouped(target: Target, sizes: &Sizes, direction: Direction) -> Option<u32> {
    let [_, columns, _] = direction.product(sizes);
    let tiles = target == Target::Cuda && few_groups(sizes) && (direction == Direction::Filter || columns >= 8);
    (!ungrouped(sizes)).then_some(if tiles { 3 } else { 1 })
}

const fn winograd_2x2(file: &'static str, run: Run) -> Rung<Sizes, Run> {
    Rung::new(file, run).only(winograd::can)
}

const fn winograd_4x4(file: &'static str, run: Run) -> Rung<Sizes, Run> {
    winograd_2x2(file, run).rounding(winograd::ROUNDING)
}
