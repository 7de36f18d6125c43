//! Registers of a warp: each instruction is done for all 32 lanes at once.
//!
//! A warp's registers lie in one file of 32-bit words, and operands are offsets into it. A 32-bit register is 32 words, a
//! lane each; a 16-bit one likewise, with zeros above; a 64-bit one is 32 pairs of words, a 128-bit one 32 times four. A
//! predicate is one word, a bit per lane. What an instruction takes as an immediate is a register that never changes.

/// Threads of a warp.
pub const LANES: usize = 32;

/// How wide a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// One bit a lane.
    Predicate,
    /// 16 bits (and 8) in words of 32.
    B16,
    B32,
    B64,
    B128,
}

impl Width {
    /// Words of the register file that a register takes.
    pub const fn words(self) -> u32 {
        match self {
            Width::Predicate => 1,
            Width::B16 | Width::B32 => 32,
            Width::B64 => 64,
            Width::B128 => 128,
        }
    }
}

/// Where an instruction's operands lie, as offsets in words into the warp's registers. What an instruction lacks is 0 and not
/// looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operands {
    /// The destination.
    pub d: u32,
    /// A second destination or a predicate beside: `setp`'s `|q`, the carry of `add.cc`.
    pub p: u32,
    /// Sources, in the order in which they are written.
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub e: u32,
    pub f: u32,
    /// No offset: which of its forms the instruction takes, as `alu::Found::control` says.
    pub control: u32,
}

/// Does an instruction for the lanes of `mask`; registers of other lanes stay as they are. A destination may be a source.
///
/// # Safety
/// `words` are a warp's registers, aligned to 64 bytes, and each operand that the instruction has lies in them with its width;
/// offsets of registers (predicates excepted) are multiples of 32. Registers are the same or lie apart.
pub type Alu = unsafe fn(words: *mut u32, mask: u32, operands: &Operands);

/// One operand of an instruction as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub place: Place,
    pub width: Width,
}

/// Which field of [`Operands`] an operand goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    D,
    P,
    A,
    B,
    C,
    E,
    F,
    /// [`Operands::p`], as the thread's carry flag, which is not written among the operands.
    Carry,
}

/// Which instructions of the processor are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every processor of its kind has.
    Base,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL), too.
    Avx512,
}

impl Isa {
    /// The best that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("bmi2");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 && avx512 {
                return Isa::Avx512;
            }
            if avx2 {
                return Isa::Avx2;
            }
        }
        Isa::Base
    }
}
