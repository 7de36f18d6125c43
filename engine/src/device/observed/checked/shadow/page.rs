//! The cells of a stretch of memory.

use std::ops::Range;

use super::{Conflict, PAGE};
use crate::device::observed::Kind;
use crate::device::observed::checked::mark::Mark;
use crate::device::observed::checked::order::Order;

/// Marks of all words, in the order of `order`'s short form; 0 for none.
pub(super) struct Page {
    /// The launch that the cells are of.
    pub(super) launch: u64,
    /// A cell covers this many bytes: 4, or 1 where single bytes are accessed.
    pub(super) grain: u64,
    pub(super) writes: Vec<u64>,
    pub(super) atomics: Vec<u64>,
    /// Of two different warps, or blocks, if there were two: whoever writes differs from one of them.
    pub(super) reads: [Vec<u64>; 2],
    /// Whether there are any of each, in the order of the fields.
    pub(super) has: [bool; 4],
    /// Of each stretch of [`STRETCH`] bytes, the event of the last write or atomic operation; 0 if there was none.
    last: [u32; STRETCHES],
    /// Whether all marks are of the block that ran when they were noted, at the barrier where it was.
    plain: bool,
    /// Of each, which list has reads that are not noted yet (`shared`); 0 if none.
    listed: [u64; STRETCHES],
}

/// Bytes of which some things are known as a whole: as arrays in shared memory are aligned to.
const STRETCH: u64 = 64;

const STRETCHES: usize = (PAGE / STRETCH) as usize;

/// The stretches of bytes of a page.
fn stretches(bytes: &Range<u64>) -> Range<usize> {
    (bytes.start / STRETCH) as usize..bytes.end.div_ceil(STRETCH) as usize
}

impl Page {
    pub(super) fn new(launch: u64) -> Self {
        let none = || vec![0; PAGE as usize / 4];
        let (writes, atomics, reads) = (none(), none(), [none(), none()]);
        let (last, listed) = ([0; STRETCHES], [0; STRETCHES]);
        Self { launch, grain: 4, writes, atomics, reads, has: [false; 4], last, plain: true, listed }
    }

    fn all(&mut self) -> [&mut Vec<u64>; 4] {
        let [first, second] = &mut self.reads;
        [&mut self.writes, &mut self.atomics, first, second]
    }

    pub(super) fn marks(&mut self) -> impl Iterator<Item = &mut u64> {
        self.all().into_iter().flatten().filter(|mark| **mark != 0)
    }

    /// Forgets an earlier launch.
    pub(super) fn restart(&mut self, launch: u64) {
        let has = std::mem::take(&mut self.has);
        self.all().into_iter().zip(has).filter(|(_, has)| *has).for_each(|(marks, _)| marks.fill(0));
        (self.launch, self.plain) = (launch, true);
        (self.last, self.listed) = ([0; STRETCHES], [0; STRETCHES]);
    }

    /// Says that reads of some bytes are on a list, if all that was written there lies before a barrier of the running block.
    pub(super) fn list(&mut self, bytes: &Range<u64>, order: &Order, list: u64) -> bool {
        let (stretches, fresh) = (stretches(bytes), order.fresh());
        let is_past = self.plain && self.grain == 4 && self.last[stretches.clone()].iter().all(|last| *last < fresh);
        if is_past {
            self.listed[stretches].fill(list);
        }
        is_past
    }

    /// Whether reads of some bytes, or of others nearby, are on a list.
    pub(super) fn is_listed(&self, bytes: &Range<u64>, list: u64) -> bool {
        self.listed[stretches(bytes)].contains(&list)
    }

    /// Keeps what is known of whole stretches true.
    pub(super) fn has_got(&mut self, cells: &Range<usize>, order: &Order, now: &Mark, kind: Kind) {
        self.plain &= order.is_present(now);
        if kind != Kind::Read {
            let bytes = cells.start as u64 * self.grain..cells.end as u64 * self.grain;
            self.last[stretches(&bytes)].fill(now.event);
        }
    }

    /// Notes a write by the one lane of `now`, of a page whose marks are all of the running block, if these cells have nothing but what
    /// lies before a barrier, or what the lane did itself. False if they do.
    pub(super) fn write_alone(&mut self, cells: Range<usize>, order: &Order, now: &Mark) -> bool {
        let fresh = u64::from(order.fresh()) << 32;
        let fine = |mark: &u64| *mark < fresh || *mark as u32 == now.lanes && order.mark_of(*mark).same_warp(now);
        let all = [&self.writes, &self.atomics, &self.reads[0], &self.reads[1]];
        let are_fine = all.into_iter().zip(self.has).all(|(marks, has)| !has || marks[cells.clone()].iter().all(fine));
        if !self.plain || self.grain != 4 || !are_fine {
            return false;
        }
        self.has_got(&cells, order, now, Kind::Write);
        self.forget(cells.clone());
        self.writes[cells].fill(now.short());
        self.has[0] = true;
        true
    }

