//! Launches that the rungs of the three ladders share.

use super::Sizes;
use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::Result;
use crate::op::tile::Tile;
use crate::op::{Variant, dimension, launch, reduce};
use crate::tensor::{DType, Tensor};

/// Threads per block where each works for itself.
const THREADS: usize = 256;
/// Elements along a side of rung 3's tiles, of which each thread has one.
const SIDE: usize = 16;

/// A file of rung 1 or 2: a thread for each element, the same on every device.
pub(super) fn simple(file: &'static str) -> Variant {
    Variant { file, defines: Defines::new().with("THREADS", THREADS) }
}

/// A file of rung 3: small square tiles, the same on every device.
pub(super) fn square(file: &'static str) -> Variant {
    Variant { file, defines: Defines::new().with("TILE", SIDE).with("THREADS", SIDE * SIDE) }
}

/// A file of rung 4: block tiles, fetched float by float.
pub(super) fn scalar(file: &'static str, tile: Tile) -> Variant {
    Variant { file, defines: tile.defines() }
}

/// Launches a kernel of a [`simple`] file for `elements` elements.
pub(super) fn each(device: &Device, file: &'static str, entry: &str, elements: usize, args: &[Arg]) -> Result<()> {
    launch(device, &simple(file), entry, Geometry::linear(elements.div_ceil(THREADS), THREADS), args)
}

/// Launches a kernel of a [`square`] file for a product whose sides along the grid are `x` and `y`.
pub(super) fn squares(
    device: &Device,
    file: &'static str,
    entry: &str,
    [x, y]: [usize; 2],
    args: &[Arg],
) -> Result<()> {
    let grid = Geometry::grid(x.div_ceil(SIDE), y.div_ceil(SIDE), 1, SIDE * SIDE);
    launch(device, &square(file), entry, grid, args)
}

/// How much of sums of `depth` products each block takes where there are `tiles` of them: enough blocks to keep a machine
/// busy, but not so many that adding the partial results costs more than it saves, at least eight steps of the tile each.
///
/// Where a sum is cut decides its last bits. So the number of blocks is one for each kind of device, never that of the
/// units that happen to be there: the same seed gives the same bits on any number of cores.
pub(super) fn split(target: Target, tile: Tile, tiles: usize, depth: usize) -> usize {
    let blocks: usize = match target {
        // Four for each of the 132 multiprocessors of a Hopper GPU.
        Target::Cuda => 528,
        // Two for each of 16 cores.
        Target::Host { .. } => 32,
    };
    let wanted = blocks.div_ceil(tiles);
    let most = depth.div_ceil(8 * tile.bk);
    depth.div_ceil(wanted.clamp(1, most)).next_multiple_of(tile.bk)
}

/// The block tiles of a product, from rung 4 on.
pub(super) struct Tiles {
    pub tile: Tile,
    /// Along the grid.
    x: usize,
    y: usize,
    depth: usize,
    /// How much of the depth a block takes.
    split: usize,
}

impl Tiles {
    /// `x` × `y` tiles along the grid, each of sums of `depth` products.
    pub fn new(tile: Tile, [x, y]: [usize; 2], depth: usize) -> Self {
        Self { tile, x, y, depth, split: depth }
    }

    /// Splits the depth among blocks, see [`split`].
    pub fn split(self, target: Target) -> Self {
        Self { split: split(target, self.tile, self.x * self.y, self.depth), ..self }
    }

    /// Runs a kernel whose arguments are the result, `inputs` and the sizes; adds up the splits in order.
    pub fn run(
        &self,
        device: &Device,
        variant: &Variant,
        entry: &str,
        sizes: &Sizes,
        shape: [usize; 4],
        inputs: &[Arg],
    ) -> Result<Tensor> {
        let (elements, splits) = (shape.iter().product(), self.depth.div_ceil(self.split));
        let partial = Tensor::empty(device, [splits, elements], DType::F32)?;
        let args = [&[partial.arg()], inputs, &[sizes.arg(self.split)]].concat();
        launch(device, variant, entry, Geometry::grid(self.x, self.y, splits, self.tile.threads()), &args)?;
        let sum = if splits == 1 { partial } else { reduce::sum_slabs(&partial, splits, elements)? };
        sum.reshape(shape)
    }
}

/// Elements along a side of the pieces in which filters are transposed.
const PIECE: usize = 32;

/// Filters `[k, r, s, c]` as the right operand of the forward product, `[r·s·c, k]`.
pub(super) fn transposed(sizes: &Sizes, filters: &Tensor) -> Result<Tensor> {
    let (device, k, depth) = (filters.device(), sizes.k, sizes.depth());
    let variant = transpose(device.target());
    let to = Tensor::empty(device, [depth, k], DType::F32)?;
    let grid = Geometry::grid(depth.div_ceil(PIECE), k.div_ceil(PIECE), 1, variant.defines.get("THREADS"));
    launch(device, &variant, "filters_transpose", grid, &[to.arg(), filters.arg(), dimension(k)?, dimension(depth)?])?;
    Ok(to)
}

/// The kernel for it.
pub(super) fn transpose(target: Target) -> Variant {
    let (vec, threads) = match target {
        Target::Cuda => (1, THREADS),
        Target::Host { lanes } => (lanes, 1),
    };
    let defines = Defines::new().with("TILE", PIECE).with("VEC", vec).with("THREADS", threads);
    Variant { file: "conv2d/transpose/1_tiled.cu", defines }
}
