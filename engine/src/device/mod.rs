//! Devices: memory, a compiler and a launcher, and nothing about any op.
//!
//! A [`Device`] is a cheap handle. Behind it stands a [`Backend`]: `cuda` (driver and NVRTC), `ptx` (NVRTC and a GPU in software) or
//! `host` (the system's C++ compiler; every CUDA thread is a fiber). What all need alike lives here: the caching allocator, the table of
//! compiled functions and the counters of memory in use.

mod attached;
mod backend;
mod clock;
pub mod cuda;
mod defines;
pub mod disk_cache;
pub mod dry;
mod function;
mod functions;
pub mod guard;
pub mod host;
mod include;
mod launch;
mod memory;
pub(crate) mod observed;
mod open;
mod prepare;
pub mod ptx;
pub mod signature;
pub mod source;
pub mod tree;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::error::{Error, Result};
use attached::Attached;
pub use backend::Backend;
pub use defines::{Defines, Value};
pub use function::{Function, Handle, Module};
pub(crate) use functions::Fast;
use functions::Functions;
pub use launch::{Arg, Geometry};
use memory::Pool;
pub use memory::{Buffer, MemoryUse};
pub use observed::{checked, profiled};
pub use signature::Signature;
pub use source::Source;
pub use tree::Tree;

/// What a device is and which kernel shapes suit it.
#[derive(Clone, Debug)]
pub struct Info {
    /// What runs kernels.
    pub kind: Kind,
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

/// What runs a device's kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The CPU.
    Host,
    /// The CPU, or a GPU in software, while it looks for races and stray accesses; see [`checked`].
    Checked,
    /// One of these, while it counts what kernels do; see [`profiled`].
    Profiled,
    /// A GPU.
    Cuda,
    /// A GPU in software; see [`ptx`].
    Ptx,
    /// Nothing; see [`dry`].
    Dry,
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

/// A handle to a device; clones share it.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    /// No other device of this process has had or will have it.
    number: u64,
    // Buffers are given back before the backend goes: fields drop in order.
    pool: Pool,
    functions: Mutex<Functions>,
    stop: OnceLock<&'static AtomicBool>,
    attached: Attached,
    guards: Option<guard::Guards>,
    backend: Box<dyn Backend>,
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
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (pool, functions, attached) = (Pool::default(), Mutex::default(), Attached::default());
        Self(Arc::new(Inner { number, pool, functions, stop: OnceLock::new(), attached, guards, backend }))
    }

    /// What the device is.
    pub fn info(&self) -> &Info {
        self.0.backend.info()
    }

    /// The tile shapes that suit the device.
    pub fn target(&self) -> Target {
        self.info().target
    }

    /// What a layer above keeps for this device: its value of type `T`, a default one from the first call on.
    pub fn attached<T: Default + Send + Sync + 'static>(&self) -> &T {
        self.0.attached.get()
    }

    /// Whether nothing is computed here; see [`dry`].
    pub(crate) fn is_dry(&self) -> bool {
        self.info().kind == Kind::Dry
    }

    /// Memory in use now and at the highest since [`Device::reset_peak`], in bytes of live buffers.
    pub fn memory(&self) -> MemoryUse {
        self.0.pool.memory_use()
    }

    /// Orders free memory by address. A step that begins so, and asks for the same as the one before, gets the same addresses,
    /// in whatever order memory was given back; what depends on them, as an optimizer's table does, then stays as it is.
    pub fn sort_memory(&self) {
        self.0.pool.sort();
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
        let source = self.tree().load(file, defines)?;
        self.load(&source)?;
        self.known(file, entry, defines).ok_or_else(|| Error::Source {
            file: file.into(),
            what: format!("has no kernel '{entry}'; it has {}", source.kernels().join(", ")),
        })
    }

    fn known(&self, file: &str, entry: &str, defines: &Defines) -> Option<Function> {
        self.0.functions.lock().unwrap().find(file, entry, defines).cloned()
    }

    /// One compilation serves all kernels of the file, so that forward and backward share it.
    fn load(&self, source: &Source) -> Result<()> {
        let Source { file, defines, .. } = source;
        let module = self.compiled(source)?;
        let mut functions = self.0.functions.lock().unwrap();
        for name in source.kernels() {
            let function = Function::in_file(&module, name, file)?;
            functions.add(function, defines);
        }
        Ok(())
    }

    /// Compiles a source that is not part of the shipped tree (a user's own kernel file); [`Function::of`] then finds its
    /// kernels.
    ///
    /// # Errors
    /// The compiler's; no compiler; what is asked to stop.
    ///
    /// # Safety
    /// On the host device a module is native code: what its variables are initialised by runs when it is loaded.
    pub unsafe fn compile(&self, source: &Source) -> Result<Arc<dyn Module>> {
        self.compiled(source)
    }

    fn compiled(&self, source: &Source) -> Result<Arc<dyn Module>> {
        let stop = self.stop();
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        self.0.backend.compile(source, stop)
    }

    /// Queues a kernel. A launch with an empty grid does nothing.
    ///
    /// # Errors
    /// A tensor of another device; what [`Backend::launch`] refuses.
    ///
    /// # Safety
    /// A kernel reads and writes where it likes, and nobody looks over its shoulder. Addresses among the arguments must be
    /// those of buffers that live until it is done, as large as this kernel takes them to be at this geometry, or null
    /// where it takes null. Ops are the safe layer: they check shapes first.
    pub unsafe fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        if args.iter().any(|arg| matches!(arg, Arg::Tensor { device, .. } if *device != self.0.number)) {
            let here = &self.info().name;
            let what =
                format!("takes tensors of its own device, {here}, and was given one of another: copy that one first");
            return Err(Error::Kernel { kernel: function.to_string(), what });
        }
        if geometry.blocks() == 0 {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.0.backend.launch(function, geometry, args) }
    }

    /// The number that [`Arg::Tensor`] knows the device by.
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    /// Waits until everything queued is done.
    pub fn synchronize(&self) -> Result<()> {
        self.0.backend.synchronize()
    }

    /// Seconds that the work takes which `issue` issues; see [`Backend::seconds`].
    pub fn seconds(&self, mut issue: impl FnMut() -> Result<()>) -> Result<f64> {
        self.0.backend.seconds(&mut issue)
    }

    /// Instructions that warps have done so far, on a device that counts them ([`ptx`]).
    pub fn instructions(&self) -> Option<u64> {
        self.backend().instructions()
    }

    /// Checks the sentinels of every live guarded buffer and those that were released; does nothing on a device that
    /// is not guarded.
    pub fn check_guards(&self) -> Result<()> {
        match &self.0.guards {
            Some(guards) => guards.check(self),
            None => Ok(()),
        }
    }

    /// The CUDA stream that work is queued on, for other libraries' work, with its context made current on this thread; None on
    /// other devices.
    pub fn stream(&self) -> Option<*mut std::ffi::c_void> {
        self.backend().stream()
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
