//! Multiplies of a warpgroup in flight (ISA 9.7.15): what four warps asked for is done when one of them waits for it, and each
//! finds the sums in its registers after its own wait. Until then those hold NaN, as far as they are floats.

use std::collections::{HashMap, VecDeque};

use super::whole::Registers;
use crate::code::Touch;
use crate::lane::{LANES, Width};
use crate::tensor::Lanes;
use crate::tensor::mma::Meets;
use crate::tensor::wgmma::{Operand, Source, Sums, Wgmma};

/// Four warps and what they asked for.
#[derive(Default)]
pub struct Warpgroup {
    queues: [Queue; 4],
    /// Multiplies that are done.
    done: u64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many multiplies it has asked for, and groups that it has committed.
    count: u64,
    committed: u64,
    /// How many multiplies there were when each group was closed.
    closed: Vec<u64>,
    flying: Vec<Flying>,
    /// Whether there was a `wgmma.fence`.
    fenced: bool,
    /// Registers, of which frame, that other instructions have written since, if somebody watches: which instruction.
    changed: HashMap<Key, (u32, u32)>,
}

/// A multiply that is not done yet.
struct Waiting {
    asked: Asked,
    group: u64,
    sums: Key,
}

/// Which sums: their frame and first register.
type Key = (*mut u32, u32);

/// One warp's part of a multiply.
pub struct Asked {
    pub wgmma: Wgmma,
    pub a: A,
    /// Of sparse A: which rows of B it meets.
    pub meets: Option<Box<Meets>>,
    pub b: Operand,
    pub sums: Sums,
}

/// Where A lies.
pub enum A {
    /// As the registers were when it was asked for.
    Registers(Box<[Lanes; 4]>),
    Shared(Operand),
}

/// Registers that will hold sums.
struct Flying {
    words: *mut u32,
    offsets: Vec<u32>,
    values: Vec<Lanes>,
    /// The last multiply's group, and where it was asked for.
    group: u64,
    at: (u32, u32),
}

impl Flying {
    fn key(&self) -> Key {
        (self.words, self.offsets[0])
    }
}

// SAFETY: pointers lead to registers of the block's warps, which move between threads of the system together with it.
unsafe impl Send for Flying {}
// SAFETY: as above.
unsafe impl Send for Waiting {}
// SAFETY: as above.
unsafe impl Send for Queue {}

impl Warpgroup {
    /// Takes note of a warp's `wgmma.fence`.
    pub fn fence(&mut self, warp: usize) {
        self.queues[warp].fenced = true;
        self.queues[warp].changed.clear();
    }

    /// What is wrong with an instruction of a warp, other than a multiply, that touches registers; and what it is in the way of.
    pub fn touched(
        &mut self,
        warp: usize,
        touch: &Touch,
        words: *mut u32,
        at: (u32, u32),
    ) -> Option<(&'static str, (u32, u32))> {
        let queue = &mut self.queues[warp];
        for flying in queue.flying.iter().filter(|flying| flying.words == words) {
            let flies = |all: &[u32]| all.iter().any(|offset| flying.offsets.contains(offset));
            let what = match (flies(&touch.reads), flies(&touch.writes)) {
                (false, false) => continue,
                (true, _) => "reads a register that a wgmma in flight is still to write: a wait is missing",
                (_, true) => "writes a register that a wgmma in flight is still to write: a wait is missing",
            };
            return Some((what, flying.at));
        }
        // What is only moved was there before, and constants are as good as there.
        let by = match touch.moves {
            true => touch.reads.iter().find_map(|from| queue.changed.get(&(words, *from)).copied()),
            false => Some(at),
        };
        for offset in &touch.writes {
            match by {
                Some(by) => queue.changed.insert((words, *offset), by),
                None => queue.changed.remove(&(words, *offset)),
            };
        }
        None
    }

    /// Which instruction has changed one of these registers since the last `wgmma.fence`.
    pub fn changed(&self, warp: usize, registers: &Registers, words: *mut u32) -> Option<(u32, u32)> {
        let changed = &self.queues[warp].changed;
        registers.offsets.iter().find_map(|offset| changed.get(&(words, *offset)).copied())
    }

    /// Closes the group of a warp.
    pub fn commit(&mut self, warp: usize) {
        let queue = &mut self.queues[warp];
        queue.committed += 1;
        queue.closed.push(queue.count);
    }

