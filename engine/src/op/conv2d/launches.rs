//! Launches that the rungs of the three ladders share, written once for all directions.

use super::Sizes;
use super::direction::{Direction, Pass};
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::Result;
use crate::launch::tile::Tile;
use crate::launch::{Variant, dimension, launch};
use crate::op::reduce;
use crate::tensor::{DType, Tensor};

/// Threads per block where each works for itself.
const THREADS: usize = 256;
/// Elements along a side of rung 3's tiles, of which each thread has one.
const SIDE: usize = 16;

/// Launches `entry` of a file of rung 1 or 2 with a thread for each of `elements` of `result`.
pub(super) fn each(
    result: &Tensor,
    elements: usize,
    file: &'static str,
    entry: &str,
    sizes: &Sizes,
    args: &[Arg],
) -> Result<()> {
    let defines = in_groups(Defines::of([("THREADS", THREADS)]), sizes);
    let variant = Variant::new(file, defines, result.dtype());
    launch(result.device(), &variant, entry, Geometry::linear(elements.div_ceil(THREADS), THREADS), args)
}

/// A thread for each element.
pub(super) fn direct(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let result = pass.result()?;
    each(&result, result.elements(), file, pass.entry(), pass.sizes, &pass.args(&result, pass.operands[1], 0))?;
    Ok(result)
}

/// A convolution without groups has none of them compiled in: its kernels are the same text as if there were none.
fn in_groups(defines: Defines, sizes: &Sizes) -> Defines {
    match sizes.params.groups {
        1 => defines,
        groups => defines.with("GROUPS", groups),
    }
}

/// Whether filters see all channels, which most rungs take for granted.
pub(super) fn ungrouped(sizes: &Sizes) -> bool {
    sizes.params.groups == 1
}

/// Whether groups fit along the z axis, of which there are at most 65535.
pub(super) fn few_groups(sizes: &Sizes) -> bool {
    sizes.params.groups < 65536
}

/// Small square tiles, the same on every device, a thread for each element; blocks along the z axis for each group.
pub(super) fn squares(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let (result, right) = (pass.result()?, right(pass)?);
    let args = pass.args(&result, &right, 0);
    let defines = in_groups(Defines::of([("TILE", SIDE), ("THREADS", SIDE * SIDE)]), pass.sizes);
    let variant = Variant::new(file, defines, pass.element());
    let [rows, columns, _] = pass.direction.product(pass.sizes);
    let [x, y] = pass.direction.along_grid(rows, columns).map(|side| side.div_ceil(SIDE));
    launch(
        result.device(),
        &variant,
        pass.entry(),
        Geometry::grid(x, y, pass.sizes.params.groups, SIDE * SIDE),
        &args,
    )?;
    Ok(result)
}

/// Block tiles, fetched float by float.
pub(super) fn scalar(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let tiles = Tiles::of(pass);
    tiles.run(Variant::new(file, tiles.tile.defines(), pass.element()), pass)
}

/// Block tiles, fetched vector by vector.
pub(super) fn vectors(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let tiles = Tiles::of(pass);
    tiles.run(vectorized(file, tiles.tile, pass), pass)
}

/// The same, their depth split among blocks.
pub(super) fn split_k(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let tiles = Tiles::of(pass).split(pass.operands[0].device().target());
    tiles.run(vectorized(file, tiles.tile, pass), pass)
}

/// Residue classes of input pixels: blocks along the z axis, of which there are at most 65535.
pub(super) fn classes(sizes: &Sizes) -> usize {
    let [vertical, horizontal] = sizes.params.stride;
    if vertical.saturating_mul(horizontal) < 65536 { vertical * horizontal } else { 1 }
}

