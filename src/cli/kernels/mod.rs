//! `warptape kernels …`: what there is, what compilers make of it, and whether it is right.

mod apart;
mod check;
pub mod compile;
mod findings;
mod launch;
mod observed;
mod profile;
mod run;
mod show;
mod subject;

use crate::environment::Environment;
use crate::op::workload::{Kernel, Workload};
pub use launch::Launch;

/// What to do with kernels.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Look for races, stray and misaligned accesses, reads of what nothing wrote and divergent barriers; without a GPU
    Check(check::Options),
    /// Compile kernels, or a file of your own, with NVRTC (no GPU needed) and show registers, shared memory and spills
    Compile(compile::Options),
    /// Count what kernels ask of the memory and compute, by line, and what that means on a named GPU; without one
    Profile(profile::Options),
    /// Launch kernels once, on any device; of a file of your own, show what is in its buffers afterwards
    Run(run::Options),
    /// Print a kernel's source with what each of its lines costs beside it
    Show(show::Options),
    /// Show what can be checked, profiled and run: workloads with their sizes, and the kernels that each of them runs
    List,
}

/// Runs `warptape kernels …`. Returns the exit code.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    match options.command {
        Command::Check(options) => check::run(options, environment)?,
        Command::Compile(options) => compile::run(&options, environment)?,
        Command::Profile(options) => profile::run(options, environment)?,
        Command::Run(options) => return run::run(&options, environment),
        Command::Show(options) => show::run(&options, environment)?,
        Command::List => list()?,
    }
    Ok(0)
}

fn list() -> anyhow::Result<()> {
    let workloads = crate::op::workloads();
    let shape = |workload: &Workload| {
        let sizes: Vec<String> = workload.default.iter().map(ToString::to_string).collect();
        (workload.dims.join(","), sizes.join(","))
    };
    let width = |of: fn(&(String, String)) -> usize| workloads.iter().map(|w| of(&shape(w))).max().unwrap_or(0);
    let (dims, sizes) = (width(|shape| shape.0.len()), width(|shape| shape.1.len()));
    let name = workloads.iter().map(|workload| workload.name.len()).max().unwrap_or(0);
    super::print(format_args!("{:name$}  {:dims$}  {:sizes$}  kernels", "workload", "--shape", "default"))?;
    for workload in &workloads {
        let (by, at) = shape(workload);
        super::print(format_args!("{:name$}  {by:dims$}  {at:sizes$}  {}", workload.name, kernels(workload)?))?;
    }
    Ok(())
}

/// `pool/2_vectorized.cu: max_pool_forward, max_pool_backward; …`
fn kernels(workload: &Workload) -> crate::Result<String> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for Kernel { file, function } in workload.kernels()? {
        match files.iter_mut().find(|(other, _)| *other == file) {
            Some((_, functions)) => functions.push(function),
            None => files.push((file, vec![function])),
        }
    }
    let texts: Vec<String> =
        files.iter().map(|(file, functions)| format!("{file}: {}", functions.join(", "))).collect();
    Ok(texts.join("; "))
}
