//! Where accesses go: from addresses of a state space to pointers of the process, after all checks.

use std::ops::Range;

use super::block::WINDOW;
use super::fault::{Kind, What};
use super::lanes;
use super::step::{Next, Step};
use crate::lane::LANES;
use crate::memory::Holds;
use crate::text::tree::Space;

/// Where an operand in brackets points.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub space: Space,
    /// The register with the address.
    pub base: u32,
    /// Whether it has 64 bits.
    pub wide: bool,
    pub offset: i64,
}

impl Reach {
    /// The addresses that all lanes hold, whether they take part or not.
    ///
    /// # Safety
    /// `words` are those of a frame that has the base register.
    #[inline(always)]
    pub unsafe fn addresses(&self, words: *const u32) -> [u64; LANES] {
        let mut at = [0; LANES];
        // SAFETY: the caller's promise.
        unsafe {
            let base = words.add(self.base as usize);
            if self.wide {
                let base = &*base.cast::<[u64; LANES]>();
                for (at, base) in at.iter_mut().zip(base) {
                    *at = base.wrapping_add(self.offset as u64);
                }
            } else {
                let base = &*base.cast::<[u32; LANES]>();
                for (at, base) in at.iter_mut().zip(base) {
                    *at = u64::from(base.wrapping_add(self.offset as u32));
                }
            }
        }
        at
    }

    /// What addresses become pointers by, if these bytes, from the `first` on, are all of the kind that one look tells.
    #[inline(always)]
    pub fn added(&self, step: &Step<'_, '_>, first: u64, bytes: u64, kind: Kind) -> Option<u64> {
        match self.space {
            Space::Global | Space::Constant | Space::Generic => {
                step.launch.memory.allows(first, bytes, kind != Kind::Read).then_some(0)
            }
            Space::Shared => {
                let fits = first <= step.block.shared_bytes && bytes <= step.block.shared_bytes - first;
                fits.then_some(step.block.shared)
            }
            Space::Param => {
                let params = &step.launch.params;
                let fits = first.checked_add(bytes)? <= params.len() as u64 && kind == Kind::Read;
                fits.then_some(params.as_ptr() as u64)
            }
            _ => None,
        }
    }

    /// Pointers to what the lanes of `mask` access, `bytes` each, after all checks.
    ///
    /// # Errors
    /// A lane that must not access what it wants to.
    ///
    /// # Safety
    /// As [`Reach::addresses`], with the frame of `step`.
    #[inline(always)]
    pub unsafe fn pointers(
        &self,
        step: &mut Step<'_, '_>,
        mask: u32,
        bytes: u64,
        kind: Kind,
    ) -> Result<[u64; LANES], Next> {
        // SAFETY: the caller's promise.
        let mut at = unsafe { self.addresses(step.words) };
        let (mut first, mut last, mut low) = (u64::MAX, 0, 0);
        for (lane, address) in at.iter().enumerate() {
            let active = mask >> lane & 1 == 1;
            first = first.min(if active { *address } else { u64::MAX });
            last = last.max(if active { *address } else { 0 });
            low |= if active { *address } else { 0 };
        }
        let aligned = low & (bytes - 1) == 0 || !bytes.is_power_of_two();
        let span = last.wrapping_sub(first).saturating_add(bytes);
        match self.added(step, first, span, kind).filter(|_| aligned) {
            Some(added) => {
                for address in &mut at {
                    *address = address.wrapping_add(added);
                }
            }
            None if self.space == Space::Local && aligned && step.warp.local.within(first, span) => {
                let lanes = at.iter_mut().enumerate();
                lanes.for_each(|(lane, address)| *address = address.wrapping_add(step.warp.local.of(lane)));
            }
            // Faults are told of addresses as the kernel has them.
            None => step.place(self.space, mask, bytes, kind, &mut at)?,
        }
        if step.around.flight.is_busy()
            && let Err(next) = step.undisturbed(&at, mask, bytes, kind)
        {
            return Err(next);
        }
        Ok(at)
    }

    /// Pointers to what lanes read of what they might: of `bytes`, aligned to that, only the first `reads`.
    ///
    /// # Errors
    /// As [`Reach::pointers`].
    ///
    /// # Safety
    /// As [`Reach::pointers`].
    pub unsafe fn read_pointers(
        &self,
        step: &mut Step<'_, '_>,
        mask: u32,
        bytes: u32,
        reads: &[u32; LANES],
    ) -> Result<[u64; LANES], Next> {
        // SAFETY: the caller's promise.
        let mut at = unsafe { self.addresses(step.words) };
        for lane in lanes(mask) {
            let (address, kind) = (at[lane], Kind::Read);
            let aligned = address % u64::from(bytes) == 0;
            let placed = match aligned {
                true => step.pointer(self.space, lane, address, reads[lane].into(), kind),
                false => Err("which is not aligned"),
            };
            at[lane] = placed.map_err(|why| {
                let what = What::Access { kind, space: self.space, address, bytes: reads[lane].into(), why };
                Next::Fault(step.fault(lane, what))
            })?;
        }
        Ok(at)
    }
}

