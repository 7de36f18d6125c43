//! `warptape kernels compile`: compiles kernels for every architecture and shows what each costs. Needs NVRTC, no GPU.
//! Machine code goes to the kernel cache, where the CUDA device finds it if it has an NVRTC of the same version.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;

use rayon::prelude::*;

use super::Launch;
use super::subject::{self, Subject};
use crate::bench::kernels::sources;
use crate::device::cuda::cubin::Usage;
use crate::device::cuda::nvrtc::Nvrtc;
use crate::device::{Defines, Source, Tree, Value};
use crate::environment::Environment;
use crate::error::{Error, Result};

use crate::op::workload::Workload;
use crate::op::{self, entry};
use crate::tensor::DType;

/// One function of one variant on one architecture.
#[derive(Clone, Debug)]
pub struct Row {
    /// Path below `kernels/`.
    pub file: String,
    /// The defines of the variant.
    pub defines: Defines,
    /// `sm_90a`
    pub arch: String,
    /// Registers, shared memory, spills.
    pub usage: Usage,
}

/// What `compile` found: printed with `{}`.
#[derive(Debug, Default)]
pub struct Report {
    /// Everything that compiled.
    pub rows: Vec<Row>,
    /// Everything that did not, with the compiler's words.
    pub failures: Vec<Error>,
    /// What the compiler said about sources that compiled, once each.
    pub warnings: Vec<String>,
}

impl Report {
    /// True if everything compiled and nothing spills, but in `own`, files that may.
    pub fn ok(&self, own: &[String]) -> bool {
        self.failures.is_empty() && !self.rows.iter().any(|row| row.usage.spills() && !own.contains(&row.file))
    }

    /// The defines of `row` in which the variants of its file differ; all of them if there is but one variant.
    fn telling(&self, row: &Row) -> String {
        let all = || self.rows.iter().filter(|other| other.file == row.file).map(|other| &other.defines);
        let value = |defines: &Defines, name: &str| defines.iter().find(|d| d.0 == name).map(|d| d.1);
        let alone = all().all(|defines| *defines == row.defines);
        let differs = |name: &str, here: Value| all().any(|defines| value(defines, name) != Some(here));
        let shown = row.defines.iter().filter(|(name, here)| alone || differs(name, *here));
        shown.map(|(name, here)| format!("{name}={here}")).collect::<Vec<_>>().join(" ")
    }
}

/// Compiles every source for every architecture, by the NVRTC at hand.
///
/// Without architectures: `sm_80`, `sm_90a` and the newest that NVRTC knows.
///
/// # Errors
/// An architecture that it does not know. Kernels that fail are in the report.
pub fn compile_sources(nvrtc: &Nvrtc, archs: &[String], sources: &[Source]) -> Result<Report> {
    let mut archs = archs.to_vec();
    if archs.is_empty() {
        archs = vec!["sm_80".into(), "sm_90a".into(), nvrtc.newest_arch()];
        archs.dedup();
    }
    let jobs: Vec<_> = sources.iter().flat_map(|source| archs.iter().map(move |arch| (source, arch))).collect();
    let make = |source: &Source, arch: &str| {
        nvrtc.compile_cubin(source, arch)?;
        nvrtc.resources(source, arch)
    };
    let results: Vec<_> = jobs.par_iter().map(|(source, arch)| make(source, arch)).collect();

    let mut report = Report::default();
    for ((source, arch), result) in jobs.into_iter().zip(results) {
        match result {
            Ok((usages, warnings)) => {
                report.rows.extend(usages.into_iter().map(|usage| Row {
                    file: source.file.clone(),
                    defines: source.defines.clone(),
                    arch: arch.clone(),
                    usage,
                }));
                let new: Vec<_> = warnings.into_iter().filter(|w| !report.warnings.contains(w)).collect();
                report.warnings.extend(new);
            }
            Err(error @ Error::Usage(_)) => return Err(error),
            Err(error) => report.failures.push(error),
        }
    }
    Ok(report)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["kernel", "file", "defines", "arch", "registers", "shared", "stack", "spills"].map(String::from);
        let rows = self.rows.iter().map(|row| cells(row, self.telling(row)));
        let lines: Vec<[String; 8]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        for line in &lines {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                // Names to the left, numbers to the right.
                let padded = if column < 4 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
                text.push_str(&padded);
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
        }
        for failure in &self.failures {
            writeln!(f, "\n{failure}")?;
        }
        let spills = self.rows.iter().filter(|row| row.usage.spills()).count();
        let (rows, failures) = (self.rows.len(), self.failures.len());
        write!(f, "\n{rows} compiled, {failures} failed to compile, {spills} spill registers")
    }
}

