//! The host device: the same kernel sources, compiled by the system's C++ compiler, each CUDA thread a fiber.
//!
//! `compiler` turns a source into a shared object (as NVRTC turns it into a cubin), `scheduler` runs one block,
//! `warp` lets the lanes of a warp meet, and this file hands blocks to the worker threads.

pub mod compiler;
mod scheduler;
mod warp;

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Arg, Backend, Function, Geometry, Info, Module, Source, Target};
use crate::error::{Error, Result};
pub use scheduler::Order;

/// How the host device runs kernels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// In which order blocks, and threads within a block, take their turns.
    pub order: Order,
    /// Pick the tile shapes of a GPU instead of the CPU's, to test on the host what runs on the GPU.
    pub gpu_tiles: bool,
}

/// The host device.
pub struct Host {
    info: Info,
    options: Options,
    launches: AtomicUsize,
}

impl Host {
    /// A host device; nothing is compiled yet, so a missing compiler shows at the first kernel.
    pub fn new(options: Options) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let lanes = native_lanes();
        let target = if options.gpu_tiles { Target::Cuda } else { Target::Host { lanes } };
        let info = Info {
            name: "host".into(),
            description: format!("host CPU ({cores} cores, vectors of {lanes} floats)"),
            arch: format!("{}-v{}", std::env::consts::ARCH, lanes * 32),
            units: cores,
            memory: total_memory(),
            target,
        };
        Self { info, options, launches: AtomicUsize::new(0) }
    }
}

/// How many f32 values the widest vector registers hold.
pub fn native_lanes() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return 16;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return 8;
        }
    }
    4
}

fn total_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    total.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A loaded shared object.
struct HostModule {
    library: libloading::Library,
    file: String,
    builtins: BuiltinsFn,
}

type BuiltinsFn = unsafe extern "C" fn(*mut scheduler::Builtins);
type Entry = unsafe extern "C" fn(*mut *mut c_void);

impl HostModule {
    fn load(source: &Source) -> Result<Self> {
        let path = compiler::shared_object(source)?;
        let failed = |e: libloading::Error| Error::file(&path, format!("{e}; delete the file to have it made again"));
        // SAFETY: the object was compiled by `compiler` from shim.h, whose initialisers only zero thread-locals.
        unsafe {
            let library = libloading::Library::new(&path).map_err(failed)?;
            let bind =
                library.get::<unsafe extern "C" fn(*const scheduler::Runtime)>(b"warptape_bind").map_err(failed)?;
            bind(&scheduler::RUNTIME);
            let builtins = *library.get::<BuiltinsFn>(b"warptape_builtins").map_err(failed)?;
            Ok(Self { library, file: source.file.clone(), builtins })
        }
    }
}

impl Module for HostModule {
    fn function(&self, name: &str) -> Result<u64> {
        let symbol = format!("warptape_entry_{name}");
        // SAFETY: only the address is taken here; entry points all have the signature `Entry`.
        let entry = unsafe { self.library.get::<Entry>(symbol.as_bytes()) };
        let entry =
            entry.map_err(|_| Error::Source { file: self.file.clone(), what: format!("has no kernel '{name}'") })?;
        // The handle is what a launch needs: entry point and the module's built-in variables.
        let handle = Box::leak(Box::new(HostFunction { entry: *entry, builtins: self.builtins }));
        Ok(handle as *const HostFunction as u64)
    }
}

#[derive(Clone, Copy)]
struct HostFunction {
    entry: Entry,
    builtins: BuiltinsFn,
}

const MAX_THREADS: usize = 1024;
const MAX_SHARED: u32 = 227 * 1024;

impl Backend for Host {
    fn info(&self) -> &Info {
        &self.info
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        // SAFETY: the layout is not empty (the pool asks for at least 512 bytes).
        let address = unsafe { std::alloc::alloc(layout(bytes)) };
        if address.is_null() {
            return Err(Error::device("host", format!("out of memory: {bytes} bytes; try a smaller --batch-size")));
        }
        Ok(address as u64)
    }

