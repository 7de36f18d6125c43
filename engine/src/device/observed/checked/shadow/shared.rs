//! What is known of the shared memory of a block.
//!
//! Kernels read it far more often than they write it, and mostly what was written before the last barrier. Such a read clashes with
//! nothing but what is written before the next one. So it is listed as it came, and goes into the cells when somebody writes nearby;
//! a barrier empties the list, since what lies before it is in the past of all threads of the block.

use std::ops::Range;

use super::together::side_by_side;
use super::{PAGE, Shadow, Written, parts};
use crate::device::observed::checked::mark::Mark;
use crate::device::observed::checked::order::Order;
use crate::device::observed::{Access, Kind, Pattern, Span, Together, lanes};

/// What is known of the shared memory of a block.
pub(in super::super) struct Shared {
    pub(in super::super) shadow: Shadow,
    pub(in super::super) written: Written,
    /// A new one for each block: nobody has written its shared memory.
    pub(in super::super) generation: u64,
    /// Whether no other block runs at the same time, so that all marks are of this one.
    alone: bool,
    reads: Reads,
}

/// Reads that are in no cell yet, all of one epoch.
#[derive(Default)]
struct Reads {
    all: Vec<Read>,
    /// Their words, counted from the first of shared memory: of each read as many as [`Read::places`].
    words: Vec<u16>,
    epoch: u32,
    /// Pages that have some of these reads have this number, too.
    number: u64,
}

/// A read by a warp, as a mark has it.
struct Read {
    code: u32,
    clock: u32,
    fences: u32,
    lanes: u32,
    warp: u16,
    /// Words that each lane reads.
    count: u8,
    pattern: Pattern,
}

impl Read {
    /// How many words say where it is: the first, or one for each lane.
    fn places(&self) -> usize {
        if self.pattern == Pattern::Any { 32 } else { 1 }
    }
}

/// Reads that are listed at most.
const MANY: usize = 1 << 12;

/// Bytes from the first of a warp's reads to the last from which on each is listed by itself, not all that lies between them.
const FAR: u64 = 1024;

/// Bytes of shared memory whose words have numbers of 16 bits: more than any GPU has.
const REACH: u64 = 4 << 16;

impl Reads {
    fn clear(&mut self) {
        self.all.clear();
        self.words.clear();
        self.number += 1;
    }
}

impl Shared {
    pub(in super::super) fn new() -> Self {
        let (shadow, written) = (Shadow::default(), Written::nothing(0));
        Self { shadow, written, generation: 0, alone: false, reads: Reads { number: 1, ..Reads::default() } }
    }

    /// A block begins, whose it is from now on.
    pub(in super::super) fn begin(&mut self, generation: u64, bytes: u64, alone: bool) {
        (self.generation, self.alone) = (generation, alone);
        match self.written.reaches(bytes) {
            true => self.written.forget(),
            false => self.written = Written::nothing(bytes),
        }
    }

    /// The block is over.
    pub(in super::super) fn end(&mut self) {
        self.reads.clear();
    }

    /// Another block runs from now on.
    pub(in super::super) fn set_aside(&mut self, order: &mut Order) {
        self.alone = false;
        self.note_reads(order);
    }

    /// Sees to it that all reads of some bytes are in their cells.
    pub(in super::super) fn settle(&mut self, order: &mut Order, offset: u64, bytes: u64) {
        let has_some = |(number, bytes): (u64, Range<u64>)| {
            let page = self.shadow.pages.get(number as usize).and_then(Option::as_ref);
            page.is_some_and(|page| page.is_listed(&bytes, self.reads.number))
        };
        if !self.reads.all.is_empty() && parts(offset, bytes).any(has_some) {
            self.note_reads(order);
        }
    }

