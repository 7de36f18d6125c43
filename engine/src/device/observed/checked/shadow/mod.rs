//! Shadow memory: for every word of a buffer or of shared memory, who touched it last in this launch.
//!
//! Accesses that differ in their lanes alone are one *event* (of `order`), so that a mark is a number and a mask, and what the lanes of
//! a warp do together is mostly found in order, and noted, for all their words at once.

mod asked;
mod page;
mod shared;
mod together;
mod written;

use std::ops::Range;

use super::mark::Mark;
use super::order::Order;
use crate::device::observed::Kind;
use page::Page;
pub(super) use shared::Shared;
pub(super) use together::side_by_side;
pub(super) use written::Written;

/// An earlier access that nothing orders before the present one.
#[derive(Clone, Copy)]
pub(super) struct Conflict {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

/// Bytes that one page covers.
const PAGE: u64 = 1024;

/// Numbers of the pages that have some bytes, and which of each page's those are.
fn parts(offset: u64, bytes: u64) -> impl Iterator<Item = (u64, Range<u64>)> {
    let (mut at, end) = (offset, offset + bytes);
    std::iter::from_fn(move || {
        let (number, first) = (at / PAGE, at % PAGE);
        let count = (PAGE - first).min(end - at);
        at += count;
        (count > 0).then_some((number, first..first + count))
    })
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
                if found.is_none() {
                    found = page.conflict(index as usize, order, now, kind).map(|conflict| (at, conflict));
                }
                page.note(index as usize, order, now, kind);
            }
            at += grain;
        }
        found
    }

    /// Forgets that the lane of `now` has read these bytes.
    pub(super) fn make_sure(&mut self, (launch, order): (u64, &Order), now: &Mark, offset: u64, bytes: u64) {
        for at in (offset..offset + bytes).step_by(4) {
            let page = self.page(launch, at / PAGE, 4);
            let cell = at % PAGE / page.grain;
            (cell..cell + bytes.min(4).div_ceil(page.grain)).for_each(|cell| page.make_sure(cell as usize, order, now));
        }
    }

    /// Page `number`, of this launch, with cells of at most `grain` bytes.
    fn page(&mut self, launch: u64, number: u64, grain: u64) -> &mut Page {
        let number = number as usize;
        if self.pages.len() <= number {
            self.pages.resize_with(number + 1, || None);
        }
        let page = self.pages[number].get_or_insert_with(|| Box::new(Page::new(launch)));
        if page.launch != launch {
            page.restart(launch);
        }
        if page.grain > grain {
            page.refine();
        }
        page
    }

    /// Calls `visit` with all marks of a launch, which it may replace.
    pub(super) fn marks(&mut self, launch: u64, mut visit: impl FnMut(&mut u64)) {
        let pages = self.pages.iter_mut().flatten().filter(|page| page.launch == launch);
        pages.for_each(|page| page.marks().for_each(&mut visit));
    }
}
