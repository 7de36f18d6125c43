//! `warptape kernels show`: a kernel's source with what each line costs beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::profile::profiled;
use super::subject::Options;
use crate::device::Source;
use crate::device::host::profiled::{Counts, Transfers};
use crate::environment::Environment;
use crate::profile::report::short;

/// Width of the three columns.
const COLUMNS: [usize; 3] = [16, 18, 9];

pub(super) fn run(options: &Options, environment: &Environment) -> anyhow::Result<()> {
    let ran = profiled(options, environment)?;
    let mut files: Vec<(String, Source, BTreeMap<u32, Counts>)> = Vec::new();
    for profile in &ran.profiles {
        let lines = profile.lines(&profile.file);
        match files.iter_mut().find(|(file, ..)| *file == profile.file) {
            Some((.., known)) => lines.into_iter().for_each(|(line, counts)| *known.entry(line).or_default() += counts),
            None => files.push((profile.file.clone(), ran.source(profile)?, lines)),
        }
    }
    for (file, source, lines) in &files {
        crate::cli::print(annotated(file, source, lines))?;
    }
    Ok(())
}

/// The text of `file`, each line with its figures.
fn annotated(file: &str, source: &Source, lines: &BTreeMap<u32, Counts>) -> String {
    let [global, shared, flops] = COLUMNS;
    let mut text = format!(
        "{:>global$} {:>shared$} {:>flops$}\n{:>global$} {:>shared$} {:>flops$}\n",
        "global memory", "shared memory", "", "sectors (each)", "wavefronts (each)", "FLOP"
    );
    for (number, line) in source.lines_of(file) {
        let cells = lines.get(&number).map(|counts| {
            let of = |transfers: Transfers| match transfers.requests {
                0 => String::new(),
                n => format!("{} ({:.1})", short(transfers.transactions), transfers.transactions as f64 / n as f64),
            };
            let operations = counts.operations.flops();
            let meets = if counts.barriers > 0 { "barrier" } else { "" };
            let last = if operations > 0 { short(operations) } else { meets.into() };
            [of(counts.global()), of(counts.shared()), last]
        });
        let [a, b, c] = cells.unwrap_or_default();
        let _ = writeln!(text, "{:>global$} {:>shared$} {:>flops$} {number:4} | {line}", a, b, c);
    }
    text
}
