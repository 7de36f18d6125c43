//! What checked and profiled mode have in common, whoever runs the kernel: an [`Observer`] that is told of all that happens, and what it
//! asks of what runs ([`Code`]). Blocks run one after the other, so that all is told by one OS thread.

pub mod checked;
pub(crate) mod memory;
pub mod profiled;
pub(crate) mod regions;
mod together;
pub(crate) mod variable;

use std::collections::HashMap;
use std::ops::Range;

use super::{Arg, Function, Geometry, Source};
use profiled::{Instructions, Operations};
pub(crate) use together::{Pattern, Span, Together, lanes};
use variable::Variable;
pub(crate) use warptape_ptx::watch::{Link, Queue, Sign, When};

/// A line of a source file, as `#line` named it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// Path below `kernels/`, or the user's file.
    pub file: String,
    /// From 1.
    pub number: u32,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.number)
    }
}

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
    /// Where in the code; see [`Code::lines`].
    pub(crate) code: u32,
}

/// What is launched.
pub(crate) struct Launch<'a> {
    pub(crate) function: &'a Function,
    pub(crate) code: &'a dyn Code,
    pub(crate) geometry: Geometry,
    pub(crate) args: &'a [Arg],
}

/// What observers ask of the code that a launch runs.
pub(crate) trait Code {
    fn source(&self) -> &Source;
    /// `__shared__` variables of the block that runs, by their addresses, in order.
    fn shared(&self) -> Vec<Variable>;
    /// Where its shared memory starts.
    fn shared_start(&self) -> u64;
    /// Where constants and built-in variables lie, which are of no interest.
    fn quiet(&self) -> Range<u64>;
    /// By parameter, whether it points to what the kernel cannot write; nothing where that is not known, or where each thread's accesses
    /// are told by themselves.
    fn read_only(&self) -> &[bool];
    /// Variables that all blocks share, which are buffers to an observer.
    fn globals(&self) -> Vec<Variable>;
    /// The lines that places in the code come from: where it stands, then the calls that led there as far as they were
    /// inlined; nothing where the code does not say.
    ///
    /// # Errors
    /// Tables that cannot be read.
    fn lines(&self, places: &mut dyn Iterator<Item = u32>) -> Result<HashMap<u32, Vec<Line>>, String>;
    /// Whether operations are counted in a second run, from the same contents of all buffers.
    fn runs_twice(&self) -> bool;
    /// What the launch that is over has computed, by place in the source.
    ///
    /// # Errors
    /// A launch that cannot be counted; within, why this code cannot.
    fn computed(&self, launch: &Launch<'_>) -> Result<Result<Vec<Computed>, String>, String>;
}

/// What was computed at a place.
pub(crate) struct Computed {
    pub(crate) lines: Vec<Line>,
    pub(crate) operations: Operations,
    pub(crate) instructions: Instructions,
}

/// Something at a place in the source.
pub(crate) trait Spot {
    fn line(&self) -> Line;
}

/// A rule of barriers and collectives that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    /// The line; then one where other threads stood that should have been there.
    pub(crate) at: Vec<Line>,
    /// Instead of the line where it is not known yet: the place in the code.
    pub(crate) code: Option<u32>,
    pub(crate) what: String,
    /// The variable whose bounds were left.
    pub(crate) name: Option<String>,
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
    /// No access leaves what it is meant for.
    Bounds,
    /// `__trap` is not called, and whatever else ends a kernel.
    Other,
}

impl Fault {
    /// One that no line of the source is to blame for.
    pub(crate) fn elsewhere(what: impl Into<String>) -> Self {
        Self { rule: Rule::Other, at: Vec::new(), code: None, what: what.into(), name: None }
    }

    /// Looks up the line of a fault that knows only its place in the code.
    ///
    /// # Errors
    /// Those of [`Code::lines`].
    pub(crate) fn locate(&mut self, code: &dyn Code) -> Result<(), String> {
        if let Some(place) = self.code.take() {
            let lines = code.lines(&mut [place].into_iter())?.remove(&place);
            self.at.extend(lines.into_iter().flatten().next());
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

/// Why a block did not come to its end.
pub(crate) enum Ended {
    /// A rule was broken in the block at this position.
    Faulty([u32; 3], Fault),
    /// The observer has seen enough.
    Stopped,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faulty([x, y, z], fault) => write!(f, "block ({x}, {y}, {z}): {fault}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// Is told what the threads of a launch do. All calls come from one OS thread.
pub(crate) trait Observer: Send {
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
    /// Block number `block` (x fastest) begins; its shared memory starts at `shared`.
    fn block(&mut self, block: u32, shared: u64);
    /// What follows is of block number `block`, which began before: some take turns.
    fn turn(&mut self, block: u32, shared: u64);
    /// Something asynchronous is about to be asked for, or is done, in the name of a thread of a block. False stops the launch.
    fn asked(&mut self, _by: (u32, usize), _access: Access, _when: When) -> bool {
        true
    }
    /// The lanes `mask` of a warp let others know what they did, or come to know it.
    fn link(&mut self, _warp: usize, _mask: u32, _link: Link) {}
    /// What was done until now of a queue is known to whoever finds a sign.
    fn done(&mut self, _queue: Queue, _number: u32, _sign: Sign) {}
    /// `thread` of the block is about to access memory that is not its stack. False stops the launch before it does.
    fn access(&mut self, thread: usize, access: Access) -> bool;
    /// Lanes of a warp are about to access memory that is not their own. False stops the launch before they do.
    fn together(&mut self, accesses: &Together<'_>) -> bool;
    /// Whether it wants to know how often instructions are done, where that can be told.
    fn counts(&self) -> bool;
    /// All threads of the block have met.
    fn barrier(&mut self, place: &dyn Spot);
    /// The lanes `mask` of a warp have met at a collective; `syncs` if that was `__syncwarp`.
    fn collective(&mut self, warp: usize, mask: u32, syncs: bool, place: &dyn Spot);
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