    fn free(&self, address: u64, bytes: usize) {
        // SAFETY: the pool gives back what `alloc` returned, with its size.
        unsafe { std::alloc::dealloc(address as *mut u8, layout(bytes)) }
    }

    fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        // SAFETY: the caller's buffer at `to` holds at least `from.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, from.len()) };
        Ok(())
    }

    fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        // SAFETY: the caller's buffer at `from` holds at least `to.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        // SAFETY: both buffers hold at least `bytes` bytes.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    fn fill(&self, to: u64, word: u32, words: usize) -> Result<()> {
        // SAFETY: the caller's buffer holds `words` words and is aligned to at least four bytes.
        unsafe { std::slice::from_raw_parts_mut(to as *mut u32, words) }.fill(word);
        Ok(())
    }

    fn compile(&self, source: &Source) -> Result<Arc<dyn Module>> {
        Ok(Arc::new(HostModule::load(source)?))
    }

    fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        let kernel_error = |what: String| Error::Kernel { kernel: function.name.to_string(), what };
        let threads = geometry.threads();
        if threads == 0 || threads > MAX_THREADS {
            return Err(kernel_error(format!("a block has 1 to {MAX_THREADS} threads, not {threads}")));
        }
        if geometry.shared > MAX_SHARED {
            return Err(kernel_error(format!(
                "{} bytes of shared memory, at most {MAX_SHARED} exist",
                geometry.shared
            )));
        }
        let launch = self.launches.fetch_add(1, Ordering::Relaxed) as u64;
        // SAFETY: handles of this backend are leaked `HostFunction`s.
        let host = unsafe { *(function.handle as *const HostFunction) };
        let failure = Mutex::new(None);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let blocks = block_order(geometry.blocks(), self.options.order, launch);
        let worker = || {
            let mut pointers: Vec<*mut c_void> = args.iter().map(Arg::pointer).collect();
            // SAFETY: the module's TLS variables live as long as this OS thread.
            let mut runner = unsafe { scheduler::Runner::new(geometry, self.options.order, host.builtins) };
            // Claiming a few blocks at a time keeps the counter off the hot path of small blocks.
            let chunk = (geometry.blocks() / (8 * self.info.units)).clamp(1, 64);
            while !stop.load(Ordering::Relaxed) {
                let first = next.fetch_add(chunk, Ordering::Relaxed);
                if first >= geometry.blocks() {
                    break;
                }
                for position in first..(first + chunk).min(geometry.blocks()) {
                    let block = blocks.as_ref().map_or(position, |order| order[position] as usize);
                    // SAFETY: `pointers` holds one argument per parameter; the op layer pairs them.
                    let result = unsafe { runner.run(host.entry, pointers.as_mut_ptr(), block) };
                    if let Err(what) = result {
                        failure.lock().unwrap().get_or_insert(what);
                        stop.store(true, Ordering::Relaxed);
                        return;
                    }
                }
            }
        };
        if geometry.blocks() == 1 || self.info.units == 1 {
            worker();
        } else {
            rayon::broadcast(|_| worker());
        }
        match failure.into_inner().unwrap() {
            None => Ok(()),
            Some(what) => Err(kernel_error(what)),
        }
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}

fn layout(bytes: usize) -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(bytes.max(1), 256).expect("buffer sizes are far below isize::MAX")
}

/// The order in which blocks are claimed, unless it is the natural one.
fn block_order(blocks: usize, order: Order, launch: u64) -> Option<Vec<u32>> {
    let mut sequence: Vec<u32> = (0..blocks as u32).collect();
    match order {
        Order::Forward => return None,
        Order::Reverse => sequence.reverse(),
        Order::Random(seed) => sequence.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ launch.rotate_left(32))),
    }
    Some(sequence)
}

/// A random source for thread order, different for each block.
fn thread_rng(seed: u64, block: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(block as u64);
    rng
}
