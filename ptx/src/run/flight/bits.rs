//! A bit for each word of a block's shared memory.

use std::ops::Range;

/// The bits. Ranges are of bytes, and may go beyond the end, where nothing is set.
pub struct Bits {
    words: Vec<u64>,
    any: bool,
}

impl Bits {
    /// For so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { words: vec![0; bytes.div_ceil(256) as usize], any: false }
    }

    pub fn clear(&mut self) {
        if self.any {
            self.words.fill(0);
            self.any = false;
        }
    }

    /// Whether any may be set.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.any
    }

    pub fn set(&mut self, bytes: &Range<u64>) {
        self.any = true;
        self.each(bytes, |word, mask| *word |= mask);
    }

    pub fn unset(&mut self, bytes: &Range<u64>) {
        self.each(bytes, |word, mask| *word &= !mask);
    }

    /// Whether one of these is set.
    pub fn has(&self, bytes: &Range<u64>) -> bool {
        parts(bytes).any(|(at, mask)| self.words.get(at).is_some_and(|word| word & mask != 0))
    }

    fn each(&mut self, bytes: &Range<u64>, mut change: impl FnMut(&mut u64, u64)) {
        for (at, mask) in parts(bytes) {
            if let Some(word) = self.words.get_mut(at) {
                change(word, mask);
            }
        }
    }
}

/// The words that hold a range's bits, and which of theirs.
fn parts(bytes: &Range<u64>) -> impl Iterator<Item = (usize, u64)> {
    let (first, end) = (bytes.start / 4, bytes.end.div_ceil(4));
    (first / 64..end.div_ceil(64)).map(move |at| {
        let (low, high) = (first.max(at * 64) - at * 64, end.min(at * 64 + 64) - at * 64);
        (at as usize, u64::MAX >> (64 - (high - low)) << low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_set_to_the_word() {
        let mut bits = Bits::new(1024);
        bits.set(&(252..516));
        let set: Vec<u64> = (0..300).filter(|word| bits.has(&(4 * word..4 * word + 1))).collect();
        assert_eq!(set, (63..129).collect::<Vec<_>>());
        assert!(bits.has(&(0..253)) && !bits.has(&(0..252)) && !bits.has(&(516..4096)) && bits.has(&(515..516)));
        bits.unset(&(256..512));
        assert!(bits.has(&(252..256)) && !bits.has(&(256..512)) && bits.has(&(508..513)) && bits.any());
        bits.clear();
        assert!(!bits.has(&(0..1024)) && !bits.any());
    }
}
