//! The memory that kernels may touch: live buffers, and the `__shared__` variables of the running block.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::order::{Mark, Order};
use super::shadow::{Conflict, Shadow, Written};
use super::{Access, Launch, Symbols};
use crate::device::host::compiler;
use crate::device::host::observed::memory::GAP;
use crate::device::host::observed::symbols::Shared;

/// What an address belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) region: Region,
    /// Bytes from its start; outside if the access is.
    pub(super) offset: i64,
    /// Whether the whole access lies inside.
    pub(super) inside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The buffer at this address.
    Buffer(u64),
    /// The variable with this number in [`Memory::shared`].
    Shared(usize),
    /// None that is known.
    Nothing,
}

struct Buffer {
    bytes: u64,
    shadow: Shadow,
    written: Written,
}

/// All that kernels may touch.
#[derive(Default)]
pub(super) struct Memory {
    buffers: BTreeMap<u64, Buffer>,
    /// Where the last access to a buffer went: the next is likely to go there too.
    last: Range<u64>,
    launch: u64,
    /// Of the module that runs, with addresses.
    pub(super) shared: Vec<Shared>,
    shared_start: u64,
    shadow: Shadow,
    /// A new one for each block: nobody has written its shared memory.
    generation: u64,
    quiet: Range<u64>,
    symbols: HashMap<PathBuf, Arc<Symbols>>,
}

impl Memory {
    pub(super) fn add(&mut self, address: u64, bytes: u64) {
        let new = Buffer { bytes, shadow: Shadow::default(), written: Written::nothing(bytes) };
        self.buffers.insert(address, new);
    }

    pub(super) fn remove(&mut self, address: u64) {
        self.buffers.remove(&address);
        self.last = 0..0;
    }

    /// The buffer that contains all of these bytes.
    fn buffer(&mut self, address: u64, bytes: u64) -> Option<(u64, &mut Buffer)> {
        let (&start, buffer) = self.buffers.range_mut(..=address).next_back()?;
        (address + bytes <= start + buffer.bytes).then_some((start, buffer))
    }

    /// Sizes of buffers are not rounded up, but fills are of whole words: what is beyond the end is nobody's.
    pub(super) fn written(&mut self, address: u64, bytes: u64) {
        if let Some((&start, buffer)) = self.buffers.range_mut(..=address).next_back()
            && address < start + buffer.bytes
        {
            buffer.written.add(address - start, bytes.min(start + buffer.bytes - address));
        }
    }

    pub(super) fn copied(&mut self, to: u64, from: u64, bytes: u64) {
        let Some((start, source)) = self.buffer(from, bytes) else { return };
        let mut part = Written::nothing(bytes);
        part.copy(0, &source.written, from - start, bytes);
        if let Some((start, target)) = self.buffer(to, bytes) {
            target.written.copy(to - start, &part, 0, bytes);
        }
    }

    pub(super) fn begin_launch(&mut self, launch: &Launch<'_>) -> Result<(), String> {
        self.launch += 1;
        let symbols = self.symbols(launch)?;
        let dynamic = compiler::dynamic_shared(&launch.module.source.text);
        let start = launch.image.thread_local.start;
        let placed = |variable: &Shared| {
            let Range { start: first, end } = variable.range;
            // Dynamic shared memory is as large as the launch says.
            let is_dynamic = dynamic.iter().any(|(_, name)| *name == variable.name);
            let end = if is_dynamic { first + u64::from(launch.geometry.shared) } else { end };
            Shared { name: variable.name.clone(), range: start + first..start + end }
        };
        self.shared = symbols.shared.iter().map(placed).collect();
        self.shared_start = start;
        self.quiet = launch.image.span.clone();
        Ok(())
    }

    pub(super) fn begin_block(&mut self) {
        self.generation += 1;
    }

    /// The tables of the launched kernel's module.
    pub(super) fn symbols(&mut self, launch: &Launch<'_>) -> Result<Arc<Symbols>, String> {
        if let Some(found) = self.symbols.get(&launch.module.path) {
            return Ok(found.clone());
        }
        let symbols = Arc::new(Symbols::read(&launch.module.path)?);
        self.symbols.insert(launch.module.path.clone(), symbols.clone());
        Ok(symbols)
    }

