//! Control flow (ISA 9.7.12), and instructions that do nothing here, or next to nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Decoder, Refusal};
use crate::code::{Action, Clock, Run};
use crate::lane::Width;
use crate::run::{Next, Step, lanes};
use crate::text::tree::Operand;
use crate::watch::Link;

impl Decoder<'_> {
    pub(super) fn flow(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        match (parts, operands) {
            (["bra"] | ["bra", "uni"], [Operand::Label(label)]) => Ok(Action::Jump(*label as u32)),
            (["brx", "idx"] | ["brx", "idx", "uni"], [index, Operand::Targets(list)]) => {
                let labels = self.function.targets[*list].iter().map(|label| *label as u32).collect();
                Ok(Action::Table(self.source(index, Width::B32)?, labels))
            }
            (["ret"] | ["ret", "uni"], []) => Ok(Action::Return),
            (["exit"], []) => Ok(Action::Exit),
            (["trap"] | ["brkpt"], []) => Ok(Action::Trap),
            _ => Err("is not known with these modifiers and operands".into()),
        }
    }

    /// Fences, hints and waits.
    pub(super) fn quiet(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        Ok(match parts[0] {
            "membar" | "fence" => match fence(&parts[1..]) {
                Some(proxy) => Action::Other(Box::new(Fence { proxy })),
                None => return Err("is no fence that is known".into()),
            },
            "nanosleep" => Action::Other(Box::new(Sleep)),
            "createpolicy" => {
                let to = self.destination(operands.first().ok_or("lacks operands")?, Width::B64)?;
                Action::Other(Box::new(Policy { to }))
            }
            _ => Action::Other(Box::new(Nothing)),
        })
    }
}

/// Whether a fence orders accesses of the generic proxy with those of the asynchronous one; None if there is no such fence.
fn fence(parts: &[&str]) -> Option<bool> {
    let scope = |part: &str| matches!(part, "cta" | "cluster" | "gpu" | "sys");
    match parts {
        ["proxy", "async" | "async::generic", ..] => Some(true),
        ["proxy", "alias"] | ["proxy", "tensormap::generic", "acquire" | "release", _] => Some(false),
        ["cta" | "gl" | "sys"] | ["mbarrier_init", "release", "cluster"] => Some(false),
        ["sc" | "acq_rel" | "acquire" | "release", part] if scope(part) => Some(false),
        ["acquire" | "release", "sync_restrict::shared::cluster" | "sync_restrict::shared::cta", "cluster"] => {
            Some(false)
        }
        _ => None,
    }
}

/// `membar`, `fence`: all is in order here anyway; those who watch are told.
struct Fence {
    /// Between the generic proxy and the asynchronous one.
    proxy: bool,
}

impl Run for Fence {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        if self.proxy {
            step.around.flight.fence_proxy();
        }
        let warp = step.warp.number;
        if let Some(watch) = step.watch.as_deref_mut() {
            watch.fence(warp, mask);
            if step.launch.cluster != [1; 3] {
                watch.link(warp, mask, Link::Fence);
            }
        }
        Next::On
    }
}

/// `nanosleep`: others get a turn.
struct Sleep;

impl Run for Sleep {
    fn run(&self, _step: &mut Step<'_, '_>, _mask: u32) -> Next {
        Next::Yield
    }
}

/// Advice to caches, and what tells a profiler or another launch something.
struct Nothing;

impl Run for Nothing {
    fn run(&self, _step: &mut Step<'_, '_>, _mask: u32) -> Next {
        Next::On
    }
}

/// `createpolicy`: there are no caches; all policies are the same.
struct Policy {
    to: u32,
}

impl Run for Policy {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        // SAFETY: the decoder placed the register.
        lanes(mask).for_each(|lane| unsafe { step.set(self.to, Width::B64, lane, 0) });
        Next::On
    }
}

/// Reads a clock: that of cycles counts the warp's instructions.
pub(super) struct ReadClock {
    pub clock: Clock,
    pub to: u32,
    pub width: Width,
}

impl Run for ReadClock {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        step.warp.reads += 1;
        let cycles = step.warp.reads;
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let value = match self.clock {
            Clock::Cycles => cycles,
            Clock::CyclesHigh => cycles >> 32,
            Clock::Nanoseconds => now(),
            Clock::NanosecondsHigh => now() >> 32,
        };
        // SAFETY: the decoder placed the register.
        lanes(mask).for_each(|lane| unsafe { step.set(self.to, self.width, lane, value) });
        Next::On
    }
}
