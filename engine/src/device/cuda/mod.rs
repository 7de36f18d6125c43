//! The CUDA device: one GPU, one stream, kernels compiled by NVRTC.
//!
//! Nothing of CUDA is needed to build warptape: the driver and NVRTC are looked for at run time, and what is missing is
//! an error that says what to install. Work is queued on one non-blocking stream in issue order; only `download` and
//! `synchronize` wait for it, and that is where a kernel's fault comes to light.

mod api;
pub mod cubin;
mod driver;
mod event;
pub mod find;
pub mod fit;
pub mod locate;
mod module;
pub mod nvrtc;
mod staging;

use std::ffi::c_void;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use cudarc::driver::result::{self, DriverError, stream};
use cudarc::driver::sys::CUmemPool_attribute as PoolAttribute;
use cudarc::driver::sys::{self, CUfunction_attribute as FunctionAttribute, CUmemoryPool, CUresult, CUstream};

use super::{Arg, Backend, Function, Geometry, Info, Kind, Module, Source, Target};
use crate::environment::Environment;
use crate::error::{Error, Result};
use driver::Context;
pub use driver::{Gpu, gpus, version};
use event::Event;
use fit::Machine;
use module::{CudaModule, Loaded};
use nvrtc::Nvrtc;
use staging::Staging;

/// The first driver that tells a kernel's parameters.
const TELLS_PARAMETERS: (u32, u32) = (12, 4);

/// One GPU.
pub struct Cuda {
    info: Info,
    environment: Environment,
    driver: (u32, u32),
    nvrtc: Nvrtc,
    context: Arc<Context>,
    stream: CUstream,
    /// The stream-ordered allocator, where the GPU has one.
    pool: Option<CUmemoryPool>,
    /// `None` where no memory can be page-locked: uploads then wait.
    staging: Mutex<Option<Staging>>,
}

// SAFETY: stream and pool are driver handles, which any thread may use once it has bound the context.
unsafe impl Send for Cuda {}
// SAFETY: likewise.
unsafe impl Sync for Cuda {}

impl Cuda {
    /// Opens GPU number `ordinal`, with the NVRTC that is found in `environment`.
    ///
    /// # Errors
    /// No driver, no such GPU, no NVRTC; each in one sentence with what to do.
    pub fn open(ordinal: usize, environment: &Environment) -> Result<Self> {
        let driver = driver::version()?;
        let gpus = driver::gpus()?;
        let gpu = gpus.get(ordinal).ok_or_else(|| {
            let there: Vec<_> = gpus.iter().map(|g| format!("cuda:{} ({})", g.ordinal, g.name)).collect();
            Error::device(format!("cuda:{ordinal}"), format!("no such GPU; there is {}", there.join(", ")))
        })?;
        let (nvrtc, arch) = Nvrtc::find_for(environment, Machine { driver, capability: gpu.capability })?;
        let context = Arc::new(Context::new(gpu)?);
        context.bind()?;
        let stream = stream::create(stream::StreamKind::NonBlocking)
            .map_err(|e| context.error("making a stream (is the GPU in exclusive use?)", e))?;
        let (major, minor) = nvrtc.version();
        let info = Info {
            kind: Kind::Cuda,
            toolchain: format!("NVRTC {major}.{minor}; {}; {arch}", nvrtc::OPTIONS.join(" ")),
            name: context.name.clone(),
            description: gpu.name.clone(),
            arch,
            units: gpu.units,
            memory: gpu.memory,
            target: Target::Cuda,
        };
        let pool = if gpu.pools { open_pool(gpu).ok() } else { None };
        let staging = Mutex::new(Staging::new().ok());
        let environment = environment.clone();
        Ok(Self { info, environment, driver, nvrtc, context, stream, pool, staging })
    }

    /// The compiler in use.
    pub fn nvrtc(&self) -> &Nvrtc {
        &self.nvrtc
    }

    /// Runs a driver call with the context bound; an error says what was being done.
    fn call<T>(&self, doing: impl FnOnce() -> String, call: impl FnOnce() -> Result<T, DriverError>) -> Result<T> {
        self.context.bind()?;
        call().map_err(|e| self.context.error(&doing(), e))
    }
}

/// The GPU's default pool, told to keep what is freed: by default it is handed back at every synchronization.
fn open_pool(gpu: &Gpu) -> Result<CUmemoryPool, DriverError> {
    let mut keep = u64::MAX;
    // SAFETY: the device comes from the driver; this attribute is a 64-bit number.
    unsafe {
        let pool = result::device::get_default_mem_pool(gpu.device)?;
        let attribute = PoolAttribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut keep).cast())?;
        Ok(pool)
    }
}

impl Backend for Cuda {
    fn info(&self) -> &Info {
        &self.info
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        let size = bytes.max(1);
        let allocate = || {
            // SAFETY: all uses of the memory are queued on this stream after this call.
            let Some(pool) = self.pool else { return unsafe { result::malloc_sync(size) } };
            // SAFETY: as above.
            match unsafe { result::malloc_async(self.stream, size) } {
                // SAFETY: as above; stream and pool are this device's.
                Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => unsafe {
                    // What the pool keeps in other sizes may be enough.
                    stream::synchronize(self.stream)?;
                    result::mem_pool::trim_to(pool, 0)?;
                    result::malloc_async(self.stream, size)
                },
                other => other,
            }
        };
        let doing = || {
            let mib = |bytes: usize| bytes.div_ceil(1 << 20);
            let free = result::mem_get_info().map(|(free, _)| format!(" ({} MiB are free)", mib(free)));
            format!("allocating {} MiB{}", mib(size), free.unwrap_or_default())
        };
        self.call(doing, allocate)
    }

