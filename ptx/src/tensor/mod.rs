//! Tensor instructions as pure functions: registers in, registers out; memory as offsets that the caller reads and writes.
//!
//! A warp's 32-bit register is [`Lanes`], a word a lane. A 64-bit register is two of them, holding 32 pairs of words, as in
//! the register file ([`crate::lane`]); a fragment is a slice of such.

pub mod element;
pub mod fragment;
pub mod map;
pub mod matrix;
pub mod mma;
mod product;
pub mod swizzle;
pub mod wgmma;
pub mod wmma;

use crate::lane::LANES;
use crate::number::round::Round;

/// A 32-bit register of a warp, a word a lane.
pub type Lanes = [u32; LANES];

/// An instruction's parts without f64's rounding mode, and that.
fn without_round<'a, 'b>(parts: &'b [&'a str]) -> (Option<Round>, &'b [&'a str]) {
    let modes = [("rn", Round::Nearest), ("rz", Round::Zero), ("rm", Round::Down), ("rp", Round::Up)];
    let found = modes.iter().find_map(|(word, round)| match without(word, parts) {
        (true, rest) => Some((Some(*round), rest)),
        _ => None,
    });
    found.unwrap_or((None, parts))
}

/// An instruction's parts without `word`, a modifier that is written first or last, and whether it was there.
fn without<'a, 'b>(word: &str, parts: &'b [&'a str]) -> (bool, &'b [&'a str]) {
    match parts {
        [first, rest @ ..] if *first == word => (true, rest),
        [rest @ .., last] if *last == word => (true, rest),
        _ => (false, parts),
    }
}
