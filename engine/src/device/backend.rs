//! What a device is made of.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Arg, Function, Geometry, Info, Module, Source, clock};
use crate::environment::Environment;
use crate::error::Result;

/// What a device must be able to do. All work is ordered as issued (one stream), from whatever thread; only `download` and
/// `synchronize` wait for it. Addresses are plain numbers: on the host device real pointers, on CUDA device pointers.
///
/// # Safety of addresses
/// The methods that take addresses believe them: each stands for as many bytes as are moved, in memory that `alloc` of the
/// same backend returned and `free` has not taken back. [`Tensor`](crate::Tensor) is the safe layer.
pub trait Backend: Send + Sync {
    /// What the device is; the same for as long as it is open.
    fn info(&self) -> &Info;
    /// What the device was opened in: it says where kernels, compilers and the cache are.
    fn environment(&self) -> &Environment;
    /// At least `bytes` bytes, aligned to 256.
    fn alloc(&self, bytes: usize) -> Result<u64>;
    /// Gives back what `alloc` returned with the same size.
    ///
    /// # Safety
    /// `alloc` returned the address for as many bytes, and nothing but work that was issued before uses it.
    unsafe fn free(&self, address: u64, bytes: usize);
    /// Copies host bytes to a device address. `from` may be changed as soon as this returns.
    ///
    /// # Safety
    /// As many bytes are allocated at `to`.
    unsafe fn upload(&self, to: u64, from: &[u8]) -> Result<()>;
    /// Fills `to` from a device address, after all work issued before.
    ///
    /// # Safety
    /// As many bytes are allocated at `from`, and were written.
    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()>;
    /// Copies `bytes` bytes from one device address to another.
    ///
    /// # Safety
    /// As many bytes are allocated at both.
    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()>;
    /// Writes `words` copies of a 32-bit `word`.
    ///
    /// # Safety
    /// As many words are allocated at `to`, a multiple of four.
    unsafe fn fill(&self, to: u64, word: u32, words: usize) -> Result<()>;
    /// Compiles for this very machine, or takes what the disk cache has, and loads it. When `stop` is set, a compiler that
    /// can be ended is, with [`Error::Interrupted`](crate::Error::Interrupted).
    fn compile(&self, source: &Source, stop: &AtomicBool) -> Result<Arc<dyn Module>>;
    /// Issues a kernel. Arguments that do not fit its parameters are an error here; a fault while it runs may come out
    /// of a later call.
    ///
    /// # Safety
    /// That of [`Device::launch`](super::Device::launch).
    unsafe fn launch(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<()>;
    /// Returns when all work issued before is done, with the error of any of it that failed.
    fn synchronize(&self) -> Result<()>;
    /// Seconds that the work takes which `issue` issues: by the device's own clock where it has one.
    fn seconds(&self, issue: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        clock::wall(|| self.synchronize(), issue)
    }
    /// Instructions that warps have done so far, where the device counts them.
    fn instructions(&self) -> Option<u64> {
        None
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
