//! The CUDA device.

use super::{Arg, Backend, Function, Geometry, Info, Module, Source};
use crate::error::{Error, Result};
use std::sync::Arc;

/// One GPU.
pub struct Cuda {
    info: Info,
}

impl Cuda {
    /// Opens GPU number `ordinal`.
    pub fn open(_ordinal: usize) -> Result<Self> {
        Err(Error::device("cuda", "not built yet"))
    }
}

impl Backend for Cuda {
    fn info(&self) -> &Info {
        &self.info
    }
    fn alloc(&self, _bytes: usize) -> Result<u64> {
        unreachable!()
    }
    fn free(&self, _address: u64, _bytes: usize) {}
    fn upload(&self, _to: u64, _from: &[u8]) -> Result<()> {
        unreachable!()
    }
    fn download(&self, _from: u64, _to: &mut [u8]) -> Result<()> {
        unreachable!()
    }
    fn copy(&self, _to: u64, _from: u64, _bytes: usize) -> Result<()> {
        unreachable!()
    }
    fn fill(&self, _to: u64, _word: u32, _words: usize) -> Result<()> {
        unreachable!()
    }
    fn compile(&self, _source: &Source) -> Result<Arc<dyn Module>> {
        unreachable!()
    }
    fn launch(&self, _f: &Function, _g: Geometry, _args: &[Arg]) -> Result<()> {
        unreachable!()
    }
    fn synchronize(&self) -> Result<()> {
        unreachable!()
    }
}
