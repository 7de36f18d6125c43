//! `wgmma` (ISA 9.7.15).

use std::ops::Range;

use super::mbarrier::wrong;
use super::whole::{UNKNOWN, fits, whole};
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::{LANES, Width};
use crate::run::flight::Reading;
use crate::run::warpgroup::{A, Asked};
use crate::run::whole::{Registers, tried};
use crate::run::{Kind, Next, Step};
use crate::tensor::element::Element;
use crate::tensor::mma::SparseMma;
use crate::tensor::wgmma::{self, Major, Operand as Matrix, Sums, Wgmma};
use crate::text::tree::Operand;
use crate::watch::{Link, Queue, When};

impl Decoder<'_> {
    pub(super) fn warpgroup(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let run: Box<dyn Run> = match (parts, operands) {
            (["wgmma", "fence", "sync", "aligned"], []) => Box::new(Fence),
            (["wgmma", "commit_group", "sync", "aligned"], []) => Box::new(Commit),
            (["wgmma", "wait_group", "sync", "aligned"], [Operand::Integer(keep)]) => {
                Box::new(Wait { keep: u64::try_from(*keep).map_err(|_| "waits for no such number of groups")? })
            }
            _ => self.multiply_async(parts, operands)?,
        };
        Ok(whole(run))
    }

    fn multiply_async(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        self.out.has_proxies = true;
        let wgmma = wgmma::find(self.around.isa, parts).ok_or(UNKNOWN)?;
        let (metadata, operands) = match (wgmma.sparse, operands) {
            (None, all) => (None, all.to_vec()),
            (Some(sparse), [d, a, b, metadata, Operand::Integer(selector), rest @ ..]) => {
                let selector = u32::try_from(*selector).ok().filter(|selector| *selector < sparse.selectors());
                let selector = selector.ok_or("has a sparsity selector that its shape does not have")?;
                let metadata = self.source(metadata, Width::B32)?;
                (Some((sparse, metadata, selector)), [&[d.clone(), a.clone(), b.clone()], rest].concat())
            }
            _ => return Err("lacks metadata or a selector".into()),
        };
        let [d, a, b, add, rest @ ..] = &operands[..] else { return Err("lacks operands".into()) };
        let d = self.results(d, wgmma.d.width())?;
        fits("D", &d, wgmma.d.registers)?;
        let in_registers = matches!(a, Operand::Vector(_));
        let a = match in_registers {
            true => Factor::Registers(self.sources(a, Width::B32)?),
            false => Factor::Shared(self.source(a, Width::B64)?),
        };
        if let Factor::Registers(registers) = &a {
            fits("A", registers, wgmma.a_fragment().registers)?;
        }
        let b = self.source(b, Width::B64)?;
        let add = match add {
            Operand::Integer(add) => self.constant(Width::Predicate, u128::from(*add != 0)),
            add => self.source(add, Width::Predicate)?,
        };
        let numbers: Option<Vec<i128>> = rest
            .iter()
            .map(|operand| if let Operand::Integer(number) = operand { Some(*number) } else { None })
            .collect();
        let numbers = numbers.ok_or("has registers where numbers belong")?;
        let scales = if wgmma.scales() { 2 } else { 0 };
        let turns = if wgmma.transposes() { 2 - usize::from(in_registers) } else { 0 };
        let (scaled, turned) = numbers.split_at_checked(scales).ok_or("lacks scales")?;
        if turned.len() != turns
            || scaled.iter().any(|s| !matches!(s, 1 | -1))
            || turned.iter().any(|t| !matches!(t, 0 | 1))
        {
            return Err("has other scales, or ways that matrices lie, than it takes".into());
        }
        let major = |turned: Option<&i128>| if turned == Some(&1) { Major::Mn } else { Major::K };
        let a_major = if in_registers { Major::K } else { major(turned.first()) };
        let b_major = major(turned.last());
        let negate = scaled.iter().product::<i128>() < 0;
        Ok(Box::new(Multiply { wgmma, d, a, metadata, b, add, negate, a_major, b_major }))
    }
}

