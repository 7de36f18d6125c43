//! The corners and borders that a mark may lie in, and how much of a map lies there.

use std::ops::Range;

/// Cells along a side of the grid that maps are shrunk to: a third of it is three cells, a ninth is one.
pub const SIDE: usize = 9;

/// A corner or a part of the border; of no more than a ninth of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As in a sentence: `the lower left corner`.
    pub name: &'static str,
    rows: Range<usize>,
    columns: Range<usize>,
}

const fn place(name: &'static str, rows: Range<usize>, columns: Range<usize>) -> Place {
    Place { name, rows, columns }
}

/// All candidates: a third by a third in each corner and in the middle of each border, and a ninth along each border.
pub const PLACES: [Place; 12] = [
    place("the upper left corner", 0..3, 0..3),
    place("the upper right corner", 0..3, 6..9),
    place("the lower left corner", 6..9, 0..3),
    place("the lower right corner", 6..9, 6..9),
    place("the middle of the upper border", 0..3, 3..6),
    place("the middle of the lower border", 6..9, 3..6),
    place("the middle of the left border", 3..6, 0..3),
    place("the middle of the right border", 3..6, 6..9),
    place("the upper border", 0..1, 0..9),
    place("the lower border", 8..9, 0..9),
    place("the left border", 0..9, 0..1),
    place("the right border", 0..9, 8..9),
];

impl Place {
    /// The share of a map that lies here, of `shares` as [`shares`] makes them.
    pub fn mass(&self, shares: &[f64]) -> f64 {
        let row = |row: usize| shares[row * SIDE..][self.columns.clone()].iter().sum::<f64>();
        self.rows.clone().map(row).sum()
    }
}

/// The place with the most of a map, and how much, if that is half of it at least.
pub fn looked_at(shares: &[f64]) -> Option<(&'static Place, f64)> {
    let with_mass = PLACES.iter().map(|place| (place, place.mass(shares)));
    // The first of equals.
    let most = with_mass.rev().max_by(|(_, one), (_, other)| one.total_cmp(other));
    most.filter(|(_, mass)| *mass >= 0.5)
}

/// A map `[height, width]` from 0 up, shrunk to [`SIDE`]×[`SIDE`] cells, row by row, by how much of each pixel lies in each cell; all
/// together 1. None if nothing is on it, or something that is no number.
pub fn shares(map: &[f32], [height, width]: [usize; 2]) -> Option<Vec<f64>> {
    // For each pixel along an axis: the cells that it lies in, and how much of it.
    let axis = |length: usize| -> Vec<Vec<(usize, f64)>> {
        let part = |at: usize, cell: usize| {
            // In ninths of a pixel, so that a pixel that ends where a cell does is of one cell.
            let (from, to) = ((at * SIDE).max(cell * length), ((at + 1) * SIDE).min((cell + 1) * length));
            (to > from).then(|| (cell, (to - from) as f64 / SIDE as f64))
        };
        (0..length).map(|at| (0..SIDE).filter_map(|cell| part(at, cell)).collect()).collect()
    };
    let (rows, columns) = (axis(height), axis(width));
    let mut cells = vec![0.0; SIDE * SIDE];
    for (row, down) in rows.iter().enumerate() {
        for (column, across) in columns.iter().enumerate() {
            let value = f64::from(map[row * width + column]);
            for (y, high) in down {
                across.iter().for_each(|(x, wide)| cells[y * SIDE + x] += value * high * wide);
            }
        }
    }
    let sum: f64 = cells.iter().sum();
    if !(sum.is_finite() && sum > 0.0) {
        return None;
    }
    cells.iter_mut().for_each(|cell| *cell /= sum);
    Some(cells)
}
