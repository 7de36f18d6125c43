//! The state of one block while it runs: what each of its threads is doing, and who may go on.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ops::Range;

use corosensei::Yielder;

use super::callbacks::Place;
use super::dice::Dice;
use super::scheduler::{Builtins, Order};
use super::spin::Spin;
use super::warp::Group;
use crate::device::Geometry;
use crate::device::observed::{Fault, Observer, Rule};

/// What a thread of the block is doing.
#[derive(Clone, Copy)]
pub(super) enum State {
    Unstarted,
    Running,
    AtBarrier(Place),
    AtCollective(Place),
    Done,
}

/// The barrier that threads are arriving at.
#[derive(Clone, Copy, Default)]
pub(super) struct Barrier {
    place: Option<Place>,
    arrived: usize,
    pub(super) votes: c_int,
}

/// What the scheduler does next.
pub(super) enum Choice {
    /// Let another fiber start threads.
    Start,
    /// Go on with this thread.
    Resume(usize),
    /// Nothing can go on.
    Stuck,
}

/// The block that an OS thread runs now. Kernels reach it through [`super::callbacks::CURRENT`], so it is only touched
/// by raw pointer while fibers run.
pub(super) struct Block {
    pub(super) threads: usize,
    /// `threadIdx` of each thread.
    indices: Vec<[u32; 3]>,
    pub(super) builtins: Builtins,
    order: Order,
    dice: Option<Dice>,
    /// In random order: whether warps run ahead of each other in this block, which they hardly do by chance.
    runs_ahead: bool,
    /// The thread on the processor now.
    pub(super) current: usize,
    pub(super) yielder: *const Yielder<(), ()>,
    /// The order in which threads start.
    sequence: Vec<u32>,
    started: usize,
    done: usize,
    states: Vec<State>,
    fiber_of: Vec<u32>,
    ready: VecDeque<u32>,
    pub(super) barrier: Barrier,
    pub(super) verdict: c_int,
    pub(super) groups: Vec<Vec<Group>>,
    pub(super) results: Vec<u64>,
    pub(super) error: Option<Fault>,
    /// Who is told what threads do, in the observed modes.
    pub(super) observer: Option<*mut dyn Observer>,
    /// Set when the observer wants no more of this launch.
    pub(super) stopped: bool,
    /// Whether the running thread gets anywhere, in the observed modes.
    pub(super) spin: Spin,
    /// Where the module's code starts.
    pub(super) code: u64,
    /// Addresses of the running fiber's stack.
    pub(super) stack: Range<u64>,
}

impl Block {
    pub(super) fn new(geometry: Geometry, order: Order, builtins: Builtins) -> Self {
        let threads = geometry.threads();
        let [x, y, z] = geometry.block;
        let mut indices = Vec::with_capacity(threads);
        for k in 0..z {
            for j in 0..y {
                indices.extend((0..x).map(|i| [i, j, k]));
            }
        }
        let mut sequence: Vec<u32> = (0..threads as u32).collect();
        if order == Order::Reverse {
            sequence.reverse();
        }
        Self {
            threads,
            indices,
            builtins,
            order,
            dice: None,
            runs_ahead: false,
            current: 0,
            yielder: std::ptr::null(),
            sequence,
            started: 0,
            done: 0,
            states: vec![State::Unstarted; threads],
            fiber_of: vec![0; threads],
            ready: VecDeque::new(),
            barrier: Barrier::default(),
            verdict: 0,
            groups: (0..threads.div_ceil(32)).map(|_| Vec::new()).collect(),
            results: vec![0; threads],
            error: None,
            observer: None,
            stopped: false,
            spin: Spin::default(),
            code: 0,
            stack: 0..0,
        }
    }

    /// Ready to run block number `index`.
    pub(super) fn reset(&mut self, index: usize) {
        (self.started, self.done) = (0, 0);
        self.states.fill(State::Unstarted);
        if let Order::Random(seed) = self.order {
            // From a fresh start: which blocks this OS thread ran before must not matter.
            let mut dice = Dice::new(seed, index as u64);
            (0..).zip(&mut self.sequence).for_each(|(thread, slot)| *slot = thread);
            dice.shuffle(&mut self.sequence);
            self.runs_ahead = dice.coin();
            self.dice = Some(dice);
        }
    }

    /// Whether all threads have returned, or one made an error.
    pub(super) fn is_over(&self) -> bool {
        self.done == self.threads || self.error.is_some() || self.stopped
    }

    pub(super) fn choose(&mut self) -> Choice {
        let can_start = self.started < self.threads;
        let next = match &mut self.dice {
            _ if self.ready.is_empty() => None,
            Some(dice) => {
                // The last to be released are a warp that can run ahead of the others.
                let first = if self.runs_ahead { self.ready.len().saturating_sub(32) } else { 0 };
                let pick = first + dice.below(self.ready.len() - first);
                if can_start && dice.coin() { None } else { self.ready.swap_remove_back(pick) }
            }
            None if self.order == Order::Reverse => self.ready.pop_back(),
            None if can_start => None,
            None => self.ready.pop_front(),
        };
        match next {
            Some(thread) => Choice::Resume(thread as usize),
            None if can_start => Choice::Start,
            None => Choice::Stuck,
        }
    }

