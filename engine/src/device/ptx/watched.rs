//! A launch of which an observer is told: what the machine tells of warps, in the observer's words.

use std::collections::HashMap;
use std::sync::MutexGuard;

use warptape_ptx::program::Meeting;
use warptape_ptx::run::{self, Kind as Does, What};
use warptape_ptx::text::tree::Space;
use warptape_ptx::watch::{Access as Accesses, Asked, Watch};

use super::module::Loaded;
use super::observation::{At, Observation};
use crate::device::observed::{Access, Ended, Fault, Kind, Launch, Link, Observer, Queue, Rule, Sign, Together};
use crate::device::{Arg, Function, Geometry};

/// Runs a launch and returns how many instructions warps did.
///
/// # Errors
/// What the observer, or the machine, makes the launch fail with.
pub(super) fn launch(
    mut observer: MutexGuard<'_, Box<dyn Observer>>,
    function: &Function,
    loaded: &Loaded,
    (geometry, args): (Geometry, &[Arg]),
    run: impl FnOnce(&mut dyn Watch) -> Result<u64, Box<run::Fault>>,
) -> Result<u64, String> {
    let counts = observer.counts();
    let code = Observation::new(loaded, geometry, counts);
    let launch = Launch { function, code: &code, geometry, args };
    let mut watch = Watching {
        observer: observer.as_mut(),
        launch: &launch,
        code: &code,
        began: Ok(false),
        stopped: false,
        counts,
        places: HashMap::new(),
        now: 0,
    };
    let ran = run(&mut watch);
    watch.begin()?;
    let (ended, instructions) = match ran {
        Ok(instructions) => (None, instructions),
        Err(_) if watch.stopped => (Some(Ended::Stopped), 0),
        Err(fault) => (Some(watch.ended(&fault)), 0),
    };
    observer.end(&launch, ended)?;
    Ok(instructions)
}

struct Watching<'a> {
    observer: &'a mut dyn Observer,
    launch: &'a Launch<'a>,
    code: &'a Observation<'a>,
    /// Whether the observer knows that the launch began.
    began: Result<bool, String>,
    /// Whether the observer has seen enough.
    stopped: bool,
    counts: bool,
    /// Where blocks have their shared memory, and the one that runs.
    places: HashMap<u32, u64>,
    now: u32,
}

impl Watching<'_> {
    /// The first block, whose place in memory was not known before, begins the launch.
    fn begin(&mut self) -> Result<(), String> {
        if self.began == Ok(false) {
            self.began = self.observer.begin(self.launch).map(|()| true);
        }
        self.began.clone().map(|_| ())
    }

    /// Why the machine could not go on: an access that leads nowhere, or a rule that was broken.
    fn ended(&mut self, fault: &run::Fault) -> Ended {
        let geometry = self.launch.geometry;
        let [x, y, _] = geometry.block;
        let [a, b, c] = fault.thread;
        let thread = (a + x * (b + y * c)) as usize;
        let mut name = None;
        let rule = match &fault.what {
            What::Access { space: Space::Local, .. } => {
                name = Some("local arrays".to_owned());
                Rule::Bounds
            }
            // It leaves the cluster's memory, or comes too late to a block's.
            What::Access { space: Space::Cluster, why, .. } if !why.ends_with("is over") => Rule::Bounds,
            What::Access { space: Space::Cluster, .. } => Rule::Other,
            What::Access { kind, space, address, bytes, .. } => {
                let address = match space {
                    // Shared addresses have 32 bits, and may lie before the first.
                    Space::Shared => self.code.shared.get().wrapping_add_signed((*address as i32).into()),
                    _ => *address,
                };
                let access = Access {
                    address,
                    bytes: *bytes,
                    kind: kind_of(*kind),
                    volatile: false,
                    code: self.code.code(fault.at),
                };
                if !self.observer.access(thread, access) {
                    return Ended::Stopped;
                }
                Rule::Other
            }
            What::Meeting(_) => match self.code.meeting(fault.at) {
                Some(Meeting::Barrier) => Rule::Barrier,
                Some(Meeting::Collective) => Rule::Lanes,
                None => Rule::Spin,
            },
            What::Other(_) => Rule::Other,
        };
        let at = self.code.lines_of_fault(fault);
        let what = format!("thread ({a}, {b}, {c}) {}", fault.what);
        Ended::Faulty(fault.block, Fault { rule, at, code: None, what, name })
    }
}

fn kind_of(kind: Does) -> Kind {
    match kind {
        Does::Read => Kind::Read,
        Does::Write => Kind::Write,
        Does::Atomic => Kind::Atomic,
    }
}

impl Watch for Watching<'_> {
    fn block(&mut self, block: u32, shared: u64) {
        self.code.shared.set(shared);
        if self.begin().is_ok() {
            self.places.insert(block, shared);
            self.now = block;
            self.observer.block(block, shared);
        }
    }

    fn turn(&mut self, block: u32) {
        if self.now != block {
            self.now = block;
            let shared = self.places[&block];
            self.code.shared.set(shared);
            self.observer.turn(block, shared);
        }
    }

    fn asked(&mut self, asked: &Asked) -> bool {
        let Asked { at, block, warp, lane, kind, address, bytes, when } = *asked;
        let (kind, code) = (kind_of(kind), self.code.code(at));
        let access = Access { address, bytes: bytes.into(), kind, volatile: false, code };
        let thread = 32 * warp as usize + lane as usize;
        self.stopped |= self.began != Ok(true) || !self.observer.asked((block, thread), access, when);
        !self.stopped
    }

    fn link(&mut self, warp: u32, mask: u32, link: Link) {
        self.observer.link(warp as usize, mask, link);
    }

    fn done(&mut self, queue: Queue, number: u32, sign: Sign) {
        self.observer.done(queue, number, sign);
    }

    fn access(&mut self, all: &Accesses<'_>) -> bool {
        let volatile = all.strong && all.kind == Does::Read;
        let (bytes, kind, code) = (all.bytes.into(), kind_of(all.kind), self.code.code(all.at));
        let each = Access { address: 0, bytes, kind, volatile, code };
        let (warp, mask) = (all.warp as usize, all.mask);
        let together = Together { warp, mask, addresses: all.addresses, span: all.span, each, values: all.values };
        self.stopped |= self.began != Ok(true) || !self.observer.together(&together);
        !self.stopped
    }

    fn barrier(&mut self, at: (u32, u32)) {
        self.observer.barrier(&At(self.code, at));
    }

    fn collective(&mut self, warp: u32, mask: u32, syncs: bool, at: (u32, u32)) {
        self.observer.collective(warp as usize, mask, syncs, &At(self.code, at));
    }

    fn fence(&mut self, warp: u32, mask: u32) {
        let lanes = (0..32).filter(|lane| mask >> lane & 1 == 1);
        lanes.for_each(|lane| self.observer.fence(32 * warp as usize + lane));
    }

    fn counts(&self) -> bool {
        self.counts
    }

    fn executed(&mut self, at: (u32, u32), lanes: u32) {
        let (times, of_lanes) = &mut self.code.counts.borrow_mut()[self.code.code(at) as usize];
        *times += 1;
        *of_lanes += u64::from(lanes);
    }

    fn end_block(&mut self) {
        self.observer.end_block();
    }
}
