//! The dry device: it holds no memory and runs nothing, but it counts as a real one does. A network built and trained on
//! it tells its shapes and its memory at once, however large it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{Arg, Backend, Function, Geometry, Handle, Info, Kind, Module, Source, Target};
use crate::environment::Environment;
use crate::error::Result;

/// A device that computes nothing; what is read from it is zeros.
pub struct Dry {
    info: Info,
    environment: Environment,
    next: AtomicU64,
    launched: Launched,
}

/// The kernels that a dry device was told to launch; clones are the same list.
#[derive(Clone, Default)]
pub struct Launched {
    functions: Arc<Mutex<Vec<Function>>>,
    sources: Arc<Mutex<Vec<Source>>>,
}

impl Launched {
    /// Each kernel of each file once, in order of appearance.
    pub fn functions(&self) -> Vec<Function> {
        self.functions.lock().unwrap().clone()
    }

    /// What they were compiled from, each file once for each set of defines, in order of appearance.
    pub fn sources(&self) -> Vec<Source> {
        self.sources.lock().unwrap().clone()
    }
}

impl Dry {
    /// Counts as a device of this kind would, in the environment of this process.
    pub fn new(target: Target) -> Self {
        let text = || "dry".to_owned();
        let (name, description, arch, toolchain) = (text(), text(), text(), text());
        let info = Info { kind: Kind::Dry, name, description, arch, toolchain, units: 1, memory: u64::MAX, target };
        Self::as_if(info, Environment::of_process())
    }

    /// Counts and launches as the device that `info` describes would in `environment`.
    pub fn as_if(info: Info, environment: Environment) -> Self {
        let info = Info { kind: Kind::Dry, name: "dry".into(), memory: u64::MAX, ..info };
        Self { info, environment, next: AtomicU64::new(256), launched: Launched::default() }
    }

    /// The list of what is launched from now on.
    pub fn launched(&self) -> Launched {
        self.launched.clone()
    }
}

/// Has every kernel that is asked for.
struct Anything;

impl Module for Anything {
    fn function(self: Arc<Self>, _: &str) -> Result<Handle> {
        Ok(self)
    }
}

impl Backend for Dry {
    fn info(&self) -> &Info {
        &self.info
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        Ok(self.next.fetch_add(bytes.next_multiple_of(256) as u64, Ordering::Relaxed))
    }

    unsafe fn free(&self, _: u64, _: usize) {}

    unsafe fn upload(&self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }

    unsafe fn download(&self, _: u64, to: &mut [u8]) -> Result<()> {
        to.fill(0);
        Ok(())
    }

    unsafe fn copy(&self, _: u64, _: u64, _: usize) -> Result<()> {
        Ok(())
    }

    unsafe fn fill(&self, _: u64, _: u32, _: usize) -> Result<()> {
        Ok(())
    }

    fn compile(&self, source: &Source, _: &AtomicBool) -> Result<Arc<dyn Module>> {
        self.launched.sources.lock().unwrap().push(source.clone());
        Ok(Arc::new(Anything))
    }

    unsafe fn launch(&self, function: &Function, _: Geometry, _: &[Arg]) -> Result<()> {
        let mut functions = self.launched.functions.lock().unwrap();
        if !functions.iter().any(|other| (other.kernel(), other.file()) == (function.kernel(), function.file())) {
            functions.push(function.clone());
        }
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}