    /// From now on a cell is a byte.
    pub(super) fn refine(&mut self) {
        self.all().into_iter().for_each(|marks| *marks = marks.iter().flat_map(|&mark| [mark; 4]).collect());
        self.grain = 1;
    }

    /// Forgets what is known of some cells.
    pub(super) fn forget(&mut self, cells: Range<usize>) {
        let has = self.has;
        let all = self.all().into_iter().zip(has).filter(|(_, has)| *has);
        all.for_each(|(marks, _)| marks[cells.clone()].fill(0));
    }

    /// Looks for a conflict of cell `index` with the access `now`.
    pub(super) fn conflict(&self, index: usize, order: &Order, now: &Mark, kind: Kind) -> Option<Conflict> {
        self.written(index, order, now, kind).or_else(|| self.read(index, order, now, kind))
    }

    /// Likewise, with who has written it.
    pub(super) fn written(&self, index: usize, order: &Order, now: &Mark, kind: Kind) -> Option<Conflict> {
        let sees = |_: &Mark| kind != Kind::Atomic && !now.volatile;
        clash((self.writes[index], Kind::Write), order, now, |_| true)
            .or_else(|| clash((self.atomics[index], Kind::Atomic), order, now, sees))
    }

    /// Likewise, with who has read it.
    pub(super) fn read(&self, index: usize, order: &Order, now: &Mark, kind: Kind) -> Option<Conflict> {
        let sees = |mark: &Mark| kind == Kind::Write || kind == Kind::Atomic && !mark.volatile;
        clash((self.reads[0][index], Kind::Read), order, now, sees)
            .or_else(|| clash((self.reads[1][index], Kind::Read), order, now, sees))
    }

    /// Notes the access `now` in cell `index`.
    pub(super) fn note(&mut self, index: usize, order: &Order, now: &Mark, kind: Kind) {
        self.has_got(&(index..index + 1), order, now, kind);
        match kind {
            // What was ordered before this write is ordered before whatever this write is.
            Kind::Write => {
                self.forget(index..index + 1);
                self.writes[index] = now.short();
                self.has[0] = true;
            }
            Kind::Atomic => {
                self.atomics[index] = now.short();
                self.has[1] = true;
                self.make_sure(index, order, now);
            }
            Kind::Read => self.note_read(index, order, now),
        }
    }

    /// What the thread has read here was a guess, which its atomic operation now makes sure of.
    pub(super) fn make_sure(&mut self, index: usize, order: &Order, now: &Mark) {
        for read in self.reads.iter_mut().map(|reads| &mut reads[index]).filter(|read| **read != 0) {
            if order.mark_of(*read).same_warp(now) {
                *read &= !u64::from(now.lanes);
                if *read as u32 == 0 {
                    *read = 0;
                }
            }
        }
    }

    fn note_read(&mut self, index: usize, order: &Order, now: &Mark) {
        let [first, second] = [self.reads[0][index], self.reads[1][index]];
        if first == now.short() || second == now.short() {
            return;
        }
        let [one, two] = [first, second].map(|short| (short != 0).then(|| order.mark_of(short)));
        let put = |page: &mut Self, which: usize, mark: u64| {
            page.reads[which][index] = mark;
            page.has[2 + which] = true;
        };
        match (one, two) {
            (Some(one), _) if one.same_warp(now) => put(self, 0, one.with(now)),
            (_, Some(two)) if two.same_warp(now) => put(self, 1, two.with(now)),
            (None, _) => put(self, 0, now.short()),
            (Some(_), _) if order.is_past(first) => put(self, 0, now.short()),
            (_, None) => put(self, 1, now.short()),
            (Some(one), Some(two)) if two.block == now.block || one.block != now.block => put(self, 1, now.short()),
            _ => {}
        }
    }
}

/// Whether an access that matters, in short, is in nobody's past.
#[inline]
fn clash((short, kind): (u64, Kind), order: &Order, now: &Mark, matters: impl Fn(&Mark) -> bool) -> Option<Conflict> {
    if short == 0 || short == now.short() {
        return None;
    }
    let mark = order.mark_of(short);
    let lanes = if matters(&mark) { order.unordered(&mark, now) } else { 0 };
    (lanes != 0).then_some(Conflict { mark: Mark { lanes, ..mark }, kind })
}
