//! The PTX device: a GPU in software. NVRTC compiles kernels to PTX as it does for a GPU, and `warptape-ptx` executes that on the CPU's
//! cores, a warp at a time: what runs is what a GPU's driver would be given, down to each instruction.

mod counted;
mod limits;
mod module;
mod observation;
mod watched;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use warptape_ptx::memory::{Holds, Memory};
use warptape_ptx::run;
use warptape_ptx::watch::Watch;

use super::checked::{Checker, Findings};
use super::cuda::nvrtc::{self, Nvrtc};
use super::guard::POISON;
use super::host::{Order, cpu, total_memory, workers};
use super::observed::{Observer, memory::GAP};
use super::profiled::{Profiler, Profiles};
use super::{Arg, Backend, Function, Geometry, Info, Kind, Module, Source, Target};
use crate::environment::Environment;
use crate::error::{Error, Result};
use module::{Loaded, PtxModule};

/// What kernels are compiled for unless a name says otherwise: Hopper, with the instructions of that chip alone.
pub const ARCH: &str = "sm_90a";

/// What the machine does beside running kernels.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// Nothing.
    #[default]
    Fast,
    /// It looks for races, stray and misaligned accesses, and reads of what nothing wrote; see [`checked`](super::checked). Findings are
    /// collected there, or a launch that gives one fails with it.
    Checked(Option<Findings>),
    /// It counts what kernels ask of the memory, and their instructions, into these; see [`profiled`](super::profiled).
    Profiled(Profiles),
}

/// How the PTX device runs kernels.
#[derive(Clone, Debug)]
pub struct Options {
    /// The architecture that kernels are compiled for: `sm_80`, `sm_90a`.
    pub arch: String,
    /// In which order blocks, warps, and lanes that went different ways take their turns.
    pub order: Order,
    /// What it does beside.
    pub mode: Mode,
    /// Where NVRTC and its cache are.
    pub environment: Environment,
}

/// A GPU in software.
pub struct Ptx {
    info: Info,
    options: Options,
    nvrtc: Nvrtc,
    memory: Arc<RwLock<Memory>>,
    /// What is issued from several threads runs one after the other, as on a stream.
    stream: Mutex<()>,
    launches: AtomicU64,
    instructions: AtomicU64,
    observer: Option<Watched>,
}

/// An observer that modules, whose variables it knows, and launches share.
pub(super) type Watched = Arc<Mutex<Box<dyn Observer>>>;

impl Ptx {
    /// A machine for PTX, with the NVRTC that is found in the environment.
    ///
    /// # Errors
    /// No NVRTC, or one that does not know the architecture; no addresses to be had.
    pub fn open(options: Options) -> Result<Self> {
        let nvrtc = Nvrtc::find(&options.environment)?;
        let Options { arch, mode, .. } = &options;
        let (kind, suffix, observer): (_, _, Option<Box<dyn Observer>>) = match mode {
            Mode::Fast => (Kind::Ptx, "", None),
            Mode::Checked(findings) => (Kind::Checked, ":checked", Some(Box::new(Checker::new(findings.clone())))),
            Mode::Profiled(profiles) => (Kind::Profiled, ":profiled", Some(Box::new(Profiler::new(profiles.clone())))),
        };
        let name = if arch == ARCH { format!("ptx{suffix}") } else { format!("ptx:{arch}{suffix}") };
        let observer = observer.map(|observer| Arc::new(Mutex::new(observer)));
        if !nvrtc.knows(arch) {
            return Err(nvrtc.unknown(arch));
        }
        let memory = if observer.is_some() { Memory::spaced(GAP as u64) } else { Memory::new() };
        let memory = memory.map_err(|e| Error::device(&name, format!("reserving addresses: {e}")))?;
        let (major, minor) = nvrtc.version();
        let info = Info {
            kind,
            description: format!("{arch} in software on {}", cpu::describe()),
            name,
            arch: arch.clone(),
            toolchain: format!("NVRTC {major}.{minor}; {}; {arch} as PTX", nvrtc::OPTIONS.join(" ")),
            units: run::SMS as usize,
            memory: total_memory(),
            target: Target::Cuda,
        };
        let (launches, instructions) = Default::default();
        let memory = Arc::new(RwLock::new(memory));
        Ok(Self { info, options, nvrtc, memory, stream: Mutex::default(), launches, instructions, observer })
    }

