//! The three products of a convolution, and what they differ in.

use super::Sizes;
use super::ladders::{self, Run};
use crate::device::{Arg, Target};
use crate::error::Result;
use crate::launch::Args;
use crate::launch::ladder::Ladder;
use crate::launch::tile::{Tile, access, access_whole};
use crate::tensor::{DType, Tensor};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// y from x and the filters.
    Forward,
    /// The gradient of x from that of y and the filters.
    Input,
    /// The gradient of the filters from that of y and x.
    Filter,
}

impl Direction {
    /// Its kernels.
    pub(super) fn ladder(self) -> &'static Ladder<Sizes, Run> {
        match self {
            Self::Forward => &ladders::FORWARD,
            Self::Input => &ladders::INPUT,
            Self::Filter => &ladders::FILTER,
        }
    }

    /// The shapes of the two operands.
    pub(super) fn operands(self, sizes: &Sizes) -> [[usize; 4]; 2] {
        let (x, filters, y) = shapes(sizes);
        match self {
            Self::Forward => [x, filters],
            Self::Input => [y, filters],
            Self::Filter => [y, x],
        }
    }

    /// The shape of the result.
    pub(super) fn result(self, sizes: &Sizes) -> [usize; 4] {
        let (x, filters, y) = shapes(sizes);
        match self {
            Self::Forward => y,
            Self::Input => x,
            Self::Filter => filters,
        }
    }

    /// The result (of each group) as a matrix product: its rows, its columns, and the products in each sum.
    pub(super) fn product(self, sizes: &Sizes) -> [usize; 3] {
        let &Sizes { n, h, w, r, s, .. } = sizes;
        let (c, k) = (sizes.channels(), sizes.group_filters());
        match self {
            Self::Forward => [sizes.pixels(), k, sizes.depth()],
            Self::Input => [n * h * w, c, r * s * k],
            Self::Filter => [k, sizes.depth(), sizes.pixels()],
        }
    }

    /// Rows and columns as they lie along the grid's x and y axes. Of the filters' gradient the taps are along x.
    pub(super) fn along_grid<T>(self, rows: T, columns: T) -> [T; 2] {
        if self == Self::Filter { [columns, rows] } else { [rows, columns] }
    }

    /// The block tile for a product of this size.
    pub(super) fn tile(self, target: Target, [rows, columns, depth]: [usize; 3]) -> Tile {
        let pick = if self == Self::Filter { Tile::pick_for_filters } else { Tile::pick };
        pick(target, rows, columns, depth)
    }

    /// Floats per access of the left and of the right operand. What walks over taps must not pass the end of a pixel.
    pub(super) fn accesses(self, target: Target, sizes: &Sizes) -> [usize; 2] {
        let &Sizes { c, k, .. } = sizes;
        match self {
            Self::Forward => [access_whole(target, c), access(target, k)],
            Self::Input => [access_whole(target, k), access(target, c)],
            Self::Filter => [access(target, k), access_whole(target, c)],
        }
    }
}

fn shapes(sizes: &Sizes) -> ([usize; 4], [usize; 4], [usize; 4]) {
    let &Sizes { n, h, w, c, k, r, s, p, q, .. } = sizes;
    ([n, h, w, c], [k, r, s, sizes.channels()], [n, p, q, k])
}

/// The result in this direction, by the rung that is chosen; `bias` has one value per filter and is added to y.
pub(super) fn compute(
    direction: Direction,
    sizes: &Sizes,
    operands: [&Tensor; 2],
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let rung = direction.ladder().pick(operands[0].device(), sizes, operands[0].dtype());
    (rung.run)(rung.file, &Pass { direction, sizes, operands, bias })
}

/// One product to compute.
pub struct Pass<'a> {
    pub(super) direction: Direction,
    pub(super) sizes: &'a Sizes,
    /// See [`Direction`].
    pub(super) operands: [&'a Tensor; 2],
    pub(super) bias: Option<&'a Tensor>,
}

impl Pass<'_> {
    /// The type of its tensors, the result among them.
    pub(super) fn element(&self) -> DType {
        self.operands[0].dtype()
    }

    /// An uninitialized result.
    pub(super) fn result(&self) -> Result<Tensor> {
        Tensor::empty(self.operands[0].device(), self.direction.result(self.sizes), self.element())
    }

    /// The kernel that computes it, where one does.
    pub(super) fn entry(&self) -> &'static str {
        self.direction.ladder().name
    }

    /// What its kernels take: the result, the left operand, `right`, in the forward pass the bias, and the sizes, of whose
    /// depth a block takes `split`.
    pub(super) fn args(&self, result: &Tensor, right: &Tensor, split: usize) -> Args {
        let mut args = Args::of([&[result.arg(), self.operands[0].arg(), right.arg()]]);
        if self.direction == Direction::Forward {
            args.extend(&[self.bias.map_or(Arg::Ptr(0), Tensor::arg)]);
        }
        args.extend(&[self.sizes.arg(split)]);
        args
    }
}