    /// Makes `thread` the running one.
    pub(super) fn enter(&mut self, thread: usize) {
        self.current = thread;
        self.states[thread] = State::Running;
        self.spin.restart();
        // SAFETY: points at this OS thread's `threadIdx`.
        unsafe { *self.builtins.thread = self.indices[thread] };
    }

    /// Makes the next thread the running one, on fiber `fiber`; false if all have started.
    pub(super) fn start_next(&mut self, fiber: usize) -> bool {
        if self.is_over() || self.started == self.threads {
            return false;
        }
        let thread = self.sequence[self.started] as usize;
        self.started += 1;
        self.fiber_of[thread] = fiber as u32;
        self.enter(thread);
        true
    }

    pub(super) fn finish(&mut self) {
        self.set(State::Done);
        self.done += 1;
    }

    pub(super) fn fiber(&self, thread: usize) -> usize {
        self.fiber_of[thread] as usize
    }

    /// Sets the running thread's state.
    pub(super) fn set(&mut self, state: State) {
        self.states[self.current] = state;
    }

    pub(super) fn has_returned(&self, thread: usize) -> bool {
        matches!(self.states[thread], State::Done)
    }

    /// The running thread arrives at the barrier at `place`. Returns whether it is the last, so that all may go on.
    pub(super) fn arrive(&mut self, place: Place, predicate: c_int) -> bool {
        self.set(State::AtBarrier(place));
        if let Some(other) = self.barrier.place
            && other != place
        {
            let thread = self.thread_name(self.current);
            self.fail(
                Rule::Barrier,
                place,
                format_args!("{thread} waits at this barrier while others wait at the one at {other}"),
            );
            self.error.iter_mut().for_each(|error| error.at.push(other.line()));
            return false;
        }
        self.barrier.place = Some(place);
        self.barrier.arrived += 1;
        self.barrier.votes += predicate;
        self.barrier.arrived == self.threads
    }

    /// Marks the threads of `released` as able to go on. In forward order the running thread goes on at once; in any
    /// other it takes its turn with the others, to shake the order up. Returns whether it has to park.
    pub(super) fn release(&mut self, released: impl Iterator<Item = usize>) -> bool {
        let at_once = self.order == Order::Forward;
        self.ready.extend(released.filter(|&t| !at_once || t != self.current).map(|t| t as u32));
        if at_once {
            self.set(State::Running);
        }
        !at_once
    }

    /// Notes an error; the first counts.
    pub(super) fn fail(&mut self, rule: Rule, place: Place, what: std::fmt::Arguments<'_>) {
        let fault = || Fault { rule, at: vec![place.line()], code: None, what: what.to_string(), name: None };
        self.error.get_or_insert_with(fault);
    }

    /// The running thread waits, at `code`, for what will never happen.
    pub(super) fn spins(&mut self, code: u32) {
        let thread = self.thread_name(self.current);
        let what = format!(
            "{thread} spins: it waits for memory to change, and nobody changes it, since threads and blocks take turns here; \
             end the kernel where blocks have to wait for each other, and use __syncthreads within a block"
        );
        self.error.get_or_insert(Fault { rule: Rule::Spin, at: Vec::new(), code: Some(code), what, name: None });
    }

    pub(super) fn thread_name(&self, thread: usize) -> String {
        let [x, y, z] = self.indices[thread];
        format!("thread ({x}, {y}, {z})")
    }

    /// Why nothing can go on: some threads wait for others that will never come.
    pub(super) fn explain_stuck(&mut self) {
        let waiting = self.states.iter().enumerate().find_map(|(thread, state)| match *state {
            State::AtBarrier(place) => Some((thread, place, true)),
            State::AtCollective(place) => Some((thread, place, false)),
            _ => None,
        });
        let Some((thread, place, at_barrier)) = waiting else {
            self.error = Some(Fault::elsewhere("the scheduler lost a thread"));
            return;
        };
        let does = |thread: usize| match self.states[thread] {
            State::AtBarrier(at) => format!("{} waits at the barrier at {at}", self.thread_name(thread)),
            State::AtCollective(at) => format!("{} waits at the warp collective at {at}", self.thread_name(thread)),
            _ => format!("{} has returned", self.thread_name(thread)),
        };
        let what = if at_barrier {
            let is_here = |state: &State| matches!(*state, State::AtBarrier(at) if at == place);
            let count = self.states.iter().filter(|state| is_here(state)).count();
            let other = self.states.iter().position(|state| !is_here(state)).unwrap_or(thread);
            format!("the barrier is reached by {count} of {} threads; {}", self.threads, does(other))
        } else {
            let absent = self.groups[thread / 32].iter().find_map(|group| group.absent(thread % 32)).unwrap_or(0);
            let absent = thread / 32 * 32 + absent;
            format!("{} waits for a lane of its warp: {}", self.thread_name(thread), does(absent))
        };
        let rule = if at_barrier { Rule::Barrier } else { Rule::Lanes };
        self.fail(rule, place, format_args!("{what}"));
    }
}
