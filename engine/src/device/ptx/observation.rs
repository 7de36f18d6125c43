//! What observers ask of a kernel that the machine runs: its PTX text's tables, and how often each instruction was done.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use warptape_ptx::program::Meeting;
use warptape_ptx::run::Fault;

use super::module::{Loaded, PtxModule};
use crate::device::observed::variable::{self, Variable};
use crate::device::observed::{Code, Computed, Launch, Line, Spot};
use crate::device::{Geometry, Source};

/// A launch that is observed.
pub(super) struct Observation<'a> {
    module: &'a PtxModule,
    kernel: u32,
    geometry: Geometry,
    /// The first number of each function's instructions: a place in the code is one number.
    firsts: Vec<u32>,
    /// Where shared memory lies.
    pub(super) shared: Cell<u64>,
    /// How often warps came to each place, and lanes that did what stands there.
    pub(super) counts: RefCell<Vec<(u64, u64)>>,
}

impl<'a> Observation<'a> {
    pub(super) fn new(loaded: &'a Loaded, geometry: Geometry, counted: bool) -> Self {
        let mut end = 0;
        let firsts = loaded.module.program.lengths().map(|length| {
            end += length;
            end - length
        });
        let firsts = firsts.collect();
        let counts = RefCell::new(vec![(0, 0); if counted { end as usize } else { 0 }]);
        Self { module: &loaded.module, kernel: loaded.kernel, geometry, firsts, shared: Cell::new(0), counts }
    }

    /// The number of an instruction.
    pub(super) fn code(&self, (function, instruction): (u32, u32)) -> u32 {
        self.firsts[function as usize] + instruction
    }

    pub(super) fn meeting(&self, at: (u32, u32)) -> Option<Meeting> {
        self.module.program.meeting(at)
    }

    /// Where a fault is, and where those stand that it waits for.
    pub(super) fn lines_of_fault(&self, fault: &Fault) -> Vec<Line> {
        let here = self.module.lines(fault.at).into_iter().next();
        here.into_iter().chain(fault.others.iter().filter_map(|place| self.module.line_of(*place))).collect()
    }

    /// The instruction of this number.
    fn at(&self, code: u32) -> (u32, u32) {
        let function = self.firsts.partition_point(|first| *first <= code) - 1;
        (function as u32, code - self.firsts[function])
    }
}

impl Code for Observation<'_> {
    fn source(&self) -> &Source {
        &self.module.source
    }

    fn shared(&self) -> Vec<Variable> {
        let program = &self.module.program;
        let mut dynamic: Vec<String> = Vec::new();
        let (mut all, mut start) = (Vec::new(), None);
        for found in program.shared.iter().filter(|one| one.kernel.is_none_or(|kernel| kernel == self.kernel)) {
            let name = variable::name(&found.name).to_owned();
            let first = self.shared.get() + found.offset;
            match found.bytes {
                Some(bytes) if bytes > 0 => all.push(Variable { name, range: first..first + bytes }),
                Some(_) => {}
                None => {
                    start = Some(first);
                    if !dynamic.contains(&name) {
                        dynamic.push(name);
                    }
                }
            }
        }
        if let Some(start) = start {
            let range = start..start + u64::from(self.geometry.shared);
            all.push(Variable { name: dynamic.join(" or "), range });
        }
        all.sort_by_key(|variable| variable.range.start);
        all.dedup_by_key(|variable| variable.range.start);
        all
    }

    fn shared_start(&self) -> u64 {
        self.shared.get()
    }

    fn quiet(&self) -> Range<u64> {
        0..0
    }

    fn read_only(&self) -> &[bool] {
        self.module.read_only(self.kernel)
    }

    fn globals(&self) -> Vec<Variable> {
        let named = |(symbol, (start, bytes)): (&String, &(u64, u64))| Variable {
            name: variable::name(symbol).to_owned(),
            range: *start..start + bytes,
        };
        self.module.program.variables.iter().map(named).collect()
    }

    fn lines(&self, places: &mut dyn Iterator<Item = u32>) -> Result<HashMap<u32, Vec<Line>>, String> {
        Ok(places.map(|code| (code, self.module.lines(self.at(code)))).collect())
    }

    fn runs_twice(&self) -> bool {
        false
    }

    fn computed(&self, _launch: &Launch<'_>) -> Result<Result<Vec<Computed>, String>, String> {
        let counts = self.counts.borrow();
        let done = (0..).zip(&*counts).filter(|(_, (times, _))| *times > 0);
        let computed = done.map(|(code, (times, lanes))| {
            let at = self.at(code);
            let (operations, instructions) = super::counted::counted(self.module.program.name(at), *times, *lanes);
            Computed { lines: self.module.lines(at), operations, instructions }
        });
        Ok(Ok(computed.collect()))
    }
}

/// An instruction, as a place in the source.
pub(super) struct At<'a>(pub(super) &'a Observation<'a>, pub(super) (u32, u32));

impl Spot for At<'_> {
    fn line(&self) -> Line {
        let unknown = || Line { file: self.0.module.source.file.clone(), number: 0 };
        self.0.module.lines(self.1).into_iter().next().unwrap_or_else(unknown)
    }
}
