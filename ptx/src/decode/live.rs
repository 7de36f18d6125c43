//! Which registers are needed where, so that those that never are at the same time share a place.
//!
//! Lanes that are elsewhere do not matter: each lane has its own words, and no lane writes another's.

use crate::code::Touch;
use crate::lane::Width;
use crate::text::tree::{Function, Instruction, Operand};

/// Instructions that write none of their operands (by what stands before the first dot).
const WITHOUT_RESULT: [&str; 29] = [
    "st",
    "stmatrix",
    "red",
    "bar",
    "barrier",
    "bra",
    "brx",
    "call",
    "cp",
    "membar",
    "fence",
    "prefetch",
    "prefetchu",
    "discard",
    "applypriority",
    "exit",
    "ret",
    "trap",
    "brkpt",
    "nanosleep",
    "pmevent",
    "tensormap",
    "griddepcontrol",
    "setmaxnreg",
    "sust",
    "sured",
    "mbarrier",
    "multimem",
    "wgmma",
];

/// Where each register lies, in words of the frame, and how many words there are.
pub struct Places {
    pub offsets: Vec<u32>,
    pub words: u32,
}

/// Registers that an instruction reads and writes, by their places.
pub fn touch(instruction: &Instruction, offsets: &[u32]) -> Touch {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    uses_and_kill(instruction, &mut reads, &mut writes);
    for registers in [&mut reads, &mut writes] {
        registers.iter_mut().for_each(|register| *register = offsets[*register as usize]);
    }
    Touch { reads, writes, moves: instruction.name.starts_with("mov.") }
}

/// Which registers an instruction reads, and which it writes whatever its lanes' predicate.
fn uses_and_kill(instruction: &Instruction, uses: &mut Vec<u32>, writes: &mut Vec<u32>) -> bool {
    uses.clear();
    writes.clear();
    let first = instruction.name.split('.').next().unwrap_or("");
    let stores = first == "wmma" && instruction.name.starts_with("wmma.store");
    let has_result = !WITHOUT_RESULT.contains(&first) && !stores;
    let returns = matches!(instruction.operands.first(), Some(Operand::Address(..)));
    for (number, operand) in instruction.operands.iter().enumerate() {
        let is_result = number == 0 && has_result && !returns;
        collect(operand, if is_result { &mut *writes } else { &mut *uses });
    }
    uses.extend(instruction.guard.map(|(register, _)| register));
    // What may leave its destination as it was, needs it.
    let kills = has_result && instruction.guard.is_none();
    if !kills {
        uses.extend(writes.iter());
    }
    kills
}

fn collect(operand: &Operand, into: &mut Vec<u32>) {
    match operand {
        Operand::Register(register) | Operand::Negated(register) | Operand::Part(register, ..) => into.push(*register),
        Operand::Address(base, _, rest) => {
            collect(base, into);
            rest.iter().for_each(|operand| collect(operand, into));
        }
        Operand::Vector(all) | Operand::List(all) => all.iter().for_each(|operand| collect(operand, into)),
        Operand::Pair(first, second) => {
            collect(first, into);
            collect(second, into);
        }
        _ => {}
    }
}

/// Where control goes from an instruction: to labels, and on to the next.
fn successors(function: &Function, instruction: &Instruction) -> (Vec<usize>, bool) {
    let mut to = Vec::new();
    for operand in &instruction.operands {
        match operand {
            Operand::Label(label) => to.push(function.labels[*label]),
            Operand::Targets(list) => to.extend(function.targets[*list].iter().map(|label| function.labels[*label])),
            _ => {}
        }
    }
    let first = instruction.name.split('.').next().unwrap_or("");
    let leaves = matches!(first, "bra" | "brx" | "ret" | "exit") && instruction.guard.is_none();
    (to, !leaves)
}

