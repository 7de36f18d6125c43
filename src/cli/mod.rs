//! The command line: one file per subcommand, and the rules they share for output, errors and exit codes.

mod augmented;
mod bench;
mod checkpoint;
mod clusters;
mod compare;
mod data;
pub mod doctor;
mod embed;
mod eval;
mod explain;
mod export;
mod find_lr;
mod fractions;
mod judging;
pub mod kernels;
mod mistakes;
mod models;
pub mod names;
mod predict;
mod report;
pub mod settings;
mod several;
mod sweep;
mod train;
mod trust;
mod tune;
mod weights;

use std::fmt::Display;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use unicode_width::UnicodeWidthStr;

use crate::device::Device;
use crate::draw::face;
use crate::environment::Environment;
use crate::error::{Error, Result, plain};
use crate::op;
use settings::as_options;

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
    /// Find the learning rate to train with: let it rise from far too low to far too high, and see what the loss says
    FindLr(Box<find_lr::Options>),
    /// Search settings: train with many, end the hopeless ones early, and show which do best and what matters
    Sweep(sweep::Options),
    /// Train on shares of the training set, and draw accuracy, time and memory over the share
    Fractions(Box<fractions::Options>),
    /// Loss, accuracy, scores of every class and confused classes of a run's checkpoint on its test set
    Eval(eval::Options),
    /// Compare two checkpoints picture by picture: which changed rank, and whether the difference could be chance
    Compare(compare::Options),
    /// Classify pictures with a trained network
    Predict(predict::Options),
    /// Show where a trained network looks: Grad-CAM maps over pictures, at one epoch or at many
    Explain(explain::Options),
    /// Show what a class hangs on: the maps of a whole part, grouped; and which class looks at a corner or border alone
    Clusters(clusters::Options),
    /// List what is worth a look: pictures that may have a wrong class, hard ones, and near-duplicates in several parts
    Mistakes(mistakes::Options),
    /// Judge heat maps: does the network depend on what they show, and they on what it learned? Which method to use, and why
    Trust(trust::Options),
    /// Show what a layer of a trained network makes of pictures: which lie together, by class or by colour, and who is near whom
    Embed(Box<embed::Options>),
    /// Everything about a run on one page, report.html: curves, scores, mistakes, heat maps, a map of the pictures; several compared
    Report(report::Options),
    /// Leave a trained network for other programs: ONNX, PyTorch's weights, labels, preprocessing
    Export(export::Options),
    /// List networks and show what they are made of
    Models(models::Options),
    /// Look at data sets and download them
    Data(data::Options),
    /// Look at files of weights, PyTorch's .pth and .pt and .safetensors, and download torchvision's
    Weights(weights::Options),
    /// Compile and inspect kernels
    Kernels(kernels::Options),
    /// Measure kernels and training on this machine
    Bench(bench::Options),
    /// Find the fastest kernels for a network on this machine, and remember them
    Tune(tune::Options),
    /// Show which device, compilers and libraries were found, and what to install
    Doctor(doctor::Options),
}

/// The whole command, with the names that users of other tools type.
pub fn command() -> clap::Command {
    names::understood(Cli::command())
}

/// Runs the command that `std::env::args` name. Returns the exit code: 0 done, 1 failed, 2 usage, 130 or 143
/// for a training that a signal stopped.
pub fn run() -> i32 {
    let matches = command().try_get_matches();
    let cli = match matches.and_then(|mut found| Cli::from_arg_matches_mut(&mut found)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version were asked for, and are what clap makes of them; a complaint is one line here.
            let _ = match error.exit_code() {
                2 if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    let words: Vec<String> =
                        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
                    writeln!(io::stderr(), "{}", complaint(&error, &words))
                }
                _ => error.print(),
            };
            return error.exit_code();
        }
    };
    let environment = &Environment::of_process();
    let result = match cli.command {
        Command::Train(options) => return ended(train::run(*options, environment)),
        Command::FindLr(options) => return ended(find_lr::run(*options, environment)),
        Command::Sweep(options) => return ended(sweep::run(options, environment)),
        Command::Fractions(options) => return ended(fractions::run(*options, environment)),
        Command::Eval(options) => eval::run(options, environment),
        Command::Compare(options) => compare::run(options, environment),
        Command::Predict(options) => predict::run(options, environment),
        Command::Explain(options) => explain::run(options, environment),
        Command::Clusters(options) => clusters::run(options, environment),
        Command::Mistakes(options) => mistakes::run(options, environment),
        Command::Trust(options) => trust::run(options, environment),
        Command::Embed(options) => embed::run(*options, environment),
        Command::Report(options) => report::run(options, environment),
        Command::Export(options) => export::run(options, environment),
        Command::Models(options) => models::run(options, environment),
        Command::Data(options) => data::run(options, environment),
        Command::Weights(options) => return ended(weights::run(options, environment)),
        Command::Kernels(options) => return ended(kernels::run(options, environment)),
        Command::Bench(options) => bench::run(options, environment),
        Command::Tune(options) => tune::run(options, environment),
        Command::Doctor(options) => doctor::run(&options, environment),
    };
    ended(result.map(|()| 0))
}

