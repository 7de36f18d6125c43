//! One text for each instruction, compiled for several kinds of processors.

use crate::lane::{Alu, Isa, Operands};

/// Which instructions of the processor the code around may use.
pub trait Level {
    const ISA: Isa;
}

pub struct Base;
pub struct Avx2;
pub struct Avx512;

impl Level for Base {
    const ISA: Isa = Isa::Base;
}
impl Level for Avx2 {
    const ISA: Isa = Isa::Avx2;
}
impl Level for Avx512 {
    const ISA: Isa = Isa::Avx512;
}

/// An instruction for a whole warp.
pub trait Run {
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
        _ => base::<R>,
    }
}

/// The instruction in one form for all processors: for what is rare, or gains nothing from vectors.
pub fn plain<R: Run>() -> Alu {
    base::<R>
}
