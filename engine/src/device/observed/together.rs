//! What lanes of a warp do by one instruction.

pub(crate) use warptape_ptx::watch::{Pattern, Span};

use super::Access;

/// Accesses of lanes of a warp by one instruction.
pub(crate) struct Together<'a> {
    pub(crate) warp: usize,
    /// The lanes that take part, some at least.
    pub(crate) mask: u32,
    pub(crate) addresses: &'a [u64; 32],
    /// How those of the lanes that take part lie.
    pub(crate) span: Span,
    /// What is the same for all; its address is of no meaning.
    pub(crate) each: Access,
    /// The bytes that a lane writes.
    pub(crate) values: Option<&'a dyn Fn(usize) -> [u8; LONGEST]>,
}

/// Bytes that a lane accesses by one instruction at most.
pub(crate) const LONGEST: usize = 32;

/// The lanes of a mask, the lowest first.
pub(crate) fn lanes(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (lane < 32).then_some(lane as usize)
    })
}

impl Together<'_> {
    /// The lanes that take part, the lowest first.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = usize> + use<> {
        lanes(self.mask)
    }

    /// One of them.
    pub(crate) fn of(&self, lane: usize) -> Access {
        Access { address: self.addresses[lane], ..self.each }
    }
}
