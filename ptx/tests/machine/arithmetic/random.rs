//! Operands: random, but with an eye for where mistakes live.

use super::exact::Format;

/// A small generator (splitmix64), so that each test has its own sequence.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// An integer of some bits: any, small, close to a power of two, or with long runs of equal bits.
    pub fn integer(&mut self, bits: u32) -> u64 {
        let all = u64::MAX >> (64 - bits);
        let value = match self.below(6) {
            0 => self.next() % 40,
            1 => (self.next() % 40).wrapping_neg(),
            2 => (1u64 << self.below(bits as u64)).wrapping_add(self.below(5)).wrapping_sub(2),
            3 => (u64::MAX << self.below(bits as u64)) ^ (u64::MAX >> self.below(64)),
            _ => self.next(),
        };
        value & all
    }

    /// A number of `format`: any, special, subnormal, near an end of the range, of few bits, or near `about` in size.
    pub fn float(&mut self, format: Format, about: u64) -> u64 {
        let sign = if self.next() & 1 == 0 { format.sign() } else { 0 };
        let top = format.infinity();
        let fraction = self.next() & ((1 << format.fraction) - 1);
        let exponent = |exponent: u64| exponent.min((1 << format.exponent) - 2) << format.fraction;
        let near = (about & top) >> format.fraction;
        let few = fraction & (u64::MAX << self.below(format.fraction as u64 + 1));
        let magnitude = match self.below(16) {
            0 => self.pick(&[
                0,
                0,
                1,
                2,
                (1 << format.fraction) - 1,
                1 << format.fraction,
                top - 1,
                top - 2,
                top,
                top,
                format.nan(),
                top + 1,
            ]),
            1 => fraction,
            2 => exponent(self.below(4)) | few,
            3 => exponent((1 << format.exponent) - 2 - self.below(3)) | fraction,
            4 => exponent(format.bias() as u64) | few,
            5 => {
                exponent(
                    (format.bias() as u64 + self.below(2 * format.fraction as u64))
                        .saturating_sub(format.fraction as u64),
                ) | few
            }
            6..=9 => {
                exponent(near.saturating_add(self.below(5)).saturating_sub(2))
                    | if self.next() & 1 == 0 { few } else { fraction }
            }
            10 => {
                exponent((near + self.below(2 * format.fraction as u64 + 4)).saturating_sub(format.fraction as u64 + 2))
                    | few
            }
            // So that a product with `about`, or a quotient, comes near the least or the largest numbers.
            11 => {
                let bias = format.bias() as u64;
                let slack = self.below(2 * format.fraction as u64 + 4);
                let field = self.pick(&[
                    (bias + 2).saturating_sub(near + slack),
                    (3 * bias + 3).saturating_sub(near + slack % 8),
                    (near + 3).saturating_sub(bias + slack % 8),
                    near + bias + slack,
                ]);
                exponent(field) | fraction
            }
            _ => self.next() & (format.sign() - 1),
        };
        sign | magnitude & (format.sign() - 1)
    }
}
