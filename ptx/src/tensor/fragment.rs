//! Which element of a matrix a lane's register holds.
//!
//! The manual draws a figure for each shape and type (9.7.14.5.1 to 9.7.14.5.13); all but those of `m8n8k4` with f16 follow
//! one rule. A register of A, all lanes in order, is a tile of 8 rows, a row to four lanes, the elements of a lane's register
//! beside each other; tiles go down first, then right. B's registers are such tiles of its transpose. An accumulator's
//! registers are pairs: lane's columns 2t and 2t + 1 of row g, the next pair 8 rows below.
//! The manual calls g = lane / 4 `groupID` and t = lane % 4 `threadID_in_group`.

use super::element::Element;
use crate::lane::Width;

/// Registers that hold a matrix or part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub element: Element,
    /// How many registers of [`Fragment::width`] each lane gives.
    pub registers: usize,
}

impl Fragment {
    /// The fragment of a warp that holds `elements` elements, each in one lane.
    pub const fn of(element: Element, elements: usize) -> Self {
        Fragment { element, registers: elements / 32 / element.per_register() }
    }

    pub const fn width(&self) -> Width {
        self.element.width()
    }

    /// How many [`super::Lanes`] the registers are: two for each of 64 bits.
    pub const fn lanes(&self) -> usize {
        self.registers * if self.element.bits() == 64 { 2 } else { 1 }
    }
}

/// Row and column of an element within its matrix.
pub type Place = (usize, usize);

/// Where element `index` of a lane's fragment of A lies (M rows, K columns); elements of one register count from its low bits.
/// `rows` is M: 8 or 16.
pub const fn a(element: Element, rows: usize, lane: usize, index: usize) -> Place {
    let per = element.per_register();
    let (register, within) = (index / per, index % per);
    let tiles = rows / 8;
    (lane / 4 + 8 * (register % tiles), lane % 4 * per + within + 4 * per * (register / tiles))
}

/// Where element `index` of a lane's fragment of B lies (K rows, 8 columns).
pub const fn b(element: Element, lane: usize, index: usize) -> Place {
    let (column, row) = a(element, 8, lane, index);
    (row, column)
}

/// Where element `index` of a lane's fragment of C or D lies (M rows, 8 columns), of any type.
pub const fn c(lane: usize, index: usize) -> Place {
    (lane / 4 + 8 * (index / 2), lane % 4 * 2 + index % 2)
}

/// Which of the four products of `m8n8k4` with f16 a lane takes part in (9.7.14.5.1): lanes 4q to 4q + 3 and 16 above them
/// share product q.
pub const fn quad(lane: usize) -> usize {
    lane / 4 % 4
}

/// Where element `index` (of 4) of a lane's fragment of A of `m8n8k4` with f16 lies, in its product's A (8 rows, 4 columns).
pub const fn quad_a(row_major: bool, lane: usize, index: usize) -> Place {
    let upper = lane / 16 * 4;
    if row_major { (lane % 4 + upper, index) } else { (index + upper, lane % 4) }
}

/// Where element `index` (of 4) of a lane's fragment of B of `m8n8k4` with f16 lies, in its product's B (4 rows, 8 columns).
pub const fn quad_b(row_major: bool, lane: usize, index: usize) -> Place {
    let (column, row) = quad_a(!row_major, lane, index);
    (row, column)
}

/// Where element `index` (of 8) of a lane's fragment of C or D of `m8n8k4` lies (8 rows, 8 columns): `element` is F16 or F32.
pub const fn quad_c(element: Element, lane: usize, index: usize) -> Place {
    let upper = lane / 16 * 4;
    match element {
        Element::F16 => (lane % 4 + upper, index),
        _ => (lane % 2 + (index & 2) + upper, (index & 4) + (lane & 2) + index % 2),
    }
}
