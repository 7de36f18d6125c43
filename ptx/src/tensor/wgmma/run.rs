//! Executes a warpgroup's matrix multiply.

use super::{Major, Operand, Wgmma as Instruction};
use crate::lane::Isa;
use crate::tensor::Lanes;
use crate::tensor::element::{Element, f16_to_f32, f32_bits, f32_to_f16, numbers};
use crate::tensor::mma::Meets;
use crate::tensor::product::{rows, with_isa};

/// Where A lies.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Four registers of each warp.
    Registers([&'a [Lanes]; 4]),
    Shared(Operand),
}

/// What becomes of D and of the products' signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// scale-d: products are added to D; otherwise they replace it.
    pub add: bool,
    /// imm-scale-a × imm-scale-b is -1: products are subtracted.
    pub negate: bool,
}

/// Rows of D that a warp has.
const ROWS: usize = 16;

/// The elements of A or B as they lie in units of 16 bytes, and along which dimension.
type Units = (Major, Vec<[u32; 4]>);

impl Instruction {
    /// D = ±A × B or D = D ± A × B, `d` being the registers of each warp of the warpgroup. `read` gives the 16 bytes at a
    /// shared memory address as little-endian words; each unit of A, then of B, is asked for once.
    ///
    /// Floats are summed as [`crate::tensor::mma::Mma::run`] says, from D's element (or 0) on. Sums of integers are exact;
    /// adding them to D wraps or stops.
    ///
    /// `meets` tells of each warp's rows of sparse A which rows of B they meet.
    ///
    /// # Panics
    /// If a slice has fewer registers than the instruction takes.
    pub fn run(
        &self,
        d: [&mut [Lanes]; 4],
        (a, meets): (Source, Option<[&Meets; 4]>),
        b: &Operand,
        sums: Sums,
        mut read: impl FnMut(u32) -> [u32; 4],
    ) {
        let d = d.map(|registers| &mut registers[..self.d.registers]);
        let mut units = |operand: &Operand| -> Units {
            (operand.major(), operand.units().map(|(_, _, address)| read(address)).collect())
        };
        let a = match a {
            Source::Registers(warps) => {
                (Major::K, warps.iter().flat_map(|registers| of_registers(registers)).collect())
            }
            Source::Shared(operand) => units(&operand),
        };
        let b = units(b);
        let (a, b) = (&a, &b);
        let meets = &meets;
        with_isa!(self.isa, self.all(d: [&mut [Lanes]; 4], a: &Units, meets: &Option<[&Meets; 4]>, b: &Units, sums: Sums))
    }

    #[inline(always)]
    fn all(&self, d: [&mut [Lanes]; 4], a: &Units, meets: &Option<[&Meets; 4]>, b: &Units, sums: Sums) {
        if self.a == Element::B1 {
            return self.bits(d, &a.1, &b.1, sums);
        }
        let depth = self.shape.k;
        let mut a = by_rows(self.a, a, self.depth_of_a());
        if sums.negate {
            a.iter_mut().for_each(|element| *element = -*element);
        }
        let (b, n) = (by_rows(self.b, b, depth), self.shape.n);
        // As rows that sums' columns can meet all at once.
        let mut turned = vec![0.0; depth * n];
        for (column, line) in b.chunks_exact(depth).enumerate() {
            line.iter().enumerate().for_each(|(k, element)| turned[k * n + column] = *element);
        }
        for (warp, (registers, a)) in d.into_iter().zip(a.chunks_exact(ROWS * self.depth_of_a())).enumerate() {
            match meets {
                None => self.warp::<32>(registers, a, |_, k| k, &turned, sums.add),
                Some(meets) => {
                    let meets = meets[warp];
                    self.warp::<64>(registers, a, |row, k| meets[row][k].into(), &turned, sums.add);
                }
            }
        }
    }

    /// Elements in a row of A, without zeros that are left out.
    fn depth_of_a(&self) -> usize {
        self.shape.k / if self.sparse.is_some() { 2 } else { 1 }
    }

    /// A warp's rows, where B has at most `DEPTH` of them.
    #[inline(always)]
    fn warp<const DEPTH: usize>(
        &self,
        registers: &mut [Lanes],
        a: &[f32],
        meets: impl Fn(usize, usize) -> usize + Copy,
        b: &[f32],
        add: bool,
    ) {
        let n = self.shape.n;
        let per_tile = registers.len() / (n / 8);
        let wide = n / 32 * 32;
        let (blocks, tiles) = registers.split_at_mut(wide / 8 * per_tile);
        for (block, registers) in blocks.chunks_exact_mut(4 * per_tile).enumerate() {
            self.block::<32, DEPTH>(registers, a, meets, &b[32 * block..], add);
        }
        for (tile, registers) in tiles.chunks_exact_mut(per_tile).enumerate() {
            self.block::<8, DEPTH>(registers, a, meets, &b[wide + 8 * tile..], add);
        }
    }

