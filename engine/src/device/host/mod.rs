//! The host device: the same kernel sources, compiled by the system's C++ compiler, each CUDA thread a fiber.
//!
//! `toolchain` knows the compiler, for which `unit` writes what it gets; `compiler` turns a source into a shared object
//! (as NVRTC turns it into a cubin) and `module` loads it, by way of `library`; `workers` are
//! the OS threads that run blocks, and `scheduler` runs one block at a time on one of them: `block` holds its state,
//! `callbacks` are what kernels call at barriers, `warp` lets the lanes of a warp meet.
//!
//! In the observed modes every access calls back as well, to an observer (`device/observed`), which asks `observation` about the code.

mod block;
mod callbacks;
pub mod compiler;
pub mod cpu;
mod dice;
mod dynamic;
pub mod faults;
pub mod fence;
mod image;
mod launch;
mod library;
mod module;
mod observation;
mod process;
mod scheduler;
mod shared;
mod spin;
mod stacks;
mod symbols;
pub mod toolchain;
mod unit;
mod warp;
pub(super) mod workers;

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::checked::{self, Findings};
use super::observed::{self, Observer};
use super::profiled::{self, Profiles};
use super::{Arg, Backend, Function, Geometry, Info, Kind, Module, Source, Target};
use crate::environment::Environment;
use crate::error::{Error, Result};
use fence::Fence;
use module::HostModule;
pub use scheduler::Order;

/// What the host device does beside running kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    #[default]
    Fast,
    /// It keeps buffers apart by fences, so that a stray access ends the process, and its code leads to source lines.
    Fenced(Fence),
    /// It looks for races, stray and misaligned accesses, and reads of what nothing wrote; see [`checked`](crate::device::checked).
    Checked,
    /// It counts what kernels ask of the memory and compute, into [`Options::profiles`]; see [`profiled`](crate::device::profiled).
    Profiled,
}

/// How the host device runs kernels.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What it does beside.
    pub mode: Mode,
    /// In which order blocks, and threads within a block, take their turns.
    pub order: Order,
    /// Pick the tile shapes of a GPU instead of the CPU's, to test on the host what runs on the GPU.
    pub gpu_tiles: bool,
    /// In checked mode, where findings are collected. Without it a launch that gives one fails with it.
    pub findings: Option<Findings>,
    /// In profiled mode, where counts go.
    pub profiles: Profiles,
    /// Which compiler, with which flags, and where its work is kept.
    pub environment: Environment,
}

/// The host device.
pub struct Host {
    info: Info,
    options: Options,
    launches: AtomicUsize,
    /// What is issued from several threads runs one after the other, as on a stream.
    stream: Mutex<()>,
    observer: Option<Mutex<Box<dyn Observer>>>,
}

impl Host {
    /// A host device; nothing is compiled yet, so a missing compiler shows at the first kernel.
    pub fn new(options: Options) -> Self {
        let cores = workers::cores();
        let (lanes, made_for, toolchain) = match toolchain::found(&options.environment) {
            Ok(compiler) => (compiler.lanes, compiler.vectors.name(), compiler.description()),
            // Whatever is compiled later fails with the reason.
            Err(error) => (4, "no compiler", error.to_string()),
        };
        let observer: Option<Box<dyn Observer>> = match options.mode {
            Mode::Fast | Mode::Fenced(_) => None,
            Mode::Checked => Some(Box::new(checked::Checker::new(options.findings.clone()))),
            Mode::Profiled => Some(Box::new(profiled::Profiler::new(options.profiles.clone()))),
        };
        // What is observed is what runs on a GPU.
        let gpu = options.gpu_tiles || observer.is_some();
        let target = if gpu { Target::Cuda } else { Target::Host { lanes } };
        let (kind, name) = match options.mode {
            Mode::Fast | Mode::Fenced(_) => (Kind::Host, "host"),
            Mode::Checked => (Kind::Checked, "host:checked"),
            Mode::Profiled => (Kind::Profiled, "host:profiled"),
        };
        let info = Info {
            kind,
            name: name.into(),
            description: format!("host CPU ({cores} cores, {made_for}, tiles of {lanes} floats)"),
            arch: format!("{}-v{}", std::env::consts::ARCH, lanes * 32),
            toolchain,
            units: cores,
            memory: total_memory(),
            target,
        };
        Self {
            info,
            options,
            launches: AtomicUsize::new(0),
            stream: Mutex::default(),
            observer: observer.map(Mutex::new),
        }
    }

    /// Waits for its turn; work that panicked has had its own.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the observer, if there is one.
    fn tell(&self, what: impl FnOnce(&mut dyn Observer)) {
        if let Some(observer) = &self.observer {
            what(observer.lock().unwrap().as_mut());
        }
    }
}

pub(super) fn total_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    total.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

impl Backend for Host {
    fn info(&self) -> &Info {
        &self.info
    }

    fn environment(&self) -> &Environment {
        &self.options.environment
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        if self.observer.is_some() {
            return observed::memory::map(bytes)
                .map_err(|e| Error::device(&self.info.name, format!("{bytes} bytes: {e}")));
        }
        if let Mode::Fenced(fence) = self.options.mode {
            return fence.alloc(bytes);
        }
        // SAFETY: a layout is not empty.
        let address = unsafe { std::alloc::alloc(layout(bytes)) };
        if address.is_null() {
            return Err(Error::device("host", format!("out of memory: {bytes} bytes; use a smaller batch")));
        }
        Ok(address as u64)
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        if self.observer.is_some() {
            return observed::memory::unmap(address, bytes);
        }
        if let Mode::Fenced(fence) = self.options.mode {
            return fence.free(address, bytes);
        }
        // SAFETY: the caller gives back what `alloc` returned, with its size.
        unsafe { std::alloc::dealloc(address as *mut u8, layout(bytes)) }
    }

    unsafe fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        let _turn = self.turn();
        // SAFETY: the caller's buffer at `to` holds at least `from.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, from.len()) };
        self.tell(|observer| observer.written(to, from.len() as u64));
        Ok(())
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        let _turn = self.turn();
        // SAFETY: the caller's buffer at `from` holds at least `to.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        let _turn = self.turn();
        // SAFETY: both buffers hold at least `bytes` bytes.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        self.tell(|observer| observer.copied(to, from, bytes as u64));
        Ok(())
    }

    unsafe fn fill(&self, to: u64, word: u32, words: usize) -> Result<()> {
        let _turn = self.turn();
        // SAFETY: the caller's buffer holds `words` words and is aligned to at least four bytes.
        unsafe { std::slice::from_raw_parts_mut(to as *mut u32, words) }.fill(word);
        self.tell(|observer| observer.written(to, 4 * words as u64));
        Ok(())
    }

    fn allocated(&self, address: u64, bytes: usize) {
        self.tell(|observer| observer.allocated(address, bytes as u64));
    }

    fn released(&self, address: u64) {
        self.tell(|observer| observer.released(address));
    }

    fn compile(&self, source: &Source, stop: &AtomicBool) -> Result<Arc<dyn Module>> {
        Ok(HostModule::load(source, &self.options, stop)?)
    }

    unsafe fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        let _turn = self.turn();
        let failed = |what: String| Error::Kernel { kernel: function.to_string(), what };
        // SAFETY: the caller's promise.
        unsafe { self.start(function, geometry, args) }.map_err(failed)
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}

fn layout(bytes: usize) -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(bytes.max(1), 256).expect("the pool asks for far less than isize::MAX")
}
