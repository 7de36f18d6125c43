//! The dry device: it holds no memory and runs nothing, but it counts as a real one does. A network built and trained on
//! it tells its shapes and its memory at once, however large it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Arg, Backend, Function, Geometry, Info, Module, Source, Target};
use crate::error::Result;

/// A device that computes nothing; what is read from it is zeros.
pub struct Dry {
    info: Info,
    next: AtomicU64,
}

impl Dry {
    /// Counts as a device of this kind would.
    pub fn new(target: Target) -> Self {
        let text = || "dry".to_owned();
        let info = Info { name: text(), description: text(), arch: text(), units: 1, memory: u64::MAX, target };
        Self { info, next: AtomicU64::new(256) }
    }
}

/// Has every kernel that is asked for.
struct Anything;

impl Module for Anything {
    fn function(&self, _: &str) -> Result<u64> {
        Ok(0)
    }
}

impl Backend for Dry {
    fn info(&self) -> &Info {
        &self.info
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        Ok(self.next.fetch_add(bytes.next_multiple_of(256) as u64, Ordering::Relaxed))
    }

    fn free(&self, _: u64, _: usize) {}

    fn upload(&self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn download(&self, _: u64, to: &mut [u8]) -> Result<()> {
        to.fill(0);
        Ok(())
    }

    fn copy(&self, _: u64, _: u64, _: usize) -> Result<()> {
        Ok(())
    }

    fn fill(&self, _: u64, _: u32, _: usize) -> Result<()> {
        Ok(())
    }

    fn compile(&self, _: &Source) -> Result<Arc<dyn Module>> {
        Ok(Arc::new(Anything))
    }

    fn launch(&self, _: &Function, _: Geometry, _: &[Arg]) -> Result<()> {
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}
