//! Swizzles of shared memory: 16-byte units change places within a row of 128 bytes, depending on the row.
//!
//! Tensor copies write in this order (5.5.7 Swizzling Modes) and `wgmma` reads in it (9.7.15.5.1.2). The row is
//! that of the address itself, not of the matrix, so that both meet wherever the matrix lies.

/// Over how many bytes units change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Swizzle {
    None,
    B32,
    B64,
    B128,
}

impl Swizzle {
    /// In the order of the driver's `CUtensorMapSwizzle` and of `tensormap.replace`.
    pub const ALL: [Swizzle; 4] = [Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128];

    /// Units of 16 bytes that a row of the matrix has.
    pub const fn units(self) -> u32 {
        match self {
            Swizzle::None => 1,
            Swizzle::B32 => 2,
            Swizzle::B64 => 4,
            Swizzle::B128 => 8,
        }
    }

    /// Bytes after which the pattern repeats: eight rows of the matrix.
    pub const fn period(self) -> u32 {
        128 * self.units()
    }

    /// Where what belongs at a shared memory address lies, if a pattern begins `phase` rows of 128 bytes (0 to 7) above a
    /// multiple of 1024: the row's number, as far as the pattern has rows, is exclusive-ored with the unit's.
    #[inline(always)]
    pub const fn apply(self, address: u32, phase: u32) -> u32 {
        address ^ ((address >> 7).wrapping_sub(phase) & (self.units() - 1)) << 4
    }
}
