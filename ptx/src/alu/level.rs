//! One text for each instruction, compiled for several kinds of processors.

use crate::lane::{Alu, Isa, Operands};

/// Which instructions of the processor the code around may use.
pub trait Level {
    const ISA: Isa;
    /// One lane after another: for what is rare, so that it does not take the compiler long.
    const SLOW: bool = false;
}

pub struct Base;
pub struct Avx2;
pub struct Avx512;
/// As [`Base`], lanes one after another.
pub struct Slow;

impl Level for Base {
    const ISA: Isa = Isa::Base;
}
impl Level for Slow {
    const ISA: Isa = Isa::Base;
    const SLOW: bool = true;
}
impl Level for Avx2 {
    const ISA: Isa = Isa::Avx2;
}
impl Level for Avx512 {
    const ISA: Isa = Isa::Avx512;
}

/// An instruction for a whole warp.
pub trait Run {
    /// Whether it is worth vectors on an x86-64 processor without AVX2, too: compiling it once more takes as long again.
    const COMMON: bool;

    /// # Safety
    /// As [`Alu`], and the processor has what `L` says. Always inlined: what it may use is decided by the function around.
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, operands: &Operands);
}

unsafe fn base<R: Run>(words: *mut u32, mask: u32, operands: &Operands) {
    // SAFETY: the caller's promise, and Base asks for nothing.
    unsafe { R::run::<Base>(words, mask, operands) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi2")]
unsafe fn avx2<R: Run>(words: *mut u32, mask: u32, operands: &Operands) {
    // SAFETY: the caller's promise, and the features are enabled here.
    unsafe { R::run::<Avx2>(words, mask, operands) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,f16c,bmi2")]
unsafe fn avx512<R: Run>(words: *mut u32, mask: u32, operands: &Operands) {
    // SAFETY: the caller's promise, and the features are enabled here.
    unsafe { R::run::<Avx512>(words, mask, operands) }
}

/// The instruction as `isa` does it best.
pub fn best<R: Run>(isa: Isa) -> Alu {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<R>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<R>,
        _ if cfg!(target_arch = "x86_64") && !R::COMMON => slow::<R>,
        _ => base::<R>,
    }
}

unsafe fn slow<R: Run>(words: *mut u32, mask: u32, operands: &Operands) {
    // SAFETY: the caller's promise, and Slow asks for nothing.
    unsafe { R::run::<Slow>(words, mask, operands) }
}

/// The instruction in one form for all processors, a lane at a time: for what is rare, or gains nothing from vectors.
pub fn plain<R: Run>() -> Alu {
    slow::<R>
}

/// `number`, of which the compiler knows nothing.
#[inline(always)]
pub fn opaque(number: usize) -> usize {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        let mut hidden = number;
        // SAFETY: it is empty.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) hidden, options(pure, nomem, nostack, preserves_flags)) };
        hidden
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    number
}