    /// N columns of a warp's rows; `b` begins with the first of them.
    #[inline(always)]
    fn block<const N: usize, const DEPTH: usize>(
        &self,
        registers: &mut [Lanes],
        a: &[f32],
        meets: impl Fn(usize, usize) -> usize,
        b: &[f32],
        add: bool,
    ) {
        let (n, depth) = (self.shape.n, self.depth_of_a());
        let mut columns = [[0.0; N]; DEPTH];
        for (k, row) in columns[..self.shape.k].iter_mut().enumerate() {
            row.copy_from_slice(&b[k * n..][..N]);
        }
        let mut totals = [[0.0; N]; ROWS];
        match self.d.element {
            Element::F32 if add => {
                words::<N>(registers, |word, row, column| totals[row][column] = f32::from_bits(*word))
            }
            Element::F16 if add => halves(registers, |word, row, column| {
                totals[row][column] = f16_to_f32(*word);
                totals[row][column + 1] = f16_to_f32(*word >> 16);
            }),
            _ => (),
        }
        rows(depth, |row, k| (a[row * depth + k], meets(row, k)), &columns, &mut totals, f32::mul_add);
        match self.d.element {
            Element::F32 => words::<N>(registers, |word, row, column| *word = f32_bits(totals[row][column])),
            Element::F16 => halves(registers, |word, row, column| {
                *word = f32_to_f16(totals[row][column]) | f32_to_f16(totals[row][column + 1]) << 16;
            }),
            // 32 products of 8 bits take less than 24 bits: an f32 holds their sum exactly.
            _ => words::<N>(registers, |word, row, column| *word = self.sum(*word, totals[row][column] as i32, add)),
        }
    }

    #[inline(always)]
    fn bits(&self, d: [&mut [Lanes]; 4], a: &[[u32; 4]], b: &[[u32; 4]], sums: Sums) {
        for (registers, a) in d.into_iter().zip(a.as_flattened().chunks_exact(ROWS * 8)) {
            for (tile, b) in registers.chunks_exact_mut(4).zip(b.as_flattened().chunks_exact(8 * 8)) {
                words::<8>(tile, |word, row, column| {
                    let pairs = a[8 * row..][..8].iter().zip(&b[8 * column..][..8]);
                    let total: u32 = pairs.map(|(a, b)| (a & b).count_ones()).sum();
                    *word = self.sum(*word, total as i32, sums.add);
                });
            }
        }
    }

    #[inline(always)]
    fn sum(&self, before: u32, total: i32, add: bool) -> u32 {
        let before = if add { before as i32 } else { 0 };
        (if self.saturate { before.saturating_add(total) } else { before.wrapping_add(total) }) as u32
    }
}

/// A warp's registers of A as units along k: by rows, two of each.
fn of_registers(registers: &[Lanes]) -> impl Iterator<Item = [u32; 4]> {
    (0..2 * ROWS).map(|unit| {
        let (row, right) = (unit / 2, unit % 2);
        std::array::from_fn(|word| registers[row / 8 + 2 * right][row % 8 * 4 + word])
    })
}

/// The numbers of A, row after row, or of B, column after column, `depth` in each.
#[inline(always)]
fn by_rows(element: Element, (major, units): &Units, depth: usize) -> Vec<f32> {
    let per = 128 / element.bits();
    let mut flat = vec![0.0; units.len() * per];
    numbers(element, units.as_flattened(), &mut flat);
    if *major == Major::K {
        return flat;
    }
    // Units hold `per` rows of one k; all k of these come before the next rows.
    let mut turned = vec![0.0; flat.len()];
    for (lines, rows) in flat.chunks_exact(per * depth).zip(turned.chunks_exact_mut(per * depth)) {
        for (k, unit) in lines.chunks_exact(per).enumerate() {
            unit.iter().enumerate().for_each(|(row, element)| rows[row * depth + k] = *element);
        }
    }
    turned
}

/// Calls `each` for every word of D's registers, of which each holds one element: with row and column.
#[inline(always)]
fn words<const N: usize>(registers: &mut [Lanes], mut each: impl FnMut(&mut u32, usize, usize)) {
    for (tile, registers) in registers[..N / 2].chunks_exact_mut(4).enumerate() {
        for (index, register) in registers.iter_mut().enumerate() {
            for (lane, word) in register.iter_mut().enumerate() {
                each(word, index / 2 * 8 + lane / 4, 8 * tile + lane % 4 * 2 + index % 2);
            }
        }
    }
}

/// Calls `each` for every word of D's registers, of which each holds two elements: with the first one's row and column.
#[inline(always)]
fn halves(registers: &mut [Lanes], mut each: impl FnMut(&mut u32, usize, usize)) {
    for (tile, registers) in registers.chunks_exact_mut(2).enumerate() {
        for (index, register) in registers.iter_mut().enumerate() {
            for (lane, word) in register.iter_mut().enumerate() {
                each(word, index * 8 + lane / 4, 8 * tile + lane % 4 * 2);
            }
        }
    }
}
