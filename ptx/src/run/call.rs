//! Calls and returns (ISA 9.7.12), and how lanes leave.

use super::copies::Due;
use super::fault::What;
use super::lanes;
use super::step::{Next, Step};
use super::warp::{Group, State};
use crate::code::Action;
use crate::lane::{LANES, Width};
use crate::watch::When;

/// Addresses of functions: this, and 16 bytes for each.
pub const FUNCTIONS: u64 = 0x00F0_0000_0000_0000;

/// A call.
pub struct Call {
    /// The function, or the register with its address.
    pub callee: Callee,
    /// Where the caller's `.param` variables lie that become parameters, and that take results: offset and bytes of each.
    pub passes: Vec<(usize, usize)>,
    pub takes: Vec<(usize, usize)>,
}

/// Who is called.
pub enum Callee {
    Function(u32),
    Register(u32),
}

impl Step<'_, '_> {
    /// Does an instruction that is none of registers alone, for the lanes `active` of a group of `mask`.
    #[inline]
    pub fn act(&mut self, action: &Action, active: u32, mask: u32) -> Next {
        // SAFETY: the decoder placed all registers within the frame.
        unsafe {
            match action {
                Action::Load(transfer) | Action::Store(transfer) => (transfer.run)(self, active, transfer),
                Action::Atomic(atomic) => atomic.run(self, active),
                Action::Barrier(barrier) => barrier.run(self, active),
                Action::Collective(collective) => collective.run(self, active),
                Action::Other(other) => other.run(self, active),
                Action::Call(call) => call.run(self, active),
                Action::Table(index, targets) => self.branch_by(*index, targets, active, mask),
                Action::Return => self.leave(active, mask),
                Action::Exit => self.exit(active, mask),
                Action::Trap => {
                    Next::Fault(self.fault(active.trailing_zeros() as usize, What::Other("calls __trap".into())))
                }
                Action::Alu(..) | Action::Jump(_) => unreachable!("the loop does them itself"),
            }
        }
    }

    /// The lanes of the group that do not take part go on by themselves, with the next instruction.
    fn split(&mut self, active: u32, mask: u32) {
        let group = &mut self.warp.groups[self.group];
        let rest = Group { pc: self.at.1 + 1, mask: mask & !active, state: State::Ready, ..group.clone() };
        group.mask = active;
        if rest.mask != 0 {
            self.warp.groups.push(rest);
        }
    }

    unsafe fn branch_by(&mut self, index: u32, targets: &[u32], active: u32, mask: u32) -> Next {
        self.split(active, mask);
        let frame = self.warp.groups[self.group].frame;
        let mut left = active;
        let mut first = None;
        while left != 0 {
            // SAFETY: the caller's promise.
            let value = |lane: usize| unsafe { self.get(index, Width::B32, lane) };
            let chosen = value(left.trailing_zeros() as usize);
            let same: u32 = lanes(left).filter(|lane| value(*lane) == chosen).map(|lane| 1 << lane).sum();
            let Some(&to) = targets.get(chosen as usize) else {
                let what = format!("branches to target {chosen} of {}", targets.len());
                return Next::Fault(self.fault(left.trailing_zeros() as usize, What::Other(what)));
            };
            left &= !same;
            match first {
                None => first = Some((to, same)),
                Some(_) => self.warp.groups.push(Group { frame, pc: to, mask: same, state: State::Ready }),
            }
        }
        let (to, same) = first.expect("some lane is active");
        let group = &mut self.warp.groups[self.group];
        (group.mask, group.pc) = (same, to);
        // The group is another one now.
        Next::Left
    }

    /// `ret`: lanes go back to their caller, or exit if there is none.
    fn leave(&mut self, active: u32, mask: u32) -> Next {
        let frame = self.warp.groups[self.group].frame;
        if frame == 0 {
            return self.exit(active, mask);
        }
        self.split(active, mask);
        let (parent, back) = (self.warp.frames[frame].parent, self.warp.frames[frame].back);
        let callee = &self.launch.functions[self.warp.frames[frame].function as usize];
        let Action::Call(call) =
            &self.launch.functions[self.warp.frames[parent].function as usize].ops[back as usize - 1].action
        else {
            unreachable!("a frame was entered by a call")
        };
        let [from, to] = self.warp.frames.get_disjoint_mut([frame, parent]).expect("they are two");
        for (result, &(offset, bytes)) in callee.returns.iter().zip(&call.takes) {
            copy_params(&from.params, result.offset, &mut to.params, offset, bytes.min(result.bytes), active);
        }
        let group = &mut self.warp.groups[self.group];
        (group.frame, group.pc, group.state) = (parent, back, State::Ready);
        self.warp.leave(frame, active);
        Next::Left
    }

