//! `mma.sp.sync` (9.7.14.6): half of A's elements are zero and left out; metadata tell which.
//!
//! Of each chunk of a row of A half is there: of 4 elements of 16 or 8 bits 2, of 2 tf32 1, of 4 pairs of 4 bits 2 pairs. Four
//! bits of metadata name a chunk's two places (tf32's as halves of 16 bits). What is there lies in registers as a dense A of
//! half the columns does. Which lanes hold which metadata is as CUTLASS writes it down for shapes whose rows have 32 bytes
//! without their zeros (`mma_traits_sm90_gmma_sparse.hpp`, `host_reorder.h`); of rows of 16 bytes half as many lanes hold all.

use super::run::Meets;
use super::{Kind, Mma, Shape, Types, shape_and_layouts};
use crate::lane::Isa;
use crate::tensor::element::Element::{self, *};
use crate::tensor::fragment::Fragment;
use crate::tensor::{Lanes, without};

/// A matrix multiply of a warp with sparse A. As operands are written: D, A, B, C, the metadata (a 32-bit register) and the
/// sparsity selector (an immediate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparseMma {
    /// With fragment A of half of K's columns.
    pub dense: Mma,
    /// `::ordered_metadata`: places ascend.
    pub ordered: bool,
}

/// The instruction `parts`, its name between dots (`["mma", "sp::ordered_metadata", "sync", "aligned", "m16n8k32", "row", "col",
/// "f32", "f16", "f16", "f32"]`): None if it is none of sm_80 to sm_90.
pub fn find_sparse(isa: Isa, parts: &[&str]) -> Option<SparseMma> {
    let (ordered, parts) = match parts {
        ["mma", "sp", "sync", "aligned", rest @ ..] => (false, rest),
        ["mma", "sp::ordered_metadata", "sync", "aligned", rest @ ..] => (true, rest),
        _ => return None,
    };
    let (shape, ["row", "col"], rest) = shape_and_layouts(parts)? else { return None };
    let (saturate, rest) = without("satfinite", rest);
    let [d, a, b, c] = rest else { return None };
    let types = Types { a: Element::parse(a)?, b: Element::parse(b)?, c: Element::parse(c)?, d: Element::parse(d)? };
    let Types { a, b, c, d } = types;
    let sums = match (a, b) {
        (F16, F16) => matches!(c, F16 | F32),
        (Bf16, Bf16) | (Tf32, Tf32) | (E4m3 | E5m2, E4m3 | E5m2) => c == F32,
        (S8 | U8, S8 | U8) | (S4 | U4, S4 | U4) => c == S32,
        _ => false,
    };
    let whole = c == S32;
    // A row of A takes 32 bytes without its zeros, or 16 where there are such of 8 bits, too.
    let floats_of_bytes = matches!(a, E4m3 | E5m2);
    let wide = shape.k * a.bits();
    let shaped = (shape.m, shape.n) == (16, 8) && (wide == 512 || wide == 256 && !floats_of_bytes);
    let kind = if whole { Kind::Integer { saturate } } else { Kind::Float };
    let there = sums && c == d && shaped && (whole || !saturate);
    there.then(|| {
        let dense = Mma::of(isa, shape, types, kind);
        SparseMma { dense: Mma { a: Fragment::of(a, 16 * shape.k / 2), ..dense }, ordered }
    })
}

impl SparseMma {
    /// How many values the sparsity selector has: it tells which lanes' metadata count.
    pub const fn selectors(&self) -> u32 {
        let (halves, whole) = (self.dense.a.element.bits() >= 16, self.dense.a.registers == 4);
        match (halves, whole) {
            (true, false) => 4,
            (true, true) | (false, false) => 2,
            (false, true) => 1,
        }
    }

    /// D = A × B + C, with sums as [`Mma::run`] has them, zeros of A left out.
    ///
    /// # Errors
    /// A selector that the shape does not have; metadata that name a place twice or, if ordered, not in ascending order.
    ///
    /// # Panics
    /// If a slice has fewer registers than its fragment.
    pub fn run(
        &self,
        [a, b, c]: [&[Lanes]; 3],
        metadata: &Lanes,
        selector: u32,
        d: &mut [Lanes],
    ) -> Result<(), String> {
        self.dense.run_sparse(a, b, c, d, &self.meets(metadata, selector)?);
        Ok(())
    }

    /// Which rows of B the elements of each row of A meet.
    ///
    /// # Errors
    /// As [`SparseMma::run`].
    pub fn meets(&self, metadata: &Lanes, selector: u32) -> Result<Meets, String> {
        if selector >= self.selectors() {
            return Err(format!("the sparsity selector is {selector}, but must be less than {}", self.selectors()));
        }
        let mut meets: Meets = [[0; 64]; 16];
        for (row, meets) in meets.iter_mut().enumerate() {
            self.places(row, self.bits_of_row(row, metadata, selector), meets)?;
        }
        Ok(meets)
    }

    /// What metadata of A with such rows mean, whatever becomes of the products.
    pub(in crate::tensor) fn of_rows(isa: Isa, a: Element, k: usize) -> Self {
        let (shape, types) = (Shape { m: 16, n: 8, k }, Types { a, b: a, c: F32, d: F32 });
        let dense = Mma::of(isa, shape, types, Kind::Float);
        Self { dense: Mma { a: Fragment::of(a, 16 * k / 2), ..dense }, ordered: false }
    }

    /// The metadata of a row, four bits a chunk from the lowest on. Of 16 bits and more, two of four lanes hold half of both
    /// rows 8 apart, in their halves; of fewer bits, each lane holds half of one row. Where rows are half as long, one lane
    /// holds both of them, and a pair a row each.
    fn bits_of_row(&self, row: usize, metadata: &Lanes, selector: u32) -> u64 {
        let (group, lower, selector) = (row % 8 * 4, row / 8, selector as usize);
        let word = |lane: usize| u64::from(metadata[group + lane]);
        let half = |lane: usize| word(lane) >> (16 * lower) & 0xffff;
        match (self.dense.a.element.bits() >= 16, self.dense.a.registers == 4) {
            (true, true) => half(2 * selector) | half(2 * selector + 1) << 16,
            (true, false) => half(selector),
            (false, true) => word(lower) | word(lower + 2) << 32,
            (false, false) => word(2 * selector + lower),
        }
    }

    /// Writes which rows of B the elements of a row of A meet.
    fn places(&self, row: usize, bits: u64, meets: &mut [u8; 64]) -> Result<(), String> {
        let element = self.dense.a.element;
        // Elements of A in a chunk, in the tensor and in registers, and how many go together.
        let (wide, there, together) = match element.bits() {
            32 => (2, 1, 1),
            4 => (8, 4, 2),
            _ => (4, 2, 1),
        };
        for (chunk, meets) in meets[..self.dense.shape.k / 2].chunks_exact_mut(there).enumerate() {
            let places = (bits >> (4 * chunk)) as u8 & 15;
            let (first, second) = (places & 3, places >> 2);
            let right = match element {
                Tf32 => matches!(places, 0b0100 | 0b1110),
                _ => first < second || !self.ordered && first != second,
            };
            if !right {
                return Err(format!(
                    "the metadata of chunk {chunk} of row {row} of sparse A, {places:#06b}, have no meaning"
                ));
            }
            let of = |index: usize| if index / together == 0 { first } else { second };
            for (index, meets) in meets.iter_mut().enumerate() {
                let place = if element == Tf32 { first / 2 } else { of(index) * together as u8 };
                *meets = (wide * chunk + index % together) as u8 + place;
            }
        }
        Ok(())
    }
}