    /// A warp asks for a multiply; its number, and whether D's registers, in the frame at `words`, were free or had the same sums.
    ///
    /// # Errors
    /// No `wgmma.fence` yet; other multiplies in flight change some of D's registers.
    ///
    /// # Safety
    /// D's registers lie in the frame.
    pub unsafe fn ask(
        &mut self,
        warp: usize,
        asked: Asked,
        d: &Registers,
        (words, at): (*mut u32, (u32, u32)),
    ) -> Result<u64, String> {
        let queue = &mut self.queues[warp];
        if !queue.fenced {
            return Err("multiplies by wgmma before any wgmma.fence".into());
        }
        d.offsets.iter().for_each(|offset| {
            queue.changed.remove(&(words, *offset));
        });
        let (number, group) = (queue.count, queue.committed);
        match queue.flying.iter_mut().find(|flying| flying.words == words && flying.offsets == d.offsets) {
            Some(flying) => (flying.group, flying.at) = (group, at),
            None => {
                let others = queue.flying.iter().filter(|flying| flying.words == words);
                if others.flat_map(|flying| &flying.offsets).any(|offset| d.offsets.contains(offset)) {
                    return Err("multiplies into registers of which a wgmma in flight changes some".into());
                }
                let mut values = vec![[0; LANES]; d.offsets.len()];
                let poison = vec![[u32::MAX; LANES]; d.offsets.len()];
                // SAFETY: the caller's promise.
                unsafe {
                    d.get(words, &mut values);
                    d.set(words, &poison);
                }
                let offsets = d.offsets.clone();
                queue.flying.push(Flying { words, offsets, values, group, at });
            }
        }
        queue.waiting.push_back(Waiting { asked, group, sums: (words, d.offsets[0]) });
        queue.count += 1;
        Ok(number)
    }

    /// Does what a warp waits for: all groups but the last `keep`. False if other warps have not asked for it yet. `read` gives
    /// 16 bytes at an address of shared space. All multiplies before [`Warpgroup::done`] are done then.
    ///
    /// # Errors
    /// The four warps ask for different things.
    pub fn wait(&mut self, warp: usize, keep: u64, read: impl Fn(u32) -> [u32; 4]) -> Result<bool, String> {
        let until = self.queues[warp].committed.saturating_sub(keep);
        let due = |flying: &Flying| flying.group < until;
        let is_first_due = |queue: &Queue| queue.waiting.front().is_some_and(|waiting| waiting.group < until);
        while is_first_due(&self.queues[warp]) {
            if self.queues.iter().any(|queue| queue.waiting.is_empty()) {
                return Ok(false);
            }
            self.perform(&read)?;
        }
        self.queues[warp].flying.retain(|flying| {
            if due(flying) {
                let registers = Registers { offsets: flying.offsets.clone(), width: Width::B32 };
                // SAFETY: they lay in the frame when the multiply was asked for.
                unsafe { registers.set(flying.words, &flying.values) };
            }
            !due(flying)
        });
        Ok(true)
    }

    /// How many multiplies of a warp are in all groups but the last `keep`.
    pub fn waited(&self, warp: usize, keep: u64) -> u64 {
        let closed = &self.queues[warp].closed;
        closed.iter().rev().nth(keep as usize).copied().unwrap_or(0)
    }

    /// How many multiplies are done.
    pub fn done(&self) -> u64 {
        self.done
    }

    fn perform(&mut self, read: &impl Fn(u32) -> [u32; 4]) -> Result<(), String> {
        let all = self.queues.each_mut().map(|queue| queue.waiting.pop_front().expect("all warps have asked for it"));
        let asked = all.each_ref().map(|waiting| &waiting.asked);
        let first = asked[0];
        let same = asked.iter().all(|other| {
            let shared = |asked: &Asked| if let A::Shared(operand) = asked.a { Some(operand) } else { None };
            (other.wgmma, other.b, other.sums, shared(other)) == (first.wgmma, first.b, first.sums, shared(first))
        });
        if !same {
            return Err("multiplies by wgmma with other matrices than other warps of its warpgroup".into());
        }
        let a = match &first.a {
            A::Shared(operand) => Source::Shared(*operand),
            A::Registers(_) => Source::Registers(std::array::from_fn(|warp| match &asked[warp].a {
                A::Registers(registers) => &registers[..],
                A::Shared(_) => &[],
            })),
        };
        let mut keys = all.iter().map(|waiting| waiting.sums);
        let d = self.queues.each_mut().map(|queue| {
            let key = keys.next().expect("there are four");
            let flying = queue.flying.iter_mut().find(|flying| flying.key() == key);
            &mut flying.expect("sums fly until the last multiply is done").values[..]
        });
        let meets: Vec<&Meets> = asked.iter().filter_map(|asked| asked.meets.as_deref()).collect();
        first.wgmma.run(d, (a, meets.try_into().ok()), &first.b, first.sums, read);
        self.done += 1;
        Ok(())
    }
}
