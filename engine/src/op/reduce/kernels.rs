//! The kernels of the two sums, and how each is launched.

use super::{Count, Matrix};
use crate::device::{Defines, Geometry, Target};
use crate::error::Result;
use crate::launch::columns::Columns;
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::{DType, Tensor};

const NAIVE: &str = "reduce/1_naive.cu";
const SHARED_TREE: &str = "reduce/2_shared_tree.cu";
pub(super) const VECTORIZED: &str = "reduce/3_vectorized.cu";

type Sum = fn(&'static str, &Tensor, f32) -> Result<Tensor>;
type SumRows = fn(&'static str, &Tensor, &Matrix) -> Result<Tensor>;

/// The kernels of the sum over everything.
pub static SUM: Ladder<Count, Sum> = Ladder {
    name: "sum_forward",
    rungs: &[
        Rung::new(NAIVE, |file, x, scale| until_one_is_left(file, x, scale, [32, 256 * 32])),
        Rung::new(SHARED_TREE, |file, x, scale| until_one_is_left(file, x, scale, [4096; 2])),
        Rung::new(VECTORIZED, |_, x, scale| in_two_launches(x, scale)),
    ],
    default: |_, _| 3,
};

/// The kernels of the sum over the rows of a matrix.
pub static SUM_ROWS: Ladder<Matrix, SumRows> = Ladder {
    name: "sum_rows_forward",
    rungs: &[
        Rung::new(NAIVE, |file, x, sizes| rows_of_blocks(file, x, sizes, [256, sizes.rows], x.dtype())),
        Rung::new(SHARED_TREE, until_one_row_is_left),
        Rung::new(VECTORIZED, |_, x, sizes| by_slabs(x, sizes)),
    ],
    default: |_, _| 3,
};

/// The type of a launch's sums: that of the result, or f32 where another launch goes on with them.
fn of_sums(last: bool, result: DType) -> DType {
    if last { result } else { DType::F32 }
}

/// Launches that leave one sum of each `span` elements, of which a block takes `block`, until one is left.
fn until_one_is_left(file: &'static str, x: &Tensor, scale: f32, [span, block]: [usize; 2]) -> Result<Tensor> {
    let (to, mut x) = (x.dtype(), x.clone());
    loop {
        let n = x.elements();
        let sums = n.div_ceil(span).max(1);
        let y = Tensor::empty(x.device(), [sums], of_sums(sums == 1, to))?;
        let variant = Variant::new(file, Defines::new(), x.dtype()).giving(y.dtype(), x.dtype());
        let scale = if sums == 1 { scale } else { 1.0 };
        let args = [y.arg(), x.arg(), dimension(n)?, scale.into()];
        launch(x.device(), &variant, "sum_forward", Geometry::linear(n.div_ceil(block).max(1), 256), &args)?;
        if y.elements() == 1 {
            return Ok(y);
        }
        x = y;
    }
}

fn until_one_row_is_left(file: &'static str, x: &Tensor, sizes: &Matrix) -> Result<Tensor> {
    let (to, mut x, mut rows) = (x.dtype(), x.clone(), sizes.rows);
    loop {
        let left = rows.div_ceil(128);
        x = rows_of_blocks(file, &x, &Matrix { rows, ..*sizes }, [32, 128], of_sums(left <= 1, to))?;
        rows = left;
        if rows <= 1 {
            return Ok(x);
        }
    }
}

/// One row of sums, of type `to`, for each `slab` rows, by blocks of `across` channels.
fn rows_of_blocks(
    file: &'static str,
    x: &Tensor,
    &Matrix { rows, channels }: &Matrix,
    [across, slab]: [usize; 2],
    to: DType,
) -> Result<Tensor> {
    let slabs = rows.div_ceil(slab.max(1)).max(1);
    let y = Tensor::empty(x.device(), [slabs * channels], to)?;
    let args = [y.arg(), x.arg(), dimension(rows)?, dimension(channels)?];
    let geometry = Geometry::grid(channels.div_ceil(across), slabs, 1, 256);
    let variant = Variant::new(file, Defines::new(), x.dtype()).giving(to, x.dtype());
    launch(x.device(), &variant, "sum_rows_forward", geometry, &args)?;
    Ok(y)
}

fn in_two_launches(x: &Tensor, scale: f32) -> Result<Tensor> {
    // Few enough parts that one block sums them in one go, each long enough to be worth a block.
    let parts = x.elements().div_ceil(32 * 1024).clamp(1, 1024);
    let partial = if parts > 1 { Some(add_up(x, parts, 1.0, DType::F32)?) } else { None };
    add_up(partial.as_ref().unwrap_or(x), 1, scale, x.dtype())
}

/// `scale` times the sums of at most `parts` stretches of `x`, of type `to`.
fn add_up(x: &Tensor, parts: usize, scale: f32, to: DType) -> Result<Tensor> {
    let (variant, threads, span) = flat(x, parts);
    let blocks = x.elements().div_ceil(span).max(1);
    let y = Tensor::empty(x.device(), [blocks], to)?;
    let variant = variant.giving(to, x.dtype());
    let args = [y.arg(), x.arg(), dimension(x.elements())?, dimension(span)?, scale.into()];
    launch(x.device(), &variant, "sum_forward", Geometry::linear(blocks, threads), &args)?;
    Ok(y)
}

/// The kernels for a tensor seen as one row: variant, threads and elements per block.
pub(super) fn flat(x: &Tensor, parts: usize) -> (Variant, usize, usize) {
    // A GPU takes whole vectors.
    let target = x.device().target();
    let cut = Columns::whole(target, 1, if target == Target::Cuda { 4 } else { 1 });
    let (defines, vec, threads) = (cut.defines(), cut.vec(), cut.threads());
    let span = x.elements().div_ceil(parts).next_multiple_of(vec).max(vec);
    (Variant::new(VECTORIZED, defines, x.dtype()), threads, span)
}

fn by_slabs(x: &Tensor, &Matrix { rows, channels }: &Matrix) -> Result<Tensor> {
    let cut = Columns::new(x.device().target(), rows, channels);
    if cut.slabs <= 1 {
        return sum_slabs(x, rows, channels, x.dtype());
    }
    sum_slabs(&launch_sum_rows(x, &cut, DType::F32)?, cut.slabs, channels, x.dtype())
}

/// The sums over few rows, of type `to`, by one launch: what finishes sums by slabs.
pub(crate) fn sum_slabs(partial: &Tensor, slabs: usize, channels: usize, to: DType) -> Result<Tensor> {
    launch_sum_rows(partial, &Columns::whole(partial.device().target(), slabs, channels), to)
}

/// One row of sums, of type `to`, for each slab of `cut`; plainly `[channels]` if there is one.
fn launch_sum_rows(x: &Tensor, cut: &Columns, to: DType) -> Result<Tensor> {
    let y = Tensor::empty(x.device(), [cut.slabs * cut.channels], to)?;
    let variant = Variant::new(VECTORIZED, cut.defines(), x.dtype()).giving(to, x.dtype());
    let args = Args::of([&[y.arg(), x.arg()], &cut.args()?[..]]);
    launch(x.device(), &variant, "sum_rows_forward", cut.geometry(), &args)?;
    Ok(y)
}
