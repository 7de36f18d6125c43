//! Profiled mode: what a kernel asks of the memory, per warp and per source line, and how much it computes.
//!
//! A launch runs twice. First observed, as in checked mode: accesses of single threads are put together to requests of warps
//! (`warps`) and counted by place in the source. Then, from the same contents of all buffers, compiled with a `float` that
//! counts its operations (counted.h). What is counted is what the source asks for after common loads are merged; a GPU's
//! compiler may still do a little better (hoist a load) or worse (spill registers, which `kernels compile` shows).

mod counts;
mod warps;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

pub use counts::{Counts, Line, Operations, Profile, Profiles, Transfers};
use warps::{Use, Warp};

use super::callbacks::Place;
use super::module::HostModule;
use super::observed::regions::{Region, Regions};
use super::observed::symbols::Lines;
use super::observed::{Access, Kind, Launch, Observer};
use super::scheduler::{Ended, Runner};
use super::shared::Operation;
use crate::device::Arg;

/// The observer of profiled mode.
pub(super) struct Profiler {
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
    /// Lines of instructions, by shared object.
    lines: HashMap<(u64, u64), Vec<Line>>,
}

impl Profiler {
    pub(super) fn new(profiles: Profiles) -> Self {
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
            lines: HashMap::new(),
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

    /// Runs the launch again, from the same contents, with floats that count. Returns counts by code address.
    fn count(&mut self, launch: &Launch<'_>, module: &HostModule) -> Result<Vec<(u64, u64, u64)>, String> {
        for (address, bytes) in self.before.drain(..) {
            // SAFETY: a live buffer of this size; no kernel runs.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        }
        let kernel = module.find(launch.function.kernel()).map_err(|e| e.to_string())?;
        let image = kernel.image().ok_or("the system does not tell where modules lie")?;
        let pointers: Vec<*mut c_void> = launch.args.iter().map(Arg::pointer).collect();
        // The loader takes the same file for the same library, so devices of a process that run a kernel share its counters.
        static COUNTING: Mutex<()> = Mutex::new(());
        let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = module.counters();
        counters.iter_mut().for_each(|counter| counter.count = 0);
        // SAFETY: the arguments fit this kernel as they fit its twin; the module lives as long as the launch's.
        let mut runner = unsafe { Runner::new(&kernel, pointers.as_ptr(), launch.geometry, launch.order) };
        (0..launch.geometry.blocks()).try_for_each(|block| runner.run(block)).map_err(|ended| ended.to_string())?;
        let place = |counter: &super::module::Counter| (counter.code() - image.base, counter.operation, counter.count);
        Ok(counters.iter().filter(|counter| counter.count > 0).map(place).collect())
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
            *of_use += warps::shared(mask, addresses, bytes, self.lanes, what.kind == Kind::Atomic);
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
        self.regions.begin_launch(launch)?;
        self.threads = launch.geometry.threads();
        self.warps = (0..self.threads.div_ceil(32)).map(|_| Warp::default()).collect();
        let contents = |(address, bytes): (u64, u64)| {
            // SAFETY: a live buffer of this size; no kernel runs.
            let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, bytes as usize) };
            (address, bytes.to_vec())
        };
        self.before = self.regions.buffers().map(contents).collect();
        Ok(())
    }

    fn block(&mut self, _block: u32) {}

    fn access(&mut self, thread: usize, access: Access) -> bool {
        let Access { address, bytes, kind, code, .. } = access;
        let Some(place) = self.regions.find(address, bytes) else { return true };
        if !place.inside {
            let fix = "`warptape kernels check` tells more";
            self.stray = Some(format!("an access outside every buffer and shared variable: {fix}"));
            return false;
        }
        if let Region::Shared(number) = place.region {
            self.used.insert(number);
        }
        let what = Use { code, shared: matches!(place.region, Region::Shared(_)), kind };
        let (warp, lane) = (thread / 32, thread % 32);
        let lanes = self.lanes(warp);
        let (warps, mut tally) = self.tally(lanes);
        warps[warp].access((lane, lanes), what, address, bytes, &mut |what, bytes, mask, addresses| {
            tally.add(what, bytes, mask, addresses);
        });
        true
    }

    fn barrier(&mut self, place: Place) {
        *self.barriers.entry(place.line()).or_default() += 1;
        (0..self.warps.len()).for_each(|warp| self.together(warp));
    }

    fn collective(&mut self, warp: usize, mask: u32, _syncs: bool, place: Place) {
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
            file: launch.module.source.file.clone(),
            defines: launch.module.source.defines.clone(),
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
        let symbols = launch.module.symbols()?;
        let tables = symbols.lines()?;
        for (what, transfers) in uses {
            let place = self.lines_of(launch.module.number, &tables, u64::from(what.code));
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
        match &launch.module.counting {
            Err(why) => profile.uncounted = Some(why.clone()),
            Ok(module) => {
                let counted = self.count(launch, module)?;
                let symbols = module.symbols()?;
                let tables = symbols.lines()?;
                for (code, operation, count) in counted {
                    let place = self.lines_of(module.number, &tables, code);
                    let operations = &mut profile.places.entry(place).or_default().operations;
                    *match Operation::numbered(operation) {
                        Operation::ADD => &mut operations.add,
                        Operation::MULTIPLY => &mut operations.multiply,
                        Operation::FUSED => &mut operations.fused,
                        Operation::DIVIDE => &mut operations.divide,
                        Operation::SPECIAL => &mut operations.special,
                        Operation::COMPARE => &mut operations.compare,
                    } += count;
                }
            }
        }
        profile.total = profile.places.values().fold(Counts::default(), |sum, counts| sum + *counts);
        self.profiles.add(profile);
        Ok(())
    }
}

impl Profiler {
    fn lines_of(&mut self, module: u64, tables: &Lines<'_>, code: u64) -> Vec<Line> {
        self.lines.entry((module, code)).or_insert_with(|| tables.of(code)).clone()
    }
}
