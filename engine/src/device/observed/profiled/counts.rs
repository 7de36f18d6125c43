//! What profiled mode counts.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex};

use crate::device::{Defines, Geometry};

pub use crate::device::observed::Line;

/// Accesses of one kind to one kind of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Instructions of warps: the lanes that come to an access together make one request.
    pub requests: u64,
    /// Of these, how many had fewer lanes than the warp has threads.
    pub partial: u64,
    /// Accesses of single threads.
    pub lanes: u64,
    /// Bytes that threads asked for.
    pub bytes: u64,
    /// Global memory: 32-byte sectors that the requests touch, each once per request. Shared memory: wavefronts, which is
    /// how often the banks are used one after the other.
    pub transactions: u64,
    /// The least number of transactions for the same requests: of sectors, if what lanes ask for lay side by side; of
    /// wavefronts, if no two lanes needed different words of one bank.
    pub least: u64,
}

/// Operations on f32 values, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Additions and subtractions.
    pub add: u64,
    /// Multiplications. A GPU's compiler fuses one with an addition where it can: the FLOPs are the same.
    pub multiply: u64,
    /// `fmaf`: two FLOPs.
    pub fused: u64,
    /// Divisions.
    pub divide: u64,
    /// Roots, exponentials, logarithms, trigonometry.
    pub special: u64,
    /// Comparisons, minima and maxima: no FLOPs.
    pub compare: u64,
}

impl Operations {
    /// Floating-point operations: a fused one counts as two, division and functions as one.
    pub fn flops(&self) -> u64 {
        self.add + self.multiply + 2 * self.fused + self.divide + self.special
    }
}

/// Instructions of warps, as the compiler made them; all zero where only the source is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// All of them.
    pub issued: u64,
    /// Lanes that did them: 32 for each, but for those of a short warp, that went elsewhere, or whose predicate was off.
    pub lanes: u64,
    /// Floating-point arithmetic and comparisons, of any width.
    pub float: u64,
    /// Integer arithmetic, shifts, logic and comparisons.
    pub integer: u64,
    /// Conversions between types.
    pub convert: u64,
    /// Matrix products and what moves their fragments.
    pub tensor: u64,
    /// Loads, stores and atomics of global and shared memory, and asynchronous copies.
    pub memory: u64,
    /// Of these and loads of parameters, loads that give each lane 8 bytes or more at once.
    pub wide: u64,
    /// Accesses of local memory: arrays that are indexed, and registers that did not fit.
    pub local: u64,
    /// Branches, calls, returns and barriers.
    pub control: u64,
    /// Moves, selections and everything else.
    pub other: u64,
}

/// Everything that is counted of a line, or of a kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Loads from global memory.
    pub global_loads: Transfers,
    /// Stores to global memory.
    pub global_stores: Transfers,
    /// Atomic operations on global memory.
    pub global_atomics: Transfers,
    /// Loads from shared memory.
    pub shared_loads: Transfers,
    /// Stores to shared memory.
    pub shared_stores: Transfers,
    /// Atomic operations on shared memory.
    pub shared_atomics: Transfers,
    /// Operations on f32 values.
    pub operations: Operations,
    /// Instructions, on a device that executes them.
    pub instructions: Instructions,
    /// Barriers that blocks came to.
    pub barriers: u64,
    /// Shuffles, votes and `__syncwarp`s that warps came to.
    pub collectives: u64,
}

impl Counts {
    /// Loads, stores and atomics of global memory together.
    pub fn global(&self) -> Transfers {
        self.global_loads + self.global_stores + self.global_atomics
    }

    /// Loads, stores and atomics of shared memory together.
    pub fn shared(&self) -> Transfers {
        self.shared_loads + self.shared_stores + self.shared_atomics
    }
}

impl Transfers {
    /// Bytes asked for, of the bytes that sectors move: 1 if coalesced. None without an access.
    pub fn efficiency(&self) -> Option<f64> {
        (self.transactions > 0).then(|| self.bytes as f64 / (32 * self.transactions) as f64)
    }

    /// Wavefronts beyond the least: what bank conflicts cost.
    pub fn conflicts(&self) -> u64 {
        self.transactions - self.least
    }
}

macro_rules! add_fields {
    ($type:ident { $($field:ident)* }) => {
        impl AddAssign for $type {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }
        impl std::ops::Add for $type {
            type Output = Self;
            fn add(mut self, other: Self) -> Self {
                self += other;
                self
            }
        }
    };
}
add_fields!(Transfers { requests partial lanes bytes transactions least });
add_fields!(Operations { add multiply fused divide special compare });
add_fields!(Instructions { issued lanes float integer convert tensor memory wide local control other });
add_fields!(Counts {
    global_loads global_stores global_atomics shared_loads shared_stores shared_atomics operations instructions
    barriers collectives
});

/// What is known of one kernel after its launches.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The kernel's name.
    pub kernel: String,
    /// Its file.
    pub file: String,
    /// What it was compiled with.
    pub defines: Defines,
    /// Of the last launch.
    pub geometry: Geometry,
    /// Launches that were added up.
    pub launches: u64,
    /// Blocks of all launches.
    pub blocks: u64,
    /// Bytes of `__shared__` variables that the kernel used, without dynamic shared memory.
    pub static_shared: u64,
    /// The whole kernel.
    pub total: Counts,
    /// By place in the source: the line itself, then the calls that led there as far as they were inlined.
    pub places: BTreeMap<Vec<Line>, Counts>,
    /// Bytes of distinct sectors that launches read before they wrote them, and that they wrote: what has to move between
    /// the chip and its memory at least, if all the rest is found in the cache.
    pub read: u64,
    /// See [`Profile::read`].
    pub written: u64,
    /// Why operations were not counted, if they were not.
    pub uncounted: Option<String>,
}

impl Profile {
    /// Counts by the line of file `file` that they are due to: the access itself, or the call that led there.
    pub fn lines(&self, file: &str) -> BTreeMap<u32, Counts> {
        let mut lines = BTreeMap::<u32, Counts>::new();
        for (place, counts) in &self.places {
            if let Some(line) = place.iter().find(|line| line.file == file) {
                *lines.entry(line.number).or_default() += *counts;
            }
        }
        lines
    }
}

/// A list of profiles that devices share, one for each kernel and set of defines; clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Profiles(Arc<Mutex<Vec<Profile>>>);

impl Profiles {
    /// What has been counted so far, in order of the kernels' first launches.
    pub fn list(&self) -> Vec<Profile> {
        self.0.lock().unwrap().clone()
    }

    /// What `run` returns; what it launches is not in the list.
    pub fn without<T>(&self, run: impl FnOnce() -> T) -> T {
        let before = self.list();
        let result = run();
        *self.0.lock().unwrap() = before;
        result
    }

    pub(super) fn add(&self, profile: Profile) {
        let mut list = self.0.lock().unwrap();
        let known = list.iter_mut().find(|known| known.kernel == profile.kernel && known.defines == profile.defines);
        let Some(known) = known else { return list.push(profile) };
        known.geometry = profile.geometry;
        known.launches += profile.launches;
        known.blocks += profile.blocks;
        known.total += profile.total;
        known.read += profile.read;
        known.written += profile.written;
        for (place, counts) in profile.places {
            *known.places.entry(place).or_default() += counts;
        }
    }
}
