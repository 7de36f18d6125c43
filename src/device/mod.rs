//! Devices: memory, a compiler and a launcher, and nothing about any op.
//!
//! A [`Device`] is a cheap handle. Behind it stands a [`Backend`]: `cuda` (driver and NVRTC) or `host` (the system's
//! C++ compiler; every CUDA thread is a fiber). What both need alike lives here: the caching allocator, the table of
//! compiled functions and the counters of memory in use.

pub mod choices;
mod clock;
pub mod cuda;
pub mod disk_cache;
pub mod dry;
pub mod guard;
pub mod host;
mod include;
mod launch;
mod memory;
mod open;
mod prepare;
pub mod signature;
pub mod source;

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::error::{Error, Result};
use choices::Choices;
pub use launch::{Arg, Geometry};
use memory::Pool;
pub use memory::{Buffer, MemoryUse};
pub use signature::Signature;
pub use source::{Defines, Source};

/// What a device is and which kernel shapes suit it.
#[derive(Clone, Debug)]
pub struct Info {
    /// The device's name as chosen on the command line: `host`, `cuda:0`.
    pub name: String,
    /// The product's name, for people: `NVIDIA H200`, `AMD EPYC (2 cores)`.
    pub description: String,
    /// What the compiler targets: `sm_90a`, `x86_64-avx512`.
    pub arch: String,
    /// What compiles kernels here, and what of it can change the bits of results: version, flags, instruction set, width
    /// of tiles. The same text on two devices means the same bits from the same kernels.
    pub toolchain: String,
    /// Streaming multiprocessors, or cores.
    pub units: usize,
    /// Total device memory in bytes.
    pub memory: u64,
    /// Which tile shapes the op layer picks here.
    pub target: Target,
}

/// The kind of machine a tile shape is made for. A GPU wants many threads with small register tiles; a CPU wants few
/// threads whose register tiles are whole native vectors. The same kernel text serves both through `-D` defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A CUDA GPU: warps of 32, 16-byte accesses.
    Cuda,
    /// A CPU whose native vectors hold `lanes` f32 values (4, 8 or 16).
    Host {
        /// f32 values per native vector: 4 (NEON, SSE), 8 (AVX2) or 16 (AVX-512).
        lanes: usize,
    },
}

/// A compiled source: hands out the kernels it contains.
pub trait Module: std::any::Any + Send + Sync {
    /// The kernel `name`, or an error that lists what the module has.
    fn function(&self, name: &str) -> Result<u64>;
}

/// A kernel ready to launch. Keeps its module loaded.
#[derive(Clone)]
pub struct Function {
    /// Kernel name with its file, for errors: `relu_forward (activation/1_vectorized.cu)`.
    pub name: Arc<str>,
    /// The backend's own handle.
    pub handle: u64,
    module: Arc<dyn Module>,
}

impl Function {
    /// A function of `module`, which stays loaded as long as the function lives.
    pub fn new(name: impl Into<Arc<str>>, handle: u64, module: Arc<dyn Module>) -> Self {
        Self { name: name.into(), handle, module }
    }

    /// Kernel `name` of a module that [`Device::compile`] made.
    ///
    /// # Errors
    /// A name that the module does not have; the error lists what it has.
    pub fn of(module: &Arc<dyn Module>, name: &str) -> Result<Self> {
        Ok(Self::new(name, module.function(name)?, module.clone()))
    }

    /// The module that the function came from.
    pub fn module(&self) -> &Arc<dyn Module> {
        &self.module
    }
}

/// What a device must be able to do. All work is ordered as issued (one stream); only `download` and `synchronize`
/// wait for it. Addresses are plain numbers: on the host device real pointers, on CUDA device pointers.
pub trait Backend: Send + Sync {
    /// What the device is; the same for as long as it is open.
    fn info(&self) -> &Info;
    /// At least `bytes` bytes, aligned to 256.
    fn alloc(&self, bytes: usize) -> Result<u64>;
    /// Gives back what `alloc` returned with the same size.
    fn free(&self, address: u64, bytes: usize);
    /// Copies host bytes to a device address. `from` may be changed as soon as this returns.
    fn upload(&self, to: u64, from: &[u8]) -> Result<()>;
    /// Fills `to` from a device address, after all work issued before.
    fn download(&self, from: u64, to: &mut [u8]) -> Result<()>;
    /// Copies `bytes` bytes from one device address to another.
    fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()>;
    /// Writes `words` copies of a 32-bit `word`.
    fn fill(&self, to: u64, word: u32, words: usize) -> Result<()>;
    /// Compiles for this very machine, or takes what the disk cache has, and loads it. When `stop` is set, a compiler that
    /// can be ended is, with [`Error::Interrupted`].
    fn compile(&self, source: &Source, stop: &AtomicBool) -> Result<Arc<dyn Module>>;
    /// Issues a kernel. Arguments that do not fit its parameters are an error here; a fault while it runs may come out
    /// of a later call.
    fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()>;
    /// Returns when all work issued before is done, with the error of any of it that failed.
    fn synchronize(&self) -> Result<()>;
    /// Seconds that the work takes which `issue` issues: by the device's own clock where it has one.
    fn seconds(&self, issue: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        clock::wall(|| self.synchronize(), issue)
    }
    /// The CUDA stream that work is queued on, for other libraries' work; makes its context current on this thread.
    fn stream(&self) -> Option<*mut c_void> {
        None
    }
    /// A buffer of exactly `bytes` bytes begins to live in memory that `alloc` returned, with undefined contents.
    fn allocated(&self, _address: u64, _bytes: usize) {}
    /// The buffer at `address` is gone.
    fn released(&self, _address: u64) {}
}

