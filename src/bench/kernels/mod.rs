//! Kernels one by one: every rung of every ladder on the problems that networks pose, beside the vendor's library and
//! PyTorch, as shares of what the device can do.

pub mod limits;
mod outcome;
pub mod problems;
pub mod sources;
pub mod trial;
pub(super) mod verify;

use serde::{Deserialize, Serialize};

use super::median;
use super::pytorch::Worker;
use super::vendor::{Run, Vendor};
use crate::check::tolerance;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::{Job, Summary, stem, typed};
use crate::tensor::{DType, Tensor};
use limits::Limits;
use outcome::missing;
pub use outcome::{Fault, Outcome, wrong};
use problems::Problem;

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Timed runs of each kernel at the most.
    pub runs: usize,
    /// No more runs once those of a kernel have taken so long together, seconds.
    pub seconds: f64,
}

/// A problem, and everyone's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The ladder's name: `conv2d_forward`.
    pub ladder: String,
    /// The problem as its ladder writes it.
    pub problem: String,
    /// The networks in which it comes up.
    pub networks: Vec<String>,
    /// Operations by the definition of the result, whatever a kernel makes of it.
    pub flops: f64,
    /// Bytes of inputs and results: the least that has to move.
    pub bytes: f64,
    /// The rungs from below, then others.
    pub contenders: Vec<Contender>,
}

/// A kernel, or a library's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// A rung's file name, `5_vectorized`; a name of [`super::vendor`]; `PyTorch`.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Who takes turns.
enum Runner<'a> {
    Rung(u32),
    Library(Run),
    /// With the error that it is allowed where no element is above 1.
    PyTorch {
        worker: &'a mut Worker,
        allowed: f64,
    },
    Absent,
}

/// A runner with its times; or with what came of it, if it is out.
struct Entrant<'a> {
    name: String,
    runner: Runner<'a>,
    /// Rounding errors that it is allowed, beside those of a plain sum.
    rounding: f64,
    /// Whether it may be Winograd's, which makes more of its operations than there are.
    winograd: bool,
    /// The last result, to be verified in the end.
    result: Option<Tensor>,
    seconds: Vec<f64>,
    out: Option<Outcome>,
}

/// Measures all rungs of `ladder` on `problem`, the vendor's kernel if there is one for it, and PyTorch's. All are warm
/// before the first run, the caches hold nothing of the problem, and results are verified before and after. Others are
/// measured in f32 alone.
///
/// # Errors
/// A problem that the ladder does not understand or that is too large for the device. What goes wrong with one kernel
/// is its [`Outcome::Missing`]; see [`wrong`].
pub fn measure(
    device: &Device,
    ladder: &Summary,
    problem: &Problem,
    plan: Plan,
    limits: &mut Limits,
    vendor: &Vendor,
    python: Option<&mut Worker>,
) -> Result<Row> {
    let text = &problem.text;
    let job = ladder.job(device, text)?;
    let mut entrants: Vec<Entrant> =
        ladder.files.iter().zip(ladder.numbers()).map(|(file, rung)| entrant(stem(file), Runner::Rung(rung))).collect();
    warm(&mut entrants, device, ladder.name, text, &job, limits)?;
    // Others are held to what we are: to a plain sum's rounding, or Winograd's where that is among our rungs.
    let able = entrants.iter().filter(|entrant| entrant.out.is_none());
    let rounding = able.map(|entrant| entrant.rounding).fold(1.0, f64::max);
    let mut others: Vec<Entrant> = Vec::new();
    let ours_alone = typed(text).1 != DType::F32;
    let not_measured = || Some(missing("measured in f32 alone"));
    others.extend(vendor.job(device, ladder.name, text).map(|(name, made)| {
        if ours_alone {
            return Entrant { out: not_measured(), ..entrant(name, Runner::Absent) };
        }
        let chosen = made.and_then(|ways| chosen(ways, device, &job, rounding, limits));
        match chosen {
            Ok(run) => Entrant { rounding, winograd: true, ..entrant(name, Runner::Library(run)) },
            Err(reason) => Entrant { out: Some(missing(reason)), ..entrant(name, Runner::Absent) },
        }
    }));
    let allowed = rounding * tolerance(job.terms, 1.0);
    others.extend(python.map(|worker| match ours_alone {
        true => Entrant { out: not_measured(), ..entrant("PyTorch", Runner::Absent) },
        false => Entrant { winograd: true, ..entrant("PyTorch", Runner::PyTorch { worker, allowed }) },
    }));
    warm(&mut others, device, ladder.name, text, &job, limits)?;
    entrants.extend(others);
    for _ in 0..plan.runs {
        for entrant in &mut entrants {
            if entrant.out.is_none() && entrant.seconds.iter().sum::<f64>() <= plan.seconds {
                entrant.turn(device, ladder.name, text, &job, limits)?;
            }
        }
    }
    let mut contenders = Vec::new();
    for mut entrant in entrants {
        entrant.verify(&job, "after")?;
        contenders.push(entrant.finish(device, &job, limits)?);
    }
    let (ladder, networks) = (ladder.name.to_owned(), problem.networks.clone());
    Ok(Row { ladder, problem: text.clone(), networks, flops: job.flops, bytes: job.bytes, contenders })
}

