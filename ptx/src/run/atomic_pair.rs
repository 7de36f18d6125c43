//! Atomic operations on 128 bits (ISA 9.7.13.5 `atom`): `exch` and `cas`.

use super::fault::Kind;
use super::reach::Reach;
use super::step::{Next, Step};
use super::whole::tried;
use crate::code::Run;

/// `atom.b128`; registers of 128 bits each.
pub struct Atomic128 {
    pub reach: Reach,
    /// What was there before.
    pub to: u32,
    pub by: u32,
    /// What `cas` puts there if `by` was there.
    pub swap: Option<u32>,
}

impl Run for Atomic128 {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the registers; pointers were checked for 16 bytes, and are aligned.
        unsafe {
            let at = tried!(self.reach.pointers(step, mask, 16, Kind::Atomic));
            tried!(step.tell(&at, mask, 16, Kind::Atomic, true));
            let register = |offset: u32, lane: usize| step.words.add(offset as usize).cast::<[u64; 2]>().add(lane);
            for lane in step.launch.order.lanes(mask) {
                let memory = at[lane] as *mut [u64; 2];
                let (before, by) = (*memory, *register(self.by, lane));
                match self.swap {
                    None => *memory = by,
                    Some(swap) if before == by => *memory = *register(swap, lane),
                    Some(_) => {}
                }
                *register(self.to, lane) = before;
            }
        }
        Next::On
    }
}
