//! What checked and profiled mode have in common: kernels compiled so that every access calls back (`observe.h`), one
//! block after the other on one OS thread, and an [`Observer`] that is told of all that happens.

pub(crate) mod memory;
pub(crate) mod regions;
pub(super) mod spin;
pub(crate) mod symbols;

use super::callbacks::Place;
use super::image::Image;
use super::module::{HostModule, Kernel};
use super::scheduler::{Ended, Order};
use crate::device::{Arg, Function, Geometry};
use symbols::Line;

/// What an access does (observe.h `Access`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Read,
    Write,
    /// An atomic operation: reads and writes in one.
    Atomic,
}

/// One access of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
    pub(crate) kind: Kind,
    /// A read through a pointer to `volatile`.
    pub(crate) volatile: bool,
    /// Where in the code, from the module's start.
    pub(crate) code: u32,
}

/// What is launched.
pub(super) struct Launch<'a> {
    pub(crate) function: &'a Function,
    pub(super) module: &'a HostModule,
    pub(super) kernel: &'a Kernel,
    pub(super) image: Image,
    pub(crate) geometry: Geometry,
    pub(crate) args: &'a [Arg],
    pub(crate) order: Order,
}

/// A rule of barriers and collectives that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    /// The line; then one where other threads stood that should have been there.
    pub(crate) at: Vec<Line>,
    /// Instead of the line where it is not known yet: the place in the code, from the module's start.
    pub(crate) code: Option<u32>,
    pub(crate) what: String,
}

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All threads of a block come to the same barriers.
    Barrier,
    /// The lanes that a mask names come to the same warp collective.
    Lanes,
    /// No thread waits in a loop for what another thread does.
    Spin,
    /// `__trap` is not called, and whatever else ends a kernel.
    Other,
}

impl Fault {
    /// One that no line of the source is to blame for.
    pub(crate) fn elsewhere(what: impl Into<String>) -> Self {
        Self { rule: Rule::Other, at: Vec::new(), code: None, what: what.into() }
    }

    /// Looks up the line of a fault that knows only its place in the code of `module`.
    ///
    /// # Errors
    /// A module whose tables cannot be read.
    pub(super) fn locate(&mut self, module: &HostModule) -> Result<(), String> {
        if let Some(code) = self.code.take() {
            let lines = module.symbols()?.lines()?.of(code.into());
            self.at.extend(lines.into_iter().next());
        }
        Ok(())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.at.first().map_or(Ok(()), |line| write!(f, "{line}: "))?;
        f.write_str(&self.what)
    }
}

/// Is told what the threads of a launch do. All calls come from one OS thread.
pub(super) trait Observer: Send {
    /// A buffer begins to exist, with contents that nothing wrote.
    fn allocated(&mut self, address: u64, bytes: u64);
    /// The buffer at `address` is gone.
    fn released(&mut self, address: u64);
    /// The host, or a copy, has written these bytes.
    fn written(&mut self, address: u64, bytes: u64);
    /// `bytes` bytes were copied, with what was never written among them.
    fn copied(&mut self, to: u64, from: u64, bytes: u64);

    /// A launch begins.
    ///
    /// # Errors
    /// A module that cannot be observed.
    fn begin(&mut self, launch: &Launch<'_>) -> Result<(), String>;
    /// Block number `block` (x fastest) begins.
    fn block(&mut self, block: u32);
    /// `thread` of the block is about to access memory that is not its stack. False stops the launch before it does.
    fn access(&mut self, thread: usize, access: Access) -> bool;
    /// All threads of the block have met.
    fn barrier(&mut self, place: Place);
    /// The lanes `mask` of a warp have met at a collective; `syncs` if that was `__syncwarp`.
    fn collective(&mut self, warp: usize, mask: u32, syncs: bool, place: Place);
    /// `thread` has called `__threadfence`.
    fn fence(&mut self, thread: usize);
    /// The block is over.
    fn end_block(&mut self);
    /// The launch is over, before its time if `ended` says why.
    ///
    /// # Errors
    /// What the launch should fail with.
    fn end(&mut self, launch: &Launch<'_>, ended: Option<Ended>) -> Result<(), String>;
}
