//! Which rung is fastest on this machine, problem by problem.

use std::time::Instant;

use super::kernels::problems::Problem;
use super::kernels::{self, Plan};
use super::median;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::op::ladder::Summary;

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

/// Times the rungs of `ladder` that can do `problem`, in turns, and verifies each before it counts.
///
/// # Errors
/// A problem that the ladder does not understand; a rung whose result is wrong.
pub fn tune(device: &Device, ladder: &Summary, problem: &Problem, plan: Plan) -> Result<Tuned> {
    let found = time(device, ladder, problem, plan);
    device.choices().force(ladder.name, None);
    found
}

fn time(device: &Device, ladder: &Summary, problem: &Problem, plan: Plan) -> Result<Tuned> {
    let job = (ladder.job)(device, &problem.text)?;
    (job.run)()?;
    let made = || device.choices().made().get(ladder.name).and_then(|all| all.get(&problem.text)).copied();
    let default =
        made().ok_or_else(|| Error::usage(format!("'{}' is not how {} writes it", problem.text, ladder.name)))?;
    // From the last rung down: the fast ones are met first, and the slow ones are not run more often than needed.
    let mut rungs: Vec<u32> = ladder.numbers().filter(|&rung| rung != default).collect();
    rungs.reverse();
    rungs.insert(0, default);
    let mut timed: Vec<(u32, Vec<f64>)> = Vec::new();
    let run = |rung: u32| -> Result<f64> {
        device.choices().force(ladder.name, Some(rung));
        device.synchronize()?;
        let started = Instant::now();
        (job.run)()?;
        device.synchronize()?;
        Ok(started.elapsed().as_secs_f64())
    };
    let best = |timed: &[(u32, Vec<f64>)]| timed.iter().map(|(_, seconds)| median(seconds)).fold(f64::MAX, f64::min);
    for rung in rungs {
        device.choices().force(ladder.name, Some(rung));
        device.choices().take_rounding();
        let result = (job.run)()?;
        let rounding = device.choices().take_rounding();
        if made() != Some(rung) {
            continue; // it cannot do this problem
        }
        if let Some(what) = kernels::verify::compare(&job, &result, rounding, "before")? {
            return Err(Error::Training(format!("{}:{rung} on {}: {what}", ladder.name, problem.text)));
        }
        drop(result);
        let seconds = run(rung)?;
        if seconds <= HOPELESS * best(&timed) {
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
