//! Instructions of a whole warp on matrices (ISA 9.7.14): registers come from the frame, go through [`crate::tensor`], and back.

use super::fault::{Kind, What};
use super::lanes;
use super::reach::Reach;
use super::step::{Next, Step};
use crate::code::Run;
use crate::lane::{LANES, Width};
use crate::tensor::Lanes;
use crate::tensor::fragment::Fragment;
use crate::tensor::matrix::{Direction, Matrices, Row, transposed};
use crate::tensor::mma::{Mma, SparseMma};
use crate::tensor::wmma::Multiply;
use crate::text::tree::Space;

/// Registers of a matrix, of one width.
pub struct Registers {
    pub offsets: Vec<u32>,
    pub width: Width,
}

/// As many words as the largest fragment of a warp has (f64 of `m16n8k16`).
pub const MOST: usize = 16;

impl Registers {
    /// Words of a lane in a register.
    fn each(&self) -> usize {
        self.width.words() as usize / LANES
    }

    /// Reads all registers, as [`crate::tensor`] takes them.
    ///
    /// # Safety
    /// They lie in the frame that begins at `words`.
    pub unsafe fn get(&self, words: *const u32, into: &mut [Lanes]) {
        for (offset, into) in self.offsets.iter().zip(into.chunks_exact_mut(self.each())) {
            // SAFETY: the caller's promise.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    words.add(*offset as usize),
                    into.as_mut_ptr().cast(),
                    into.len() * LANES,
                );
            }
        }
    }

    /// Writes all registers.
    ///
    /// # Safety
    /// As [`Registers::get`].
    pub unsafe fn set(&self, words: *mut u32, from: &[Lanes]) {
        for (offset, from) in self.offsets.iter().zip(from.chunks_exact(self.each())) {
            // SAFETY: the caller's promise.
            unsafe {
                std::ptr::copy_nonoverlapping(from.as_ptr().cast(), words.add(*offset as usize), from.len() * LANES);
            }
        }
    }
}

impl Step<'_, '_> {
    /// Whether all of the warp are here.
    ///
    /// # Errors
    /// A part of it has exited, or never was.
    pub fn whole(&self, mask: u32) -> Result<(), Next> {
        if mask == u32::MAX {
            return Ok(());
        }
        let what = format!("does with {} lanes what takes all 32 of a warp", mask.count_ones());
        Err(Next::Fault(self.fault(mask.trailing_zeros() as usize, What::Meeting(what))))
    }
}

/// Goes on after a check, or ends with what it found.
macro_rules! tried {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(next) => return next,
        }
    };
}
pub(crate) use tried;

/// A multiply of registers alone: `mma`, `mma.sp`, `wmma.mma`.
pub struct Multiplying {
    pub d: Registers,
    pub a: Registers,
    pub b: Registers,
    pub c: Registers,
    pub by: By,
}

/// Which multiply.
pub enum By {
    Mma(Mma),
    /// With the register of metadata and the selector.
    Sparse(SparseMma, u32, u32),
    Wmma(Multiply),
}

impl By {
    /// The fragments of D, A, B, C.
    pub fn fragments(&self) -> [Fragment; 4] {
        match self {
            By::Mma(mma) => [mma.d, mma.a, mma.b, mma.c],
            By::Sparse(sparse, ..) => [sparse.dense.d, sparse.dense.a, sparse.dense.b, sparse.dense.c],
            By::Wmma(wmma) => [wmma.d, wmma.a, wmma.b, wmma.c],
        }
    }
}

impl Run for Multiplying {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        let [mut a, mut b, mut c, mut d] = [[[0; LANES]; MOST]; 4];
        // SAFETY: the decoder placed the registers.
        unsafe {
            self.a.get(step.words, &mut a);
            self.b.get(step.words, &mut b);
            self.c.get(step.words, &mut c);
        }
        match &self.by {
            By::Mma(mma) => mma.run(&a, &b, &c, &mut d),
            By::Wmma(wmma) => wmma.run(&a, &b, &c, &mut d),
            By::Sparse(sparse, metadata, selector) => {
                let mut all = [[0; LANES]];
                let metadata = Registers { offsets: vec![*metadata], width: Width::B32 };
                // SAFETY: as above.
                unsafe { metadata.get(step.words, &mut all) };
                if let Err(what) = sparse.run([&a, &b, &c], &all[0], *selector, &mut d) {
                    return Next::Fault(step.fault(0, What::Other(format!("multiplies wrongly: {what}"))));
                }
            }
        }
        // SAFETY: as above.
        unsafe { self.d.set(step.words, &d) };
        Next::On
    }
}

/// `ldmatrix`, `stmatrix`.
pub struct Moving {
    pub matrices: Matrices,
    pub registers: Registers,
    pub reach: Reach,
}

impl Run for Moving {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        let count = 8 * self.matrices.count;
        let givers = (u64::MAX >> (64 - count)) as u32;
        let kind = if self.matrices.direction == Direction::Load { Kind::Read } else { Kind::Write };
        // SAFETY: the decoder placed the registers; pointers were checked for 16 bytes each.
        unsafe {
            if self.reach.space == Space::Generic {
                let at = self.reach.addresses(step.words);
                if let Some(lane) = lanes(givers).find(|lane| step.space_of(at[*lane]) != Space::Shared) {
                    let why = "which is not in shared memory";
                    let what = What::Access { kind, space: Space::Generic, address: at[lane], bytes: 16, why };
                    return Next::Fault(step.fault(lane, what));
                }
            }
            let at = tried!(self.reach.pointers(step, givers, 16, kind));
            tried!(step.tell(&at, givers, 16, kind, false));
            let (mut rows, mut registers): ([Row; LANES], [Lanes; 4]) = ([[0; 4]; LANES], [[0; LANES]; 4]);
            if self.matrices.direction == Direction::Load {
                lanes(givers).for_each(|lane| rows[lane] = *(at[lane] as *const Row));
                self.matrices.load(&rows, &mut registers);
                self.registers.set(step.words, &registers);
            } else {
                self.registers.get(step.words, &mut registers);
                self.matrices.store(&registers, &mut rows);
                step.launch.order.lanes(givers).for_each(|lane| *(at[lane] as *mut Row) = rows[lane]);
            }
        }
        Next::On
    }
}

/// `movmatrix`.
pub struct Transposing {
    pub to: Registers,
    pub from: Registers,
}

impl Run for Transposing {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        let mut all = [[0; LANES]];
        // SAFETY: the decoder placed the registers.
        unsafe {
            self.from.get(step.words, &mut all);
            self.to.set(step.words, &[transposed(&all[0])]);
        }
        Next::On
    }
}

/// `setmaxnreg`: registers are not counted here, so that all that is seen is whether the whole warp comes.
pub struct Registering;

impl Run for Registering {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        Next::On
    }
}