    unsafe fn free(&self, address: u64, _bytes: usize) {
        // SAFETY: the address came from `alloc`, as the caller promises. After a kernel's fault everything fails; the fault is reported elsewhere.
        _ = self.call(
            || "freeing memory".into(),
            || unsafe {
                match self.pool {
                    Some(_) => result::free_async(address, self.stream),
                    None => stream::synchronize(self.stream).and_then(|()| result::free_sync(address)),
                }
            },
        );
    }

    unsafe fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        let copy = || match self.staging.lock().unwrap().as_mut() {
            Some(staging) => staging.upload(to, from, self.stream),
            // SAFETY: the copy is over before the borrow of `from` ends.
            None => unsafe {
                result::memcpy_htod_async(to, from, self.stream)?;
                stream::synchronize(self.stream)
            },
        };
        self.call(|| format!("uploading {} bytes", from.len()), copy)
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        let bytes = to.len();
        // SAFETY: the copy is over before the borrow of `to` ends, also where the driver would let it run on.
        let copy = || unsafe {
            let queued = if bytes == 0 { Ok(()) } else { result::memcpy_dtoh_async(to, from, self.stream) };
            queued.and(stream::synchronize(self.stream))
        };
        self.call(|| format!("downloading {bytes} bytes"), copy)
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        // SAFETY: both are buffers, as the caller promises, used in stream order.
        let copy = || unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream) };
        self.call(|| format!("copying {bytes} bytes"), copy)
    }

    unsafe fn fill(&self, to: u64, word: u32, words: usize) -> Result<()> {
        // SAFETY: as above.
        let fill = || unsafe { sys::cuMemsetD32Async(to, word, words, self.stream) }.result();
        self.call(|| format!("filling {words} words"), fill)
    }

    fn compile(&self, source: &Source, _: &AtomicBool) -> Result<Arc<dyn Module>> {
        let image = self.nvrtc.compile_cubin(source, &self.info.arch)?;
        let doing = || {
            let ((have, minor), (driver, driver_minor)) = (self.nvrtc.version(), self.driver);
            let newer = if (have, minor) > (driver, driver_minor) {
                format!(
                    " with NVRTC {have}.{minor} under a driver for CUDA {driver}.{driver_minor} (update the driver, or name an older NVRTC with WARPTAPE_NVRTC)"
                )
            } else {
                String::new()
            };
            format!("loading {} for {}{newer}", source.file, self.info.arch)
        };
        // SAFETY: the image is a whole cubin or NUL-terminated PTX; the driver copies it.
        let module = self.call(doing, || unsafe { result::module::load_data(image.as_ptr().cast()) })?;
        let tells_parameters = self.driver >= TELLS_PARAMETERS;
        Ok(Arc::new(CudaModule::new(source, &image, self.context.clone(), module, tells_parameters)))
    }

    unsafe fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()> {
        let failed = |what: String| Error::Kernel { kernel: function.to_string(), what };
        let loaded = function.handle::<Loaded>().ok_or_else(|| failed("was compiled for another device".into()))?;
        let kernel = &*loaded.kernel;
        kernel.accepts(args).map_err(failed)?;
        let (mut place, mut heap) = ([std::ptr::null_mut(); 32], Vec::new());
        let pointers: &mut [*mut c_void] = if args.len() <= place.len() {
            &mut place[..args.len()]
        } else {
            heap.resize(args.len(), std::ptr::null_mut());
            &mut heap
        };
        pointers.iter_mut().zip(args).for_each(|(pointer, arg)| *pointer = arg.pointer());
        let ([gx, gy, gz], [bx, by, bz], shared) = (geometry.grid, geometry.block, geometry.shared);
        // SAFETY: the driver copies the arguments, which match the kernel's parameters, before it returns; what the kernel
        // does with them is the caller's promise.
        let launch = || unsafe {
            let limit = FunctionAttribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let raise = |bytes| result::function::set_function_attribute(kernel.raw, limit, bytes as i32);
            kernel.shared.cover(shared, raise)?;
            result::launch_kernel(kernel.raw, (gx, gy, gz), (bx, by, bz), shared, self.stream, pointers)
        };
        let doing = || {
            format!(
                "launching {function} with grid {gx}×{gy}×{gz}, block {bx}×{by}×{bz}, {shared} bytes of shared memory"
            )
        };
        self.call(doing, launch)
    }

    fn synchronize(&self) -> Result<()> {
        // SAFETY: the stream lives as long as `self`.
        self.call(|| "waiting for kernels".into(), || unsafe { stream::synchronize(self.stream) })
    }

    fn seconds(&self, issue: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        if self.driver < event::MEASURES {
            return super::clock::wall(|| self.synchronize(), issue);
        }
        let event = || self.call(|| "making an event".into(), Event::new);
        let (start, end) = (event()?, event()?);
        let record = |event: &Event| self.call(|| "recording an event".into(), || event.record(self.stream));
        record(&start)?;
        issue()?;
        record(&end)?;
        self.synchronize()?;
        self.call(|| "timing kernels".into(), || end.seconds_since(&start))
    }

    fn stream(&self) -> Option<*mut c_void> {
        self.context.bind().ok().map(|()| self.stream.cast())
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        if self.context.bind().is_ok() {
            // SAFETY: nothing is queued any more once the stream has come to rest (or has failed).
            unsafe {
                _ = stream::synchronize(self.stream);
                if let Some(mut staging) = self.staging.get_mut().unwrap().take() {
                    staging.release();
                }
                _ = stream::destroy(self.stream);
            }
        }
    }
}
