//! `wmma.load` and `wmma.store` (9.7.14.4.3, 9.7.14.4.4): which bytes of memory are which bits of which register.

use super::{Role, fragment, has_shape, place};
use crate::tensor::element::Element::{self, *};
use crate::tensor::fragment::Fragment;
use crate::tensor::mma::{Shape, shape_and_layouts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Load,
    Store,
}

/// A matrix between memory and a warp's registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub direction: Direction,
    pub fragment: Fragment,
    /// Elements from one row (or, if it is column-major, column) to the next where the instruction gives no stride.
    pub stride: u64,
    /// Every element of every lane once, in the order of lanes.
    pub pieces: Vec<Piece>,
}

/// Bytes of memory, little-endian, that are bits of a lane's register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub lane: u8,
    pub register: u8,
    /// The register's bit where they begin.
    pub shift: u8,
    /// 1, 2, 4 or 8. Aligned to as many.
    pub bytes: u8,
    /// Which row (or, if it is column-major, column).
    pub line: u16,
    /// Bytes from its beginning.
    pub along: u16,
}

impl Access {
    /// Where a piece lies from the operand's address on, in bytes, if lines lie `stride` elements apart.
    pub fn offset(&self, piece: &Piece, stride: u64) -> u64 {
        let line = u64::from(piece.line).wrapping_mul(stride).wrapping_mul(self.fragment.element.bits() as u64) / 8;
        line.wrapping_add(piece.along.into())
    }
}

/// The instruction `parts`, its name between dots (`["wmma", "load", "a", "sync", "aligned", "row", "m16n16k16", "shared",
/// "f16"]`): None if it is no `wmma.load` or `wmma.store` of up to sm_90.
pub fn find_access(parts: &[&str]) -> Option<Access> {
    let ["wmma", direction, matrix, "sync", "aligned", rest @ ..] = parts else { return None };
    let (direction, role) = match (*direction, *matrix) {
        ("load", "a") => (Direction::Load, Role::A),
        ("load", "b") => (Direction::Load, Role::B),
        ("load", "c") => (Direction::Load, Role::Sum),
        ("store", "d") => (Direction::Store, Role::Sum),
        _ => return None,
    };
    let (shape, [layout], rest) = shape_and_layouts(rest)?;
    let row_major = match layout {
        "row" => true,
        "col" => false,
        _ => return None,
    };
    let element = match rest {
        [element] | ["global" | "shared" | "shared::cta", element] => Element::parse(element)?,
        _ => return None,
    };
    let there = match role {
        Role::Sum => match element {
            F16 => has_shape(shape, F16),
            F32 => has_shape(shape, F16) || has_shape(shape, Tf32),
            S32 => [S8, S4, B1].iter().any(|factor| has_shape(shape, *factor)),
            F64 => has_shape(shape, F64),
            _ => false,
        },
        // Elements smaller than a byte lie along k, beside each other.
        _ => has_shape(shape, element) && (element.bits() >= 8 || row_major == (role == Role::A)),
    };
    let lines = match (role, row_major) {
        (Role::A, true) | (Role::B, false) => shape.k,
        (Role::A, false) => shape.m,
        (Role::B | Role::Sum, true) => shape.n,
        (Role::Sum, false) => shape.m,
    };
    let fragment = fragment(shape, role, element);
    let pieces = there.then(|| pieces(shape, role, fragment, row_major))?;
    Some(Access { direction, fragment, stride: lines as u64, pieces })
}

fn pieces(shape: Shape, role: Role, fragment: Fragment, row_major: bool) -> Vec<Piece> {
    let Fragment { element, registers } = fragment;
    let per = element.per_register();
    let mut pieces = Vec::new();
    for (lane, register) in (0..32).flat_map(|lane| (0..registers).map(move |register| (lane, register))) {
        // Line and place in it of each element of the register.
        let places = (0..per).map(|index| {
            let (row, column) = place(shape, role, element, lane, register * per + index);
            if row_major { (row, column) } else { (column, row) }
        });
        let places: Vec<_> = places.collect();
        let beside = (0..per).all(|index| places[index] == (places[0].0, places[0].1 + index));
        let step = if beside { per } else { 1 };
        for index in (0..per).step_by(step) {
            let (line, along) = places[index];
            pieces.push(Piece {
                lane: lane as u8,
                register: register as u8,
                shift: (index * element.bits()) as u8,
                bytes: (step * element.bits() / 8) as u8,
                line: line as u16,
                along: (along * element.bits() / 8) as u16,
            });
        }
    }
    pieces
}