impl Step<'_, '_> {
    /// Pointers to what lanes access, lane by lane: the way for what is not all in one place, and where faults are told.
    #[cold]
    fn place(&self, space: Space, mask: u32, bytes: u64, kind: Kind, at: &mut [u64; LANES]) -> Result<(), Next> {
        for lane in lanes(mask) {
            let address = at[lane];
            let refused = |why| {
                let what = What::Access { kind, space, address, bytes, why };
                Err(Next::Fault(self.fault(lane, what)))
            };
            if bytes.is_power_of_two() && !address.is_multiple_of(bytes) {
                return refused("which is not aligned");
            }
            match self.pointer(space, lane, address, bytes, kind) {
                Ok(pointer) => at[lane] = pointer,
                Err(why) => return refused(why),
            }
        }
        Ok(())
    }

    /// What a generic address exceeds an address of the space by, for a lane.
    pub fn base(&self, space: Space, lane: usize) -> u64 {
        match space {
            Space::Shared | Space::Cluster => self.block.shared,
            Space::Local => self.warp.local.of(lane),
            Space::Param => self.launch.params.as_ptr() as u64,
            Space::Global | Space::Constant | Space::Generic => 0,
        }
    }

    /// The space that a generic address is in.
    pub fn space_of(&self, address: u64) -> Space {
        let params = self.launch.params.as_ptr_range();
        if self.block.window.contains(&address) {
            let own = self.block.shared..self.block.shared + WINDOW;
            if own.contains(&address) { Space::Shared } else { Space::Cluster }
        } else if self.warp.local.range().contains(&address) {
            Space::Local
        } else if (params.start as u64..params.end as u64).contains(&address) {
            Space::Param
        } else {
            match self.launch.memory.region(address).map(|region| &region.holds) {
                Some(Holds::Variable { constant: true, .. }) => Space::Constant,
                _ => Space::Global,
            }
        }
    }

    /// The pointer to bytes of shared memory of a block of the cluster.
    ///
    /// # Errors
    /// Why there is none.
    pub fn shared_of(&self, rank: u64, offset: u64, bytes: u64) -> Result<u64, &'static str> {
        match self.around.flight.exited.get(rank as usize) {
            None => Err("in a block that the cluster does not have"),
            Some(true) => Err("shared memory of a block that is over"),
            Some(false) if offset + bytes <= self.block.shared_bytes => {
                Ok(self.block.window.start + rank * WINDOW + offset)
            }
            Some(false) => Err("outside of shared memory"),
        }
    }

    /// The address in `.shared::cluster` space of a pointer into shared memory.
    pub fn cluster_address(&self, pointer: u64) -> u64 {
        let offset = pointer.wrapping_sub(self.block.window.start);
        let rank = offset / WINDOW;
        if rank == u64::from(self.block.rank) { offset % WINDOW } else { offset.wrapping_add(WINDOW) }
    }

    /// The generic address of one in `.shared::cluster` space.
    pub fn generic_of_cluster(&self, address: u64) -> u64 {
        match address / WINDOW {
            0 => self.block.shared + address,
            above => self.block.window.start + (above - 1) * WINDOW + address % WINDOW,
        }
    }

    /// The pointer to `bytes` bytes at an address of a lane.
    ///
    /// # Errors
    /// Why there is none.
    pub fn pointer(
        &self,
        space: Space,
        lane: usize,
        address: u64,
        bytes: u64,
        kind: Kind,
    ) -> Result<u64, &'static str> {
        let end = address.wrapping_add(bytes);
        let within = |range: Range<u64>| range.start <= address && end <= range.end && address <= end;
        match space {
            Space::Global | Space::Constant => match self.launch.memory.allows(address, bytes, kind != Kind::Read) {
                true => Ok(address),
                false => Err(match self.launch.memory.region(address) {
                    None if address < 1 << 16 => "a null pointer",
                    None => "where no buffer is",
                    Some(region) if region.freed => "which was freed",
                    Some(region) if end > region.range.end => "behind the end of its buffer",
                    Some(_) => "which is constant",
                }),
            },
            Space::Shared => self.block.shared_pointer(address, bytes),
            Space::Cluster => {
                let rank = match address / WINDOW {
                    0 => self.block.rank.into(),
                    above => above - 1,
                };
                self.shared_of(rank, address % WINDOW, bytes)
            }
            Space::Local => match self.warp.local.within(address, bytes) {
                true => Ok(self.warp.local.of(lane) + address),
                false => Err("outside of local memory"),
            },
            Space::Param => match end <= self.launch.params.len() as u64 && kind == Kind::Read {
                true => Ok(self.launch.params.as_ptr() as u64 + address),
                false => Err("outside of the kernel's parameters"),
            },
            Space::Generic => {
                let params = self.launch.params.as_ptr_range();
                if within(self.block.window.clone()) {
                    let offset = address - self.block.window.start;
                    return self.shared_of(offset / WINDOW, offset % WINDOW, bytes);
                }
                if within(self.warp.local.range()) {
                    return match self.warp.local.owner(address) {
                        Some((owner, offset)) if owner == lane && self.warp.local.within(offset, bytes) => Ok(address),
                        Some((owner, _)) if owner != lane => Err("local memory of another thread"),
                        _ => Err("outside of local memory"),
                    };
                }
                if within(params.start as u64..params.end as u64) && kind == Kind::Read {
                    return Ok(address);
                }
                self.pointer(Space::Global, lane, address, bytes, kind)
            }
        }
    }
}
