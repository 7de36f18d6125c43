//! The command line: one file per subcommand, and the rules they share for output, errors and exit codes.

mod bench;
pub mod doctor;
mod eval;
pub mod kernels;
mod predict;
mod train;

use clap::{Parser, Subcommand};

/// Trains and studies convolutional networks with hand-written CUDA kernels, on a GPU or on any machine with a C++ compiler.
#[derive(Parser)]
#[command(name = "warptape", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network; without options: little-conv on the built-in emoji pictures
    Train(Box<train::Options>),
    /// Loss and accuracy of a run's checkpoint on its test set
    Eval(eval::Options),
    /// Classify pictures with a trained network
    Predict(predict::Options),
    /// Compile and inspect kernels
    Kernels(kernels::Options),
    /// Measure kernels and training on this machine
    Bench(bench::Options),
    /// Show which device, compilers and libraries were found, and what to install
    Doctor,
}

/// Runs the command that `std::env::args` name. Returns the exit code: 0 done, 1 failed, 2 usage.
pub fn run() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return error.exit_code();
        }
    };
    let result = match cli.command {
        Command::Train(options) => train::run(*options),
        Command::Eval(options) => eval::run(options),
        Command::Predict(options) => predict::run(options),
        Command::Kernels(options) => kernels::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Doctor => doctor::run(),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref() {
                Some(crate::Error::Usage(_)) => 2,
                _ => 1,
            }
        }
    }
}
