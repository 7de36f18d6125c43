//! What a compiler made of a kernel, in a report: instructions, and what differs from the source.

use std::fmt;

use serde_json::{Value, json};

use super::differences::{Difference, differences};
use super::report::{Report, counts_json, plural, short};
use crate::device::profiled::{Instructions, Profile};

impl Report<'_> {
    /// Where what was made differs from what the source asks for.
    fn differences(&self) -> Vec<Difference> {
        match &self.source {
            Some(Ok(source)) => differences(source, self.profile),
            _ => Vec::new(),
        }
    }

    /// The source's counts, for programs.
    pub(super) fn source_json(&self) -> Value {
        match &self.source {
            None => Value::Null,
            Some(Err(why)) => json!({"unknown": why}),
            Some(Ok(source)) => {
                let difference = |one: &Difference| {
                    json!({"line": one.line, "what": one.what, "why": one.why.to_string(),
                           "source_requests": one.source.requests, "source_bytes": one.source.bytes,
                           "requests": one.made.requests, "bytes": one.made.bytes})
                };
                let differences: Vec<Value> = self.differences().iter().map(difference).collect();
                json!({"total": counts_json(&source.total), "differences": differences})
            }
        }
    }

    /// Lines about what became of the source.
    pub(super) fn beside(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            None => return Ok(()),
            Some(Err(why)) => {
                return writeln!(f, "  source          not known: {}", why.lines().next().unwrap_or_default());
            }
            Some(Ok(source)) => source,
        };
        let flops = |profile: &Profile| short(profile.total.operations.flops());
        write!(f, "  source          {} FLOPs where {} are done", flops(source), flops(self.profile))?;
        let all = self.differences();
        if all.is_empty() {
            return writeln!(f, "; accesses as it asks for them");
        }
        writeln!(f, "; accesses differ:")?;
        for Difference { line, what, source, made, why } in all.iter().take(8) {
            let place = line.map_or("in all".into(), |line| format!("line {line}"));
            let (asked, done) = (plural(source.requests, "request"), short(made.requests));
            writeln!(f, "    {place:<13} {what}: {asked} in the source, {done} made: {why}")?;
        }
        Ok(())
    }
}

/// Instructions for programs, if they were counted.
pub(super) fn instructions_json(made: Instructions) -> Option<Value> {
    (made.issued > 0).then(|| {
        json!({"issued": made.issued, "lanes": made.lanes, "float": made.float, "integer": made.integer,
               "convert": made.convert, "tensor": made.tensor, "memory": made.memory, "wide": made.wide,
               "local": made.local, "control": made.control, "other": made.other})
    })
}

/// A line about instructions, if they were counted.
pub(super) fn write_instructions(f: &mut fmt::Formatter<'_>, of: Instructions) -> fmt::Result {
    if of.issued == 0 {
        return Ok(());
    }
    let share = |part: u64| 100.0 * part as f64 / of.issued as f64;
    let kinds = [
        ("float", of.float),
        ("tensor", of.tensor),
        ("integer", of.integer),
        ("conversions", of.convert),
        ("memory", of.memory),
        ("local memory", of.local),
        ("control", of.control),
        ("other", of.other),
    ];
    let kinds: Vec<String> =
        kinds.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{:.0} % {name}", share(*n))).collect();
    let lanes = 100.0 * of.lanes as f64 / (32 * of.issued) as f64;
    writeln!(
        f,
        "  instructions    {} of warps: {}; by {lanes:.0} % of their lanes",
        short(of.issued),
        kinds.join(", ")
    )?;
    if of.wide > 0 {
        writeln!(f, "{:18}{} give each lane 8 bytes or more", "", plural(of.wide, "load"))?;
    }
    Ok(())
}
