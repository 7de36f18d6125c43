//! What is said of a block in which nobody can go on.

use super::block::Block;
use super::fault::{Fault, What};
use super::launch::Prepared;
use super::warp::{Group, State, Warp};
use crate::lane::LANES;

impl Block {
    /// A fault for a block in which nobody can go on.
    pub(super) fn stuck(&self, launch: &Prepared<'_>, spins: bool) -> Box<Fault> {
        let groups = |warp: &Warp| -> Vec<(u32, Group, u32)> {
            let with = |group: &Group| (warp.number, group.clone(), warp.frames[group.frame].function);
            warp.groups.iter().map(with).collect()
        };
        let mut all: Vec<_> = self.warps.iter().flat_map(groups).collect();
        all.sort_by_key(|(_, group, _)| group.state == State::Yielded);
        let (warp, group, function) = all.first().cloned().expect("somebody is there");
        let alive = self.warps.iter().map(|warp| warp.alive.count_ones() as usize).sum::<usize>();
        let (threads, left) = (self.common.threads, self.common.threads - alive);
        let what = match group.state {
            State::Barrier(id, _) => {
                let arrived = self.common.barriers[id].arrived;
                let gone = if left > 0 { format!(", and {left} have exited") } else { String::new() };
                format!("waits at barrier {id} that not all threads come to: {arrived} of {threads} did{gone}")
            }
            State::Lanes(mask) => format!("waits for the lanes {mask:#010x} of its warp, which do not all come"),
            _ if spins => "waits in a loop for what no other thread will do".into(),
            _ => "waits for what never happens".into(),
        };
        let thread = warp as usize * LANES + group.mask.trailing_zeros() as usize;
        let mut fault = launch.fault((function, group.pc), self.common.id, thread, What::Meeting(what));
        for (_, group, function) in &all {
            let (place, _) = launch.place((*function, group.pc));
            if place != fault.place && !fault.others.contains(&place) {
                fault.others.push(place);
            }
        }
        fault
    }
}