    fn exit(&mut self, active: u32, mask: u32) -> Next {
        self.split(active, mask);
        self.warp.groups.swap_remove(self.group);
        for lane in lanes(active) {
            let thread = self.thread(lane);
            if let Err(fault) = self.around.flight.finish_arrivals(self.launch, thread) {
                return Next::Fault(fault);
            }
            self.around.flight.finish_copies(self.block.rank as usize, self.warp.number, lane, Due::All, When::Waited);
        }
        let arrived = |lane: &usize| self.warp.arrived[*lane] == Some(self.around.barrier.phase);
        let arrived = lanes(active).filter(arrived).count() as u32;
        self.around.barrier.leave(active.count_ones(), arrived);
        self.warp.alive &= !active;
        for frame in &mut self.warp.frames {
            frame.lanes &= !active;
        }
        // Who waits for the others of a mask looks again whether all are there: those that have exited are not waited for.
        for group in &mut self.warp.groups {
            if matches!(group.state, State::Lanes(_)) {
                group.state = State::Ready;
            }
        }
        Next::Left
    }
}

impl Call {
    fn run(&self, step: &mut Step<'_, '_>, active: u32) -> Next {
        let mask = step.warp.groups[step.group].mask;
        let callee = match self.callee {
            Callee::Function(function) => function,
            Callee::Register(register) => {
                // SAFETY: the decoder placed the register.
                let value = |lane: usize| unsafe { step.get(register, Width::B64, lane) };
                let chosen = value(active.trailing_zeros() as usize);
                let same: u32 = lanes(active).filter(|lane| value(*lane) == chosen).map(|lane| 1 << lane).sum();
                if same != active {
                    // Those that call another function do so afterwards.
                    let group = &mut step.warp.groups[step.group];
                    let rest = Group { pc: step.at.1, mask: active & !same, state: State::Ready, ..group.clone() };
                    group.mask &= !rest.mask;
                    step.warp.groups.push(rest);
                    return self.enter(step, chosen, same, mask & !(active & !same));
                }
                return self.enter(step, chosen, active, mask);
            }
        };
        self.enter(step, FUNCTIONS + 16 * u64::from(callee), active, mask)
    }

    fn enter(&self, step: &mut Step<'_, '_>, address: u64, active: u32, mask: u32) -> Next {
        let lane = active.trailing_zeros() as usize;
        let number = address.wrapping_sub(FUNCTIONS) / 16;
        let known = usize::try_from(number).ok().and_then(|number| step.launch.functions.get(number));
        let Some(function) = known.filter(|function| !function.ops.is_empty()) else {
            return Next::Fault(
                step.fault(lane, What::Other(format!("calls a function at {address:#x}, where none is"))),
            );
        };
        let sizes_fit = function.params.len() == self.passes.len() && function.returns.len() >= self.takes.len();
        if !sizes_fit {
            let what = format!(
                "calls {} with {} parameters, which has {}",
                function.name,
                self.passes.len(),
                function.params.len()
            );
            return Next::Fault(step.fault(lane, What::Other(what)));
        }
        step.split(active, mask);
        let parent = step.warp.groups[step.group].frame;
        let entered = step.warp.enter(function, number as u32, parent, step.at.1 + 1, active);
        let frame = match entered {
            Ok(frame) => frame,
            Err(why) => return Next::Fault(step.fault(lane, What::Other(why))),
        };
        let [from, to] = step.warp.frames.get_disjoint_mut([parent, frame]).expect("they are two");
        for (param, &(offset, bytes)) in function.params.iter().zip(&self.passes) {
            copy_params(&from.params, offset, &mut to.params, param.offset, bytes.min(param.bytes), active);
        }
        step.launch.fill_frame(step.block, step.warp, frame);
        let group = &mut step.warp.groups[step.group];
        (group.frame, group.pc, group.state) = (frame, 0, State::Ready);
        Next::Left
    }
}

/// Copies a variable of lanes from one frame's `.param` variables, which lie lane by lane, to another's.
fn copy_params(from: &[u8], at: usize, to: &mut [u8], put: usize, bytes: usize, mask: u32) {
    let (of, into) = (from.len() / LANES, to.len() / LANES);
    for lane in lanes(mask) {
        to[lane * into + put..][..bytes].copy_from_slice(&from[lane * of + at..][..bytes]);
    }
}
