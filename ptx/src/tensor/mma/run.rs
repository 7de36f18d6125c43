//! Executes a matrix multiply.

use super::{Kind, Mma as Instruction};
use crate::lane::Isa;
use crate::number::double;
use crate::number::round::{Rm, Round, Rp, Rz};
use crate::tensor::Lanes;
use crate::tensor::element::{Element, f16_to_f32, f32_bits, f32_to_f16};
use crate::tensor::fragment::{quad, quad_a, quad_b, quad_c};
use crate::tensor::product::{rows, with_isa};

impl Instruction {
    /// D = A × B + C, of registers as [`crate::tensor`] says, as many as the fragments have.
    ///
    /// Floats: products are exact, sums are f32 in the order of k from C's element on, each addition rounded to nearest even
    /// (`fma`); D of f16 is rounded once, at the end; subnormals count; each NaN is 0x7fffffff (0x7fff in f16). f64: a chain of
    /// `fma` in the order of k; each NaN is 0xfff8000000000000. The manual leaves orders and roundings of all but f64 open;
    /// hardware's differ.
    ///
    /// # Panics
    /// If a slice has fewer registers than its fragment.
    pub fn run(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes]) {
        let (a, b, c) = (&a[..self.a.lanes()], &b[..self.b.lanes()], &c[..self.c.lanes()]);
        let d = &mut d[..self.d.lanes()];
        with_isa!(self.isa, self.all(a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes]))
    }

    /// What [`Instruction::run`] does where A is sparse: the element of A at `row` and `k` (less than half of the shape's)
    /// meets B's row `meets[row][k]`.
    pub(super) fn run_sparse(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], meets: &Meets) {
        let (a, b, c) = (&a[..self.a.lanes()], &b[..self.b.lanes()], &c[..self.c.lanes()]);
        let d = &mut d[..self.d.lanes()];
        with_isa!(self.isa, self.all_sparse(a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], meets: &Meets))
    }

    #[inline(always)]
    fn all_sparse(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], meets: &Meets) {
        let meets = |row: usize, k: usize| usize::from(meets[row][k]);
        match self.kind {
            Kind::Integer { saturate } => self.integers(a, b, c, d, saturate, meets),
            _ => self.floats(a, b, c, d, meets),
        }
    }

    #[inline(always)]
    fn all(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes]) {
        match self.kind {
            Kind::Float => self.floats(a, b, c, d, |_, k| k),
            Kind::Double { round } => self.doubles(a, b, c, d, round),
            Kind::Integer { saturate } => self.integers(a, b, c, d, saturate, |_, k| k),
            Kind::Bits { and } => self.bits(a, b, c, d, and),
            Kind::Quads { a_rows, b_rows } => self.quads(a, b, c, d, a_rows, b_rows),
        }
    }

    #[inline(always)]
    fn floats(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], meets: impl Fn(usize, usize) -> usize) {
        let (mut a_planes, mut b_planes) = ([[0.0; 32]; 16], [[0.0; 32]; 16]);
        self.a.element.floats(a, &mut a_planes);
        self.b.element.floats(b, &mut b_planes);
        let mut sums = [[0.0; 8]; 16];
        match self.c.element {
            Element::F32 => gather(c, &mut sums, f32::from_bits),
            _ => gather_halves(c, &mut sums, f16_to_f32),
        }
        match self.a.element.per_register() {
            1 => multiply::<f32, 1, 16>(self.depths(), &a_planes, &b_planes, &mut sums, meets, f32::mul_add),
            2 => multiply::<f32, 2, 32>(self.depths(), &a_planes, &b_planes, &mut sums, meets, f32::mul_add),
            _ => multiply::<f32, 4, 64>(self.depths(), &a_planes, &b_planes, &mut sums, meets, f32::mul_add),
        }
        match self.d.element {
            Element::F32 => scatter(&sums, d, f32_bits),
            _ => scatter_halves(&sums, d, f32_to_f16),
        }
    }

    #[inline(always)]
    fn doubles(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], round: Round) {
        let (mut a_planes, mut b_planes) = ([[0.0; 32]; 8], [[0.0; 32]; 4]);
        doubles(a, &mut a_planes);
        doubles(b, &mut b_planes);
        let mut planes = [[0.0; 32]; 4];
        doubles(c, &mut planes);
        let mut sums = [[0.0; 8]; 16];
        gather(&planes, &mut sums[..self.shape.m], |value| value);
        let part = &mut sums[..self.shape.m];
        if round == Round::Nearest {
            multiply::<f64, 1, 16>(self.depths(), &a_planes, &b_planes, part, |_, k| k, f64::mul_add);
        } else {
            multiply::<f64, 1, 16>(self.depths(), &a_planes, &b_planes, part, |_, k| k, directed(round));
        }
        scatter(&sums[..self.shape.m], &mut planes, |value| value);
        for (pair, plane) in d.chunks_exact_mut(2).zip(&planes) {
            for (words, value) in pair.as_flattened_mut().chunks_exact_mut(2).zip(plane) {
                let bits = if value.is_nan() { 0xfff8 << 48 } else { value.to_bits() };
                (words[0], words[1]) = (bits as u32, (bits >> 32) as u32);
            }
        }
    }

    #[inline(always)]
    fn integers(
        &self,
        a: &[Lanes],
        b: &[Lanes],
        c: &[Lanes],
        d: &mut [Lanes],
        saturate: bool,
        meets: impl Fn(usize, usize) -> usize,
    ) {
        let (mut a_planes, mut b_planes) = ([[0; 32]; 32], [[0; 32]; 32]);
        self.a.element.integers(a, &mut a_planes);
        self.b.element.integers(b, &mut b_planes);
        // At most 64 products of 4 bits or 32 of 8 bits: their sum alone never leaves s32.
        let mut sums = [[0; 8]; 16];
        let (depths, sums) = (self.depths(), &mut sums[..self.shape.m]);
        let step = |x: u32, y: u32, sum: u32| sum.wrapping_add(x.wrapping_mul(y));
        match self.a.element.per_register() {
            4 => multiply::<u32, 4, 64>(depths, &a_planes, &b_planes, sums, meets, step),
            _ => multiply::<u32, 8, 128>(depths, &a_planes, &b_planes, sums, meets, step),
        }
        scatter(sums, d, |sum| sum);
        for (sum, c) in d.as_flattened_mut().iter_mut().zip(c.as_flattened()) {
            let saturated = (*sum as i32).saturating_add(*c as i32) as u32;
            *sum = if saturate { saturated } else { sum.wrapping_add(*c) };
        }
    }

    #[inline(always)]
    fn bits(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], and: bool) {
        let mut sums = [[0; 8]; 16];
        let (words, sums) = (self.shape.k / 32, &mut sums[..self.shape.m]);
        gather(c, sums, |word| word);
        let step = |x: u32, y: u32, sum: u32| {
            let bits = if and { x & y } else { x ^ y };
            sum.wrapping_add(bits.count_ones())
        };
        multiply::<u32, 1, 8>((words, words), a, b, sums, |_, k| k, step);
        scatter(sums, d, |word| word);
    }

    /// How many elements a row of A has, and a column of B.
    #[inline(always)]
    fn depths(&self) -> (usize, usize) {
        let a = self.a.registers * self.a.element.per_register() * 32 / self.shape.m;
        (a, self.shape.k)
    }

    fn quads(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes], a_rows: bool, b_rows: bool) {
        let half = |registers: &[Lanes], lane: usize, index: usize| {
            f16_to_f32(registers[index / 2][lane] >> (16 * (index % 2)))
        };
        let (mut left, mut right, mut sums) = ([[[0.0; 4]; 8]; 4], [[[0.0; 8]; 4]; 4], [[[0.0; 8]; 8]; 4]);
        for lane in 0..32 {
            let quad = quad(lane);
            for index in 0..4 {
                let (row, column) = quad_a(a_rows, lane, index);
                left[quad][row][column] = half(a, lane, index);
                let (row, column) = quad_b(b_rows, lane, index);
                right[quad][row][column] = half(b, lane, index);
            }
            for index in 0..8 {
                let (row, column) = quad_c(self.c.element, lane, index);
                let f32s = self.c.element == Element::F32;
                sums[quad][row][column] = if f32s { f32::from_bits(c[index][lane]) } else { half(c, lane, index) };
            }
        }
        for quad in 0..4 {
            rows(4, |row, k| (left[quad][row][k], k), &right[quad], &mut sums[quad], f32::mul_add);
        }
        for lane in 0..32 {
            let sum = |index| {
                let (row, column) = quad_c(self.d.element, lane, index);
                sums[quad(lane)][row][column]
            };
            for (index, register) in d.iter_mut().enumerate() {
                register[lane] = match self.d.element {
                    Element::F32 => f32_bits(sum(index)),
                    _ => f32_to_f16(sum(2 * index)) | f32_to_f16(sum(2 * index + 1)) << 16,
                };
            }
        }
    }
}