/// Parts of shared memory, in order, that do not touch.
struct Units(Vec<Range<u64>>);

impl Units {
    /// From the first byte to the last.
    fn around(&self) -> Range<u64> {
        self.0.first().map_or(0, |first| first.start)..self.0.last().map_or(0, |last| last.end)
    }
}

enum Factor {
    Registers(Registers),
    /// The register with its descriptor.
    Shared(u32),
}

struct Multiply {
    wgmma: Wgmma,
    d: Registers,
    a: Factor,
    /// Of sparse A: what they mean, the register with metadata, the selector.
    metadata: Option<(SparseMma, u32, u32)>,
    b: u32,
    /// The predicate `scale-d`.
    add: u32,
    negate: bool,
    a_major: Major,
    b_major: Major,
}

impl Step<'_, '_> {
    /// The warp's warpgroup, and its place in it.
    fn warpgroup(&self, mask: u32) -> Result<(usize, usize), Next> {
        self.whole(mask)?;
        let (number, warp) = (self.warp.number as usize / 4, self.warp.number as usize % 4);
        match number < self.block.warpgroups.len() {
            true => Ok((number, warp)),
            false => Err(wrong(self, 0, "multiplies by wgmma in a warp that no four warps have".into())),
        }
    }

    /// A value that all lanes have.
    fn same(&self, register: u32, width: Width, what: &str) -> Result<u64, Next> {
        // SAFETY: the decoder placed the register.
        let value = |lane| unsafe { self.get(register, width, lane) };
        match (1..LANES).find(|lane| value(*lane) != value(0)) {
            None => Ok(value(0)),
            Some(lane) => Err(wrong(self, lane, format!("has another {what} for wgmma than lane 0 of its warp"))),
        }
    }

    /// Tells the watch, if there is one, of what is read.
    fn tell_matrices(&mut self, all: &[Units], when: When) -> Result<(), Next> {
        let (at, block, warp) = (self.at, self.block.number, self.warp.number);
        let asked = |range: &Range<u64>| {
            let (address, bytes) = (range.start, (range.end - range.start) as u32);
            crate::watch::Asked { at, block, warp, lane: 0, kind: Kind::Read, address, bytes, when }
        };
        self.tell_asked(all.iter().flat_map(|units| &units.0).map(asked))
    }

    /// A matrix in shared memory, and what is read of it.
    fn matrix(
        &self,
        bits: u64,
        element: Element,
        major: Major,
        (size, depth): (usize, usize),
    ) -> Result<(Matrix, Units), Next> {
        let matrix = Matrix::new(bits, element, major, size, depth)
            .map_err(|why| wrong(self, 0, format!("multiplies by wgmma, but {why}")))?;
        let mut units: Vec<u64> = matrix.units().map(|(.., address)| self.block.shared + u64::from(address)).collect();
        units.sort_unstable();
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for start in units {
            match ranges.last_mut().filter(|last| start <= last.end) {
                Some(last) => last.end = start + 16,
                None => ranges.push(start..start + 16),
            }
        }
        let units = Units(ranges);
        let end = units.around().end - self.block.shared;
        if end > self.block.shared_bytes {
            let what = format!("multiplies by wgmma a matrix that ends at {end:#x}, outside of shared memory");
            return Err(wrong(self, 0, what));
        }
        Ok((matrix, units))
    }
}

