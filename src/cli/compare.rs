//! `warptape compare`.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;

use super::judging::{self, Asked, Question, asked, part};
use super::print;
use crate::data::Images;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::train::judged::Part;
use crate::train::report::compare::{Compared, Comparison, curves};

#[derive(Args)]
pub struct Options {
    /// A run's folder, RUN@EPOCH, RUN@last, or a checkpoint file
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another, of the same classes
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Other data than the runs', of classes that they know
    #[arg(long)]
    data: Option<String>,
    /// Pictures to compare them on, of which neither was trained on any: train, val, test, new or all [default: test; all of other
    /// data without parts]
    #[arg(long, value_parser = part)]
    part: Option<Part>,
    /// Leave out files that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON: with every picture whose class has another rank
    #[arg(long)]
    json: bool,
    /// Also write compare.csv (all pictures), compare.json and compare.png (the curves of both) into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let device = crate::cli::open(&options.device, environment)?;
    let Options { data, part, skip_broken, .. } = &options;
    let question = Question { data: data.as_deref(), part: *part, skip_broken: *skip_broken, tta: None };
    let sides = asked(&[&options.first, &options.second], &question, &device)?;
    let comparison = compared(&options, &sides[0], &sides[1])?;
    if let Some(folder) = &options.out {
        let what = |e| Error::file(folder, format!("cannot be made: {e}; choose another ‹out›"));
        std::fs::create_dir_all(folder).map_err(what)?;
        write_atomic(&folder.join("compare.csv"), &comparison.csv()?)?;
        write_atomic(&folder.join("compare.json"), format!("{:#}\n", comparison.json()).as_bytes())?;
        let epochs = [&sides[0], &sides[1]].map(|side| side.meta.progress.epoch);
        let rows = [judging::curves(&sides[0].path)?, judging::curves(&sides[1].path)?];
        write_atomic(&folder.join("compare.png"), &curves(&comparison.names, epochs, [&rows[0], &rows[1]])?)?;
    }
    if options.json {
        print(format_args!("{:#}", comparison.json()))?;
    } else {
        print(comparison.text().trim_end())?;
    }
    Ok(())
}

/// The pictures that both were asked of, in the order in which the first has them.
fn compared(options: &Options, first: &Asked, second: &Asked) -> Result<Comparison> {
    if first.meta.classes != second.meta.classes {
        let what = "knows other classes, or in another order: compare networks of the same classes";
        return Err(Error::file(&second.path, what));
    }
    // By their pixels, for what one was trained on is left out of its part alone; pictures that are no files by their place.
    let known = |images: &Images| images.origins.len() == images.len();
    let [of_first, of_second] = [first, second].map(|side| &side.judged.images);
    let by_digest = known(of_first) && known(of_second);
    if !by_digest && of_first.len() != of_second.len() {
        let what = format!("is judged on {} pictures, the other on {}", of_second.len(), of_first.len());
        return Err(Error::file(&second.path, format!("{what}: compare runs on the same data")));
    }
    let place: HashMap<_, usize> = if by_digest {
        of_second.origins.iter().map(|origin| origin.digest).zip(0..).collect()
    } else {
        HashMap::new()
    };
    let files = of_first.names();
    let other = |number: usize| {
        if by_digest { place.get(&of_first.origins[number].digest).copied() } else { Some(number) }
    };
    let one = |number: usize| {
        let of = [first.said.1[number], second.said.1[other(number)?]];
        Some(Compared { number, file: files.get(number).cloned().unwrap_or_default(), of })
    };
    let images: Vec<Compared> = (0..of_first.len()).filter_map(one).collect();
    if images.is_empty() {
        return Err(Error::file(
            &second.path,
            "shares no picture to judge with the other: compare runs on the same data",
        ));
    }
    let left_out = of_first.len().max(of_second.len()) - images.len();
    if left_out > 0 {
        super::warn(&[format!("{left_out} pictures are left out: only one of the two is judged on them")]);
    }
    let names = [&options.first, &options.second].map(|run| run.display().to_string());
    let part = first.judged.part.words().to_owned();
    Ok(Comparison { names, part, classes: first.meta.classes.clone(), images })
}
