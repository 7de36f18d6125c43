//! The sums of products that all matrix multiplies are made of, compiled once for each instruction set.
//!
//! What the manual leaves open is chosen so: a sum starts from C's element and takes the products in the order of k, each
//! product exact and each addition rounded to nearest even (`fma`). Hardware adds several products at once and truncates,
//! so that last bits differ from it wherever sums are inexact.

/// Adds to each row of `c` a row of A times `b`: `a(row, k)` tells the element of A and which row of `b` it meets.
#[inline(always)]
pub fn rows<T: Copy, const N: usize>(
    depth: usize,
    a: impl Fn(usize, usize) -> (T, usize),
    b: &[[T; N]],
    c: &mut [[T; N]],
    step: impl Fn(T, T, T) -> T,
) {
    for (row, sums) in c.iter_mut().enumerate() {
        let mut total = *sums;
        for k in 0..depth {
            let (element, meets) = a(row, k);
            for (sum, other) in total.iter_mut().zip(&b[meets]) {
                *sum = step(element, *other, *sum);
            }
        }
        *sums = total;
    }
}

/// Runs a method that is `#[inline(always)]` with the instructions of `self.isa`: the call is compiled once for each set. With
/// AVX-512 the compiler gathers and scatters fragments by instructions that take twice the time of AVX2's shuffles, so that
/// its width is no use.
macro_rules! with_isa {
    ($isa:expr, $self:ident.$body:ident($($argument:ident: $type:ty),*)) => {{
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma,f16c,bmi2,popcnt")]
            unsafe fn avx2(machine: &Instruction, $($argument: $type),*) {
                machine.$body($($argument),*)
            }
            match $isa {
                // SAFETY: an Isa is what the processor has (`Isa::detect`), and what has AVX-512 here has AVX2.
                Isa::Avx2 | Isa::Avx512 => unsafe { avx2($self, $($argument),*) },
                Isa::Base => $self.$body($($argument),*),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        $self.$body($($argument),*)
    }};
}
pub(super) use with_isa;
