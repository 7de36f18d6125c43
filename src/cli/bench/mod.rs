//! `warptape bench …`: what this machine makes of kernels and of whole training steps, and the tables of what it made.

mod kernels;
mod machine;
mod tables;
mod train;

use crate::bench::vendor;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::nn::models;
use crate::train::network;

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Images a second and peak memory of whole training steps, beside PyTorch's on the same machine
    Train(train::Options),
    /// Every rung of every ladder of kernels on the problems of networks, beside cuBLAS, cuDNN and PyTorch
    Kernels(kernels::Options),
    /// Instructions a second of the GPU in software, in the ladders of matmul and conv2d
    Machine(machine::Options),
    /// Write the tables of README.md and kernels/README.md from the results in benches/results
    Tables(tables::Options),
}

/// Runs `warptape bench …`.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    vendor::insist_on_f32();
    match options.command {
        Command::Train(options) => train::run(options, environment),
        Command::Kernels(options) => kernels::run(options, environment),
        Command::Machine(options) => machine::run(options, environment),
        Command::Tables(options) => tables::run(&options),
    }
}

/// Refuses numbers of runs and lengths that cannot be.
pub(super) fn check_runs(runs: usize, seconds: f64) -> Result<()> {
    if runs == 0 {
        return Err(Error::usage("--runs 0: at least one run must be timed"));
    }
    if !(0.0..=3600.0).contains(&seconds) {
        return Err(Error::usage(format!("--seconds {seconds}: expected 0 to 3600")));
    }
    Ok(())
}

/// The networks `named`, or else all that are `known`, each with its batch: the one `given`, or its usual one.
pub(super) fn batches(
    named: &[String],
    known: &[&str],
    given: Option<usize>,
    usual: impl Fn(&str) -> usize,
) -> Result<Vec<(String, usize)>> {
    if given.is_some_and(|batch| !(2..=1 << 20).contains(&batch)) {
        return Err(Error::usage("--batch: expected 2 to 1048576 images; batch normalization needs two"));
    }
    let named = named.iter().map(|name| network::named(name)).collect::<Result<Vec<_>>>()?;
    for name in named.iter().filter(|name| !known.contains(&name.as_str())) {
        models::check(name, 10, [32, 32])?;
    }
    let names: Vec<&str> = if named.is_empty() { known.into() } else { named.iter().map(String::as_str).collect() };
    Ok(names.into_iter().map(|name| (name.to_owned(), given.unwrap_or_else(|| usual(name)))).collect())
}