/// The exit code; an error is told.
fn ended(result: anyhow::Result<i32>) -> i32 {
    match result {
        Ok(code) => code,
        Err(error) => {
            // A compiler's log and an example have lines of their own; anything else is one line, whatever a file's name or contents are.
            let text = match error.downcast_ref() {
                Some(Error::Compile { .. }) => error.to_string(),
                Some(Error::NoLaunch { .. }) => as_options(&error.to_string()),
                // Nor is there a number of the system's, or a type of Rust's, whoever wrote it.
                _ => as_options(&plain(format!("{error:#}"))).replace(char::is_control, " "),
            };
            // Not eprintln!, which panics where standard error is closed or full.
            let _ = writeln!(io::stderr(), "error: {text}");
            if matches!(error.downcast_ref(), Some(Error::Usage(_) | Error::NoLaunch { .. })) { 2 } else { 1 }
        }
    }
}

/// The part of clap's message on the arguments `words` that says what is wrong and what would be right, in one line.
pub fn complaint(error: &clap::Error, words: &[String]) -> String {
    if let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg)
        && error.kind() == ErrorKind::UnknownArgument
        && let Some(hint) = names::instead(given, &command(), words)
    {
        return format!("error: unexpected argument '{given}': {hint}; --help shows all options");
    }
    let message = error.to_string();
    let end = ["\nUsage:", "\nFor more information"].iter().filter_map(|part| message.find(part)).min();
    let words: Vec<_> = message[..end.unwrap_or(message.len())].split_whitespace().collect();
    let line = plain(words.join(" ").replace(" tip:", "; tip:"));
    format!("{}; --help shows all options", in_range(&line).unwrap_or(line))
}

/// `expected 1 to 64` where clap says `0 is not in 1..=64`.
fn in_range(line: &str) -> Option<String> {
    let (before, range) = line.split_once(" is not in ")?;
    let (before, _) = before.rsplit_once(' ')?;
    let (least, most) = range.split_once("..=")?;
    Some(format!("{before} expected {least} to {most}"))
}

/// Prints a line to standard output. A reader that has gone (`| head`) has seen enough and is no error.
///
/// # Errors
/// Standard output that cannot be written to, as on a full disk.
fn print(line: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::file("standard output", e)),
        _ => Ok(()),
    }
}

/// Says what an owner should do something about.
fn warn(warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(io::stderr(), "warning: {}", as_options(warning));
    }
}

/// Sees to it that pictures can show `names`, and says what they cannot.
fn faces(names: &[String], environment: &Environment) {
    if let Some(lack) = face::provide(names, environment) {
        let _ = writeln!(io::stderr(), "warning: {lack}");
    }
}

/// The device that is called `name`, with the kernels that [`asked`] wants.
fn open(name: &str, environment: &Environment) -> Result<Device> {
    asked(Device::open_in(name, environment)?)
}

/// `device`, told which kernels `WARPTAPE_KERNEL` asks for in its environment.
///
/// # Errors
/// A ladder or a rung that there is not.
fn asked(device: Device) -> Result<Device> {
    device.choices().want(op::wanted(device.environment().text("WARPTAPE_KERNEL"))?);
    Ok(device)
}

/// `text` in `columns` columns of a terminal, of which Chinese letters take two each.
fn padded(text: &str, columns: usize) -> String {
    format!("{text}{:space$}", "", space = columns.saturating_sub(text.width()))
}
