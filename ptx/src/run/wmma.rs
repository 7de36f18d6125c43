//! `wmma.load` and `wmma.store` (ISA 9.7.14.4): a warp's matrix between memory and registers.

use super::fault::{Kind, What};
use super::reach::Reach;
use super::step::{Next, Step};
use super::whole::{MOST, Registers, tried};
use crate::code::Run;
use crate::lane::{LANES, Width};
use crate::tensor::Lanes;
use crate::tensor::wmma::{self, Access};

/// `wmma.load`, `wmma.store`.
pub struct Accessing {
    pub access: Access,
    pub registers: Registers,
    pub reach: Reach,
    /// The register with how many elements lines lie apart.
    pub stride: Option<u32>,
}

impl Run for Accessing {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        let loads = self.access.direction == wmma::Direction::Load;
        let kind = if loads { Kind::Read } else { Kind::Write };
        // SAFETY: the decoder placed the registers.
        let (at, strides) = unsafe {
            let stride = |lane: usize| {
                self.stride.map_or(self.access.stride, |stride| step.get(stride, Width::B32, lane) as i32 as i64 as u64)
            };
            (self.reach.addresses(step.words), std::array::from_fn::<u64, LANES, _>(stride))
        };
        let other = (1..LANES).find(|lane| (at[*lane], strides[*lane]) != (at[0], strides[0]));
        if let Some(lane) = other {
            let what = "gives another address or stride for a matrix than lane 0 of its warp does";
            return Next::Fault(step.fault(lane, What::Meeting(what.into())));
        }
        // CUDA C++ has matrices begin at multiples of 32 bytes, and lines of 16 (Programming Guide, "Warp Matrix Functions").
        let fragment = self.access.fragment;
        let bytes = (fragment.lanes() * 4).min(32) as u64;
        let line = strides[0].wrapping_mul(fragment.element.bits() as u64) / 8;
        if at[0] % bytes != 0 || line % bytes.min(16) != 0 {
            let what = format!(
                "has a matrix at {:#x} with {line} bytes from line to line, which should be multiples of {bytes} and {}",
                at[0],
                bytes.min(16)
            );
            return Next::Fault(step.fault(0, What::Other(what)));
        }
        let mut registers = [[0; LANES]; MOST];
        if !loads {
            // SAFETY: as above.
            unsafe { self.registers.get(step.words, &mut registers) };
        }
        let each = self.access.pieces.len() / LANES;
        for number in 0..each {
            let piece = |lane: usize| &self.access.pieces[lane * each + number];
            let bytes = u64::from(piece(0).bytes);
            let mut pointers = [0; LANES];
            for (lane, pointer) in pointers.iter_mut().enumerate() {
                let address = at[0].wrapping_add(self.access.offset(piece(lane), strides[0]));
                let placed = step.pointer(self.reach.space, lane, address, bytes, kind);
                *pointer = tried!(placed.map_err(|why| {
                    let what = What::Access { kind, space: self.reach.space, address, bytes, why };
                    Next::Fault(step.fault(lane, what))
                }));
            }
            tried!(step.tell(&pointers, u32::MAX, bytes, kind, false));
            for (lane, pointer) in pointers.iter().enumerate() {
                // SAFETY: pointers were checked for as many bytes; pieces are aligned to their size.
                unsafe { self.transfer(piece(lane), *pointer, &mut registers) };
            }
        }
        if loads {
            // SAFETY: as above.
            unsafe { self.registers.set(step.words, &registers) };
        }
        Next::On
    }
}

impl Accessing {
    unsafe fn transfer(&self, piece: &wmma::Piece, pointer: u64, registers: &mut [Lanes]) {
        let wmma::Piece { lane, register, shift, bytes, .. } = *piece;
        let (lane, bytes) = (usize::from(lane), usize::from(bytes));
        // A register of 64 bits is 32 pairs of words.
        let flat = registers.as_flattened_mut();
        let (at, wide) = match self.registers.width {
            Width::B64 => (usize::from(register) * 64 + 2 * lane, true),
            _ => (usize::from(register) * LANES + lane, false),
        };
        let high = if wide { flat[at + 1] } else { 0 };
        let mut value = u64::from(flat[at]) | u64::from(high) << 32;
        let mut piece = [0; 8];
        // SAFETY: the caller's promise.
        unsafe {
            if self.access.direction == wmma::Direction::Load {
                std::ptr::copy_nonoverlapping(pointer as *const u8, piece.as_mut_ptr(), bytes);
                value |= u64::from_le_bytes(piece) << shift;
            } else {
                piece = (value >> shift).to_le_bytes();
                std::ptr::copy_nonoverlapping(piece.as_ptr(), pointer as *mut u8, bytes);
            }
        }
        flat[at] = value as u32;
        if wide {
            flat[at + 1] = (value >> 32) as u32;
        }
    }
}
