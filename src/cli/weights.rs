//! `warptape weights`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::settings::as_options;
use super::{checkpoint, print};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::export;
use crate::weights::diff::{Change, Diff};
use crate::weights::info::{Fit, Info};
use crate::weights::published::{self, KNOWN, Outcome};
use crate::weights::{Preparation, Weights};

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tensors of a file, and which network they are of
    Info(Inform),
    /// What two files differ in: names, shapes, numbers; exit code 1 if they do
    Diff(Compare),
    /// Download torchvision's weights of a network, for `train --weights NAME`
    Fetch(Fetch),
    /// List the weights that can be fetched, and those that are here
    List,
}

#[derive(Args)]
struct Fetch {
    /// Which; `weights list` lists them
    name: String,
    /// Folder of a server, or address of the file, to get it from instead of PyTorch's
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The file, where this machine has it; one of its name in this folder or in PyTorch's cache is found without
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    file: Option<PathBuf>,
}

#[derive(Args)]
struct Inform {
    /// A .safetensors, .pth or .pt file, weights that were fetched, an exported folder, or a run's folder, RUN@EPOCH, RUN@last
    /// [default: RUN@best]
    #[arg(value_name = "WEIGHTS")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Compare {
    /// A file, as `weights info` takes it
    first: PathBuf,
    /// Another
    second: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Returns the exit code: 1 where files that are compared differ.
pub fn run(options: Options, environment: &Environment) -> anyhow::Result<i32> {
    match options.command {
        Command::Info(options) => inform(&options, environment).map(|()| 0),
        Command::Diff(options) => compare(&options, environment),
        Command::Fetch(options) => fetch(&options, environment).map(|()| 0),
        Command::List => list(environment).map(|()| 0),
    }
    .map_err(Into::into)
}

/// The file that `name`, a file, a run, an exported folder or weights that were fetched, stands for.
///
/// # Errors
/// As [`checkpoint::find`]; weights that can be fetched and were not.
pub(super) fn file(name: &Path, environment: &Environment) -> Result<PathBuf> {
    if name.is_file() {
        return Ok(name.to_path_buf());
    }
    if let Some(weights) = export::folder::weights(name) {
        return Ok(weights);
    }
    match name.to_str().filter(|_| !name.exists()).and_then(published::find) {
        None if !name.exists() && checkpoint::split(name).1.is_none() => {
            let what = "no such file or folder, nor the name of weights that can be fetched: `warptape weights list` has those";
            Err(Error::file(name, what))
        }
        None => checkpoint::find(name),
        Some(known) => known.whole(environment),
    }
}

fn fetch(options: &Fetch, environment: &Environment) -> Result<()> {
    let known = published::find(&options.name).ok_or_else(|| {
        let names = KNOWN.map(|known| known.name).join(", ");
        Error::usage(format!("no weights are called '{}': use {names}", options.name))
    })?;
    let bar = ProgressBar::new(known.bytes());
    let style = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
    let (from, file) = (options.from.as_deref(), options.file.as_deref());
    let outcome = known.fetch(environment, from, file, &mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let (path, outcome) = outcome?;
    let how = match outcome {
        Outcome::AlreadyThere => "was there already".to_owned(),
        Outcome::Taken(source) => format!("copied from {}", source.display()),
        Outcome::Fetched => "downloaded".into(),
    };
    print(format_args!("{}: {how}, SHA-256 begins with {}, as its name says", path.display(), known.digits()))?;
    let rest = as_options(&format!("‹{} normalize=imagenet head=replace›", Preparation::IMAGENET.settings()));
    print(format_args!("use it with: warptape train DATA --model {} --weights {} {rest}", known.model, known.name))
}

fn list(environment: &Environment) -> Result<()> {
    for known in KNOWN {
        let place = known.cached(environment);
        let place = place.map_or_else(|| format!("{} MiB", known.bytes() >> 20), |path| path.display().to_string());
        print(format_args!("{:<9} --model {:<23} {:<22} {place}", known.name, known.model, known.file))?;
    }
    Ok(())
}

fn inform(options: &Inform, environment: &Environment) -> Result<()> {
    let info = Info::of(&file(&options.file, environment)?)?;
    if options.json {
        return print(format_args!("{:#}", serde_json::to_value(&info).expect("plain data")));
    }
    print(format_args!("{}: {}, {} tensors, SHA-256 {}", info.file, info.format, info.tensors.len(), info.sha256))?;
    info.notes.iter().try_for_each(|note| print(format_args!("note: {note}")))?;
    if let Some(prepared) = &info.preparation {
        let settings = as_options(&format!("‹{}›", prepared.settings()));
        print(format_args!(
            "for pictures as those of {prepared}\nas in a training with {settings} --normalize {}",
            prepared.normalize()
        ))?;
    }
    for Fit { model, classes } in &info.fits {
        print(format_args!("fits --model {model}, {classes} classes"))?;
    }
    if info.fits.is_empty() {
        print("fits none of the networks that `warptape models` lists")?;
    }
    let head = ["tensor", "type", "shape", "smallest", "largest", "mean"].map(str::to_owned);
    let rows = info.tensors.iter().map(|row| {
        let numbers =
            row.range.map_or([const { String::new() }; 3], |range| range.map(|number| format!("{number:.4e}")));
        let [smallest, largest, mut mean] = numbers;
        if row.not_finite > 0 {
            mean += &format!("  {} not finite", row.not_finite);
        }
        [row.name.clone(), row.kind.clone(), sides(&row.shape), smallest, largest, mean]
    });
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let [a, b, c, d, e]: [usize; 5] =
        std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
    for [name, kind, shape, smallest, largest, mean] in &lines {
        let line = format!("{name:<a$}  {kind:<b$}  {shape:<c$}  {smallest:>d$}  {largest:>e$}  {mean:>11}");
        print(line.trim_end())?;
    }
    Ok(())
}

/// `64×3×7×7`; of a single number, `1`.
fn sides(shape: &[usize]) -> String {
    let sides: Vec<_> = shape.iter().map(usize::to_string).collect();
    if sides.is_empty() { "1".into() } else { sides.join("×") }
}

fn compare(options: &Compare, environment: &Environment) -> Result<i32> {
    let [first, second] =
        [&options.first, &options.second].map(|name| file(name, environment).and_then(|file| Weights::open(&file)));
    let (first, second) = (first?, second?);
    [&first, &second].into_iter().try_for_each(Weights::check_name)?;
    let diff = Diff::of(&first, &second)?;
    let code = i32::from(!diff.is_empty());
    if options.json {
        print(format_args!("{:#}", serde_json::to_value(&diff).expect("plain data")))?;
        return Ok(code);
    }
    for (file, names) in [(&first, &diff.first_only), (&second, &diff.second_only)] {
        names.iter().try_for_each(|name| print(format_args!("only in {}: {name}", file.path().display())))?;
    }
    for (name, [one, other]) in &diff.shapes {
        print(format_args!("another shape: {name}, {} and {}", sides(one), sides(other)))?;
    }
    for (name, [one, other]) in &diff.kinds {
        print(format_args!("another type: {name}, {one} and {other}"))?;
    }
    for Change { name, absolute, relative, numbers: [differ, of] } in &diff.changes {
        let most = format!("largest difference {absolute:.3e}, relative {relative:.3e}");
        print(format_args!("other numbers: {name}, {differ} of {of}; {most}"))?;
    }
    let Diff { first_only, second_only, shapes, kinds, changes, equal } = &diff;
    let apart = first_only.len() + second_only.len() + shapes.len();
    let types = if kinds.is_empty() { String::new() } else { format!("; {} are of another type", kinds.len()) };
    let changes = changes.len();
    print(format_args!("{equal} tensors are equal, {changes} differ in numbers, {apart} in name or shape{types}"))?;
    Ok(code)
}