    /// The size of a region in bytes.
    pub(super) fn bytes(&self, region: Region) -> u64 {
        match region {
            Region::Buffer(start) => self.buffers.get(&start).map_or(0, |buffer| buffer.bytes),
            Region::Shared(number) => self.shared[number].range.end - self.shared[number].range.start,
            Region::Nothing => 0,
        }
    }

    /// What an address belongs to, or is nearest to; none if it is of no interest: a constant, a built-in variable.
    pub(super) fn find(&mut self, address: u64, bytes: u64) -> Option<Place> {
        let end = address.checked_add(bytes)?;
        if self.last.start <= address && end <= self.last.end {
            let start = self.last.start;
            return Some(Place { region: Region::Buffer(start), offset: (address - start) as i64, inside: true });
        }
        if let Some(place) = self.find_shared(address, end) {
            return (!self.is_built_in(place.region)).then_some(place);
        }
        if self.quiet.contains(&address) {
            return None;
        }
        let place = |start: u64, inside| {
            let offset = address.wrapping_sub(start) as i64;
            Some(Place { region: Region::Buffer(start), offset, inside })
        };
        let gap = GAP as u64;
        if let Some((&start, buffer)) = self.buffers.range(..=address).next_back()
            && address < start + buffer.bytes + gap
        {
            let inside = end <= start + buffer.bytes;
            if inside {
                self.last = start..start + buffer.bytes;
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

    fn find_shared(&self, address: u64, end: u64) -> Option<Place> {
        let after = self.shared.partition_point(|variable| variable.range.start <= address);
        // In the gaps before and after: 64 KiB, as shim.h aligns variables.
        let near = |variable: &Shared| {
            variable.range.start.saturating_sub(1 << 16) < end && address < variable.range.end + (1 << 16)
        };
        let place = |number: usize| {
            let Range { start, end: last } = self.shared[number].range;
            let inside = start <= address && end <= last;
            Some(Place { region: Region::Shared(number), offset: address.wrapping_sub(start) as i64, inside })
        };
        let before = after.checked_sub(1).filter(|&number| near(&self.shared[number]));
        match before {
            Some(number) => place(number),
            None => (after < self.shared.len() && near(&self.shared[after])).then(|| place(after)).flatten(),
        }
    }

    fn is_built_in(&self, region: Region) -> bool {
        matches!(region, Region::Shared(number) if self.shared[number].name.is_empty())
    }

    /// Whether some of these bytes, which are inside, were never written. Says so once.
    pub(super) fn missing(&mut self, place: &Place, block: u32, bytes: u64) -> bool {
        let offset = place.offset as u64;
        match place.region {
            Region::Buffer(start) => {
                let written = &mut self.buffers.get_mut(&start).expect("found before").written;
                written.missing(offset, bytes).is_some()
            }
            Region::Shared(number) => {
                let offset = self.shared[number].range.start - self.shared_start + offset;
                self.shadow.unwritten(self.generation, block, offset, bytes).is_some()
            }
            Region::Nothing => false,
        }
    }

    /// Notes an access, which is inside, and tells what it clashes with, and at which offset.
    pub(super) fn touch(
        &mut self,
        order: &Order,
        place: &Place,
        now: &Mark,
        access: Access,
    ) -> Option<(i64, Conflict)> {
        let offset = place.offset as u64;
        match place.region {
            Region::Buffer(start) => {
                let buffer = self.buffers.get_mut(&start).expect("found before");
                if access.kind != super::Kind::Read {
                    buffer.written.add(offset, access.bytes);
                }
                let found = buffer.shadow.access((self.launch, order), now, access.kind, offset, access.bytes);
                found.map(|(at, conflict)| (at as i64, conflict))
            }
            Region::Shared(number) => {
                let first = self.shared[number].range.start - self.shared_start;
                let at = first + offset;
                let found = self.shadow.access((self.generation, order), now, access.kind, at, access.bytes);
                found.map(|(at, conflict)| ((at - first) as i64, conflict))
            }
            Region::Nothing => None,
        }
    }
}