/// Block tiles of the input pixels of one residue class × channels.
pub(super) fn by_residue(file: &'static str, pass: &Pass) -> Result<Tensor> {
    let ([dy, filters], sizes) = (pass.operands, pass.sizes);
    let (device, [vertical, horizontal]) = (dy.device(), sizes.params.stride);
    // The largest class.
    let rows = sizes.n * sizes.h.div_ceil(vertical) * sizes.w.div_ceil(horizontal);
    let taps = sizes.r.div_ceil(vertical) * sizes.s.div_ceil(horizontal);
    let tile = pass.direction.tile(device.target(), [rows, sizes.c, taps * sizes.k]);
    let dx = pass.result()?;
    let grid = Geometry::grid(rows.div_ceil(tile.bm), sizes.c.div_ceil(tile.bn), classes(sizes), tile.threads());
    let args = pass.args(&dx, filters, 0);
    launch(device, &vectorized(file, tile, pass), pass.entry(), grid, &args)?;
    Ok(dx)
}

fn vectorized(file: &'static str, tile: Tile, pass: &Pass) -> Variant {
    let [a, b] = pass.direction.accesses(pass.operands[0].device().target(), pass.sizes);
    Variant::new(file, tile.defines().with("AVEC", a).with("BVEC", b), pass.element())
}

/// The right operand as tiles take it: the forward pass's filters with their taps along the rows.
fn right(pass: &Pass) -> Result<Tensor> {
    match pass.direction {
        Direction::Forward => transposed(pass.sizes, pass.operands[1]),
        Direction::Input | Direction::Filter => Ok(pass.operands[1].clone()),
    }
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
struct Tiles {
    tile: Tile,
    /// Along the grid.
    x: usize,
    y: usize,
    depth: usize,
    /// How much of the depth a block takes.
    split: usize,
}

impl Tiles {
    /// Those of a whole product.
    fn of(pass: &Pass) -> Self {
        let product = pass.direction.product(pass.sizes);
        let tile = pass.direction.tile(pass.operands[0].device().target(), product);
        let [rows, columns, depth] = product;
        let [x, y] = pass.direction.along_grid(rows.div_ceil(tile.bm), columns.div_ceil(tile.bn));
        Self { tile, x, y, depth, split: depth }
    }

    /// Splits the depth among blocks, see [`split`].
    fn split(self, target: Target) -> Self {
        Self { split: split(target, self.tile, self.x * self.y, self.depth), ..self }
    }

    /// Runs the kernel; adds up the splits, which are f32, in order.
    fn run(&self, variant: Variant, pass: &Pass) -> Result<Tensor> {
        let (device, shape) = (pass.operands[0].device(), pass.direction.result(pass.sizes));
        let right = right(pass)?;
        let (elements, splits) = (shape.iter().product(), self.depth.div_ceil(self.split));
        let of_split = if splits == 1 { pass.element() } else { DType::F32 };
        let variant = variant.giving(of_split, pass.element());
        let partial = Tensor::empty(device, [splits, elements], of_split)?;
        let args = pass.args(&partial, &right, self.split);
        let grid = Geometry::grid(self.x, self.y, splits, self.tile.threads());
        launch(device, &variant, pass.entry(), grid, &args)?;
        let sum = match splits {
            1 => partial,
            _ => reduce::sum_slabs(&partial, splits, elements, pass.element())?,
        };
        sum.reshape(shape)
    }
}

/// Elements along a side of the pieces in which filters are transposed.
const PIECE: usize = 32;

/// Filters `[k, r, s, c]` as the right operand of the forward product, `[r·s·c, k]`.
pub(super) fn transposed(sizes: &Sizes, filters: &Tensor) -> Result<Tensor> {
    let (device, k, depth) = (filters.device(), sizes.k, sizes.depth());
    let (vec, threads) = match device.target() {
        Target::Cuda => (1, THREADS),
        Target::Host { lanes } => (lanes, 1),
    };
    let defines = Defines::of([("TILE", PIECE), ("VEC", vec), ("THREADS", threads)]);
    let variant = Variant::new("conv2d/filters_transpose.cu", defines, filters.dtype());
    let to = Tensor::empty(device, [depth, k], filters.dtype())?;
    let grid = Geometry::grid(depth.div_ceil(PIECE), k.div_ceil(PIECE), 1, threads);
    launch(device, &variant, "filters_transpose", grid, &[to.arg(), filters.arg(), dimension(k)?, dimension(depth)?])?;
    Ok(to)
}
