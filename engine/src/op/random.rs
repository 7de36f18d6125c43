//! Random numbers for kernels: counter-based, so that they depend on names and never on who asks first.
//!
//! The generator is Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011),
//! written once for kernels (`kernels/prelude/philox.cuh`) and once here, for references and for the host's own needs.

use crate::device::Arg;

/// Names one sequence of random numbers. Its blocks of four words are numbered; block `index` is
/// `philox(counter = (index, stream, step), key = seed)`. What a kernel draws is a function of the key and the index of
/// the element (or image) alone, so every device, thread order and tile shape draws the same, and a run resumed at some
/// step goes on with the numbers that the uninterrupted run would have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Chosen once per run.
    pub seed: u64,
    /// Counts the times that the same place draws: the optimizer step, or the epoch for augmentation.
    pub step: u64,
    /// Tells places that draw in the same step apart: two dropout layers must not share a mask.
    pub stream: u32,
}

impl Key {
    /// Block `index` of the sequence.
    pub fn block(self, index: u32) -> [u32; 4] {
        let [step, seed] = [self.step, self.seed].map(|v| [v as u32, (v >> 32) as u32]);
        philox([index, self.stream, step[0], step[1]], seed)
    }

    /// Word `index` of the sequence: what element `index` of a tensor draws.
    pub fn word(self, index: usize) -> u32 {
        self.block((index / 4) as u32)[index % 4]
    }

    /// The key as kernels take it: seed, step, stream.
    pub(crate) fn args(self) -> [Arg; 3] {
        [self.seed.into(), self.step.into(), self.stream.into()]
    }
}

/// Philox 4x32 with ten rounds.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let (a, b) = (0xd251_1f53 * c0 as u64, 0xcd9e_8d57 * c2 as u64);
        (c0, c1, c2, c3) = ((b >> 32) as u32 ^ c1 ^ k0, b as u32, (a >> 32) as u32 ^ c3 ^ k1, a as u32);
        (k0, k1) = (k0.wrapping_add(0x9e37_79b9), k1.wrapping_add(0xbb67_ae85));
    }
    [c0, c1, c2, c3]
}
