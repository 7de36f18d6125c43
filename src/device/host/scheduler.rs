//! Runs one block: its threads take turns on fibers and meet at barriers.
//!
//! A fiber starts threads one after the other and runs each to its end, which for a kernel without barriers is a plain
//! loop. Only when a thread has to wait does its fiber stay bound to it; another fiber then starts the remaining
//! threads. When nothing can run and not all threads are done, some threads wait for others that will never come: an
//! error with kernel, line and thread, where a GPU would hang or go wrong silently.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_int, c_void};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::warp::{self, Group};
use super::{BuiltinsFn, Entry, thread_rng};
use crate::device::Geometry;

/// In which order blocks and threads take their turns. Correct kernels give the same result in any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Forward,
    Reverse,
    /// Shuffled anew for every launch and block, reproducibly from the seed.
    Random(u64),
}

/// Where the compiled module keeps CUDA's built-in variables for the current OS thread (shim.h `Builtins`).
#[repr(C)]
pub struct Builtins {
    thread: *mut [u32; 3],
    block: *mut [u32; 3],
    block_dim: *mut [u32; 3],
    grid_dim: *mut [u32; 3],
}

/// What a compiled module calls (shim.h `Runtime`).
#[repr(C)]
pub struct Runtime {
    barrier: extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int,
    collective: extern "C" fn(c_int, u32, u64, c_int, *const c_char, c_int) -> u64,
}

pub static RUNTIME: Runtime = Runtime { barrier: on_barrier, collective: on_collective };

// Fiber stacks: register tiles are arrays on the stack; pages that are never touched cost nothing. The crate puts a
// guard page below each.
const STACK_BYTES: usize = 256 * 1024;

thread_local! {
    static CURRENT: Cell<*mut Block> = const { Cell::new(std::ptr::null_mut()) };
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

type Fiber = Coroutine<(), (), ()>;

/// A place in a kernel's source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    file: *const c_char,
    line: c_int,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: `file` is a `__FILE__` literal of a module that is loaded while its block runs.
        let file = unsafe { CStr::from_ptr(self.file) };
        write!(f, "{}:{}", file.to_string_lossy(), self.line)
    }
}

/// What a thread of the block is doing.
#[derive(Clone, Copy)]
enum State {
    Unstarted,
    Running,
    AtBarrier(Place),
    AtCollective(Place),
    Done,
}

/// The block that an OS thread runs now. Callbacks reach it through [`CURRENT`], so it is only touched by raw pointer
/// while fibers run.
pub(super) struct Block {
    pub(super) threads: usize,
    dims: [u32; 3],
    builtins: Builtins,
    order: Order,
    rng: Option<ChaCha8Rng>,
    /// The thread on the processor now.
    pub(super) current: usize,
    yielder: *const Yielder<(), ()>,
    sequence: Vec<u32>,
    started: usize,
    done: usize,
    states: Vec<State>,
    fiber_of: Vec<u32>,
    pub(super) ready: VecDeque<u32>,
    barrier: Option<(c_int, Place)>,
    arrived: usize,
    votes: c_int,
    verdict: c_int,
    pub(super) groups: Vec<Vec<Group>>,
    pub(super) results: Vec<u64>,
    pub(super) error: Option<String>,
}

/// Runs the blocks of one launch on one OS thread.
pub(super) struct Runner {
    block: Box<Block>,
    grid: [u32; 3],
}

impl Runner {
    /// # Safety
    /// `builtins` is the lookup function of the module whose kernels this runner will run, and the runner stays on
    /// the OS thread that makes it.
    pub(super) unsafe fn new(geometry: Geometry, order: Order, builtins: BuiltinsFn) -> Self {
        let null = std::ptr::null_mut();
        let mut places = Builtins { thread: null, block: null, block_dim: null, grid_dim: null };
        // SAFETY: fills the four addresses; the thread-locals they point at live as long as this OS thread.
        unsafe {
            builtins(&mut places);
            *places.block_dim = geometry.block;
            *places.grid_dim = geometry.grid;
        }
        let threads = geometry.threads();
        let block = Block {
            threads,
            dims: geometry.block,
            builtins: places,
            order,
            rng: None,
            current: 0,
            yielder: std::ptr::null(),
            sequence: (0..threads as u32).collect(),
            started: 0,
            done: 0,
            states: vec![State::Unstarted; threads],
            fiber_of: vec![0; threads],
            ready: VecDeque::new(),
            barrier: None,
            arrived: 0,
            votes: 0,
            verdict: 0,
            groups: (0..threads.div_ceil(32)).map(|_| Vec::new()).collect(),
            results: vec![0; threads],
            error: None,
        };
        Self { block: Box::new(block), grid: geometry.grid }
    }

