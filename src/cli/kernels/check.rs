//! `warptape kernels check`: kernels in checked mode, in several thread orders.

use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::Launch;
use super::findings::Outcome;
use super::observed::Runner;
use super::subject::{self, Subject};
use crate::check::{Case, Expectation};
use crate::device::checked::Findings;
use crate::device::host::Order;
use crate::device::{Device, Source, Tree};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::launch_plan::Plan;
use crate::op;
use crate::op::workload::{Kernel, Workload, launched, of_case};
use crate::tensor::DType;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Kernels of the tree by name, file or folder (see `kernels list`), or files of your own [default: the whole tree]
    #[arg(value_name = "NAME|FILE.cu")]
    what: Vec<OsString>,
    /// Thread orders to run each kernel in: forward, reverse, then random ones
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Sizes for a kernel of the tree, instead of its examples and the default sizes; `kernels list` names them
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    shape: Vec<usize>,
    /// Type of the tensors for kernels of the tree that take several: f32, f16 or bf16
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = DType::spelled)]
    element: DType,
    /// What runs them: host, or NVRTC's code in software: ptx, ptx:sm_80
    #[arg(long, value_name = "NAME", default_value = "host")]
    device: Runner,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    launch: Launch,
}

/// What is run on a device of each order.
enum Job {
    Workload(Vec<usize>, DType, Workload),
    /// With the rung of a ladder that is forced.
    Case(Expectation, Arc<Case>, Option<(String, u32)>),
    File(Box<Plan>, Box<Source>),
}

impl Job {
    /// Runs it on a fresh device. Returns what it computed wrong, if anything.
    fn run(&self, device: &Device) -> Result<Option<String>> {
        match self {
            Self::Workload(sizes, element, workload) => workload.run(device, sizes, *element).map(|()| None),
            Self::Case(expected, case, rung) => Ok(with(device, rung.as_ref(), || case.verify(device, expected)).err()),
            // SAFETY: in checked mode no access reaches what is not the kernel's.
            Self::File(plan, source) => unsafe { plan.prepare(device, source)?.launch(device) }.map(|()| None),
        }
    }
}

/// What `run` returns with the rung of a ladder forced, if there is one to force.
fn with<T>(device: &Device, rung: Option<&(String, u32)>, run: impl FnOnce() -> T) -> T {
    match rung {
        Some((ladder, rung)) => device.choices().forced(ladder, *rung, run),
        None => run(),
    }
}

pub(super) fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let tree = Tree::of(environment);
    let (mut names, mut jobs) = (Vec::new(), Vec::new());
    for what in &options.what {
        match Subject::of(what, &options.launch, &tree)? {
            Subject::File(plan, source) => jobs.push(Job::File(plan, source)),
            Subject::Tree(name) => names.push(name),
        }
    }
    if jobs.is_empty() && options.launch.is_given() {
        let fix = "name the file: warptape kernels check FILE.cu …";
        return Err(Error::usage(format!("a launch is described, but no file of your own is named; {fix}")).into());
    }
    if names.is_empty() && !jobs.is_empty() && !options.shape.is_empty() {
        return Err(subject::shape_of_a_file().into());
    }
    let mut kernels = jobs.len();
    if jobs.is_empty() || !names.is_empty() {
        let workloads = subject::workloads(&names, &options.shape)?;
        let mut launched = workloads.iter().map(Workload::kernels).collect::<Result<Vec<_>>>()?.concat();
        launched.sort();
        launched.dedup();
        kernels += launched.len();
        if options.shape.is_empty() {
            // Of everything, the cases run with the rungs that ops choose; all others have the tests `ladders::`.
            let named = workloads.iter().filter(|workload| !names.is_empty() || workload.rung().is_none());
            jobs.extend(cases(&named.collect::<Vec<_>>(), &launched, options.element)?);
        }
        let sized = |workload: Workload| Ok(Job::Workload(workload.sizes(&options.shape)?, options.element, workload));
        // First: what does not compile is an error of its own there, and a wrong result among cases.
        jobs = workloads.into_iter().map(sized).chain(jobs.into_iter().map(Ok)).collect::<Result<_>>()?;
    }
    let outcome = all_orders(&jobs, &options.device, &Order::several(options.seeds), environment)?;
    let files = jobs.iter().filter_map(|job| if let Job::File(_, source) = job { Some(&**source) } else { None });
    outcome.print(&files.collect::<Vec<_>>(), &tree, options.json)?;
    outcome.verdict(kernels, options.seeds, options.json)
}

/// The cases, in type `element`, of the workloads' ops that launch any of `kernels`, with the rungs that the workloads force.
fn cases(workloads: &[&Workload], kernels: &[Kernel], element: DType) -> Result<Vec<Job>> {
    let cases: Vec<(&str, Vec<Arc<Case>>)> =
        op::ALL.iter().map(|op| (op.name, (op.cases)().into_iter().map(Arc::new).collect())).collect();
    let mut seen = HashSet::new();
    let mut jobs = Vec::new();
    for workload in workloads.iter().filter(|workload| seen.insert((workload.op, workload.rung()))) {
        let rung = workload.rung().map(|(ladder, rung)| (ladder.to_owned(), rung));
        for case in cases.iter().filter(|(op, _)| *op == workload.op).flat_map(|(_, cases)| cases) {
            let run = of_case(case, element);
            let runs = launched(|device| with(device, rung.as_ref(), || run(device)))?;
            if runs.iter().any(|kernel| kernels.contains(kernel)) {
                jobs.push((case.clone(), rung.clone()));
            }
        }
    }
    Ok(jobs.into_par_iter().map(|(case, rung)| Job::Case(case.expectation(1, element), case, rung)).collect())
}

/// Runs all jobs in each of `orders`, on a device of its own.
fn all_orders(jobs: &[Job], runner: &Runner, orders: &[Order], environment: &Environment) -> Result<Outcome> {
    let bar = ProgressBar::new((jobs.len() * orders.len()) as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} runs checked").expect("a fixed template"));
    let results = orders.par_iter().map(|&order| {
        let findings = Findings::default();
        let device = runner.checked(order, findings.clone(), environment)?;
        let mut wrong = Vec::new();
        for job in jobs {
            wrong.extend(job.run(&device)?);
            bar.inc(1);
        }
        Ok((findings, wrong))
    });
    let results: Result<Vec<_>> = results.collect();
    bar.finish_and_clear();
    let findings = Findings::default();
    let mut wrong: Vec<String> = Vec::new();
    for (found, results) in results? {
        findings.add(found.list());
        wrong.extend(results);
    }
    let mut seen = HashSet::new();
    wrong.retain(|what| seen.insert(what.clone()));
    Ok(Outcome { findings: findings.list(), wrong })
}
