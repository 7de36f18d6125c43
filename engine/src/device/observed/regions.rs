//! What memory there is: live buffers, and the `__shared__` variables of the module that runs.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Launch;
use super::memory::GAP;
use super::variable::Variable;

/// What an address belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) region: Region,
    /// Bytes from its start; outside if the access is.
    pub(crate) offset: i64,
    /// Whether the whole access lies inside.
    pub(crate) inside: bool,
}

/// A stretch of memory that kernels may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Region {
    /// The buffer at this address.
    Buffer(u64),
    /// The variable with this number in [`Regions::shared`].
    Shared(usize),
    /// The same of another block: its number, and the variable's.
    Other(u32, usize),
    /// None that is known.
    Nothing,
}

/// All that kernels may touch.
#[derive(Default)]
pub(crate) struct Regions {
    /// Sizes in bytes, by address.
    buffers: BTreeMap<u64, u64>,
    /// Where accesses to the last two buffers went: the next is likely to go there too.
    last: [Range<u64>; 2],
    /// Which variable was accessed last.
    last_shared: usize,
    /// Of the module that runs, with addresses.
    pub(crate) shared: Vec<Variable>,
    /// Where shared memory starts.
    pub(crate) shared_start: u64,
    quiet: Range<u64>,
    /// Where blocks that run at the same time have their shared memory, and their numbers.
    starts: BTreeMap<u64, u32>,
}

/// Bytes of addresses that each of such blocks has for its shared memory.
const WINDOW: u64 = 1 << 24;

impl Regions {
    pub(crate) fn add(&mut self, address: u64, bytes: u64) {
        self.buffers.insert(address, bytes);
    }

    pub(crate) fn remove(&mut self, address: u64) {
        self.buffers.remove(&address);
        self.last = Default::default();
    }

    /// The buffer that `address` is in: its start, and its size.
    pub(crate) fn buffer(&self, address: u64) -> Option<(u64, u64)> {
        let (&start, &bytes) = self.buffers.range(..=address).next_back()?;
        (address < start + bytes).then_some((start, bytes))
    }

    /// Address and size of every buffer.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buffers.iter().map(|(&start, &bytes)| (start, bytes))
    }

    pub(crate) fn begin_launch(&mut self, launch: &Launch<'_>) {
        self.shared = launch.code.shared();
        self.shared_start = launch.code.shared_start();
        self.quiet = launch.code.quiet();
        self.starts.clear();
    }

    /// The block that runs from now on, and where its shared memory is.
    pub(crate) fn move_shared(&mut self, block: u32, start: u64) {
        self.starts.insert(start, block);
        let by = start.wrapping_sub(self.shared_start);
        if by == 0 {
            return;
        }
        for Variable { range, .. } in &mut self.shared {
            *range = range.start.wrapping_add(by)..range.end.wrapping_add(by);
        }
        self.shared_start = start;
    }

    /// The size of a region in bytes.
    pub(crate) fn bytes(&self, region: Region) -> u64 {
        match region {
            Region::Buffer(start) => self.buffers.get(&start).copied().unwrap_or(0),
            Region::Shared(number) | Region::Other(_, number) => {
                self.shared[number].range.end - self.shared[number].range.start
            }
            Region::Nothing => 0,
        }
    }

    /// What an address belongs to, or is nearest to; none if it is of no interest: a constant, a built-in variable.
    pub(crate) fn find(&mut self, address: u64, bytes: u64) -> Option<Place> {
        let end = address.checked_add(bytes)?;
        if let Some(Range { start, .. }) = self.last.iter().find(|last| last.start <= address && end <= last.end) {
            let start = *start;
            return Some(Place { region: Region::Buffer(start), offset: (address - start) as i64, inside: true });
        }
        if let Some(place) = self.find_shared(address, end) {
            return (!self.is_built_in(place.region)).then_some(place);
        }
        if self.quiet.contains(&address) {
            return None;
        }
        if let Some((&start, &block)) = self.starts.range(..=address).next_back()
            && address - start < WINDOW
        {
            let at = address - start + self.shared_start;
            let place = self.find_shared(at, at + bytes)?;
            let Region::Shared(number) = place.region else { return None };
            return (!self.is_built_in(place.region))
                .then_some(Place { region: Region::Other(block, number), ..place });
        }
        let place = |start: u64, inside| {
            let offset = address.wrapping_sub(start) as i64;
            Some(Place { region: Region::Buffer(start), offset, inside })
        };
        let gap = GAP as u64;
        if let Some((&start, &bytes)) = self.buffers.range(..=address).next_back()
            && address < start + bytes + gap
        {
            let inside = end <= start + bytes;
            if inside {
                self.last.swap(0, 1);
                self.last[0] = start..start + bytes;
            }
            return place(start, inside);
        }
        if let Some((&start, _)) = self.buffers.range(address..).next()
            && start - address <= gap
        {
            return place(start, false);
        }
        Some(Place { region: Region::Nothing, offset: address as i64, inside: false })
    }

    fn find_shared(&mut self, address: u64, end: u64) -> Option<Place> {
        if let Some(Variable { range, .. }) = self.shared.get(self.last_shared)
            && range.start <= address
            && end <= range.end
        {
            let (region, offset) = (Region::Shared(self.last_shared), (address - range.start) as i64);
            return Some(Place { region, offset, inside: true });
        }
        let after = self.shared.partition_point(|variable| variable.range.start <= address);
        // In the gaps before and after: 64 KiB, as shim.h aligns variables.
        let near = |variable: &Variable| {
            variable.range.start.saturating_sub(1 << 16) < end && address < variable.range.end + (1 << 16)
        };
        let before = after.checked_sub(1).filter(|&number| near(&self.shared[number]));
        let number = before.or_else(|| (after < self.shared.len() && near(&self.shared[after])).then_some(after))?;
        let Range { start, end: last } = self.shared[number].range;
        let inside = start <= address && end <= last;
        self.last_shared = number;
        Some(Place { region: Region::Shared(number), offset: address.wrapping_sub(start) as i64, inside })
    }

    fn is_built_in(&self, region: Region) -> bool {
        matches!(region, Region::Shared(number) if self.shared[number].name.is_empty())
    }
}
