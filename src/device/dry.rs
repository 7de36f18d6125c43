//! The dry device: it holds no memory and runs nothing, but it counts as a real one does. A network built and trained on
//! it tells its shapes and its memory at once, however large it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{Arg, Backend, Function, Geometry, Info, Module, Source, Target};
use crate::error::Result;

/// A device that computes nothing; what is read from it is zeros.
pub struct Dry {
    info: Info,
    next: AtomicU64,
    launched: Launched,
}

/// The kernels that a dry device was told to launch; clones are the same list.
#[derive(Clone, Default)]
pub struct Launched {
    names: Arc<Mutex<Vec<Arc<str>>>>,
    sources: Arc<Mutex<Vec<Source>>>,
}

impl Launched {
    /// Names as in [`Function::name`], each once, in order of appearance.
    pub fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    /// What they were compiled from, each file once for each set of defines, in order of appearance.
    pub fn sources(&self) -> Vec<Source> {
        self.sources.lock().unwrap().clone()
    }
}

impl Dry {
    /// Counts as a device of this kind would.
    pub fn new(target: Target) -> Self {
        let text = || "dry".to_owned();
        let (name, description, arch, toolchain) = (text(), text(), text(), text());
        Self::as_if(Info { name, description, arch, toolchain, units: 1, memory: u64::MAX, target })
    }

    /// Counts and launches as the device that `info` describes would.
    pub fn as_if(info: Info) -> Self {
        let info = Info { name: "dry".into(), memory: u64::MAX, ..info };
        Self { info, next: AtomicU64::new(256), launched: Launched::default() }
    }

    /// The list of what is launched from now on.
    pub fn launched(&self) -> Launched {
        self.launched.clone()
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

    fn compile(&self, source: &Source, _: &AtomicBool) -> Result<Arc<dyn Module>> {
        self.launched.sources.lock().unwrap().push(source.clone());
        Ok(Arc::new(Anything))
    }

    fn launch(&self, function: &Function, _: Geometry, _: &[Arg]) -> Result<()> {
        let mut names = self.launched.names.lock().unwrap();
        if !names.contains(&function.name) {
            names.push(function.name.clone());
        }
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}
