//! Random numbers for thread orders: reproducible, and cheap, since every switch of threads draws one.

/// SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    /// Different numbers for each `stream` of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed);
        Self(dice.roll() ^ stream.wrapping_mul(0xd605_1c0e_9d5a_4b4f))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// One of 0 … `n` − 1.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((self.roll() as u128 * n as u128) >> 64) as usize
    }

    pub(super) fn coin(&mut self) -> bool {
        self.roll() >> 63 == 1
    }

    pub(super) fn shuffle(&mut self, items: &mut [u32]) {
        (1..items.len()).rev().for_each(|i| items.swap(i, self.below(i + 1)));
    }
}
