//! A warp: its lanes in groups that go the same way, their frames of registers, their local memory.

use std::ops::Range;

use crate::code::Function;
use crate::lane::{LANES, Width};
use crate::memory::Stretch;

/// Local memory of a thread in bytes at most: for variables of all functions that are running. A GPU has 512 KiB.
pub const LOCAL: u64 = 128 << 10;

/// Calls within calls at most.
pub const DEPTH: usize = 1000;

/// Lanes that go the same way.
#[derive(Clone, Debug)]
pub struct Group {
    pub frame: usize,
    pub pc: u32,
    pub mask: u32,
    pub state: State,
}

/// What a group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ready,
    /// A barrier of the block, in its so-manieth use.
    Barrier(usize, u64),
    /// Its barrier is complete, in this use: the instruction takes what came of it.
    Released(usize, u64),
    /// The other lanes of a mask, at the same kind of instruction.
    Lanes(u32),
    /// The cluster's barrier, in this phase.
    Cluster(u64),
    /// Its turn, after others had theirs.
    Yielded,
}

/// A function that is running, for some of the lanes.
pub struct Frame {
    pub function: u32,
    pub words: Words,
    /// The caller's, and where it goes on.
    pub parent: usize,
    pub back: u32,
    /// Lanes that have not left it.
    pub lanes: u32,
    /// `.param` variables, lane by lane.
    pub params: Vec<u8>,
    /// Where its local variables begin.
    pub local: u64,
    pub depth: usize,
    /// Whether the special registers that are the same for all blocks have their values.
    pub filled: bool,
}

/// Registers of a frame, aligned to 64 bytes.
pub struct Words(Vec<[u64; 8]>, usize);

impl Words {
    fn new(words: usize) -> Self {
        let mut all = Self(Vec::new(), 0);
        all.resize(words);
        all
    }

    fn resize(&mut self, words: usize) {
        // A line more, so that they can begin at a multiple of 64.
        let lines = words.div_ceil(16) + 1;
        if self.0.len() < lines {
            self.0.resize(lines, [0; 8]);
        }
        self.1 = (self.0.as_ptr() as usize).wrapping_neg() % 64;
    }

    pub fn pointer(&mut self) -> *mut u32 {
        self.0.as_mut_ptr().cast::<u8>().wrapping_add(self.1).cast()
    }
}

/// Local memory of a warp's lanes, each a stretch of its own.
pub struct Local {
    memory: Option<Stretch>,
    /// Bytes in use.
    pub top: u64,
}

impl Local {
    pub fn within(&self, offset: u64, bytes: u64) -> bool {
        offset.checked_add(bytes).is_some_and(|end| end <= self.top)
    }

    pub fn range(&self) -> Range<u64> {
        self.memory.as_ref().map_or(0..0, Stretch::range)
    }

    /// Where a lane's begins.
    pub fn of(&self, lane: usize) -> u64 {
        self.range().start + lane as u64 * LOCAL
    }

    /// The lane that an address belongs to, and bytes from where its memory begins.
    pub fn owner(&self, address: u64) -> Option<(usize, u64)> {
        let offset = address.checked_sub(self.range().start)?;
        Some(((offset / LOCAL) as usize, offset % LOCAL))
    }

    /// Makes room for a frame's variables, all ones at first: where they begin.
    fn push(&mut self, bytes: usize) -> Result<u64, String> {
        let start = self.top.next_multiple_of(16);
        if bytes == 0 {
            return Ok(start);
        }
        if start + bytes as u64 > LOCAL {
            return Err(format!("needs more than {LOCAL} bytes of local memory"));
        }
        if self.memory.is_none() {
            let memory = Stretch::new(LANES * LOCAL as usize);
            self.memory = Some(memory.map_err(|e| format!("gets no local memory: {e}"))?);
        }
        self.top = start + bytes as u64;
        for lane in 0..LANES {
            // SAFETY: within the stretch.
            unsafe { std::ptr::write_bytes((self.of(lane) + start) as *mut u8, 0xFF, bytes) };
        }
        Ok(start)
    }
}

/// A warp.
pub struct Warp {
    pub number: u32,
    pub frames: Vec<Frame>,
    /// Frames that nobody is in, whose memory is used again.
    unused: Vec<usize>,
    pub groups: Vec<Group>,
    pub local: Local,
    /// Lanes that have not exited.
    pub alive: u32,
    /// Of each lane that has arrived at the cluster's barrier and not waited there: the phase.
    pub arrived: [Option<u64>; LANES],
    /// Instructions since the launch began, and readings of clocks.
    pub executed: u64,
    pub reads: u64,
}