    /// Runs block number `index` (x fastest). An error is one line without the kernel's name.
    ///
    /// # Safety
    /// `entry` belongs to this runner's module and `args` matches its parameters.
    pub(super) unsafe fn run(&mut self, entry: Entry, args: *mut *mut c_void, index: usize) -> Result<(), String> {
        let block: *mut Block = &mut *self.block;
        let (x, y) = (self.grid[0] as usize, self.grid[1] as usize);
        let position = [(index % x) as u32, (index / x % y) as u32, (index / x / y) as u32];
        CURRENT.set(block);
        // SAFETY: `block` outlives the call; fibers and callbacks touch it one at a time, through this pointer.
        let result = unsafe {
            *(*block).builtins.block = position;
            if (*block).threads == 1 {
                // Nobody to wait for: no fiber, and barriers return at once.
                *(*block).builtins.thread = [0; 3];
                entry(args);
                (*block).error.take().map_or(Ok(()), Err)
            } else {
                (*block).reset(index);
                run_fibers(block, entry, args)
            }
        };
        CURRENT.set(std::ptr::null_mut());
        result.map_err(|what| format!("block ({}, {}, {}): {what}", position[0], position[1], position[2]))
    }
}

/// # Safety
/// As [`Runner::run`]; `block` is reset.
unsafe fn run_fibers(block: *mut Block, entry: Entry, args: *mut *mut c_void) -> Result<(), String> {
    let mut fibers: Vec<Fiber> = Vec::new();
    // SAFETY: only this loop and, while `resume` runs, one fiber touch the block, never both at once.
    unsafe {
        while (*block).error.is_none() && (*block).done < (*block).threads {
            let fiber = match (*block).choose() {
                Choice::Start => {
                    let number = fibers.len() as u32;
                    let stack = STACKS.with_borrow_mut(Vec::pop).map_or_else(|| DefaultStack::new(STACK_BYTES), Ok);
                    let stack = stack.map_err(|e| format!("no memory for a fiber's stack: {e}"))?;
                    fibers.push(Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
                        (*block).yielder = yielder;
                        while (*block).start_next(number) {
                            entry(args);
                            (*block).finish();
                        }
                    }));
                    number
                }
                Choice::Resume(thread) => {
                    (*block).enter(thread as usize);
                    (*block).fiber(thread)
                }
                Choice::Stuck => {
                    (*block).error = Some((*block).explain());
                    break;
                }
            };
            let _: CoroutineResult<(), ()> = fibers[fiber as usize].resume(());
        }
        for mut fiber in fibers {
            // After an error fibers are left in the middle of a kernel, which holds nothing that needs dropping.
            fiber.force_reset();
            STACKS.with_borrow_mut(|stacks| stacks.push(fiber.into_stack()));
        }
        (*block).error.take().map_or(Ok(()), Err)
    }
}

enum Choice {
    Start,
    Resume(u32),
    Stuck,
}

impl Block {
    fn reset(&mut self, index: usize) {
        (self.started, self.done, self.arrived, self.votes) = (0, 0, 0, 0);
        self.barrier = None;
        self.states.fill(State::Unstarted);
        self.ready.clear();
        self.groups.iter_mut().for_each(Vec::clear);
        match self.order {
            Order::Forward => {}
            Order::Reverse => self.sequence.sort_by(|a, b| b.cmp(a)),
            Order::Random(seed) => {
                let mut rng = thread_rng(seed, index);
                self.sequence.sort();
                self.sequence.shuffle(&mut rng);
                self.rng = Some(rng);
            }
        }
    }

    fn choose(&mut self) -> Choice {
        let can_start = self.started < self.threads;
        if let Some(rng) = &mut self.rng
            && !self.ready.is_empty()
        {
            if can_start && rng.random::<bool>() {
                return Choice::Start;
            }
            let pick = rng.random_range(0..self.ready.len());
            return Choice::Resume(self.ready.swap_remove_back(pick).expect("pick is in range"));
        }
        if can_start {
            return Choice::Start;
        }
        self.ready.pop_front().map_or(Choice::Stuck, Choice::Resume)
    }

    /// Makes `thread` the running one.
    fn enter(&mut self, thread: usize) {
        self.current = thread;
        self.states[thread] = State::Running;
        let [x, y, _] = self.dims;
        let t = thread as u32;
        // SAFETY: points at this OS thread's `threadIdx`.
        unsafe { *self.builtins.thread = [t % x, t / x % y, t / (x * y)] };
    }

    fn start_next(&mut self, fiber: u32) -> bool {
        if self.started == self.threads || self.error.is_some() {
            return false;
        }
        let thread = self.sequence[self.started] as usize;
        self.started += 1;
        self.fiber_of[thread] = fiber;
        self.enter(thread);
        true
    }

    fn fiber(&self, thread: u32) -> u32 {
        self.fiber_of[thread as usize]
    }

    fn result(&self, thread: usize) -> u64 {
        self.results[thread]
    }

