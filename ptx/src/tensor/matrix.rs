//! Matrices of 8 × 8 elements of 16 bits between memory and a warp's registers: `ldmatrix`, `stmatrix`, `movmatrix`.
//!
//! A matrix takes a register: lane l holds elements 2 (l % 4) and 2 (l % 4) + 1 of row l / 4, the first in the low half; with
//! `.trans`, of column l / 4 (9.7.14.5.15 `ldmatrix`, 9.7.14.5.16 `stmatrix`, 9.7.14.5.17 `movmatrix`). Forms with
//! elements of 8, 6 or 4 bits came after sm_90.

use super::Lanes;

/// A row of a matrix: 16 bytes in memory, aligned to 16 bytes, as four words.
pub type Row = [u32; 4];

/// Which way elements go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Load,
    Store,
}

/// `ldmatrix` or `stmatrix` of `count` matrices, a 32-bit register for each. Row r of matrix m begins at the address that lane
/// 8m + r gives; addresses of lanes from 8 × `count` on are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrices {
    pub direction: Direction,
    /// 1, 2 or 4.
    pub count: usize,
    /// Matrices are transposed on their way.
    pub transposed: bool,
}

/// The instruction `parts`, its name between dots (`["ldmatrix", "sync", "aligned", "m8n8", "x4", "trans", "shared", "b16"]`):
/// None if it is no `ldmatrix` or `stmatrix` of up to sm_90.
pub fn find(parts: &[&str]) -> Option<Matrices> {
    let (direction, rest) = match parts {
        ["ldmatrix", "sync", "aligned", "m8n8", rest @ ..] => (Direction::Load, rest),
        ["stmatrix", "sync", "aligned", "m8n8", rest @ ..] => (Direction::Store, rest),
        _ => return None,
    };
    let (count, rest) = match rest {
        ["x1", rest @ ..] => (1, rest),
        ["x2", rest @ ..] => (2, rest),
        ["x4", rest @ ..] => (4, rest),
        _ => return None,
    };
    let (transposed, rest) = match rest {
        ["trans", rest @ ..] => (true, rest),
        _ => (false, rest),
    };
    match rest {
        ["b16"] | ["shared" | "shared::cta", "b16"] => Some(Matrices { direction, count, transposed }),
        _ => None,
    }
}

impl Matrices {
    /// How many rows there are, and so how many lanes' addresses are looked at.
    pub const fn rows(&self) -> usize {
        8 * self.count
    }

    /// The registers for rows that were read: `rows[lane]` is what lies at that lane's address.
    ///
    /// # Panics
    /// If there are fewer rows than [`Matrices::rows`] or fewer registers than [`Matrices::count`].
    pub fn load(&self, rows: &[Row], registers: &mut [Lanes]) {
        let registers = &mut registers[..self.count];
        registers.as_flattened_mut().copy_from_slice(rows[..self.rows()].as_flattened());
        if self.transposed {
            registers.iter_mut().for_each(|register| *register = transposed(register));
        }
    }

    /// The rows to write for registers: `rows[lane]` goes to that lane's address.
    ///
    /// # Panics
    /// As [`Matrices::load`].
    pub fn store(&self, registers: &[Lanes], rows: &mut [Row]) {
        for (register, rows) in registers[..self.count].iter().zip(rows[..self.rows()].chunks_exact_mut(8)) {
            let matrix = if self.transposed { transposed(register) } else { *register };
            rows.as_flattened_mut().copy_from_slice(&matrix);
        }
    }
}

/// A register's matrix transposed: what `movmatrix.sync.aligned.m8n8.trans.b16` gives.
pub fn transposed(register: &Lanes) -> Lanes {
    let half = |row: usize, column: usize| register[4 * row + column / 2] >> (16 * (column % 2)) & 0xffff;
    std::array::from_fn(|lane| {
        let (column, row) = (lane / 4, lane % 4 * 2);
        half(row, column) | half(row + 1, column) << 16
    })
}
