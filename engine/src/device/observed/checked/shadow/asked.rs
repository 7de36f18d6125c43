//! Long accesses of what is asynchronous, which are looked at, and noted, at different times.

use super::{Conflict, PAGE, Shadow};
use crate::device::observed::Kind;
use crate::device::observed::checked::mark::Mark;
use crate::device::observed::checked::order::Order;

impl Shadow {
    /// The first conflicts of an access with what was written and with what was read, with the offsets of their words. Nothing is noted.
    pub(in super::super) fn clash(
        &mut self,
        (launch, order): (u64, &Order),
        now: &Mark,
        kind: Kind,
        offset: u64,
        bytes: u64,
    ) -> [Option<(u64, Conflict)>; 2] {
        // Words side by side are mostly known by the same marks.
        let (mut looked_at, mut found) = (None, [None; 2]);
        let mut at = offset;
        while at < offset + bytes {
            let page = self.page(launch, at / PAGE, PAGE);
            let (grain, cell) = (page.grain, (at % PAGE / page.grain) as usize);
            let marks = [page.writes[cell], page.atomics[cell], page.reads[0][cell], page.reads[1][cell]];
            if looked_at != Some(marks) {
                let written = page.written(cell, order, now, kind);
                let clashes = [written, page.read(cell, order, now, kind)];
                for (found, clash) in found.iter_mut().zip(clashes) {
                    *found = found.or(clash.map(|conflict| (at, conflict)));
                }
                looked_at = Some(marks);
            }
            at += grain - at % grain;
        }
        found
    }

    /// Notes an access.
    pub(in super::super) fn put(
        &mut self,
        (launch, order): (u64, &Order),
        now: &Mark,
        kind: Kind,
        offset: u64,
        bytes: u64,
    ) {
        let mut at = offset;
        while at < offset + bytes {
            let grain = if at.is_multiple_of(4) && offset + bytes - at >= 4 { 4 } else { 1 };
            let page = self.page(launch, at / PAGE, grain);
            let cells = (at % PAGE / page.grain) as usize..((at % PAGE + grain) / page.grain) as usize;
            cells.for_each(|cell| page.note(cell, order, now, kind));
            at += grain;
        }
    }
}
