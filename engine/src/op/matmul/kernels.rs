//! The kernels of the product, from the definition to warp tiles, and how each is launched.

use super::{Form, Sizes};
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::Result;
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::tile::{Tile, WarpTile, access};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::{DType, Tensor};

type Run = fn(&'static str, &Product) -> Result<Tensor>;

const NAIVE: &str = "matmul/1_naive.cu";
const COALESCED: &str = "matmul/2_coalesced.cu";
const SHARED_TILE: &str = "matmul/3_shared_tile.cu";
const ONE_DIMENSIONAL_TILE: &str = "matmul/4_one_dimensional_tile.cu";
const REGISTER_TILE: &str = "matmul/5_register_tile.cu";
const VECTORIZED: &str = "matmul/6_vectorized.cu";
const DOUBLE_BUFFER: &str = "matmul/7_double_buffer.cu";
const WARP_TILE: &str = "matmul/8_warp_tile.cu";

/// The kernels of the product.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: "matmul_forward",
    rungs: &[
        Rung::new(NAIVE, plain),
        Rung::new(COALESCED, plain),
        Rung::new(SHARED_TILE, plain),
        Rung::new(ONE_DIMENSIONAL_TILE, one_dimensional_tile),
        Rung::new(REGISTER_TILE, register_tile),
        Rung::new(VECTORIZED, vectorized),
        Rung::new(DOUBLE_BUFFER, double_buffer),
        Rung::new(WARP_TILE, warp_tile),
    ],
    default,
};

/// One product to compute.
pub struct Product<'a> {
    pub(super) sizes: Sizes,
    pub(super) operands: [&'a Tensor; 2],
    /// Added to every row; of the operands' type, as they are.
    pub(super) bias: Option<&'a Tensor>,
    /// The type of C: the operands', or f32 where it is added up further.
    pub(super) result: DType,
}

impl Product<'_> {
    fn target(&self) -> Target {
        self.operands[0].device().target()
    }

    /// Kernel file `file` for its types.
    fn variant(&self, file: &'static str, defines: Defines) -> Variant {
        let element = self.operands[0].dtype();
        Variant::new(file, defines, element).giving(self.result, element)
    }

    /// Floats per access that rows of A, B and C allow.
    fn accesses(&self) -> [usize; 3] {
        let [a, b] = self.operands;
        [a.shape().last(), b.shape().last(), self.sizes.n].map(|length| access(self.target(), length))
    }
}

/// A CPU fetches ahead by itself and has no warps: there the rungs above 6 only copy more. A GPU gets the last rung, but for
/// outputs narrower than its tiles, of which rung 6 has one of 32 columns. (By the profiler's counts; no GPU timed it yet.)
fn default(target: Target, sizes: &Sizes) -> u32 {
    match target {
        Target::Cuda if sizes.n > 32 => 8,
        Target::Cuda | Target::Host { .. } => 6,
    }
}

/// A thread for each element of C, in blocks of 32 × 32.
fn plain(file: &'static str, product: &Product) -> Result<Tensor> {
    let variant = product.variant(file, Defines::new());
    run(&variant, product, [32, 32], 1024, &transposed(product.sizes.form).map(Arg::from))
}

/// A thread for 8 elements of a column of C, in blocks of 64 × 64.
fn one_dimensional_tile(file: &'static str, product: &Product) -> Result<Tensor> {
    let variant = product.variant(file, Defines::new());
    run(&variant, product, [64, 64], 512, &transposed(product.sizes.form).map(Arg::from))
}

/// A register tile in every thread. Copies float by float take any operand, so that one tile and one compilation do.
fn register_tile(file: &'static str, product: &Product) -> Result<Tensor> {
    let tile = widest(product.target());
    let variant = product.variant(file, tile.defines());
    run(&variant, product, [tile.bm, tile.bn], tile.threads(), &transposed(product.sizes.form).map(Arg::from))
}

/// The same with vector accesses, and tiles that fit narrow outputs.
fn vectorized(file: &'static str, product: &Product) -> Result<Tensor> {
    let &Sizes { form, m, n, k } = &product.sizes;
    let tile = Tile::pick(product.target(), m, n, k);
    let variant = product.variant(file, vectorized_defines(tile, form, product.accesses()));
    run(&variant, product, [tile.bm, tile.bn], tile.threads(), &[])
}

/// The same with the next step's tiles under way.
fn double_buffer(file: &'static str, product: &Product) -> Result<Tensor> {
    let tile = buffered(product.target());
    let variant = product.variant(file, with_form(tile.defines(), product));
    run(&variant, product, [tile.bm, tile.bn], tile.threads(), &[])
}

/// The same with the block tile cut into warp tiles.
fn warp_tile(file: &'static str, product: &Product) -> Result<Tensor> {
    let tile = WarpTile::pick(product.target(), product.sizes.m, product.sizes.n);
    let variant = product.variant(file, with_form(tile.defines(), product));
    run(&variant, product, [tile.bm, tile.bn], tile.threads(), &[])
}

/// Launches `variant` with blocks of `threads` threads, each of which computes `block` rows and columns of C.
fn run(variant: &Variant, product: &Product, block: [usize; 2], threads: usize, more: &[Arg]) -> Result<Tensor> {
    let &Product { sizes: Sizes { m, n, k, .. }, operands: [a, b], bias, result } = product;
    let c = Tensor::empty(a.device(), [m, n], result)?;
    let tensors = [c.arg(), a.arg(), b.arg(), bias.map_or(Arg::Ptr(0), Tensor::arg)];
    let args = Args::of([&tensors[..], &[dimension(m)?, dimension(n)?, dimension(k)?], more]);
    let geometry = Geometry::grid(n.div_ceil(block[1]), m.div_ceil(block[0]), 1, threads);
    launch(a.device(), variant, "matmul_forward", geometry, &args)?;
    Ok(c)
}

/// Whether A and B are read transposed, as kernels and defines have it.
fn transposed(form: Form) -> [i32; 2] {
    [(form == Form::TN).into(), (form == Form::NT).into()]
}

/// The tile for large outputs.
fn widest(target: Target) -> Tile {
    Tile::pick(target, 128, 128, 128)
}

/// The same, on the host with shallower steps, of which a thread can hold the next one.
fn buffered(target: Target) -> Tile {
    let tile = widest(target);
    Tile { bk: tile.bk.min(32), ..tile }
}

/// For one width of access that all rows allow.
fn with_form(defines: Defines, product: &Product) -> Defines {
    let [a, b] = transposed(product.sizes.form);
    let access = product.accesses().into_iter().min().expect("three lengths");
    defines.with("TRANSPOSE_A", a).with("TRANSPOSE_B", b).with("GVEC", access)
}

fn vectorized_defines(tile: Tile, form: Form, access: [usize; 3]) -> Defines {
    let [a, b] = transposed(form);
    let defines = tile.defines().with("TRANSPOSE_A", a).with("TRANSPOSE_B", b);
    defines.with("AVEC", access[0]).with("BVEC", access[1]).with("CVEC", access[2])
}
