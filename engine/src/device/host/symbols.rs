//! From an address in a module's code to the source lines it was made from, and the module's `__shared__` variables.

use std::collections::BTreeMap;

use addr2line::Context;
use addr2line::gimli::{self, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::dynamic::DYNAMIC;
use super::unit::OWN;
use crate::device::observed::Line;
use crate::device::observed::variable::{self, Variable};

/// A module's tables.
pub(crate) struct Symbols {
    bytes: Vec<u8>,
    /// In order; their ranges are bytes from the start of the module's thread-local memory.
    pub(crate) shared: Vec<Variable>,
    /// Bytes of static variables that one kernel has at least: the most in one function, or in one variable outside.
    pub(crate) static_shared: u64,
}

impl Symbols {
    /// Reads a shared object.
    ///
    /// # Errors
    /// A sentence, if it is not a file that this can read.
    pub(crate) fn read(shared_object: &[u8]) -> Result<Self, String> {
        let file = object::File::parse(shared_object).map_err(|e| format!("a kernel's tables cannot be read: {e}"))?;
        let tls = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Tls && symbol.size() > 0);
        let mut found: Vec<(Variable, &str)> = tls
            .map(|symbol| {
                let whole = symbol.name().unwrap_or_default();
                let name = variable::name(whole);
                let owner =
                    if whole.starts_with("_ZZ") { whole.rsplit_once(name).map_or(whole, |(f, _)| f) } else { whole };
                let name = if BUILT_IN.contains(&name) { "" } else { name };
                (Variable { name: name.into(), range: symbol.address()..symbol.address() + symbol.size() }, owner)
            })
            .collect();
        // Of the names of dynamic shared memory, that of all of it comes first and stays.
        found.sort_by_key(|(variable, _)| (variable.range.start, variable.name != DYNAMIC));
        found.dedup_by_key(|(variable, _)| variable.range.start);
        let mut of_owner: BTreeMap<&str, u64> = BTreeMap::new();
        for (Variable { range, .. }, owner) in found.iter().filter(|(variable, _)| variable.name != DYNAMIC) {
            // Its name's length stands before each of them.
            *of_owner.entry(owner.trim_end_matches(|c: char| c.is_ascii_digit())).or_default() +=
                range.end - range.start;
        }
        let static_shared = of_owner.into_values().max().unwrap_or(0);
        let shared = found.into_iter().map(|(variable, _)| variable).collect();
        Ok(Self { bytes: shared_object.into(), shared, static_shared })
    }

    /// The tables that lead from code to lines.
    ///
    /// # Errors
    /// As [`Symbols::read`].
    pub(crate) fn lines(&self) -> Result<Lines<'_>, String> {
        let failed = |e: &dyn std::fmt::Display| format!("a kernel's table of lines cannot be read: {e}");
        let file = object::File::parse(&*self.bytes).map_err(|e| failed(&e))?;
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let section = |id: gimli::SectionId| {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok()).unwrap_or_default();
            Ok::<_, gimli::Error>(EndianSlice::new(data, endian))
        };
        gimli::Dwarf::load(section).and_then(Context::from_dwarf).map(Lines).map_err(|e| failed(&e))
    }
}

/// From code to source.
pub(crate) struct Lines<'a>(Context<EndianSlice<'a, RunTimeEndian>>);

impl Lines<'_> {
    /// The lines that the code before `address` (relative to the module) comes from: where the access stands, then the
    /// calls that led there as far as they were inlined. Empty if the tables do not say.
    pub(crate) fn of(&self, address: u64) -> Vec<Line> {
        let mut found = Vec::new();
        // A return address is that of the next instruction.
        let Ok(mut frames) = self.0.find_frames(address.saturating_sub(1)).skip_all_loads() else { return found };
        while let Ok(Some(frame)) = frames.next() {
            if let Some(location) = frame.location
                && let (Some(file), Some(number)) = (location.file, location.line)
            {
                found.push(Line { file: file.trim_start_matches("./").into(), number });
            }
        }
        found.retain(|line| !line.file.starts_with(OWN));
        found
    }
}

const BUILT_IN: [&str; 4] = ["threadIdx", "blockIdx", "blockDim", "gridDim"];
