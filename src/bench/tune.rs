//! Which rung is fastest on this machine, problem by problem.

use std::time::Instant;

use super::kernels::limits::Flush;
use super::kernels::problems::Problem;
use super::kernels::{self, Plan};
use super::median;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::Summary;

/// What came of one problem.
pub struct Tuned {
    /// The rung that an op takes by itself, and its median seconds.
    pub default: (u32, f64),
    /// The fastest rung, and its median seconds.
    pub fastest: (u32, f64),
}

/// A rung that takes so many times as long as the fastest so far is not timed again.
const HOPELESS: f64 = 1.5;
/// By how much another rung has to be faster than the default to take its place: a noisy machine changes nothing.
const MARGIN: f64 = 0.97;

/// Times the rungs of `ladder` that can do `problem`, in turns, and verifies each before it counts. As `bench kernels` does
/// it: the caches hold nothing of the problem, and a GPU is at work already when the kernels are queued, so that their own
/// time counts and not the host's for many small ones.
///
/// # Errors
/// A problem that the ladder does not understand; a rung whose result is wrong.
pub fn tune(device: &Device, ladder: &Summary, problem: &Problem, plan: Plan, flush: &Flush) -> Result<Tuned> {
    let job = ladder.job(device, &problem.text)?;
    let choices = device.choices();
    let made = || choices.made_for(ladder.name, &problem.text);
    (job.run)()?;
    let default =
        made().ok_or_else(|| Error::usage(format!("'{}' is not how {} writes it", problem.text, ladder.name)))?;
    // From the last rung down: the fast ones are met first, and the slow ones are not run more often than needed.
    let mut rungs: Vec<u32> = ladder.numbers().filter(|&rung| rung != default).collect();
    rungs.push(default);
    rungs.reverse();
    let run = |rung: u32| -> Result<f64> {
        flush.queue()?;
        choices.forced(ladder.name, rung, || device.seconds(|| (job.run)().map(drop)))
    };
    let mut timed: Vec<(u32, Vec<f64>)> = Vec::new();
    for rung in rungs {
        choices.take_rounding();
        let result = choices.forced(ladder.name, rung, &job.run)?;
        let rounding = choices.take_rounding();
        if made() != Some(rung) {
            continue; // it cannot do this problem
        }
        if let Some(what) = kernels::verify::compare(&job, &result, rounding, "before")? {
            return Err(Error::Training(format!("{}:{rung} on {}: wrong: {what}", ladder.name, problem.text)));
        }
        drop(result);
        let seconds = run(rung)?;
        let best = timed.iter().map(|(_, seconds)| seconds[0]).fold(f64::MAX, f64::min);
        if seconds <= HOPELESS * best {
            timed.push((rung, vec![seconds]));
        }
    }
    let started = Instant::now();
    for _ in 1..plan.runs {
        if started.elapsed().as_secs_f64() > plan.seconds {
            break;
        }
        for (rung, seconds) in &mut timed {
            seconds.push(run(*rung)?);
        }
    }
    let medians: Vec<(u32, f64)> = timed.iter().map(|(rung, seconds)| (*rung, median(seconds))).collect();
    let default = medians[0];
    let fastest = medians.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(default);
    let fastest = if fastest.1 < MARGIN * default.1 { fastest } else { default };
    Ok(Tuned { default, fastest })
}
