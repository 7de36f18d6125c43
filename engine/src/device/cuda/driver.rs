//! The NVIDIA driver: whether it is there, which GPUs it sees, its context, and its errors in words.

use std::ptr::null_mut;
use std::sync::OnceLock;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUcontext, CUdevice, CUdevice_attribute as Attribute, CUresult};

use crate::error::{Error, Result};

/// The oldest driver that has every function called here; cudarc panics on one that is missing.
const OLDEST: (u32, u32) = (12, 0);

/// A GPU that the driver sees.
#[derive(Clone, Debug)]
pub struct Gpu {
    /// Its number, as in `cuda:0`.
    pub ordinal: usize,
    /// The product's name: `NVIDIA H200`.
    pub name: String,
    /// Memory in bytes.
    pub memory: u64,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// Streaming multiprocessors.
    pub units: usize,
    pub(super) pools: bool,
    pub(super) device: CUdevice,
}

/// The newest CUDA version that the driver supports.
///
/// # Errors
/// No driver, one that does not start, or one that is too old; the message says what to do.
pub fn version() -> Result<(u32, u32)> {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    // SAFETY: opens and closes the library; cudarc's calls panic where it is missing, so nothing comes before this.
    if !PRESENT.get_or_init(|| unsafe { sys::is_culib_present() }) {
        return Err(missing(
            "no NVIDIA driver found (libcuda.so.1): install it with your distribution's package (Ubuntu: `ubuntu-drivers install`), or use ‹device=host›",
        ));
    }
    let mut number = 0;
    // SAFETY: the pointer is to a live integer.
    let known = unsafe { sys::cuDriverGetVersion(&mut number) }.result();
    known.map_err(|e| error("cuda", "asking the driver for its version", e))?;
    let version = (number as u32 / 1000, number as u32 % 1000 / 10);
    if version < OLDEST {
        let ((major, minor), (need, _)) = (version, OLDEST);
        return Err(missing(&format!(
            "the NVIDIA driver is for CUDA {major}.{minor} and {need} is needed: update the driver to 525 or newer"
        )));
    }
    result::init().map_err(|e| match e.0 {
        CUresult::CUDA_ERROR_NO_DEVICE => missing("the NVIDIA driver finds no GPU: use ‹device=host›"),
        CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => {
            missing("the NVIDIA driver was updated and its kernel module was not: restart the machine")
        }
        CUresult::CUDA_ERROR_STUB_LIBRARY => {
            missing("the toolkit's stub of libcuda was loaded: take its folder out of LD_LIBRARY_PATH")
        }
        _ => error("cuda", "starting the NVIDIA driver (does `nvidia-smi` work?)", e),
    })?;
    Ok(version)
}

/// The GPUs that the driver sees, in its order (`CUDA_VISIBLE_DEVICES` applies).
///
/// # Errors
/// As [`version`]; no GPU.
pub fn gpus() -> Result<Vec<Gpu>> {
    version()?;
    let count = result::device::get_count().map_err(|e| error("cuda", "counting GPUs", e))?;
    (0..count.max(0) as usize)
        .map(|ordinal| gpu(ordinal).map_err(|e| error(&format!("cuda:{ordinal}"), "reading its properties", e)))
        .collect()
}

fn gpu(ordinal: usize) -> Result<Gpu, DriverError> {
    let device = result::device::get(ordinal as i32)?;
    // SAFETY: the device was just returned by the driver.
    let ask = |attribute| unsafe { result::device::get_attribute(device, attribute) };
    Ok(Gpu {
        ordinal,
        name: result::device::get_name(device)?,
        // SAFETY: as above.
        memory: unsafe { result::device::total_mem(device) }? as u64,
        capability: (
            ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? as u32,
            ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)? as u32,
        ),
        units: ask(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize,
        pools: ask(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? != 0,
        device,
    })
}

fn missing(what: &str) -> Error {
    Error::device("cuda", what)
}

/// A driver error as one sentence: what was being done, the driver's name for the error and its words, and what to do.
pub(super) fn error(device: &str, doing: &str, error: DriverError) -> Error {
    let text = |found: Result<&std::ffi::CStr, DriverError>| found.ok().map(|t| t.to_string_lossy().into_owned());
    let name = text(error.error_name()).unwrap_or_else(|| "an error that the driver has no name for".into());
    let words = text(error.error_string()).map(|words| format!(" ({words})")).unwrap_or_default();
    let hint = match error.0 {
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
        | CUresult::CUDA_ERROR_MISALIGNED_ADDRESS
        | CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE
        | CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION
        | CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR
        | CUresult::CUDA_ERROR_INVALID_PC
        | CUresult::CUDA_ERROR_ASSERT
        | CUresult::CUDA_ERROR_LAUNCH_FAILED => {
            "; a kernel that ran earlier did this and the GPU accepts no more work from this process: run compute-sanitizer, or ‹device=host›, to find it"
        }
        CUresult::CUDA_ERROR_LAUNCH_TIMEOUT => "; a kernel ran longer than the display driver allows",
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => "; use a smaller batch, or stop what else runs on this GPU",
        CUresult::CUDA_ERROR_ECC_UNCORRECTABLE => "; the GPU's memory is faulty: restart, then look at `nvidia-smi -q`",
        _ => "",
    };
    Error::device(device, format!("{doing}: {name}{words}{hint}"))
}

/// The primary context of a GPU, shared with other libraries of the process.
pub(super) struct Context {
    /// `cuda:0`, for messages.
    pub(super) name: String,
    device: CUdevice,
    raw: CUcontext,
}

// SAFETY: a driver context may be used from any thread that made it current, which `bind` does.
unsafe impl Send for Context {}
// SAFETY: likewise.
unsafe impl Sync for Context {}

impl Context {
    pub(super) fn new(gpu: &Gpu) -> Result<Self> {
        let name = format!("cuda:{}", gpu.ordinal);
        // SAFETY: the device comes from the driver.
        let raw = unsafe { result::primary_ctx::retain(gpu.device) };
        let raw = raw.map_err(|e| error(&name, "opening the GPU", e))?;
        Ok(Self { name, device: gpu.device, raw })
    }

    /// Makes the context current on the calling thread; every driver call that needs one comes after this.
    pub(super) fn bind(&self) -> Result<()> {
        let mut current = null_mut();
        // SAFETY: the context is retained for as long as `self` lives.
        let bound = unsafe {
            match sys::cuCtxGetCurrent(&mut current).result() {
                Ok(()) if current == self.raw => Ok(()),
                _ => sys::cuCtxSetCurrent(self.raw).result(),
            }
        };
        bound.map_err(|e| self.error("choosing the GPU for this thread", e))
    }

    pub(super) fn error(&self, doing: &str, e: DriverError) -> Error {
        error(&self.name, doing, e)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: retained once in `new`. At the end of a process the driver may be gone already: nothing to report.
        _ = unsafe { result::primary_ctx::release(self.device) };
    }
}
