//! Lanes of a warp meet at shuffles, votes and `__syncwarp`: a collective completes when every lane that its mask names
//! has arrived. Groups of lanes with disjoint masks meet independently, as on the hardware.

use std::ffi::c_int;

use super::scheduler::{Block, Place};

const SHUFFLE: c_int = 1;
const BALLOT: c_int = 2;

/// Lanes that wait for each other at one collective.
pub(super) struct Group {
    mask: u32,
    kind: c_int,
    place: Place,
    arrived: u32,
    values: [u64; 32],
    sources: [c_int; 32],
}

/// One lane's call of a collective.
pub(super) struct Call {
    pub kind: c_int,
    pub mask: u32,
    pub value: u64,
    pub source: c_int,
    pub place: Place,
}

/// Registers the running thread's arrival. Returns whether it has to wait; if not, its result is in `block.results`.
pub(super) fn arrive(block: &mut Block, call: Call) -> bool {
    let (warp, lane) = (block.current / 32, block.current % 32);
    let first = warp * 32;
    // Lanes beyond the block's end do not exist; a full mask may name them, as on the hardware.
    let lanes = (block.threads - first).min(32);
    let exist = if lanes == 32 { u32::MAX } else { (1 << lanes) - 1 };
    let mask = call.mask & exist;
    if mask & (1 << lane) == 0 {
        block.error = Some(format!("{}: lane {lane} is not in the mask {:#010x} it passes", call.place, call.mask));
        return true;
    }
    if let Some(absent) = (0..lanes).find(|&l| mask >> l & 1 == 1 && l != lane && block.has_returned(first + l)) {
        block.error = Some(format!(
            "{}: the mask {:#010x} names lane {absent} of warp {warp}, which has returned",
            call.place, call.mask
        ));
        return true;
    }
    let groups = &mut block.groups[warp];
    let position = groups.iter().position(|g| g.mask == mask).unwrap_or_else(|| {
        let (kind, place) = (call.kind, call.place);
        groups.push(Group { mask, kind, place, arrived: 0, values: [0; 32], sources: [0; 32] });
        groups.len() - 1
    });
    let group = &mut groups[position];
    if group.kind != call.kind || group.place != call.place {
        block.error =
            Some(format!("lanes of warp {warp} meet at different collectives: {} and {}", group.place, call.place));
        return true;
    }
    group.arrived |= 1 << lane;
    group.values[lane] = call.value;
    group.sources[lane] = call.source;
    if group.arrived != mask {
        return true;
    }
    let group = groups.swap_remove(position);
    let ballot = (0..32).fold(0u64, |bits, l| bits | ((group.values[l] != 0) as u64) << l);
    for l in (0..32).filter(|l| mask >> l & 1 == 1) {
        let source = group.sources[l] as usize;
        block.results[first + l] = match group.kind {
            SHUFFLE if source > 31 || mask >> source & 1 == 0 => {
                block.error =
                    Some(format!("{}: lane {l} of warp {warp} reads lane {source}, which takes no part", group.place));
                return true;
            }
            SHUFFLE => group.values[source],
            BALLOT => ballot,
            _ => 0,
        };
    }
    if block.threads == 1 {
        return false;
    }
    block.release((0..32).filter(|l| mask >> l & 1 == 1).map(|l| first + l))
}
