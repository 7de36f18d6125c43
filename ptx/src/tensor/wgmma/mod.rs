//! `wgmma.mma_async` (9.7.15.5): D = A × B or D = A × B + D by a warpgroup, four warps whose registers hold D; A lies in their
//! registers or in shared memory, B in shared memory.

mod descriptor;
mod find;
mod run;

pub use descriptor::{Descriptor, Major, Operand};
pub use find::find;
pub use run::{Source, Sums};

use super::element::Element;
use super::fragment::{self, Fragment, Place};
use super::mma::{Shape, SparseMma};
use crate::lane::Isa;

/// A matrix multiply of a warpgroup. As operands are written: D, A or its descriptor, B's descriptor, scale-d, and what
/// [`Wgmma::scales`] and [`Wgmma::transposes`] say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wgmma {
    /// m64, n 8 to 256, k of 32 bytes, or 64 with sparse A.
    pub shape: Shape,
    pub a: Element,
    pub b: Element,
    /// Each warp's part of D.
    pub d: Fragment,
    /// Sums stop at the ends of s32 instead of wrapping.
    pub saturate: bool,
    /// `wgmma.mma_async.sp` (9.7.15.6): half of A's elements are zero and left out. What the metadata of each warp's rows
    /// mean, as `mma.sp` has it; behind B's descriptor, metadata and selector are written.
    pub sparse: Option<SparseMma>,
    isa: Isa,
}

impl Wgmma {
    /// Bytes of k in a row of A, and in a column of B.
    pub const fn depths(&self) -> (usize, usize) {
        (32, if self.sparse.is_some() { 64 } else { 32 })
    }

    /// Each warp's part of A, where A lies in registers.
    pub const fn a_fragment(&self) -> Fragment {
        Fragment { element: self.a, registers: 4 }
    }

    /// Whether imm-scale-a and imm-scale-b are written, 1 or -1 each.
    pub const fn scales(&self) -> bool {
        !matches!(self.a, Element::S8 | Element::U8 | Element::B1)
    }

    /// Whether imm-trans-a (only where A lies in shared memory) and imm-trans-b are written: 0 for k-major, 1 for mn-major.
    pub const fn transposes(&self) -> bool {
        matches!(self.a, Element::F16 | Element::Bf16)
    }
}

/// Where element `index` of a lane's fragment of D lies (64 rows, N columns) in warp 0 to 3 of the warpgroup
/// (9.7.15.5.1.1, "Register Fragments"): `mma`'s tiles of 16 rows and 8 columns, a warp below the other.
pub const fn place_d(warp: usize, lane: usize, index: usize) -> Place {
    let (row, column) = fragment::c(lane, index % 4);
    (16 * warp + row, 8 * (index / 4) + column)
}

/// Where element `index` of a lane's fragment of A lies (64 rows, 32 bytes of k), likewise.
pub const fn place_a(element: Element, warp: usize, lane: usize, index: usize) -> Place {
    let (row, column) = fragment::a(element, 16, lane, index);
    (16 * warp + row, column)
}