    /// Waits for its turn; work that panicked has had its own.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the observer, if there is one.
    fn tell(&self, what: impl FnOnce(&mut dyn Observer)) {
        if let Some(observer) = &self.observer {
            what(observer.lock().unwrap_or_else(PoisonError::into_inner).as_mut());
        }
    }

    /// The order of a launch: with a seed, each has its own.
    fn order(&self) -> run::Order {
        let launch = self.launches.fetch_add(1, Ordering::Relaxed);
        match self.options.order {
            Order::Forward => run::Order::Forward,
            Order::Reverse => run::Order::Reverse,
            Order::Random(seed) => run::Order::Random(seed ^ launch.rotate_left(32)),
        }
    }
}

impl Backend for Ptx {
    fn info(&self) -> &Info {
        &self.info
    }

    fn environment(&self) -> &Environment {
        &self.options.environment
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        let mut memory = self.memory_mut();
        let failed =
            |e| Error::device(&self.info.name, format!("out of memory: {bytes} bytes ({e}); use a smaller batch"));
        memory.allocate(bytes, Holds::Buffer).map_err(failed)
    }

    unsafe fn free(&self, address: u64, _bytes: usize) {
        self.memory_mut().free(address);
    }

    unsafe fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        let _turn = self.turn();
        // SAFETY: the caller's buffer at `to`, which is a pointer of this process, holds at least `from.len()` bytes.
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

    fn compile(&self, source: &Source, _: &AtomicBool) -> Result<Arc<dyn Module>> {
        let image = self.nvrtc.compile_ptx(source, &self.info.arch)?;
        Ok(Arc::new(PtxModule::load(source, &image, &self.info.name, self.memory.clone(), self.observer.clone())?))
    }

    unsafe fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        let _turn = self.turn();
        let failed = |what: String| Error::Kernel { kernel: function.to_string(), what };
        let loaded = function.handle::<Loaded>().ok_or_else(|| failed("was compiled for another device".into()))?;
        limits::allow(loaded, &geometry, &self.info.arch).map_err(failed)?;
        let params = loaded.params(args).map_err(failed)?;
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let Geometry { grid, block, shared } = geometry;
        let launch = run::Launch {
            memory: &memory,
            program: &loaded.module.program,
            kernel: loaded.kernel,
            grid,
            block,
            cluster: [1; 3],
            shared,
            workspace: 0,
            params: &params,
            order: self.order(),
            cores: workers::cores(),
        };
        let ran = match &self.observer {
            None => run::launch(&launch, None).map_err(|fault| loaded.module.told(&fault)),
            Some(observer) => {
                let observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
                let run = |watch: &mut dyn Watch| run::launch(&launch, Some(watch));
                watched::launch(observer, function, loaded, (geometry, args), run)
            }
        };
        self.instructions.fetch_add(ran.map_err(failed)?, Ordering::Relaxed);
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }

    fn instructions(&self) -> Option<u64> {
        Some(self.instructions.load(Ordering::Relaxed))
    }

    fn allocated(&self, address: u64, bytes: usize) {
        let mut memory = self.memory_mut();
        memory.limit(address, bytes);
        // SAFETY: a buffer of so many bytes begins to live there, and nobody has written it yet.
        let buffer = unsafe { std::slice::from_raw_parts_mut(address as *mut u8, bytes) };
        // Whole words first: a buffer may be large.
        let (words, rest) = buffer.as_chunks_mut::<4>();
        words.fill(POISON.to_le_bytes());
        rest.iter_mut().zip(POISON.to_le_bytes()).for_each(|(byte, poison)| *byte = poison);
        self.tell(|observer| observer.allocated(address, bytes as u64));
    }

    fn released(&self, address: u64) {
        self.memory_mut().limit(address, 0);
        self.tell(|observer| observer.released(address));
    }
}
