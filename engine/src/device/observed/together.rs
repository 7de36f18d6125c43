//! What lanes of a warp do by one instruction.

use super::Access;

/// Accesses of lanes of a warp by one instruction.
pub(crate) struct Together<'a> {
    pub(crate) warp: usize,
    /// The lanes that take part, some at least.
    pub(crate) mask: u32,
    pub(crate) addresses: &'a [u64; 32],
    /// What is the same for all; its address is of no meaning.
    pub(crate) each: Access,
    /// The bytes that a lane writes.
    pub(crate) values: Option<&'a dyn Fn(usize) -> [u8; LONGEST]>,
}

/// Bytes that a lane accesses by one instruction at most.
pub(crate) const LONGEST: usize = 32;

/// How addresses of lanes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// All lanes', one after the other without gaps.
    SideBySide,
    /// All lanes' at the same place.
    Same,
    Any,
}

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

    /// How their addresses lie.
    pub(crate) fn pattern(&self) -> Pattern {
        if self.mask != u32::MAX {
            return Pattern::Any;
        }
        let (first, bytes) = (self.addresses[0], self.each.bytes);
        let (mut apart, mut different, mut next) = (0, 0, first);
        for address in self.addresses {
            apart |= address ^ next;
            different |= address ^ first;
            next = next.wrapping_add(bytes);
        }
        match (apart, different) {
            (0, _) => Pattern::SideBySide,
            (_, 0) => Pattern::Same,
            _ => Pattern::Any,
        }
    }

    /// The least address, the end of the access at the greatest, and all bits that any has.
    pub(crate) fn span(&self, pattern: Pattern) -> (u64, u64, u64) {
        let (first, bytes) = (self.addresses[0], self.each.bytes);
        match pattern {
            Pattern::SideBySide => (first, first.wrapping_add(32 * bytes), first),
            Pattern::Same => (first, first.wrapping_add(bytes), first),
            Pattern::Any => {
                let all = self.lanes().map(|lane| self.addresses[lane]);
                let (least, greatest, bits) = all.fold((u64::MAX, 0, 0), |(least, greatest, bits), address| {
                    (u64::min(least, address), u64::max(greatest, address), bits | address)
                });
                (least, greatest.wrapping_add(bytes), bits)
            }
        }
    }

    /// One of them.
    pub(crate) fn of(&self, lane: usize) -> Access {
        Access { address: self.addresses[lane], ..self.each }
    }
}
