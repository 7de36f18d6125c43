//! What is said of a cluster in which nobody can go on.

use super::block::Block;
use super::fault::{Fault, What};
use super::launch::Prepared;
use super::room::Room;
use super::warp::{Group, State};
use crate::lane::LANES;

/// A group of lanes that does not go on: its block, its warp, the function that it is in.
#[derive(Clone)]
struct Waiting<'a> {
    block: &'a Block,
    warp: u32,
    group: Group,
    function: u32,
}

impl Room {
    /// A fault for a cluster in which nobody can go on.
    pub fn stuck(&self, launch: &Prepared<'_>, spins: bool) -> Box<Fault> {
        let mut all = Vec::new();
        for block in &self.blocks {
            for warp in &block.warps {
                let of = |group: &Group| {
                    let function = warp.frames[group.frame].function;
                    Waiting { block, warp: warp.number, group: group.clone(), function }
                };
                all.extend(warp.groups.iter().map(of));
            }
        }
        all.sort_by_key(|waiting| waiting.group.state == State::Yielded);
        let Waiting { block, warp, group, function } = all.first().cloned().expect("somebody is there");
        let alive = block.warps.iter().map(|warp| warp.alive.count_ones() as usize).sum::<usize>();
        let (threads, left) = (block.common.threads, block.common.threads - alive);
        let what = match group.state {
            State::Barrier(id, _) => {
                let arrived = block.common.barriers[id].arrived;
                let gone = if left > 0 { format!(", and {left} have exited") } else { String::new() };
                format!("waits at barrier {id} that not all threads come to: {arrived} of {threads} did{gone}")
            }
            State::Cluster(_) => {
                let (alive, arrived) = self.around.barrier.counts();
                format!("waits at the cluster's barrier that not all threads come to: {arrived} of {alive} did")
            }
            State::Lanes(mask) => format!("waits for the lanes {mask:#010x} of its warp, which do not all come"),
            _ if spins => "waits in a loop for what no other thread will do".into(),
            _ => "waits for what never happens".into(),
        };
        let thread = warp as usize * LANES + group.mask.trailing_zeros() as usize;
        let mut fault = launch.fault((function, group.pc), block.common.id, thread, What::Meeting(what));
        for Waiting { group, function, .. } in &all {
            let (place, _) = launch.place((*function, group.pc));
            if place != fault.place && !fault.others.contains(&place) {
                fault.others.push(place);
            }
        }
        fault
    }
}
