//! A warp's access, by what its lanes have in common.

use crate::device::observed::Together;

/// Lanes by their addresses.
pub(super) struct Groups {
    pub(super) all: [(u64, u32); 32],
    pub(super) count: usize,
}

impl Groups {
    pub(super) fn of(together: &Together<'_>) -> Self {
        let (mut all, mut count, mut last) = ([(0, 0); 32], 0, 0);
        for lane in together.lanes() {
            let address = together.addresses[lane];
            let is = |at: &usize| *at < count && all[*at].0 == address;
            // Lanes side by side mostly have the same, or the next, or begin anew; an address may well stand here twice.
            let found = [last, last + 1, 0].into_iter().find(is);
            last = found.unwrap_or(count);
            if found.is_none() {
                all[count] = (address, 0);
                count += 1;
            }
            all[last].1 |= 1 << lane;
        }
        Self { all, count }
    }

    /// The lanes of each word, if several groups lie side by side: and where they begin.
    pub(super) fn words(&self, bytes: u64) -> Option<(u64, Vec<u64>)> {
        let groups = &self.all[..self.count];
        let (first, _) = groups.first()?;
        let side_by_side = (*first..).step_by(bytes as usize).zip(groups).all(|(next, (address, _))| next == *address);
        if !side_by_side || self.count < 3 || !bytes.is_multiple_of(4) {
            return None;
        }
        let each = bytes as usize / 4;
        Some((*first, groups.iter().flat_map(|(_, lanes)| std::iter::repeat_n(u64::from(*lanes), each)).collect()))
    }
}
