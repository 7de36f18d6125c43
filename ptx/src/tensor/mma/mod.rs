//! `mma.sync` (9.7.14.5) and `mma.sp.sync` (9.7.14.6): D = A × B + C, with matrices that lie in a warp's registers.

mod find;
mod run;
mod sparse;

pub use find::find;
pub(super) use find::{Types, shape_and_layouts};
pub use run::Meets;
pub use sparse::{SparseMma, find_sparse};

use super::fragment::Fragment;
use crate::lane::Isa;
use crate::number::round::Round;

/// M rows, N columns, K products a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

impl Shape {
    /// The shape written `m16n8k16`.
    pub fn parse(text: &str) -> Option<Self> {
        let (m, rest) = text.strip_prefix('m')?.split_once('n')?;
        let (n, k) = rest.split_once('k')?;
        Some(Shape { m: m.parse().ok()?, n: n.parse().ok()?, k: k.parse().ok()? })
    }
}

/// A matrix multiply of a warp. As operands are written: D, A, B, C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mma {
    pub shape: Shape,
    pub a: Fragment,
    pub b: Fragment,
    pub c: Fragment,
    pub d: Fragment,
    pub(super) kind: Kind,
    pub(super) isa: Isa,
}

/// How products are formed and summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Floats of 32 bits and fewer.
    Float,
    /// f64, rounded so.
    Double { round: Round },
    /// 8 and 4 bits into 32: sums wrap, or stop at the ends of s32 if `saturate`.
    Integer { saturate: bool },
    /// Bits in common if `and`, bits that differ otherwise, counted.
    Bits { and: bool },
    /// `m8n8k4` with f16: four products, each by eight lanes.
    Quads { a_rows: bool, b_rows: bool },
}