    /// Sets the running thread's state.
    fn set(&mut self, state: State) {
        self.states[self.current] = state;
    }

    fn finish(&mut self) {
        self.set(State::Done);
        self.done += 1;
    }

    pub(super) fn has_returned(&self, thread: usize) -> bool {
        matches!(self.states[thread], State::Done)
    }

    /// Marks the threads of `released` as able to go on; the running thread goes on at once in forward order and
    /// takes its turn with the others in any other, to shake the order up.
    ///
    /// Returns whether the caller has to park.
    pub(super) fn release(&mut self, released: impl Iterator<Item = usize>) -> bool {
        let start = self.ready.len();
        let at_once = self.order == Order::Forward;
        self.ready.extend(released.filter(|&t| !at_once || t != self.current).map(|t| t as u32));
        if self.order == Order::Reverse {
            self.ready.make_contiguous()[start..].reverse();
        }
        !at_once
    }

    fn thread_name(&self, thread: usize) -> String {
        let [x, y, _] = self.dims;
        let t = thread as u32;
        format!("thread ({}, {}, {})", t % x, t / x % y, t / (x * y))
    }

    /// Why nothing can go on.
    fn explain(&self) -> String {
        let mut waiting = None;
        let mut missing = None;
        for (thread, state) in self.states.iter().enumerate() {
            match *state {
                State::AtBarrier(place) => _ = waiting.get_or_insert((place, "barrier")),
                State::AtCollective(place) => _ = waiting.get_or_insert((place, "warp collective")),
                _ => _ = missing.get_or_insert(thread),
            }
        }
        let Some((place, what)) = waiting else { return "the scheduler lost a thread".into() };
        let at = |s: &State| matches!(*s, State::AtBarrier(p) | State::AtCollective(p) if p == place);
        let count = self.states.iter().filter(|s| at(s)).count();
        let other = self.states.iter().position(|s| !at(s)).or(missing).unwrap_or(0);
        let elsewhere = match self.states[other] {
            State::AtBarrier(p) | State::AtCollective(p) => format!("waits at {p}"),
            _ => "returned without it".into(),
        };
        format!(
            "the {what} at {place} is reached by {count} of {} threads; {} {elsewhere}",
            self.threads,
            self.thread_name(other)
        )
    }
}

/// Gives the processor back until the scheduler resumes this thread.
///
/// # Safety
/// Called on a fiber of `block`.
unsafe fn park(block: *mut Block) {
    // SAFETY: the yielder lives on this fiber's stack; it is restored because other fibers ran meanwhile.
    unsafe {
        let yielder = (*block).yielder;
        (*yielder).suspend(());
        (*block).yielder = yielder;
    }
}

const COUNT: c_int = 1;
const AND: c_int = 2;

extern "C" fn on_barrier(kind: c_int, predicate: c_int, file: *const c_char, line: c_int) -> c_int {
    let block = CURRENT.get();
    let place = Place { file, line };
    // SAFETY: called by a kernel, so a block runs on this OS thread and this is one of its fibers.
    unsafe {
        if (*block).threads == 1 {
            return predicate;
        }
        if let Some((_, other)) = (*block).barrier
            && other != place
        {
            (*block).error = Some(format!(
                "threads wait at different barriers: {other} and, {}, {place}",
                (*block).thread_name((*block).current)
            ));
        }
        (*block).barrier = Some((kind, place));
        (*block).set(State::AtBarrier(place));
        (*block).arrived += 1;
        (*block).votes += predicate;
        let mut wait = true;
        if (*block).arrived == (*block).threads && (*block).error.is_none() {
            let votes = (*block).votes;
            (*block).verdict = match kind {
                COUNT => votes,
                AND => (votes as usize == (*block).threads) as c_int,
                _ => (votes > 0) as c_int,
            };
            (*block).barrier = None;
            ((*block).arrived, (*block).votes) = (0, 0);
            let threads = (*block).threads;
            wait = (*block).release(0..threads);
        }
        // The verdict stays until the next barrier is complete, which needs every thread to have read it.
        if wait {
            park(block);
        } else {
            (*block).set(State::Running);
        }
        (*block).verdict
    }
}

extern "C" fn on_collective(
    kind: c_int,
    mask: u32,
    value: u64,
    source: c_int,
    file: *const c_char,
    line: c_int,
) -> u64 {
    let block = CURRENT.get();
    let place = Place { file, line };
    // SAFETY: as in `on_barrier`.
    unsafe {
        let thread = (*block).current;
        if (*block).threads > 1 {
            (*block).set(State::AtCollective(place));
        }
        let wait = warp::arrive(&mut *block, warp::Call { kind, mask, value, source, place });
        if (*block).threads == 1 {
            return (*block).result(0);
        }
        if wait {
            park(block);
        } else {
            (*block).set(State::Running);
        }
        (*block).result(thread)
    }
}
