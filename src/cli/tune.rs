//! `warptape tune`: times the rungs of every ladder on a network's problems and remembers the fastest.

use std::io::Write;
use std::time::Instant;

use clap::Args;

use super::print;
use crate::bench::kernels::Plan;
use crate::bench::kernels::limits::Flush;
use crate::bench::kernels::problems::{NETWORKS, of_networks};
use crate::bench::tune::tune;
use crate::bench::usual_batch;
use crate::device::Device;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::replace;
use crate::launch::choices::{Kernel, Table, tuned, tuned_file};
use crate::launch::recorded::known;
use crate::tensor::DType;

/// Trainings that start later on this machine run what was found; those that are resumed or repeated run what they ran.
#[derive(Args)]
pub struct Options {
    /// Networks to tune for; `warptape models` lists them
    #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "little-conv")]
    models: Vec<String>,
    /// Images in a batch [default: 128, for ResNets 64]
    #[arg(long)]
    batch: Option<usize>,
    /// Precision of the trainings to tune for: f32, f16 or bf16; what is found for another stays
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = DType::spelled)]
    element: DType,
    /// Device: auto, host, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Timed runs of a rung on a problem at the most; the median counts
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// No more runs on a problem once they have taken so long together, seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Forget what was found on this device
    #[arg(long)]
    forget: bool,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    super::bench::check_runs(options.runs, options.seconds)?;
    // Without what was found before: the ops' own choices are what rungs are compared with.
    let device = crate::cli::asked(Device::untuned(&options.device, environment)?)?;
    let file = tuned_file(&device)?;
    if options.forget {
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::file(&file, e).into()),
            _ => return Ok(print(format_args!("nothing is remembered of {}", device.info().description))?),
        }
    }
    let networks = super::bench::batches(&options.models, &NETWORKS, options.batch, usual_batch)?;
    let ladders = crate::op::ladders();
    let problems = of_networks(device.target(), &ladders, &networks, options.element)?;
    let flush = Flush::new(&device)?;
    let (plan, started) = (Plan { runs: options.runs, seconds: options.seconds }, Instant::now());
    // Who tunes again replaces what cannot be read.
    let before = tuned(&device).unwrap_or_else(|error| {
        crate::cli::warn(&[format!("{error}: begins with nothing")]);
        Table::new()
    });
    let (mut table, lost) = known(&ladders, &before);
    lost.iter().try_for_each(|what| print(format_args!("forgotten, since it is no longer there: {what}")))?;
    let (mut saved, mut before) = (0.0, 0.0);
    for problem in &problems {
        let ladder = ladders.iter().find(|ladder| ladder.name == problem.ladder).expect("problems are of the ladders");
        let found = tune(&device, ladder, problem, plan, &flush)?;
        let (rung, seconds) = found.fastest;
        (before, saved) = (before + found.default.1, saved + found.default.1 - seconds);
        let of_ladder = table.entry(problem.ladder.clone()).or_default();
        let line = if rung == found.default.0 {
            of_ladder.remove(&problem.text);
            format!("rung {rung}, as before, {:.3} ms", seconds * 1e3)
        } else {
            let file = ladder.file(rung).expect("a rung that was timed");
            of_ladder.insert(problem.text.clone(), Kernel::File(file.into()));
            format!("rung {rung}, {:.3} ms; {} took {:.3}", seconds * 1e3, found.default.0, found.default.1 * 1e3)
        };
        print(format_args!("{} {}: {line}", problem.ladder, problem.text))?;
    }
    let mut text = serde_json::to_string_pretty(&table).expect("plain data");
    text.push('\n');
    replace(&file, |file| file.write_all(text.as_bytes())).map_err(|e| {
        Error::file(&file, format!("cannot be written: {e}; set WARPTAPE_CACHE to a folder that can be"))
    })?;
    let (share, took) = (100.0 * saved / before, started.elapsed().as_secs_f64());
    let what = format!("{} problems in {took:.0} s: {share:.1} % of their time saved", problems.len());
    Ok(print(format_args!("{what}; remembered for {}", device.info().description))?)
}
