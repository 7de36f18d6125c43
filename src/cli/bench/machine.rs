//! `warptape bench machine`.

use crate::bench::machine::{PROBLEMS, Row, measure};
use crate::cli::print;
use crate::device::host::cpu;
use crate::environment::Environment;
use crate::error::Error;
use crate::launch::ladder::Summary;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Device: ptx, ptx:sm_80
    #[arg(long, default_value = "ptx")]
    device: String,
    /// Runs of each kernel; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    super::check_runs(options.runs, 0.0)?;
    let device = crate::cli::open(&options.device, environment)?;
    let ladders = crate::op::ladders();
    let mut rows: Vec<Row> = Vec::new();
    for (name, problem) in PROBLEMS {
        let ladder = Summary::find(&ladders, name).map_err(Error::usage)?;
        rows.extend(measure(&device, &ladder, problem, options.runs)?);
    }
    if options.json {
        return Ok(print(&serde_json::to_string_pretty(&rows)?)?);
    }
    let mut text = format!("{} on {}\n", device.info().name, cpu::describe());
    for row in &rows {
        let (name, millions) = (format!("{}:{}", row.ladder, row.rung), row.instructions as f64 / 1e6);
        text += &format!("{name:<36}{millions:9.2} M warp instructions {:8.1} M a CPU-second\n", row.speed());
    }
    let (all, seconds) =
        rows.iter().fold((0, 0.0), |(all, seconds), row| (all + row.instructions, seconds + row.seconds));
    text += &format!("all of them {:54.1} M a CPU-second", all as f64 / seconds / 1e6);
    Ok(print(&text)?)
}
