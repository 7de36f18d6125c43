//! Profiled mode: what a kernel asks of the memory, per warp and per source line, and how much it computes.
//!
//! On the host a launch runs twice. First observed, as in checked mode: accesses of single threads are put together to requests of warps
//! (`warps`) and counted by place in the source. Then, from the same contents of all buffers, compiled with a `float` that
//! counts its operations (counted.h). What is counted is what the source asks for after common loads are merged; a GPU's
//! compiler may still do a little better (hoist a load) or worse (spill registers, which `kernels compile` shows). The PTX device
//! counts what that compiler made.

mod counts;
mod warps;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use counts::{Counts, Instructions, Line, Operations, Profile, Profiles, Transfers};
use warps::{Use, Warp};

use super::regions::{Region, Regions};
use super::{Access, Computed, Ended, Kind, Launch, Observer, Spot, Together, When};

/// The observer of profiled mode.
pub(crate) struct Profiler {
    profiles: Profiles,
    regions: Regions,
    /// Threads of a block.
    threads: usize,
    warps: Vec<Warp>,
    /// By instruction, as long as a launch runs.
    uses: HashMap<Use, Transfers>,
    barriers: HashMap<Line, u64>,
    collectives: HashMap<Line, u64>,
    /// Sectors that the launch read before it wrote them, and that it wrote.
    read: HashSet<u64>,
    written: HashSet<u64>,
    /// What buffers held before the launch.
    before: Vec<(u64, Vec<u8>)>,
    /// The shared variables that the launch has used, by number.
    used: BTreeSet<usize>,
    /// Why the launch cannot go on.
    stray: Option<String>,
}

impl Profiler {
    pub(crate) fn new(profiles: Profiles) -> Self {
        Self {
            profiles,
            regions: Regions::default(),
            threads: 0,
            warps: Vec::new(),
            uses: HashMap::new(),
            barriers: HashMap::new(),
            collectives: HashMap::new(),
            read: HashSet::new(),
            written: HashSet::new(),
            before: Vec::new(),
            used: BTreeSet::new(),
            stray: None,
        }
    }

    /// How many threads a warp has: the last one may be short.
    fn lanes(&self, warp: usize) -> usize {
        (self.threads - warp * 32).min(32)
    }

    /// The warps, and where requests of a warp of `lanes` threads are added up.
    fn tally(&mut self, lanes: usize) -> (&mut [Warp], Tally<'_>) {
        (&mut self.warps, Tally { uses: &mut self.uses, read: &mut self.read, written: &mut self.written, lanes })
    }

    /// The warp is together, or the block is over.
    fn together(&mut self, warp: usize) {
        let (warps, mut tally) = self.tally(self.lanes(warp));
        warps[warp].together(&mut |what, bytes, mask, addresses| tally.add(what, bytes, mask, addresses));
    }

    /// What an address belongs to; None if it is of no interest, or nobody's: then `stray` says so.
    fn region(&mut self, address: u64, bytes: u64) -> Option<Region> {
        // What blocks of a cluster do in each other's memory is not counted.
        let place = self.regions.find(address, bytes).filter(|place| !matches!(place.region, Region::Other(..)))?;
        if !place.inside {
            let fix = "`warptape kernels check` tells more";
            self.stray = Some(format!("an access outside every buffer and shared variable: {fix}"));
            return None;
        }
        if let Region::Shared(number) = place.region {
            self.used.insert(number);
        }
        Some(place.region)
    }
}

/// Where requests are added up.
struct Tally<'a> {
    uses: &'a mut HashMap<Use, Transfers>,
    read: &'a mut HashSet<u64>,
    written: &'a mut HashSet<u64>,
    lanes: usize,
}

impl Tally<'_> {
    fn add(&mut self, what: Use, bytes: u64, mask: u32, addresses: &[u64; 32]) {
        let of_use = self.uses.entry(what).or_default();
        if what.shared {
            *of_use += warps::shared(mask, addresses, bytes, self.lanes, what.kind);
            return;
        }
        let sectors = warps::sectors(mask, addresses, bytes);
        *of_use += warps::global(mask, bytes, self.lanes, sectors.len() as u64);
        if what.kind != Kind::Write {
            let new = sectors.iter().filter(|sector| !self.written.contains(sector));
            self.read.extend(new);
        }
        if what.kind != Kind::Read {
            self.written.extend(&sectors);
        }
    }
}

impl Observer for Profiler {
    fn allocated(&mut self, address: u64, bytes: u64) {
        self.regions.add(address, bytes);
    }

    fn released(&mut self, address: u64) {
        self.regions.remove(address);
    }

    fn written(&mut self, _address: u64, _bytes: u64) {}

    fn copied(&mut self, _to: u64, _from: u64, _bytes: u64) {}

