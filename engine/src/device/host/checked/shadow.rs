//! Shadow memory: for every word of a buffer or of shared memory, who touched it last in this launch.

use super::order::{Mark, Order};
use crate::device::host::observed::Kind;

/// What is remembered of a word.
#[derive(Clone, Copy)]
struct Cell {
    write: Mark,
    atomic: Mark,
    /// Of two different warps, or blocks, if there were two: whoever writes differs from one of them.
    reads: [Mark; 2],
}

const EMPTY: Cell = Cell { write: Mark::NONE, atomic: Mark::NONE, reads: [Mark::NONE; 2] };

/// An earlier access that nothing orders before the present one.
#[derive(Clone, Copy)]
pub(super) struct Conflict {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

impl Cell {
    /// Looks for a conflict with the access `now`.
    fn conflict(&self, order: &Order, now: &Mark, kind: Kind) -> Option<Conflict> {
        let [first, second] = self.reads;
        let candidates = [
            (self.write, Kind::Write, true),
            (self.atomic, Kind::Atomic, kind != Kind::Atomic && !now.volatile),
            (first, Kind::Read, kind == Kind::Write || kind == Kind::Atomic && !first.volatile),
            (second, Kind::Read, kind == Kind::Write || kind == Kind::Atomic && !second.volatile),
        ];
        let clash = |(mark, of, matters): (Mark, Kind, bool)| {
            let lanes = if matters && mark.exists() { order.unordered(&mark, now) } else { 0 };
            (lanes != 0).then_some(Conflict { mark: Mark { lanes, ..mark }, kind: of })
        };
        candidates.into_iter().find_map(clash)
    }

    fn note(&mut self, now: &Mark, kind: Kind) {
        match kind {
            // What was ordered before this write is ordered before whatever this write is.
            Kind::Write => *self = Self { write: *now, ..EMPTY },
            Kind::Atomic => {
                self.atomic = *now;
                // What the thread has read here was a guess, which its atomic operation now makes sure of.
                for read in self.reads.iter_mut().filter(|read| read.same_warp(now)) {
                    read.lanes &= !now.lanes;
                    if read.lanes == 0 {
                        *read = Mark::NONE;
                    }
                }
            }
            Kind::Read => {
                let [first, second] = &mut self.reads;
                if first.same_warp(now) {
                    first.add(now);
                } else if second.same_warp(now) {
                    second.add(now);
                } else if !first.exists() || first.block == now.block && first.epoch < now.epoch {
                    *first = *now;
                } else if !second.exists() || second.block == now.block || first.block != now.block {
                    *second = *now;
                }
            }
        }
    }
}

/// Bytes that one page covers.
const PAGE: u64 = 1024;

/// The cells of a stretch of memory.
#[derive(Clone)]
struct Page {
    /// The launch that the cells are of.
    launch: u64,
    /// A cell covers this many bytes: 4, or 1 where single bytes are accessed.
    grain: u64,
    cells: Vec<Cell>,
}

/// The shadow of a region of memory that starts at offset 0.
#[derive(Default)]
pub(super) struct Shadow {
    pages: Vec<Option<Box<Page>>>,
}

impl Shadow {
    /// Notes an access of `bytes` bytes at `offset` and tells the first conflict, with the offset of its word.
    pub(super) fn access(
        &mut self,
        (launch, order): (u64, &Order),
        now: &Mark,
        kind: Kind,
        offset: u64,
        bytes: u64,
    ) -> Option<(u64, Conflict)> {
        let mut found = None;
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let grain = if at.is_multiple_of(4) && end - at >= 4 { 4 } else { 1 };
            let page = self.page(launch, at / PAGE, grain);
            // A word of a page of bytes is four cells.
            for index in at % PAGE / page.grain..(at % PAGE + grain) / page.grain {
                let cell = &mut page.cells[index as usize];
                if found.is_none() {
                    found = cell.conflict(order, now, kind).map(|conflict| (at, conflict));
                }
                cell.note(now, kind);
            }
            at += grain;
        }
        found
    }

    /// Whether there are some of these bytes that the running block has not written.
    pub(super) fn unwritten(&self, launch: u64, block: u32, offset: u64, bytes: u64) -> bool {
        (offset..offset + bytes).any(|at| {
            let page = self.pages.get((at / PAGE) as usize).and_then(Option::as_ref);
            let written = |page: &Page| {
                let cell = &page.cells[(at % PAGE / page.grain) as usize];
                cell.write.exists() && cell.write.block == block || cell.atomic.exists() && cell.atomic.block == block
            };
            !page.filter(|page| page.launch == launch).is_some_and(|page| written(page))
        })
    }

    /// Page `number`, of this launch, with cells of at most `grain` bytes.
    fn page(&mut self, launch: u64, number: u64, grain: u64) -> &mut Page {
        let number = number as usize;
        if self.pages.len() <= number {
            self.pages.resize(number + 1, None);
        }
        let new = || Box::new(Page { launch, grain: 4, cells: vec![EMPTY; PAGE as usize / 4] });
        let page = self.pages[number].get_or_insert_with(new);
        if page.launch != launch {
            page.launch = launch;
            page.cells.fill(EMPTY);
        }
        if page.grain > grain {
            page.cells = page.cells.iter().flat_map(|&cell| [cell; 4]).collect();
            page.grain = grain;
        }
        page
    }
}

/// Which bytes of a buffer have ever been written.
pub(super) struct Written(Vec<u64>);

impl Written {
    /// None of `bytes` bytes.
    pub(super) fn nothing(bytes: u64) -> Self {
        Self(vec![0; bytes.div_ceil(64) as usize])
    }

    /// The bits of byte `at` and those after it, up to `end` or the end of the word of bits; and their number.
    fn mask(at: u64, end: u64) -> (u64, u64) {
        let count = (64 - at % 64).min(end - at);
        ((u64::MAX >> (64 - count)) << (at % 64), count)
    }

    pub(super) fn add(&mut self, offset: u64, bytes: u64) {
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let (mask, count) = Self::mask(at, end);
            self.0[(at / 64) as usize] |= mask;
            at += count;
        }
    }

    /// Whether there are some of these bytes that nothing has written.
    pub(super) fn missing(&self, offset: u64, bytes: u64) -> bool {
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let (mask, count) = Self::mask(at, end);
            if mask & !self.0[(at / 64) as usize] != 0 {
                return true;
            }
            at += count;
        }
        false
    }

    /// Makes the bytes at `to` as written as those at `from` of `other` are.
    pub(super) fn copy(&mut self, to: u64, other: &Self, from: u64, bytes: u64) {
        for i in 0..bytes {
            let bit = other.0[((from + i) / 64) as usize] >> ((from + i) % 64) & 1;
            let word = &mut self.0[((to + i) / 64) as usize];
            *word = *word & !(1 << ((to + i) % 64)) | bit << ((to + i) % 64);
        }
    }
}