fn cells(row: &Row, defines: String) -> [String; 8] {
    let usage = &row.usage;
    let (stores, loads) = (usage.spill_stores, usage.spill_loads);
    [
        if usage.kernel { usage.function.clone() } else { format!("{} (called)", usage.function) },
        row.file.clone(),
        defines,
        row.arch.clone(),
        if usage.kernel { usage.registers.to_string() } else { "-".into() },
        usage.shared.to_string(),
        usage.stack.to_string(),
        if usage.spills() { format!("{stores} stored, {loads} loaded") } else { "0".into() },
    ]
}

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Kernels of the tree by name, file or folder (see `kernels list`), or files of your own [default: the whole tree]
    #[arg(value_name = "NAME|FILE.cu")]
    what: Vec<OsString>,
    /// Architectures, for example sm_80,sm_90a [default: sm_80, sm_90a and the newest that NVRTC knows]
    #[arg(long, value_delimiter = ',')]
    arch: Vec<String>,
    /// Types of the tensors that kernels of the tree are compiled for
    #[arg(long, value_name = "TYPES", value_delimiter = ',', default_value = "f32,f16,bf16", value_parser = DType::spelled)]
    element: Vec<DType>,
    /// Every variant, too, that a GPU runs in trainings and benches of known networks, so that none of them compiles anything
    #[arg(long)]
    all: bool,
    /// Compile-time constant of files of your own; may be repeated
    #[arg(long = "define", value_name = "NAME=VALUE")]
    defines: Vec<String>,
}

pub(super) fn run(options: &Options, environment: &Environment) -> anyhow::Result<()> {
    let launch = Launch { defines: options.defines.clone(), ..Default::default() };
    let tree = Tree::of(environment);
    let (mut sources, mut names) = (Vec::new(), Vec::new());
    for what in &options.what {
        match Subject::of(what, &launch, &tree)? {
            Subject::File(_, source) => sources.push(*source),
            Subject::Tree(name) => names.push(name),
        }
    }
    let own: Vec<String> = sources.iter().map(|source| source.file.clone()).collect();
    if own.is_empty() && launch.is_given() {
        let fix = "name one: warptape kernels compile FILE.cu …";
        return Err(Error::usage(format!("--define is for files of your own; {fix}")).into());
    }
    if own.is_empty() || !names.is_empty() {
        let of_element = |source: &Source| options.element.contains(&element(source));
        sources.extend(of_tree(&names, options.all, &options.element)?.into_iter().filter(of_element));
    }
    let report = compile_sources(&Nvrtc::find(environment)?, &options.arch, &sources)?;
    crate::cli::print(&report)?;
    if report.ok(&own) {
        return Ok(());
    }
    Err(anyhow::anyhow!("kernels that do not compile, or spill registers, are listed above"))
}

/// The type of a source's elements.
fn element(source: &Source) -> DType {
    let define = source.defines.iter().find(|(name, _)| *name == "ELEMENT");
    define.and_then(|(_, value)| DType::named(&value.to_string())).unwrap_or(DType::F32)
}

/// The variants of the files that `names` mean, each once; of all files if there are no names.
fn of_tree(names: &[String], all: bool, elements: &[DType]) -> Result<Vec<Source>> {
    let mut sources = entry::sources(op::ALL)?;
    if all {
        sources.extend(sources::of_gpu(elements)?);
    }
    if !names.is_empty() {
        let kernels = subject::workloads(names, &[])?.iter().map(Workload::kernels).collect::<Result<Vec<_>>>()?;
        sources.retain(|source| kernels.iter().flatten().any(|kernel| kernel.file == source.file));
    }
    let mut seen = BTreeSet::new();
    sources.retain(|source| seen.insert(format!("{} {}", source.file, source.defines)));
    Ok(sources)
}