/// Compiles, allocates, shows whether each can do the problem at all.
fn warm(
    entrants: &mut [Entrant],
    device: &Device,
    ladder: &str,
    problem: &str,
    job: &Job,
    limits: &mut Limits,
) -> Result<()> {
    for entrant in entrants {
        entrant.turn(device, ladder, problem, job, limits)?;
        entrant.seconds.clear();
        entrant.verify(job, "before")?;
    }
    Ok(())
}

/// Of a library's ways the fastest that is as exact as ours are. What its documentation promises does not count: TF32 has
/// errors some twenty times as large as those that are allowed.
fn chosen(ways: Vec<Run>, device: &Device, job: &Job, rounding: f64, limits: &Limits) -> Result<Run, String> {
    let line = |error: Error| first_line(&error);
    let exact = |run: &Run| {
        let result = run().map_err(line)?;
        let what = verify::compare(job, &result, rounding, "before").map_err(line)?;
        what.map_or(Ok(()), Err)
    };
    let seconds = |run: &Run| {
        limits.flush.queue().map_err(line)?;
        device.seconds(|| run().map(drop)).map_err(line)
    };
    trial::fastest(ways, exact, seconds)
}

/// What a table has room for of an error.
fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

fn entrant<'a>(name: &str, runner: Runner<'a>) -> Entrant<'a> {
    Entrant { name: name.into(), runner, rounding: 1.0, winograd: false, result: None, seconds: Vec::new(), out: None }
}

impl Entrant<'_> {
    /// One run on cold caches, timed.
    fn turn(&mut self, device: &Device, ladder: &str, problem: &str, job: &Job, limits: &Limits) -> Result<()> {
        if self.out.is_some() {
            return Ok(());
        }
        // Given back first: it is what the next result takes its memory from.
        self.result = None;
        let result = &mut self.result;
        let seconds = match &mut self.runner {
            Runner::Rung(rung) => {
                let choices = device.choices();
                choices.take_rounding();
                limits.flush.queue()?;
                let run = || (job.run)().map(|tensor| *result = Some(tensor));
                let seconds = choices.forced(ladder, *rung, || device.seconds(run));
                self.rounding = choices.take_rounding();
                self.winograd = self.rounding > 1.0;
                if choices.made_for(ladder, problem) == Some(*rung) {
                    seconds.map_err(|error| Fault::Fails.outcome(&first_line(&error)))
                } else {
                    // Another rung took its place.
                    *result = None;
                    Err(missing("cannot do this problem"))
                }
            }
            Runner::Library(run) => {
                limits.flush.queue()?;
                device
                    .seconds(|| run().map(|tensor| *result = Some(tensor)))
                    .map_err(|error| missing(first_line(&error)))
            }
            Runner::PyTorch { worker, allowed } => worker.solve(ladder, problem, *allowed)?.map_err(missing),
            Runner::Absent => Err(missing("absent")),
        };
        match seconds {
            Ok(seconds) => self.seconds.push(seconds),
            Err(outcome) => self.out = Some(outcome),
        }
        Ok(())
    }

    fn verify(&mut self, job: &Job, when: &str) -> Result<()> {
        if let (None, Some(result)) = (&self.out, &self.result) {
            let what = verify::compare(job, result, self.rounding, when)?;
            self.out = what.map(|what| Fault::Wrong.outcome(&what));
        }
        Ok(())
    }

    fn finish(self, device: &Device, job: &Job, limits: &mut Limits) -> Result<Contender> {
        if let Some(outcome) = self.out {
            return Ok(Contender { name: self.name, outcome });
        }
        let seconds = median(&self.seconds);
        let outcome = match limits.impossible(device, job, seconds, self.winograd)? {
            Some(what) => Fault::Wrong.outcome(&what),
            None => Outcome::Measured {
                milliseconds: seconds * 1e3,
                gflops: job.flops / seconds / 1e9,
                gigabytes_per_second: job.bytes / seconds / 1e9,
                of_ceiling: limits.least_seconds(job) / seconds,
                runs: self.seconds.iter().map(|seconds| seconds * 1e3).collect(),
            },
        };
        Ok(Contender { name: self.name, outcome })
    }
}