impl Warp {
    pub fn new(number: u32) -> Self {
        let local = Local { memory: None, top: 0 };
        let (frames, unused, groups) = (Vec::new(), Vec::new(), Vec::new());
        Self { number, frames, unused, groups, local, alive: 0, arrived: [None; LANES], executed: 0, reads: 0 }
    }

    /// Begins anew with the lanes `mask` at the beginning of a kernel.
    ///
    /// # Errors
    /// Too much local memory, as a sentence.
    pub fn begin(&mut self, function: &Function, number: u32, mask: u32) -> Result<(), String> {
        // The kernel's frame keeps its constants if it was the last time, too.
        self.unused.clear();
        self.unused.extend(1..self.frames.len());
        (self.alive, self.local.top) = (mask, 0);
        self.groups.clear();
        self.arrived = [None; LANES];
        if self.frames.is_empty() || self.frames[0].function != number {
            self.frames.clear();
            self.unused.clear();
            self.frames.push(frame(function, number));
        }
        poison(function, &mut self.frames[0].words);
        let local = self.local.push(function.local_bytes)?;
        let kernel = &mut self.frames[0];
        (kernel.lanes, kernel.local, kernel.depth) = (mask, local, 0);
        self.groups.push(Group { frame: 0, pc: 0, mask, state: State::Ready });
        Ok(())
    }

    /// A frame for lanes of a group that calls `function`.
    ///
    /// # Errors
    /// Calls lie too deep, as a sentence.
    pub fn enter(
        &mut self,
        function: &Function,
        number: u32,
        parent: usize,
        back: u32,
        lanes: u32,
    ) -> Result<usize, String> {
        let depth = self.frames[parent].depth + 1;
        if depth > DEPTH {
            return Err(format!("calls more than {DEPTH} functions within each other"));
        }
        let fits = self.unused.iter().rposition(|&unused| self.frames[unused].function == number);
        let at = match fits {
            Some(position) => self.unused.swap_remove(position),
            None => {
                self.frames.push(frame(function, number));
                self.frames.len() - 1
            }
        };
        poison(function, &mut self.frames[at].words);
        let local = self.local.push(function.local_bytes)?;
        let entered = &mut self.frames[at];
        (entered.parent, entered.back, entered.lanes) = (parent, back, lanes);
        (entered.local, entered.depth) = (local, depth);
        entered.params.clear();
        entered.params.resize(function.param_bytes * LANES, 0xFF);
        Ok(at)
    }

    /// Lanes leave a frame; it is used again when the last has.
    pub fn leave(&mut self, frame: usize, lanes: u32) {
        let left = &mut self.frames[frame];
        left.lanes &= !lanes;
        if left.lanes == 0 && frame != 0 {
            self.unused.push(frame);
            // What lies above belongs to frames that began later; those of other lanes may be still there.
            let running = (0..self.frames.len()).filter(|at| self.frames[*at].lanes != 0 && !self.unused.contains(at));
            let depth = self.frames[frame].depth;
            if running.clone().all(|at| self.frames[at].depth < depth) {
                self.local.top = self.frames[frame].local;
            }
        }
    }
}

fn frame(function: &Function, number: u32) -> Frame {
    let mut words = Words::new(function.words);
    let base = words.pointer();
    for &(offset, width, value) in &function.constants {
        // SAFETY: constants lie within the frame's words.
        unsafe {
            let at = base.add(offset as usize);
            match width {
                Width::Predicate => *at = if value & 1 == 1 { u32::MAX } else { 0 },
                Width::B16 | Width::B32 => (0..LANES).for_each(|lane| *at.add(lane) = value as u32),
                Width::B64 => (0..LANES).for_each(|lane| at.cast::<u64>().add(lane).write(value as u64)),
                Width::B128 => (0..LANES).for_each(|lane| {
                    at.cast::<u64>().add(2 * lane).write(value as u64);
                    at.cast::<u64>().add(2 * lane + 1).write((value >> 64) as u64);
                }),
            }
        }
    }
    let params = vec![0xFF; function.param_bytes * LANES];
    Frame { function: number, words, parent: 0, back: 0, lanes: 0, params, local: 0, depth: 0, filled: false }
}

/// Registers that nothing has written yet hold NaN, as far as they are floats.
fn poison(function: &Function, words: &mut Words) {
    // SAFETY: constants are the last of a frame's words.
    unsafe { std::ptr::write_bytes(words.pointer().cast::<u8>(), 0xFF, 4 * function.variable_words) };
}
