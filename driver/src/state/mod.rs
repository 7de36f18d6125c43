//! What the driver knows: contexts and all that belongs to them.

pub mod allocations;
pub mod arrays;
pub mod capture;
pub mod contexts;
pub mod enter;
pub mod graphs;
pub mod handles;
mod leaks;
pub mod libraries;
pub mod limits;
pub mod modules;
pub mod occupancy;
pub mod queue;
mod run;
pub mod streams;
pub mod work;

use std::collections::BTreeMap;
use std::sync::Mutex;

use warptape_ptx::memory::Memory;

use crate::report;
use crate::settings::Settings;
use crate::status::{Answer, Status, wrong};
use allocations::Allocations;
use arrays::{Held, Mipmaps, Object};
use capture::Capture;
use contexts::Contexts;
use graphs::{Exec, Graph};
use handles::Handles;
use libraries::{Kernel, Library};
use modules::{Function, Module};
use streams::{Event, Stream};

/// All that there is; behind one lock, so that calls from several threads come one after the other.
pub struct Driver {
    pub settings: &'static Settings,
    pub memory: Memory,
    pub handles: Handles,
    pub contexts: Contexts,
    pub allocations: Allocations,
    pub streams: BTreeMap<u64, Stream>,
    pub events: BTreeMap<u64, Event>,
    pub modules: BTreeMap<u64, Module>,
    pub functions: BTreeMap<u64, Function>,
    pub libraries: BTreeMap<u64, Library>,
    /// Kernels of libraries, which are functions in each context.
    pub kernels: BTreeMap<u64, Kernel>,
    pub pools: BTreeMap<u64, allocations::Pool>,
    pub arrays: BTreeMap<u64, Held>,
    pub mipmaps: BTreeMap<u64, Mipmaps>,
    /// Textures and surfaces, by the handles that kernels get.
    pub objects: BTreeMap<u64, Object>,
    /// What streams do not run, but note, by number.
    pub captures: BTreeMap<u64, Capture>,
    /// Captures that were begun.
    pub captured: u64,
    pub graphs: BTreeMap<u64, Graph>,
    /// Graphs that are ready to be launched.
    pub execs: BTreeMap<u64, Exec>,
    /// The device's own pool.
    pub default_pool: u64,
    /// The pool that allocations come from.
    pub current_pool: u64,
    /// Work that was queued so far.
    pub sequence: u64,
    /// Kernels that ran so far.
    pub launches: u64,
    /// Where numbers are drawn from where the order is random.
    pub draw: u64,
}

/// The driver, once it is initialised.
pub static DRIVER: Mutex<Option<Driver>> = Mutex::new(None);

impl Driver {
    /// Initialises it, unless that was done; what is left behind at the end of the process is then told.
    ///
    /// # Errors
    /// Settings that mean nothing; no device, if that is asked for; no addresses to be had.
    pub fn start(driver: &mut Option<Driver>) -> Answer {
        let settings = Settings::of_process().or_else(|why| wrong(Status::INVALID_VALUE, why))?;
        if settings.faults.no_device {
            return Err(Status::NO_DEVICE.into());
        }
        if driver.is_some() {
            return Ok(());
        }
        let memory = Memory::new().or_else(|why| wrong(Status::OPERATING_SYSTEM, format!("no addresses: {why}")))?;
        let mut handles = Handles::default();
        let default_pool = handles.fresh(handles::Kind::Pool);
        let draw = if let crate::settings::Order::Random(seed) = settings.order { seed } else { 0 };
        *driver = Some(Driver {
            settings,
            memory,
            handles,
            contexts: Contexts::default(),
            allocations: Allocations::default(),
            streams: BTreeMap::new(),
            events: BTreeMap::new(),
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
            libraries: BTreeMap::new(),
            kernels: BTreeMap::new(),
            pools: BTreeMap::from([(default_pool, allocations::Pool::default())]),
            arrays: BTreeMap::new(),
            mipmaps: BTreeMap::new(),
            objects: BTreeMap::new(),
            captures: BTreeMap::new(),
            captured: 0,
            graphs: BTreeMap::new(),
            execs: BTreeMap::new(),
            default_pool,
            current_pool: default_pool,
            sequence: 0,
            launches: 0,
            draw,
        });
        // SAFETY: a function that may be called when the process ends.
        unsafe { libc::atexit(at_exit) };
        Ok(())
    }

    /// The next drawn number below `bound`.
    pub fn drawn(&mut self, bound: u64) -> u64 {
        // SplitMix64 (Steele et al., OOPSLA 2014).
        self.draw = self.draw.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let a = (self.draw ^ self.draw >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let b = (a ^ a >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (b ^ b >> 31) % bound
    }
}

extern "C" fn at_exit() {
    // A thread that still holds the lock is stuck in a call; there is nothing to tell then.
    let Ok(driver) = DRIVER.try_lock() else { return };
    let Some(driver) = driver.as_ref() else { return };
    let left = driver.left();
    if let Some(left) = &left {
        report::say(&format!("at the end of the process {left}"));
    }
    if driver.settings.strict && (left.is_some() || report::mistakes() > 0) {
        report::say(&format!("{} mistakes were told: aborting (WARPTAPE_DRIVER_STRICT)", report::mistakes()));
        std::process::abort();
    }
}