    /// Puts the reads of the list into their cells.
    fn note_reads(&mut self, order: &mut Order) {
        let mut reads = std::mem::take(&mut self.reads);
        let (mut at, past) = (0, reads.epoch != order.epoch());
        for read in reads.all.iter().filter(|_| !past) {
            let words = &reads.words[at..at + read.places()];
            at += words.len();
            let now = order.earlier(read.warp, (read.code, read.clock, read.fences));
            let (bytes, first) = (4 * u64::from(read.count), 4 * u64::from(words[0]));
            let known = (self.generation, &*order);
            let fits = |shadow: &mut Shadow| {
                let cells = side_by_side(bytes);
                cells.is_some_and(|cells| shadow.each(known, &now, Kind::Read, first, cells))
            };
            // None clashes with anything: what was written before is past, and what is written later finds them in their cells.
            match read.pattern {
                Pattern::Same => {
                    let now = Mark { lanes: read.lanes, ..now };
                    self.shadow.access(known, &now, Kind::Read, first, bytes);
                }
                Pattern::SideBySide if fits(&mut self.shadow) => {}
                _ => lanes(read.lanes).for_each(|lane| {
                    let offset = match read.pattern {
                        Pattern::Any => 4 * u64::from(words[lane]),
                        _ => first + lane as u64 * bytes,
                    };
                    self.shadow.access(known, &Mark { lanes: 1 << lane, ..now }, Kind::Read, offset, bytes);
                }),
            }
        }
        reads.clear();
        self.reads = reads;
    }

    /// Lists a read by lanes of a warp, the lowest at `start`, if it clashes with nothing that is known. False if it has to be looked at.
    pub(in super::super) fn read(&mut self, order: &mut Order, all: &Together<'_>, start: u64) -> bool {
        let (Access { bytes, volatile, code, .. }, Span { pattern, first, end }) = (all.each, all.span);
        let total = end - first;
        if !self.alone || volatile || !matches!(bytes, 4 | 8 | 16) || start + total > REACH {
            return false;
        }
        let missing = |lane: usize| self.written.missing(start + (all.addresses[lane] - first), bytes);
        if self.written.missing(start, total) && (pattern != Pattern::Any || all.lanes().any(missing)) {
            return false;
        }
        if self.reads.epoch != order.epoch() {
            self.reads.clear();
            self.reads.epoch = order.epoch();
        } else if self.reads.all.len() == MANY {
            self.note_reads(order);
        }
        let mut list = |offset: u64, bytes: u64| {
            parts(offset, bytes).all(|(number, bytes)| {
                self.shadow.page(self.generation, number, 4).list(&bytes, order, self.reads.number)
            })
        };
        let listed = match pattern {
            Pattern::Any if total > FAR => all.lanes().all(|lane| list(start + (all.addresses[lane] - first), bytes)),
            _ => list(start, total),
        };
        if !listed {
            return false;
        }
        let (clock, fences, count) = (order.clock(all.warp as u16), order.fences(), (bytes / 4) as u8);
        self.reads.all.push(Read { code, clock, fences, lanes: all.mask, warp: all.warp as u16, count, pattern });
        match pattern {
            Pattern::Any => {
                // Of lanes that do not take part, anything.
                let base = start.wrapping_sub(first) as u32;
                let mut words = [0; 32];
                for (word, address) in words.iter_mut().zip(all.addresses) {
                    *word = ((*address as u32).wrapping_add(base) >> 2) as u16;
                }
                self.reads.words.extend_from_slice(&words);
            }
            _ => self.reads.words.push((start / 4) as u16),
        }
        true
    }

    /// Notes a write by lanes of a warp, the lowest at `start`, one after the other, up to one that is to be looked at because there is
    /// something in its cells that neither a barrier orders nor the lane did itself. Returns that lane and those after it.
    pub(in super::super) fn write(&mut self, order: &mut Order, all: &Together<'_>, start: u64) -> u32 {
        let (Access { bytes, .. }, Span { pattern, first, end }) = (all.each, all.span);
        let Some(side_by_side) = side_by_side(bytes).filter(|_| self.alone) else { return all.mask };
        self.settle(order, start, end - first);
        let (now, generation) = (order.mark(all.warp, all.mask, all.each), self.generation);
        if pattern == Pattern::SideBySide
            && self.shadow.each((generation, order), &now, Kind::Write, start, side_by_side)
        {
            self.written.add(start, end - first);
            return 0;
        }
        for lane in all.lanes() {
            let offset = start + (all.addresses[lane] - first);
            let page = self.shadow.page(generation, offset / PAGE, 4);
            let from = (offset % PAGE / 4) as usize;
            if !page.write_alone(from..from + (bytes / 4) as usize, order, &Mark { lanes: 1 << lane, ..now }) {
                return all.mask & u32::MAX << lane;
            }
            self.written.add(offset, bytes);
        }
        0
    }
}