/// `fma` that does not round to nearest.
fn directed(round: Round) -> fn(f64, f64, f64) -> f64 {
    match round {
        Round::Down => double::fma::<Rm>,
        Round::Up => double::fma::<Rp>,
        _ => double::fma::<Rz>,
    }
}

/// Which row of B each element of a row of sparse A meets.
pub type Meets = [[u8; 64]; 16];

/// Adds A × B to `sums`, of which there are as many rows as A has. `PER` elements are in a register; `DEPTH` is the most that
/// B may have rows. Element `index` of register `r` in lane `l` is `planes[r * PER + index][l]`; `meets` tells the row of B
/// that an element of A, of which a row has `a_depth`, is multiplied with.
#[inline(always)]
fn multiply<T: Copy + Default, const PER: usize, const DEPTH: usize>(
    (a_depth, b_depth): (usize, usize),
    a: &[[T; 32]],
    b: &[[T; 32]],
    sums: &mut [[T; 8]],
    meets: impl Fn(usize, usize) -> usize,
    step: impl Fn(T, T, T) -> T,
) {
    // As rows that the sums' columns can meet all at once.
    let mut turned = [[T::default(); 8]; DEPTH];
    for (row, columns) in turned[..b_depth].iter_mut().enumerate() {
        let (register, lane, index) = (row / (4 * PER), row / PER % 4, row % PER);
        for (column, element) in columns.iter_mut().enumerate() {
            *element = b[register * PER + index][4 * column + lane];
        }
    }
    let tiles = sums.len() / 8;
    let element = |row: usize, k: usize| {
        let register = k / (4 * PER) * tiles + row / 8;
        (a[register * PER + k % PER][row % 8 * 4 + k / PER % 4], meets(row, k))
    };
    rows(a_depth, element, &turned, sums, step);
}

