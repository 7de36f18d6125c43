//! Rules of CUDA's that the hardware does not enforce: they hold where somebody watches.

use super::collective::{Act, Collective, looked_at};
use super::fault::What;
use super::lanes;
use super::step::{Next, Step};
use crate::lane::{LANES, Width};

impl Collective {
    /// What lanes must not do at a collective of `members`: name those that have exited, or look at one that takes no part
    /// (CUDA C++ Programming Guide, "Warp Shuffle Functions").
    pub(super) fn broken(&self, step: &Step<'_, '_>, active: u32, members: u32) -> Option<Next> {
        step.watch.as_ref()?;
        self.members?;
        let first = step.warp.number as usize * LANES;
        // A full mask may name lanes beyond the block's end, which do not exist.
        let existing = u32::MAX >> (LANES - (step.block.threads - first).min(LANES));
        let gone = members & existing & !step.warp.alive;
        if gone != 0 {
            let (lane, gone) = (active.trailing_zeros() as usize, gone.trailing_zeros());
            let what = format!("passes the mask {members:#010x}, but lane {gone} of its warp has returned");
            return Some(Next::Fault(step.fault(lane, What::Meeting(what))));
        }
        let Act::Shuffle { mode, lane: by, clamp, .. } = &self.act else { return None };
        // Only once all are here.
        lanes(active).filter(|_| members & step.warp.alive & !active == 0).find_map(|lane| {
            // SAFETY: the decoder placed the registers.
            let [by, clamp] = [*by, *clamp].map(|register| unsafe { step.get(register, Width::B32, lane) as u32 });
            let (source, inside) = looked_at(*mode, lane as u32, by, clamp);
            let absent = inside && active >> source & 1 == 0;
            let what = || What::Meeting(format!("reads lane {source} of its warp, which takes no part"));
            absent.then(|| Next::Fault(step.fault(lane, what())))
        })
    }
}
