//! What to say of a block in which nothing can go on.

use super::block::{Block, State};
use super::observed::{Fault, Rule};

impl Block {
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
