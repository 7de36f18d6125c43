//! Lanes of a warp meet at shuffles, votes and `__syncwarp`: a collective completes when every lane that its mask names
//! has arrived. Groups of lanes with disjoint masks meet independently, as on the hardware.

use std::ffi::c_int;

use super::block::Block;
use super::callbacks::Place;
use super::shared::Collective;
use crate::device::observed::Rule;

/// Lanes that wait for each other at one collective.
pub(super) struct Group {
    mask: u32,
    kind: Collective,
    place: Place,
    arrived: u32,
    values: [u64; 32],
    sources: [c_int; 32],
}

impl Group {
    /// A lane that `lane` waits for here, if it does.
    pub(super) fn absent(&self, lane: usize) -> Option<usize> {
        let waits = self.arrived >> lane & 1 == 1;
        waits.then(|| (self.mask & !self.arrived).trailing_zeros() as usize)
    }
}

/// One lane's call of a collective.
pub(super) struct Call {
    pub kind: Collective,
    pub mask: u32,
    pub value: u64,
    pub source: c_int,
    pub place: Place,
}

/// Registers the running thread's arrival. Returns whether it has to park; its result is then in `block.results` when it
/// goes on, else at once.
pub(super) fn arrive(block: &mut Block, call: Call) -> bool {
    let (warp, lane) = (block.current / 32, block.current % 32);
    let first = warp * 32;
    let place = call.place;
    // Lanes beyond the block's end do not exist; a full mask may name them, as on the hardware.
    let lanes = (block.threads - first).min(32);
    let mask = call.mask & (u32::MAX >> (32 - lanes));
    if mask >> lane & 1 == 0 {
        let name = block.thread_name(block.current);
        block.fail(
            Rule::Lanes,
            place,
            format_args!("{name} is lane {lane}, which is not in the mask {:#010x} it passes", call.mask),
        );
        return true;
    }
    if let Some(absent) = members(mask).find(|&l| block.has_returned(first + l)) {
        let [name, other] = [block.current, first + absent].map(|thread| block.thread_name(thread));
        block.fail(
            Rule::Lanes,
            place,
            format_args!("{name} passes the mask {:#010x}, but {other} has returned", call.mask),
        );
        return true;
    }
    let groups = &mut block.groups[warp];
    let position = groups.iter().position(|g| g.mask == mask).unwrap_or_else(|| {
        groups.push(Group { mask, kind: call.kind, place, arrived: 0, values: [0; 32], sources: [0; 32] });
        groups.len() - 1
    });
    let group = &mut groups[position];
    if group.kind != call.kind || group.place != place {
        let (other, name) = (group.place, block.thread_name(block.current));
        block.fail(
            Rule::Lanes,
            place,
            format_args!("{name} meets lanes of its warp that are at another collective, at {other}"),
        );
        return true;
    }
    group.arrived |= 1 << lane;
    group.values[lane] = call.value;
    group.sources[lane] = call.source;
    group.arrived != mask || complete(block, position)
}

/// Gives all lanes of a group that is complete their results. Returns whether the running thread has to park.
fn complete(block: &mut Block, position: usize) -> bool {
    let first = block.current / 32 * 32;
    let group = block.groups[first / 32].swap_remove(position);
    let ballot = members(group.mask).fold(0, |bits, lane| bits | ((group.values[lane] != 0) as u64) << lane);
    for lane in members(group.mask) {
        let source = group.sources[lane];
        block.results[first + lane] = match group.kind {
            Collective::SHUFFLE if !(0..32).contains(&source) || group.mask >> source & 1 == 0 => {
                let name = block.thread_name(first + lane);
                block.fail(
                    Rule::Lanes,
                    group.place,
                    format_args!("{name} reads lane {source} of its warp, which takes no part"),
                );
                return true;
            }
            Collective::SHUFFLE => group.values[source as usize],
            Collective::BALLOT => ballot,
            Collective::ALL => (ballot == group.mask as u64) as u64,
            Collective::SYNC => 0,
        };
    }
    if let Some(observer) = block.observer {
        // SAFETY: the observer outlives the launch, and only this OS thread calls it.
        unsafe { (*observer).collective(first / 32, group.mask, group.kind == Collective::SYNC, &group.place) };
    }
    block.release(members(group.mask).map(|lane| first + lane))
}

/// The lanes that a mask names.
fn members(mask: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |lane| mask >> lane & 1 == 1)
}