impl Run for Multiply {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let (number, warp) = tried!(step.warpgroup(mask));
        let mut ranges = Vec::new();
        let (a_depth, b_depth) = self.wgmma.depths();
        let a = match &self.a {
            Factor::Registers(registers) => {
                let mut all = Box::new([[0; LANES]; 4]);
                // SAFETY: the decoder placed the registers.
                unsafe { registers.get(step.words, &mut all[..]) };
                A::Registers(all)
            }
            Factor::Shared(register) => {
                let bits = tried!(step.same(*register, Width::B64, "descriptor"));
                let (matrix, range) = tried!(step.matrix(bits, self.wgmma.a, self.a_major, (64, a_depth)));
                ranges.push(range);
                A::Shared(matrix)
            }
        };
        let bits = tried!(step.same(self.b, Width::B64, "descriptor"));
        let (b, range) = tried!(step.matrix(bits, self.wgmma.b, self.b_major, (self.wgmma.shape.n, b_depth)));
        ranges.push(range);
        let add = tried!(step.same(self.add, Width::Predicate, "scale-d")) == 1;
        for units in &ranges {
            tried!(step.apart(0, &units.around(), Kind::Read));
        }
        let in_registers = if let Factor::Registers(registers) = &self.a { Some(registers) } else { None };
        let mut factors = add.then_some(&self.d).into_iter().chain(in_registers);
        let warpgroup = &step.block.warpgroups[number];
        if let Some(writer) = factors.find_map(|registers| warpgroup.changed(warp, registers, step.words)) {
            let what = "multiplies by wgmma registers that were written since the last wgmma.fence: one is missing";
            return step.disturbs(0, what.into(), Some(writer));
        }
        let meets = match &self.metadata {
            None => None,
            Some((sparse, register, selector)) => {
                let mut all = [[0; LANES]];
                let register = Registers { offsets: vec![*register], width: Width::B32 };
                // SAFETY: the decoder placed the register.
                unsafe { register.get(step.words, &mut all) };
                match sparse.meets(&all[0], *selector) {
                    Ok(meets) => Some(Box::new(meets)),
                    Err(what) => return wrong(step, 0, format!("multiplies wrongly: {what}")),
                }
            }
        };
        tried!(step.tell_matrices(&ranges, When::Asked));
        let asked = Asked { wgmma: self.wgmma, a, meets, b, sums: Sums { add, negate: self.negate } };
        // SAFETY: the decoder placed D's registers.
        let done = unsafe { step.block.warpgroups[number].ask(warp, asked, &self.d, (step.words, step.at)) };
        match done {
            Ok(multiply) => {
                let queue = Queue::Warpgroup(step.block.number, number as u32);
                tried!(step.tell_matrices(&ranges, When::Queued(queue, multiply as u32)));
                let (rank, at) = (step.block.rank as usize, step.at);
                let reading = |range| Reading { rank, warpgroup: number, number: multiply, range, at };
                step.around.flight.add_reads(ranges.iter().map(Units::around).map(reading));
                Next::On
            }
            Err(what) => wrong(step, 0, what),
        }
    }
}

struct Fence;

impl Run for Fence {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let (number, warp) = tried!(step.warpgroup(mask));
        step.block.warpgroups[number].fence(warp);
        Next::On
    }
}

struct Commit;

impl Run for Commit {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let (number, warp) = tried!(step.warpgroup(mask));
        step.block.warpgroups[number].commit(warp);
        Next::On
    }
}

struct Wait {
    keep: u64,
}

impl Run for Wait {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let (number, warp) = tried!(step.warpgroup(mask));
        let shared = step.block.shared;
        // SAFETY: where matrices lie was checked when they were asked for; units are aligned to 16 bytes.
        let read = |address: u32| unsafe { *((shared + u64::from(address)) as *const [u32; 4]) };
        let warpgroup = &mut step.block.warpgroups[number];
        let waited = warpgroup.wait(warp, self.keep, read);
        let (done, known, rank) = (warpgroup.done(), warpgroup.waited(warp, self.keep), step.block.rank as usize);
        step.around.flight.end_reads(rank, number, done);
        if matches!(waited, Ok(true)) {
            let queue = Queue::Warpgroup(step.block.number, number as u32);
            step.link(mask, Link::Know(queue, known as u32));
        }
        match waited {
            Ok(true) => Next::On,
            Ok(false) => Next::Again,
            Err(what) => wrong(step, 0, what),
        }
    }
}
