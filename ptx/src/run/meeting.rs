//! The barrier of a cluster (ISA 9.7.13.4: `barrier.cluster`): all of its threads arrive, and later wait.

use super::fault::What;
use super::lanes;
use super::step::{Next, Step};
use super::warp::State;
use crate::code::Run;
use crate::watch::{Link, Sign};

/// The barrier while threads come to it.
#[derive(Default)]
pub struct ClusterBarrier {
    /// Threads that have not exited, and those of them that have arrived in this phase.
    alive: u32,
    arrived: u32,
    /// Phases that were completed.
    pub phase: u64,
}

impl ClusterBarrier {
    pub fn of(threads: u32) -> Self {
        Self { alive: threads, ..Self::default() }
    }

    /// So many threads of the cluster have not exited, and so many of them wait for the others.
    pub fn counts(&self) -> (u32, u32) {
        (self.alive, self.arrived)
    }

    fn go_on(&mut self) {
        if self.arrived == self.alive {
            self.phase += 1;
            self.arrived = 0;
        }
    }

    /// Threads exit; `arrived` of them had come.
    pub fn leave(&mut self, threads: u32, arrived: u32) {
        self.alive -= threads;
        self.arrived -= arrived;
        if self.alive > 0 {
            self.go_on();
        }
    }
}

/// `barrier.cluster.arrive`.
pub struct Arrive {
    /// Nobody is to know what was done before, but for what a fence stands behind.
    pub relaxed: bool,
}

/// `barrier.cluster.wait`.
pub struct Wait;

impl Run for Arrive {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let phase = step.around.barrier.phase;
        if lanes(mask).any(|lane| step.warp.arrived[lane] == Some(phase)) {
            // It is told of once the others have come: what they do until then is of interest, too.
            step.warp.groups[step.group].state = State::Cluster(phase);
            return Next::Wait;
        }
        for lane in lanes(mask) {
            if step.warp.arrived[lane].is_some() {
                let what = "arrives at the cluster's barrier again before it waited".into();
                return Next::Fault(step.fault(lane, What::Meeting(what)));
            }
            step.warp.arrived[lane] = Some(phase);
        }
        let sign = Sign::Cluster(step.around.flight.numbers[0], phase);
        step.link(mask, if self.relaxed { Link::LeaveFenced(sign) } else { Link::Leave(sign) });
        let barrier = &mut step.around.barrier;
        barrier.arrived += mask.count_ones();
        barrier.go_on();
        Next::On
    }
}

impl Run for Wait {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let phase = step.around.barrier.phase;
        for lane in lanes(mask) {
            match step.warp.arrived[lane] {
                None => {
                    let what = "waits at the cluster's barrier without having arrived".into();
                    return Next::Fault(step.fault(lane, What::Meeting(what)));
                }
                Some(arrived) if arrived == phase => {
                    step.warp.groups[step.group].state = State::Cluster(phase);
                    return Next::Wait;
                }
                Some(_) => {}
            }
        }
        let first = step.around.flight.numbers[0];
        let arrived = step.warp.arrived;
        step.links(lanes(mask).filter_map(|lane| Some((lane, Link::Find(Sign::Cluster(first, arrived[lane]?))))));
        lanes(mask).for_each(|lane| step.warp.arrived[lane] = None);
        Next::On
    }
}