/// A handle to a device; clones share it.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    // Buffers are given back before the backend goes: fields drop in order.
    pool: Pool,
    functions: Mutex<HashMap<FunctionKey, Function>>,
    stop: OnceLock<&'static AtomicBool>,
    choices: Choices,
    guards: Option<guard::Guards>,
    backend: Box<dyn Backend>,
}

#[derive(PartialEq, Eq, Hash)]
struct FunctionKey {
    file: String,
    entry: String,
    defines: Defines,
}

impl Device {
    /// A device on the given backend.
    pub fn new(backend: Box<dyn Backend>) -> Self {
        Self::with(backend, None)
    }

    /// A device whose every buffer is poisoned on allocation and stands between sentinel zones; see [`guard`].
    pub fn guarded(backend: Box<dyn Backend>) -> Self {
        Self::with(backend, Some(guard::Guards::default()))
    }

    fn with(backend: Box<dyn Backend>, guards: Option<guard::Guards>) -> Self {
        let (pool, functions, choices) = (Pool::default(), Mutex::default(), Choices::default());
        Self(Arc::new(Inner { pool, functions, stop: OnceLock::new(), choices, guards, backend }))
    }

    /// What the device is.
    pub fn info(&self) -> &Info {
        self.0.backend.info()
    }

    /// The tile shapes that suit the device.
    pub fn target(&self) -> Target {
        self.info().target
    }

    /// Which of several kernels does a job here.
    pub fn choices(&self) -> &Choices {
        &self.0.choices
    }

    /// Whether nothing is computed here; see [`dry`].
    pub(crate) fn is_dry(&self) -> bool {
        self.info().name == "dry"
    }

    /// Memory in use now and at the highest since [`Device::reset_peak`], in bytes of live buffers.
    pub fn memory(&self) -> MemoryUse {
        self.0.pool.memory_use()
    }

    /// Starts a new peak from what is in use now.
    pub fn reset_peak(&self) {
        self.0.pool.reset_peak();
    }

    /// The kernel `entry` of `file` compiled with `defines`; compiled on first use, then remembered.
    pub fn function(&self, file: &str, entry: &str, defines: &Defines) -> Result<Function> {
        if let Some(found) = self.known(file, entry, defines) {
            return Ok(found);
        }
        let source = Source::load(file, defines)?;
        self.load(&source)?;
        self.known(file, entry, defines).ok_or_else(|| Error::Source {
            file: file.into(),
            what: format!("has no kernel '{entry}'; it has {}", source.kernels().join(", ")),
        })
    }

    fn known(&self, file: &str, entry: &str, defines: &Defines) -> Option<Function> {
        let key = FunctionKey { file: file.into(), entry: entry.into(), defines: defines.clone() };
        self.0.functions.lock().unwrap().get(&key).cloned()
    }

    /// One compilation serves all kernels of the file, so that forward and backward share it.
    fn load(&self, source: &Source) -> Result<()> {
        let Source { file, defines, .. } = source;
        let module = self.compile(source)?;
        let mut functions = self.0.functions.lock().unwrap();
        for name in source.kernels() {
            let function = Function::new(format!("{name} ({file})"), module.function(name)?, module.clone());
            let key = FunctionKey { file: file.clone(), entry: name.clone(), defines: defines.clone() };
            functions.entry(key).or_insert(function);
        }
        Ok(())
    }

    /// Compiles a source that is not part of the shipped tree (a user's own kernel file); [`Function::of`] then finds its
    /// kernels.
    pub fn compile(&self, source: &Source) -> Result<Arc<dyn Module>> {
        let stop = self.stop();
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        self.0.backend.compile(source, stop)
    }

    /// Queues a kernel. A launch with an empty grid does nothing.
    pub fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        if geometry.blocks() == 0 {
            return Ok(());
        }
        self.0.backend.launch(function, geometry, args)
    }

    /// Waits until everything queued is done.
    pub fn synchronize(&self) -> Result<()> {
        self.0.backend.synchronize()
    }

    /// Seconds that the work takes which `issue` issues; see [`Backend::seconds`].
    pub fn seconds(&self, mut issue: impl FnMut() -> Result<()>) -> Result<f64> {
        self.0.backend.seconds(&mut issue)
    }

    /// Checks the sentinels of every live guarded buffer and those that were released; does nothing on a device that
    /// is not guarded.
    pub fn check_guards(&self) -> Result<()> {
        match &self.0.guards {
            Some(guards) => guards.check(self),
            None => Ok(()),
        }
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        self.0.backend.as_ref()
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({})", self.info().name)
    }
}
