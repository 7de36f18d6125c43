//! Accesses of the lanes of a warp by one instruction, as a whole where that can be told at a glance.

use std::ops::Range;

use super::page::Page;
use super::{PAGE, Shadow, parts};
use crate::device::observed::Kind;
use crate::device::observed::checked::mark::Mark;
use crate::device::observed::checked::order::Order;

/// The lanes of each word where all 32 access `bytes` bytes one after the other; none for other sizes than 1, 2 and 4 words.
pub(in super::super) fn side_by_side(bytes: u64) -> Option<&'static [u64]> {
    match bytes {
        4 => Some(&BITS[0][..32]),
        8 => Some(&BITS[1][..64]),
        16 => Some(&BITS[2]),
        _ => None,
    }
}

/// The lane of each word, as a bit, where each has 1, 2 or 4 words.
const BITS: [[u64; 128]; 3] = {
    let mut bits = [[0; 128]; 3];
    let mut word = 0;
    while word < 128 {
        let mut shift = 0;
        while shift < 3 {
            bits[shift][word] = 1 << (word >> shift & 31);
            shift += 1;
        }
        word += 1;
    }
    bits
};

impl Shadow {
    /// Notes an access of words from `offset` on, each by its `lanes`, if nothing but order can be seen in it at a glance. False if that
    /// is not so, and words are to be noted one by one.
    pub(in super::super) fn each(
        &mut self,
        (launch, order): (u64, &Order),
        now: &Mark,
        kind: Kind,
        offset: u64,
        lanes: &[u64],
    ) -> bool {
        if kind == Kind::Atomic || !offset.is_multiple_of(4) {
            return false;
        }
        let parts = || {
            let mut rest = lanes;
            parts(offset, 4 * lanes.len() as u64).map(move |(number, bytes)| {
                let words = bytes.start as usize / 4..bytes.end as usize / 4;
                let of_part;
                (of_part, rest) = rest.split_at(words.len());
                (number, words, of_part)
            })
        };
        // All pages are looked at before any changes.
        for (number, words, lanes) in parts() {
            let page = self.page(launch, number, 4);
            if page.grain != 4 || !page.allows(words, lanes, order, now, kind) {
                return false;
            }
        }
        for (number, words, lanes) in parts() {
            self.page(launch, number, 4).take(words, lanes, order, now, kind);
        }
        true
    }

    /// Notes a read of the same bytes by all lanes of `now`; false as for [`Shadow::each`].
    pub(in super::super) fn read_by_all(
        &mut self,
        (launch, order): (u64, &Order),
        now: &Mark,
        offset: u64,
        bytes: u64,
    ) -> bool {
        if !offset.is_multiple_of(4) || !bytes.is_multiple_of(4) || offset / PAGE != (offset + bytes - 1) / PAGE {
            return false;
        }
        let page = self.page(launch, offset / PAGE, 4);
        let words = (offset % PAGE / 4) as usize..((offset + bytes - 1) % PAGE / 4 + 1) as usize;
        let past = |word: usize| order.is_past(page.writes[word]) && order.is_past(page.atomics[word]);
        if page.grain != 4 || !words.clone().all(past) {
            return false;
        }
        words.for_each(|word| page.note(word, order, now, Kind::Read));
        true
    }
}

/// The one event that all marks are of, 0 if there is none at all; None if they differ.
fn event(marks: &[u64]) -> Option<u64> {
    let differing = marks.iter().fold(0, |all, mark| all | mark ^ marks[0]);
    (differing >> 32 == 0).then_some(marks[0])
}

/// Whether each of the marks is of the lanes of its word.
fn are_of(marks: &[u64], lanes: &[u64]) -> bool {
    marks.iter().zip(lanes).fold(0, |all, (mark, lanes)| all | (mark ^ lanes) & 0xFFFF_FFFF) == 0
}

/// What becomes of a read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It takes the place of one of the two.
    Of(usize),
    /// It joins one of the two.
    With(usize),
    /// It need not be remembered.
    Nowhere,
}

impl Page {
    /// Whether nothing in these words clashes with an access by the lanes of each, and reads can be noted at once.
    fn allows(&self, words: Range<usize>, lanes: &[u64], order: &Order, now: &Mark, kind: Kind) -> bool {
        // In the past of all, or of the same lane.
        let ordered = |has: bool, marks: &[u64]| {
            let same = |of: u64| {
                let alone = || lanes.iter().all(|lanes| lanes.is_power_of_two());
                order.mark_of(of).same_warp(now) && are_of(marks, lanes) && alone()
            };
            !has || event(marks).is_some_and(|of| order.is_past(of) || same(of))
        };
        let [first, second] = [&self.reads[0][words.clone()], &self.reads[1][words.clone()]];
        let clean =
            ordered(self.has[0], &self.writes[words.clone()]) && ordered(self.has[1], &self.atomics[words.clone()]);
        match kind {
            Kind::Write => clean && ordered(self.has[2], first) && ordered(self.has[3], second),
            _ => clean && place_of_read(first, second, order, now).is_some(),
        }
    }

    /// Notes what was allowed.
    fn take(&mut self, words: Range<usize>, lanes: &[u64], order: &Order, now: &Mark, kind: Kind) {
        self.has_got(&words, order, now, kind);
        let event = u64::from(now.event) << 32;
        let put = |marks: &mut [u64]| marks.iter_mut().zip(lanes).for_each(|(mark, lanes)| *mark = event | lanes);
        if kind == Kind::Write {
            self.forget(words.clone());
            self.has[0] = true;
            return put(&mut self.writes[words]);
        }
        match place_of_read(&self.reads[0][words.clone()], &self.reads[1][words.clone()], order, now) {
            Some(Place::Of(which)) => {
                self.has[2 + which] = true;
                put(&mut self.reads[which][words]);
            }
            Some(Place::With(which)) => {
                let marks = self.reads[which][words].iter_mut().zip(lanes);
                marks.for_each(|(mark, lanes)| *mark = event | *mark & 0xFFFF_FFFF | lanes);
            }
            _ => {}
        }
    }
}

/// Where a read by `now` goes; None if that differs by word.
fn place_of_read(first: &[u64], second: &[u64], order: &Order, now: &Mark) -> Option<Place> {
    let of_warp = |which: usize, mark: &Mark| {
        let together = (mark.epoch, mark.clock) == (now.epoch, now.clock);
        match together {
            false => Some(Place::Of(which)),
            true => (mark.volatile == now.volatile).then_some(Place::With(which)),
        }
    };
    let one = event(first)?;
    if one == 0 {
        return Some(Place::Of(0));
    }
    let first_mark = order.mark_of(one);
    if first_mark.same_warp(now) {
        return of_warp(0, &first_mark);
    }
    let two = event(second)?;
    let second_mark = order.mark_of(two);
    if two != 0 && second_mark.same_warp(now) {
        return of_warp(1, &second_mark);
    }
    if first_mark.block == now.block && first_mark.epoch < now.epoch {
        return Some(Place::Of(0));
    }
    if two == 0 || second_mark.block == now.block || first_mark.block != now.block {
        return Some(Place::Of(1));
    }
    Some(Place::Nowhere)
}
