//! What is copied or reduced: pieces of memory, from where to where.

use std::ops::Range;

use crate::run::atomic::Operation;
use crate::tensor::map::Data;

/// A part of a copy. Both pointers were checked when it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub to: u64,
    pub from: From,
    pub bytes: u32,
}

/// Where a piece's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Memory(u64),
    /// What stands for elements outside of a tensor, from this byte of 16 on.
    Fill(u8),
}

/// What becomes of the bytes.
#[derive(Clone, Copy)]
pub enum How {
    Copy,
    /// They are elements of a tensor, and read as its type says.
    Load(Data),
    /// They are elements of so many bytes, put together with what is there.
    Reduce(Operation, u32),
}

/// All pieces of one copy.
#[derive(Clone)]
pub struct Work {
    pieces: Vec<Piece>,
    how: How,
    fill: [u8; 16],
    /// The bytes, once they are read.
    data: Option<Vec<u8>>,
    reads: Range<u64>,
    writes: Range<u64>,
}

impl Work {
    pub fn new(pieces: Vec<Piece>, how: How, fill: [u8; 16]) -> Self {
        let mut work = Self { pieces, how, fill, data: None, reads: 0..0, writes: 0..0 };
        let around = |range: &mut Range<u64>, start: u64, bytes: u32| {
            let end = start + u64::from(bytes);
            *range = if range.is_empty() { start..end } else { range.start.min(start)..range.end.max(end) };
        };
        for piece in &work.pieces {
            around(&mut work.writes, piece.to, piece.bytes);
            if let From::Memory(from) = piece.from {
                around(&mut work.reads, from, piece.bytes);
            }
        }
        work
    }

    /// Of one piece.
    pub fn of(to: u64, from: u64, bytes: u32, how: How) -> Self {
        Self::new(vec![Piece { to, from: From::Memory(from), bytes }], how, [0; 16])
    }

    /// Of bytes that are known already.
    pub fn known(to: u64, bytes: &[u8], how: How) -> Self {
        let piece = Piece { to, from: From::Fill(0), bytes: bytes.len() as u32 };
        Self { data: Some(bytes.to_vec()), ..Self::new(vec![piece], how, [0; 16]) }
    }

    /// Nothing.
    pub fn none() -> Self {
        Self::new(Vec::new(), How::Copy, [0; 16])
    }

    /// Where it will read, from the first byte to the last, until it has.
    pub fn reads(&self) -> &Range<u64> {
        &self.reads
    }

    /// Where it will write.
    pub fn writes(&self) -> &Range<u64> {
        &self.writes
    }

    /// Where it writes, piece by piece.
    pub fn places(&self) -> impl Iterator<Item = (u64, u32)> {
        self.pieces.iter().map(|piece| (piece.to, piece.bytes))
    }

    /// Where it reads, piece by piece, until it has.
    pub fn sources(&self) -> impl Iterator<Item = (u64, u32)> {
        let left = if self.data.is_none() { &self.pieces[..] } else { &[] };
        left.iter().filter_map(|piece| match piece.from {
            From::Memory(from) => Some((from, piece.bytes)),
            From::Fill(_) => None,
        })
    }

    /// Whether it adds to what is there, or the like.
    pub fn is_reduction(&self) -> bool {
        matches!(self.how, How::Reduce(..))
    }

    /// Reads all bytes, if it has not yet.
    pub fn read(&mut self) {
        if self.data.is_some() {
            return;
        }
        let mut data = vec![0; self.pieces.iter().map(|piece| piece.bytes as usize).sum()];
        let mut rest = &mut data[..];
        for piece in &self.pieces {
            let (into, after) = rest.split_at_mut(piece.bytes as usize);
            rest = after;
            match piece.from {
                // SAFETY: the pointer was checked for as many bytes.
                From::Memory(from) => unsafe {
                    std::ptr::copy_nonoverlapping(from as *const u8, into.as_mut_ptr(), into.len());
                },
                From::Fill(first) => {
                    into.iter_mut()
                        .enumerate()
                        .for_each(|(at, byte)| *byte = self.fill[(usize::from(first) + at) % 16]);
                    continue;
                }
            }
            if let How::Load(data @ (Data::F32Ftz | Data::Tf32 | Data::Tf32Ftz)) = self.how {
                for word in into.chunks_exact_mut(4) {
                    let loaded = data.loaded(u32::from_le_bytes(word.try_into().expect("it has four bytes")));
                    word.copy_from_slice(&loaded.to_le_bytes());
                }
            }
        }
        self.data = Some(data);
        self.reads = 0..0;
    }

    /// Writes the bytes that were read.
    pub fn write(&mut self) {
        let Some(data) = self.data.take() else { return };
        let mut rest = &data[..];
        for piece in &self.pieces {
            let (from, after) = rest.split_at(piece.bytes as usize);
            rest = after;
            match self.how {
                How::Reduce(operation, size) => {
                    for (number, element) in from.chunks_exact(size as usize).enumerate() {
                        let to = (piece.to + number as u64 * u64::from(size)) as *mut u8;
                        // SAFETY: as in `read`.
                        unsafe { reduce(to, element, operation) };
                    }
                }
                // SAFETY: as in `read`.
                _ => unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), piece.to as *mut u8, from.len()) },
            }
        }
    }
}

/// # Safety
/// The pointer is one to as many bytes as the element has.
unsafe fn reduce(to: *mut u8, element: &[u8], operation: Operation) {
    let (mut before, mut by) = ([0; 8], [0; 8]);
    by[..element.len()].copy_from_slice(element);
    // SAFETY: the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(to, before.as_mut_ptr(), element.len());
        let after = operation(u64::from_le_bytes(before), u64::from_le_bytes(by), 0).to_le_bytes();
        std::ptr::copy_nonoverlapping(after.as_ptr(), to, element.len());
    }
}