/// The rows of accumulators, of which each register holds one of a lane.
#[inline(always)]
fn gather<T: Copy, U>(registers: &[[T; 32]], sums: &mut [[U; 8]], value: impl Fn(T) -> U) {
    for (pair, tile) in registers.chunks_exact(2).zip(sums.chunks_exact_mut(8)) {
        for (lane, places) in tile.as_flattened_mut().chunks_exact_mut(2).enumerate() {
            (places[0], places[1]) = (value(pair[0][lane]), value(pair[1][lane]));
        }
    }
}

/// The rows of accumulators, of which each register holds two of a lane.
#[inline(always)]
fn gather_halves<U>(registers: &[Lanes], sums: &mut [[U; 8]], value: impl Fn(u32) -> U) {
    for (register, tile) in registers.iter().zip(sums.chunks_exact_mut(8)) {
        for (word, places) in register.iter().zip(tile.as_flattened_mut().chunks_exact_mut(2)) {
            (places[0], places[1]) = (value(word & 0xffff), value(word >> 16));
        }
    }
}

/// What [`gather`] reads, written.
#[inline(always)]
fn scatter<T: Copy, U: Copy>(sums: &[[U; 8]], registers: &mut [[T; 32]], value: impl Fn(U) -> T) {
    for (pair, tile) in registers.chunks_exact_mut(2).zip(sums.chunks_exact(8)) {
        for (lane, places) in tile.as_flattened().chunks_exact(2).enumerate() {
            (pair[0][lane], pair[1][lane]) = (value(places[0]), value(places[1]));
        }
    }
}

/// What [`gather_halves`] reads, written.
#[inline(always)]
fn scatter_halves<U: Copy>(sums: &[[U; 8]], registers: &mut [Lanes], value: impl Fn(U) -> u32) {
    for (register, tile) in registers.iter_mut().zip(sums.chunks_exact(8)) {
        for (word, places) in register.iter_mut().zip(tile.as_flattened().chunks_exact(2)) {
            *word = value(places[0]) | value(places[1]) << 16;
        }
    }
}

/// The values of 64-bit registers.
#[inline(always)]
fn doubles(registers: &[Lanes], out: &mut [[f64; 32]]) {
    for (pair, plane) in registers.chunks_exact(2).zip(out) {
        for (words, value) in pair.as_flattened().chunks_exact(2).zip(plane) {
            *value = f64::from_bits(u64::from(words[0]) | u64::from(words[1]) << 32);
        }
    }
}