/// Places all registers of a function.
pub fn place(function: &Function) -> Places {
    let code = function.body.as_deref().unwrap_or(&[]);
    let (spans, predicates) = (spans(function, code), count(function, Width::Predicate));
    let mut offsets = vec![0; function.registers.len()];
    // Predicates are a word each, and have one of their own.
    let (mut next_predicate, mut words) = (0, (predicates as u32).next_multiple_of(32));
    for (register, width) in function.registers.iter().enumerate() {
        if *width == Width::Predicate {
            offsets[register] = next_predicate;
            next_predicate += 1;
        }
    }
    // The others by when they begin, each into the place that was left last (it is the likeliest to be near).
    let mut order: Vec<usize> =
        (0..spans.len()).filter(|&r| function.registers[r] != Width::Predicate && spans[r].0 != usize::MAX).collect();
    order.sort_by_key(|&register| spans[register].0);
    let mut taken: std::collections::BinaryHeap<(std::cmp::Reverse<usize>, u32, u32)> = Default::default();
    let mut free: std::collections::HashMap<u32, Vec<u32>> = Default::default();
    for register in order {
        let (begin, end) = spans[register];
        while let Some(&(std::cmp::Reverse(last), offset, size)) = taken.peek()
            && last < begin
        {
            taken.pop();
            free.entry(size).or_default().push(offset);
        }
        let size = function.registers[register].words();
        let offset = free.entry(size).or_default().pop().unwrap_or_else(|| {
            words += size;
            words - size
        });
        offsets[register] = offset;
        taken.push((std::cmp::Reverse(end), offset, size));
    }
    Places { offsets, words }
}

fn count(function: &Function, width: Width) -> usize {
    function.registers.iter().filter(|w| **w == width).count()
}

/// For each register the first and last instruction at which it is needed; `usize::MAX` first if it never is.
fn spans(function: &Function, code: &[Instruction]) -> Vec<(usize, usize)> {
    let blocks = blocks(function, code);
    let words = function.registers.len().div_ceil(64);
    let number_of = |at: usize| blocks.partition_point(|(start, _)| *start <= at).wrapping_sub(1);
    let (mut uses, mut writes) = (Vec::new(), Vec::new());
    // What a block needs from before, and what it surely writes first.
    let (mut needs, mut kills) = (vec![vec![0u64; words]; blocks.len()], vec![vec![0u64; words]; blocks.len()]);
    let mut next: Vec<Vec<usize>> = Vec::new();
    for (number, &(start, end)) in blocks.iter().enumerate() {
        for instruction in &code[start..end] {
            let killing = uses_and_kill(instruction, &mut uses, &mut writes);
            for &register in &uses {
                let (word, bit) = (register as usize / 64, 1u64 << (register % 64));
                needs[number][word] |= bit & !kills[number][word];
            }
            for &register in writes.iter().filter(|_| killing) {
                kills[number][register as usize / 64] |= 1u64 << (register % 64);
            }
        }
        let (to, on) = successors(function, &code[end - 1]);
        let mut following: Vec<usize> = to.into_iter().filter(|at| *at < code.len()).map(number_of).collect();
        following.extend((on && end < code.len()).then(|| number_of(end)));
        next.push(following);
    }
    let mut live_out = vec![vec![0u64; words]; blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for number in (0..blocks.len()).rev() {
            for &following in &next[number] {
                for word in 0..words {
                    let comes = needs[following][word] | live_out[following][word] & !kills[following][word];
                    let missing = comes & !live_out[number][word];
                    live_out[number][word] |= missing;
                    changed |= missing != 0;
                }
            }
        }
    }
    let mut spans = vec![(usize::MAX, 0); function.registers.len()];
    let mut touch = |register: usize, at: usize| {
        spans[register] = (spans[register].0.min(at), spans[register].1.max(at));
    };
    for (number, &(start, end)) in blocks.iter().enumerate() {
        for (at, instruction) in (start..end).zip(&code[start..end]) {
            uses_and_kill(instruction, &mut uses, &mut writes);
            uses.iter().chain(&writes).for_each(|register| touch(*register as usize, at));
        }
        for register in 0..function.registers.len() {
            let has = |set: &[u64]| set[register / 64] >> (register % 64) & 1 == 1;
            if has(&live_out[number]) {
                touch(register, end - 1);
            }
            if has(&needs[number]) || has(&live_out[number]) && !has(&kills[number]) {
                touch(register, start);
            }
        }
    }
    spans
}

/// Stretches that control enters at their begin alone, and leaves at their end.
fn blocks(function: &Function, code: &[Instruction]) -> Vec<(usize, usize)> {
    let mut begins: Vec<usize> = function.labels.iter().copied().filter(|at| *at < code.len()).collect();
    begins.push(0);
    for (at, instruction) in code.iter().enumerate() {
        let (to, on) = successors(function, instruction);
        if (!to.is_empty() || !on) && at + 1 < code.len() {
            begins.push(at + 1);
        }
    }
    begins.sort_unstable();
    begins.dedup();
    let ends = begins.iter().skip(1).copied().chain([code.len()]);
    begins.iter().copied().zip(ends).filter(|(start, end)| start < end).collect()
}
