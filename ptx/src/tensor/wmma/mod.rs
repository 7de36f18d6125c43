//! `wmma` (9.7.14.4): matrices that a warp loads, multiplies and stores as a whole.
//!
//! The manual leaves open which lane holds which element. Here fragments are those of `mma.sync` ([`super::fragment`]), of
//! which larger shapes have two beside or below each other, one's registers after the other's, as the counts of registers
//! since sm_80 suggest: for bf16, tf32, f64 and integers they fit exactly. f16's A and B always take 8 registers, a count
//! from sm_70: those left over repeat the first ones. `m8n32k16` is `m32n8k16` transposed, A and B in each other's places.

mod access;
mod multiply;

pub use access::{Access, Direction, Piece, find_access};
pub use multiply::{Multiply, find_multiply};

use super::element::Element::{self, *};
use super::fragment::{self, Fragment, Place};
use super::mma::Shape;

/// Which matrix of the multiply a fragment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    A,
    B,
    /// C or D.
    Sum,
}

/// The shapes that `wmma` has for factors of a type (9.7.14.4.1).
fn has_shape(shape: Shape, factor: Element) -> bool {
    let Shape { m, n, k } = shape;
    match factor {
        F16 | Bf16 | S8 | U8 => k == 16 && matches!((m, n), (16, 16) | (32, 8) | (8, 32)),
        Tf32 => (m, n, k) == (16, 16, 8),
        F64 => (m, n, k) == (8, 8, 4),
        S4 | U4 => (m, n, k) == (8, 8, 32),
        B1 => (m, n, k) == (8, 8, 128),
        _ => false,
    }
}

/// How a shape is made of the multiplies that `mma` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiling {
    /// One multiply.
    tile: Shape,
    /// A, B and the sums are transposed, and A and B have changed places.
    turned: bool,
    /// The second multiply has other columns, not other rows.
    beside: bool,
}

impl Tiling {
    fn of(Shape { m, n, k }: Shape) -> Self {
        let tile = Shape { m: if m == 8 && n == 8 { 8 } else { 16 }, n: 8, k };
        Tiling { tile, turned: n == 32, beside: (m, n) == (16, 16) }
    }

    /// How often a fragment of `role` holds a multiply's.
    fn tiles(&self, role: Role) -> usize {
        match (self.role(role), self.tile.m) {
            (_, 8) => 1,
            (Role::A, _) => 2 - usize::from(self.beside),
            (Role::B, _) => 1 + usize::from(self.beside),
            (Role::Sum, _) => 2,
        }
    }

    /// What a matrix is to the multiplies.
    fn role(&self, role: Role) -> Role {
        match role {
            Role::A if self.turned => Role::B,
            Role::B if self.turned => Role::A,
            role => role,
        }
    }

    /// A multiply's fragment of `role`.
    fn fragment(&self, role: Role, element: Element) -> Fragment {
        let Shape { m, n, k } = self.tile;
        let elements = match self.role(role) {
            Role::A => m * k,
            Role::B => k * n,
            Role::Sum => m * n,
        };
        Fragment::of(element, elements)
    }
}

/// The fragment of a matrix: how many registers hold it (9.7.14.4.1).
pub fn fragment(shape: Shape, role: Role, element: Element) -> Fragment {
    if element == F16 && role != Role::Sum {
        return Fragment { element, registers: 8 };
    }
    let tiling = Tiling::of(shape);
    Fragment { element, registers: tiling.fragment(role, element).registers * tiling.tiles(role) }
}

/// Where element `index` of a lane's fragment lies within its matrix; elements of one register count from its low bits.
pub fn place(shape: Shape, role: Role, element: Element, lane: usize, index: usize) -> Place {
    let tiling = Tiling::of(shape);
    let per_tile = tiling.fragment(role, element).registers * element.per_register();
    let (tile, index) = (index / per_tile % tiling.tiles(role), index % per_tile);
    let (mut row, mut column) = match tiling.role(role) {
        Role::A => fragment::a(element, tiling.tile.m, lane, index),
        Role::B => fragment::b(element, lane, index),
        Role::Sum => fragment::c(lane, index),
    };
    if tiling.beside {
        column += 8 * tile;
    } else {
        row += 16 * tile;
    }
    if tiling.turned { (column, row) } else { (row, column) }
}
