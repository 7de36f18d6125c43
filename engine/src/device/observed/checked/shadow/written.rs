//! Which bytes of a stretch of memory were written.

/// Which bytes have ever been written, from an offset of 0 on.
pub(in super::super) struct Written(Vec<u64>);

impl Written {
    /// None of `bytes` bytes.
    pub(in super::super) fn nothing(bytes: u64) -> Self {
        Self(vec![0; bytes.div_ceil(64) as usize])
    }

    /// Whether it is of so many bytes.
    pub(in super::super) fn reaches(&self, bytes: u64) -> bool {
        self.0.len() as u64 == bytes.div_ceil(64)
    }

    /// None of them any more.
    pub(in super::super) fn forget(&mut self) {
        self.0.fill(0);
    }

    /// The bits of byte `at` and those after it, up to `end` or the end of the word of bits; and their number.
    fn mask(at: u64, end: u64) -> (u64, u64) {
        let count = (64 - at % 64).min(end - at);
        ((u64::MAX >> (64 - count)) << (at % 64), count)
    }

    pub(in super::super) fn add(&mut self, offset: u64, bytes: u64) {
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let (mask, count) = Self::mask(at, end);
            self.0[(at / 64) as usize] |= mask;
            at += count;
        }
    }

    /// Whether there are some of these bytes that nothing has written.
    pub(in super::super) fn missing(&self, offset: u64, bytes: u64) -> bool {
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let (mask, count) = Self::mask(at, end);
            if mask & !self.0[(at / 64) as usize] != 0 {
                return true;
            }
            at += count;
        }
        false
    }

    /// Makes the bytes at `to` as written as those at `from` of `other` are.
    pub(in super::super) fn copy(&mut self, to: u64, other: &Self, from: u64, bytes: u64) {
        for i in 0..bytes {
            let bit = other.0[((from + i) / 64) as usize] >> ((from + i) % 64) & 1;
            let word = &mut self.0[((to + i) / 64) as usize];
            *word = *word & !(1 << ((to + i) % 64)) | bit << ((to + i) % 64);
        }
    }
}
