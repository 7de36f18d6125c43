//! `warptape kernels show`: a kernel's source with what each line costs beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::observed::Runner;
use super::profile::profiled;
use super::subject;
use crate::device::Source;
use crate::device::profiled::{Counts, Transfers};
use crate::environment::Environment;
use crate::profile::report::short;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    #[command(flatten)]
    subject: subject::Options,
    /// What runs them: host, or NVRTC's code in software (ptx, ptx:sm_80), whose instructions are shown, too
    #[arg(long, value_name = "NAME", default_value = "host")]
    device: Runner,
}

/// Width of the columns.
const COLUMNS: [usize; 4] = [16, 18, 9, 14];

pub(super) fn run(options: &Options, environment: &Environment) -> anyhow::Result<()> {
    let ran = profiled(&options.subject, &options.device, environment)?;
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
    let [global, shared, flops, made] = COLUMNS;
    // Of the source alone nobody knows instructions.
    let instructions = lines.values().any(|counts| counts.instructions.issued > 0);
    let made = if instructions { made } else { 0 };
    let head = |of: &'static str| if instructions { of } else { "" };
    let mut text = format!(
        "{:>global$} {:>shared$} {:>made$}{:>flops$}\n{:>global$} {:>shared$} {:>made$}{:>flops$}\n",
        "global memory",
        "shared memory",
        "",
        "",
        "sectors (each)",
        "wavefronts (each)",
        head("instructions"),
        "FLOP"
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
            let issued = counts.instructions.issued;
            [of(counts.global()), of(counts.shared()), last, if issued > 0 { short(issued) } else { String::new() }]
        });
        let [a, b, c, d] = cells.unwrap_or_default();
        let _ = writeln!(text, "{a:>global$} {b:>shared$} {d:>made$}{c:>flops$} {number:4} | {line}");
    }
    text
}
