//! `warptape bench kernels`.

use std::path::PathBuf;

use crate::bench::kernels::limits::Limits;
use crate::bench::kernels::problems::{HOST_BATCH, NETWORKS, Problem, of_networks, products};
use crate::bench::kernels::{Plan, Row, measure, wrong};
use crate::bench::pytorch::{Python, Worker};
use crate::bench::results::Results;
use crate::bench::usual_batch;
use crate::bench::vendor::Vendor;
use crate::bench::{output, tables};
use crate::cli::print;
use crate::device::Target;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::launch::ladder::{Summary, text as called, typed};
use crate::tensor::DType;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Ladders, such as conv2d_forward [default: all]
    ladders: Vec<String>,
    /// Device: auto, host, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Networks whose problems are measured [default: little-conv, vgg16_bn, resnet18, resnet34, airbench94]
    #[arg(long, value_delimiter = ',', value_name = "NAME", conflicts_with = "problem")]
    models: Vec<String>,
    /// Images in a batch [default: on a GPU 128, for ResNets 64, for airbench94 2000; on a CPU 8]
    #[arg(long, conflicts_with = "problem")]
    batch: Option<usize>,
    /// Type of the tensors: f32, f16 or bf16; libraries and PyTorch are measured in f32 alone
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = DType::spelled)]
    element: DType,
    /// One problem of one ladder alone, as the results write it: 'NN m1024 n1024 k1024'
    #[arg(long, value_name = "TEXT")]
    problem: Option<String>,
    /// Timed runs of a kernel on a problem at the most; the median counts
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// No more runs of a kernel on a problem once they have taken so long together, seconds; one there always is
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// A Python with PyTorch: measures that, too, in turns with our own runs
    #[arg(long, value_name = "PYTHON")]
    pytorch: Option<PathBuf>,
    /// Write kernels-CARD.json, .csv and a picture of each ladder into a folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Keep what that folder holds of this commit on this device already, and measure the rest
    #[arg(long, requires = "out")]
    r#continue: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

pub(super) fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    super::check_runs(options.runs, options.seconds)?;
    let ladders = ladders(&options)?;
    let device = crate::cli::open(&options.device, environment)?;
    let problems = problems(&options, &ladders, device.target())?;
    let python = options.pytorch.as_deref().map(|program| Python::new(program, &device.info().name)).transpose()?;
    let mut results = Results::<Row>::new("kernels", &device)?;
    if let Some(folder) = options.out.as_deref().filter(|_| options.r#continue) {
        results.go_on(&output::json_file(&results, folder))?;
    }
    let mut worker = python.map(|python| python.start("kernels.py", &[])).transpose()?;
    if let Some(Ok(worker)) = &worker {
        results.versions.extend(worker.ready.versions.clone());
    }
    let theirs = worker.as_ref().and_then(|worker| worker.as_ref().ok()).map(|worker| worker.ready.libraries.clone());
    let vendor = Vendor::open(&device, &theirs.unwrap_or_default());
    results.versions.extend(vendor.versions());
    let mut limits = Limits::new(&device)?;
    let runs =
        format!("median of at most {}, no more after {} s, in turns, caches emptied", options.runs, options.seconds);
    let pytorch = match &worker {
        Some(Ok(_)) => "eager, the faster of both memory formats".to_owned(),
        Some(Err(reason)) => format!("not measured: {reason}"),
        None => "not measured: no --pytorch".to_owned(),
    };
    let settings = [
        ("precision", "f32 where a problem names no other type; no TF32 anywhere".to_owned()),
        ("runs", runs),
        ("PyTorch", pytorch),
    ];
    results.settings.extend(settings.map(|(name, text)| (name.to_owned(), text)));
    let plan = Plan { runs: options.runs, seconds: options.seconds };
    let known = |row: &Row, problem: &Problem| row.ladder == problem.ladder && row.problem == problem.text;
    for problem in &problems {
        if results.rows.iter().any(|row| known(row, problem)) {
            continue;
        }
        let ladder = ladders.iter().find(|ladder| ladder.name == problem.ladder).expect("problems are of the ladders");
        if !options.json && !options.csv {
            let name = &device.info().name;
            print(format_args!("measuring {} on {}, {name}", problem.ladder, problem.text))?;
        }
        let python = worker.as_mut().and_then(|worker| worker.as_mut().ok());
        let python: Option<&mut Worker> = python;
        results.rows.push(measure(&device, ladder, problem, plan, &mut limits, &vendor, python)?);
        // As the last of them has it: a bad moment's ceiling is measured again.
        results.settings.extend(tables::kernels::ceilings(&limits.ceilings));
        // What is there by now is not lost with what comes.
        options.out.as_deref().map_or(Ok(()), |folder| output::write(&results, folder))?;
    }
    options.out.as_deref().map_or(Ok(()), |folder| output::pictures(&results, &limits.ceilings, folder))?;
    match (options.json, options.csv) {
        (true, _) => print(results.json().trim_end())?,
        (_, true) => print(output::csv(&results).trim_end())?,
        _ => print(tables::kernels::text(&results).trim_end())?,
    }
    let contenders = results.rows.iter().flat_map(|row| row.contenders.iter().map(move |one| (row, one)));
    let faults: Vec<String> = contenders
        .filter_map(|(row, one)| {
            wrong(&one.outcome).map(|what| format!("{} {} on {}: {what}", row.ladder, one.name, row.problem))
        })
        .collect();
    match &faults[..] {
        [] => Ok(()),
        [only] => Err(Error::Training(only.clone()).into()),
        [first, rest @ ..] => Err(Error::Training(format!("{first}; and {} more", rest.len())).into()),
    }
}

fn ladders(options: &Options) -> Result<Vec<Summary>> {
    let all = crate::op::ladders();
    let named = |name: &String| Summary::find(&all, name).map_err(Error::usage);
    if options.ladders.is_empty() { Ok(all.clone()) } else { options.ladders.iter().map(named).collect() }
}

fn problems(options: &Options, ladders: &[Summary], target: Target) -> Result<Vec<Problem>> {
    if let Some(text) = &options.problem {
        let [ladder] = ladders else {
            return Err(Error::usage("--problem is of one ladder: name it, as in `bench kernels matmul_forward`"));
        };
        // A problem of the results names its type.
        let text = if typed(text).0 == text { called(text, options.element) } else { text.clone() };
        return Ok(vec![Problem { ladder: ladder.name.into(), text, networks: Vec::new() }]);
    }
    let usual = |network: &str| if target == Target::Cuda { usual_batch(network) } else { HOST_BATCH };
    let networks = super::batches(&options.models, &NETWORKS, options.batch, usual)?;
    let mut problems = of_networks(target, ladders, &networks, options.element)?;
    problems.extend(products(target, ladders, options.element).into_iter().filter(|_| options.models.is_empty()));
    problems.sort_by_key(|problem| ladders.iter().position(|ladder| ladder.name == problem.ladder));
    Ok(problems)
}
