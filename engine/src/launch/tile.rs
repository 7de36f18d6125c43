//! Tile shapes of the matrix kernels (`kernels/prelude/tile.cuh`, `kernels/matmul/8_warp_tile.cu`).

use crate::device::{Defines, Target};

/// The block and register tile of one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows of the output that a block computes; a multiple of `tm`.
    pub bm: usize,
    /// Columns of the output that a block computes; a multiple of `tn`.
    pub bn: usize,
    /// Products per sum in one step, between two barriers.
    pub bk: usize,
    /// Rows of one thread's register tile.
    pub tm: usize,
    /// Columns of one thread's register tile: whole vectors.
    pub tn: usize,
    /// Floats per vector: 4 (16 bytes) on a GPU, the native width on the host.
    pub vec: usize,
    /// Depth steps of A that one access fetches: 4 on a GPU, 1 on the host.
    pub kvec: usize,
}

impl Tile {
    /// The tile for an output of `rows` × `columns` whose elements are sums of `depth` products.
    ///
    /// A GPU gets 8 × 8 sums in each of 256 threads (64 threads for narrow outputs). A CPU gets as many sums as its
    /// vector registers hold: 8 rows of two vectors, one register each left for a row of B.
    pub fn pick(target: Target, rows: usize, columns: usize, depth: usize) -> Self {
        match target {
            Target::Cuda if columns > 64 => Self { bm: 128, bn: 128, bk: 16, tm: 8, tn: 8, vec: 4, kvec: 4 },
            Target::Cuda if columns > 32 => Self { bm: 128, bn: 64, bk: 16, tm: 8, tn: 8, vec: 4, kvec: 4 },
            Target::Cuda => Self { bm: 128, bn: 32, bk: 16, tm: 8, tn: 4, vec: 4, kvec: 4 },
            Target::Host { lanes } => {
                let vectors = if columns > lanes { 2 } else { 1 };
                let tn = vectors * lanes;
                let bn = if columns > tn { 2 * tn } else { tn };
                // 16 vector registers (AVX2, NEON) hold 4 × 2 sums with room for operands, 32 (AVX-512) 8 × 2 and more.
                let tm = if lanes == 16 { 8 } else { 4 };
                let bm = if rows > 4 * tm { 8 * tm } else { 4 * tm };
                // Deep steps mean few barriers; but a first layer's 27 products must not be padded to 128.
                let bk = if depth > 32 { 128 } else { 32 };
                Self { bm, bn, bk, tm, tn, vec: lanes, kvec: 1 }
            }
        }
    }

    /// The same where the rows are filters, of which a network's first layers have few: a GPU gets blocks of half the height
    /// for those, rather than blocks half of which is thrown away.
    pub fn pick_for_filters(target: Target, filters: usize, columns: usize, depth: usize) -> Self {
        let tile = Self::pick(target, filters, columns, depth);
        let few = target == Target::Cuda && filters <= tile.bm / 2;
        if few { Self { bm: tile.bm / 2, ..tile } } else { tile }
    }

    /// Threads per block.
    pub fn threads(&self) -> usize {
        (self.bm / self.tm) * (self.bn / self.tn)
    }

    /// The tile as compile-time constants.
    pub fn defines(&self) -> Defines {
        Defines::of([
            ("BM", self.bm),
            ("BN", self.bn),
            ("BK", self.bk),
            ("TM", self.tm),
            ("TN", self.tn),
            ("VEC", self.vec),
            ("KVEC", self.kvec),
            ("THREADS", self.threads()),
        ])
    }
}

/// The block, warp and thread tile of one launch of `kernels/matmul/8_warp_tile.cu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WarpTile {
    /// Rows of the output that a block computes.
    pub bm: usize,
    /// Columns of the output that a block computes.
    pub bn: usize,
    /// Products per sum in one step.
    pub bk: usize,
    /// Rows of one thread's sums.
    pub tm: usize,
    /// Columns of one thread's sums: whole vectors.
    pub tn: usize,
    /// Threads of a warp down and across its tile; a host thread stands for a warp.
    pub lanes: [usize; 2],
    /// Floats per vector of columns: 4 on a GPU, the native width on the host.
    pub vec: usize,
    /// Rows of A that one access fetches: 4 on a GPU, 1 on the host.
    pub rvec: usize,
}

impl WarpTile {
    /// The tile for an output of `rows` × `columns`.
    ///
    /// On a GPU the large one, whose block has a multiprocessor to itself, where there are enough of them for all
    /// multiprocessors (an H200 has 132), and else one that is an eighth of it.
    pub fn pick(target: Target, rows: usize, columns: usize) -> Self {
        let [large, small] = Self::all(target);
        if rows * columns < 128 * large.bm * large.bn { small } else { large }
    }

    /// The large and the small one.
    pub fn all(target: Target) -> [Self; 2] {
        match target {
            Target::Cuda => {
                let large = Self { bm: 128, bn: 256, bk: 8, tm: 8, tn: 16, lanes: [8, 4], vec: 4, rvec: 4 };
                [large, Self { bm: 64, bn: 64, tn: 8, ..large }]
            }
            Target::Host { lanes } => {
                let tile = Tile::pick(target, 128, 128, 128);
                let Tile { bm, bn, tm, tn, vec, .. } = tile;
                [Self { bm, bn, bk: 32.max(lanes), tm, tn, lanes: [1, 1], vec, rvec: 1 }; 2]
            }
        }
    }

    /// Threads per block.
    pub fn threads(&self) -> usize {
        (self.bm / self.tm) * (self.bn / self.tn)
    }

    /// The tile as compile-time constants.
    pub fn defines(&self) -> Defines {
        Defines::of([
            ("BM", self.bm),
            ("BN", self.bn),
            ("BK", self.bk),
            ("TM", self.tm),
            ("TN", self.tn),
            ("LANES_M", self.lanes[0]),
            ("LANES_N", self.lanes[1]),
            ("VEC", self.vec),
            ("RVEC", self.rvec),
            ("THREADS", self.threads()),
        ])
    }
}

/// Floats per global access for rows of `length` floats: a whole vector if every row starts aligned, else one. The host
/// does not mind unaligned vectors.
pub fn access(target: Target, length: usize) -> usize {
    match target {
        Target::Host { lanes } => lanes,
        Target::Cuda if length.is_multiple_of(4) => 4,
        Target::Cuda => 1,
    }
}

/// Floats per access where an access must not pass the end of a row: the largest power of two that divides `length`, up
/// to a whole vector.
pub fn access_whole(target: Target, length: usize) -> usize {
    let most = match target {
        Target::Cuda => 4,
        Target::Host { lanes } => lanes,
    };
    let divides = 1 << length.trailing_zeros();
    if target == Target::Cuda && divides < 4 { 1 } else { divides.min(most) }
}