    fn begin(&mut self, launch: &Launch<'_>) -> Result<(), String> {
        self.regions.begin_launch(launch);
        self.threads = launch.geometry.threads();
        self.warps = (0..self.threads.div_ceil(32)).map(|_| Warp::default()).collect();
        let contents = |(address, bytes): (u64, u64)| {
            // SAFETY: a live buffer of this size; no kernel runs.
            let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, bytes as usize) };
            (address, bytes.to_vec())
        };
        self.before =
            if launch.code.runs_twice() { self.regions.buffers().map(contents).collect() } else { Vec::new() };
        Ok(())
    }

    fn block(&mut self, block: u32, shared: u64) {
        self.regions.move_shared(block, shared);
    }

    fn turn(&mut self, block: u32, shared: u64) {
        self.regions.move_shared(block, shared);
    }

    fn asked(&mut self, (_, thread): (u32, usize), access: Access, when: When) -> bool {
        // Copies of single threads are their stores.
        let counts = when == When::Waited && access.kind == Kind::Write && access.bytes <= 16;
        !counts || self.access(thread, access)
    }

    fn access(&mut self, thread: usize, access: Access) -> bool {
        let Access { address, bytes, kind, code, .. } = access;
        let Some(region) = self.region(address, bytes) else { return self.stray.is_none() };
        let what = Use { code, shared: matches!(region, Region::Shared(_)), kind };
        let (warp, lane) = (thread / 32, thread % 32);
        let lanes = self.lanes(warp);
        let (warps, mut tally) = self.tally(lanes);
        warps[warp].access((lane, lanes), what, address, bytes, &mut |what, bytes, mask, addresses| {
            tally.add(what, bytes, mask, addresses);
        });
        true
    }

    fn together(&mut self, all: &Together<'_>) -> bool {
        let Access { bytes, kind, code, .. } = all.each;
        // Lanes that access shared memory, and others.
        let mut masks = [0; 2];
        for lane in all.lanes() {
            match self.region(all.addresses[lane], bytes) {
                Some(region) => masks[usize::from(matches!(region, Region::Shared(_)))] |= 1 << lane,
                None if self.stray.is_some() => return false,
                None => {}
            }
        }
        let (_, mut tally) = self.tally(self.lanes(all.warp));
        for (shared, mask) in [false, true].into_iter().zip(masks).filter(|(_, mask)| *mask != 0) {
            tally.add(Use { code, shared, kind }, bytes, mask, all.addresses);
        }
        true
    }

    fn counts(&self) -> bool {
        true
    }

    fn barrier(&mut self, place: &dyn Spot) {
        *self.barriers.entry(place.line()).or_default() += 1;
        (0..self.warps.len()).for_each(|warp| self.together(warp));
    }

    fn collective(&mut self, warp: usize, mask: u32, _syncs: bool, place: &dyn Spot) {
        *self.collectives.entry(place.line()).or_default() += 1;
        if mask == u32::MAX >> (32 - self.lanes(warp)) {
            self.together(warp);
        }
    }

    fn fence(&mut self, _thread: usize) {}

    fn end_block(&mut self) {
        (0..self.warps.len()).for_each(|warp| self.together(warp));
    }

    fn end(&mut self, launch: &Launch<'_>, ended: Option<Ended>) -> Result<(), String> {
        let uses = std::mem::take(&mut self.uses);
        let (barriers, collectives) = (std::mem::take(&mut self.barriers), std::mem::take(&mut self.collectives));
        let [read, written] =
            [&mut self.read, &mut self.written].map(|sectors| 32 * std::mem::take(sectors).len() as u64);
        // A module has the variables of all its kernels; what this one uses is its own. (Its dynamic ones are the launch's.)
        let used = std::mem::take(&mut self.used);
        let bytes = used.into_iter().map(|number| self.regions.bytes(Region::Shared(number))).sum::<u64>();
        let static_shared = bytes.saturating_sub(u64::from(launch.geometry.shared));
        match (self.stray.take(), ended) {
            (Some(stray), _) => return Err(stray),
            (None, Some(ended)) => return Err(ended.to_string()),
            (None, None) => {}
        }
        let mut profile = Profile {
            kernel: launch.function.kernel().into(),
            file: launch.code.source().file.clone(),
            defines: launch.code.source().defines.clone(),
            geometry: launch.geometry,
            launches: 1,
            blocks: launch.geometry.blocks() as u64,
            static_shared,
            total: Counts::default(),
            places: BTreeMap::new(),
            read,
            written,
            uncounted: None,
        };
        let lines = launch.code.lines(&mut uses.keys().map(|what| what.code))?;
        for (what, transfers) in uses {
            let place = lines.get(&what.code).cloned().unwrap_or_default();
            let counts = profile.places.entry(place).or_default();
            *match (what.shared, what.kind) {
                (false, Kind::Read) => &mut counts.global_loads,
                (false, Kind::Write) => &mut counts.global_stores,
                (false, Kind::Atomic) => &mut counts.global_atomics,
                (true, Kind::Read) => &mut counts.shared_loads,
                (true, Kind::Write) => &mut counts.shared_stores,
                (true, Kind::Atomic) => &mut counts.shared_atomics,
            } += transfers;
        }
        for (place, count) in barriers {
            profile.places.entry(vec![place]).or_default().barriers += count;
        }
        for (place, count) in collectives {
            profile.places.entry(vec![place]).or_default().collectives += count;
        }
        for (address, bytes) in self.before.drain(..) {
            // SAFETY: a live buffer of this size; no kernel runs.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        }
        match launch.code.computed(launch)? {
            Err(why) => profile.uncounted = Some(why),
            Ok(computed) => {
                for Computed { lines, operations, instructions } in computed {
                    let counts = profile.places.entry(lines).or_default();
                    counts.operations += operations;
                    counts.instructions += instructions;
                }
            }
        }
        profile.total = profile.places.values().fold(Counts::default(), |sum, counts| sum + *counts);
        self.profiles.add(profile);
        Ok(())
    }
}
