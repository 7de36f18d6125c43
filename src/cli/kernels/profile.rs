//! `warptape kernels profile`: what kernels ask of the memory and compute, and what that means on a named GPU.

use std::path::{Path, PathBuf};

use super::observed::Runner;
use super::subject::{self, Subject};
use crate::device::cuda::nvrtc::Nvrtc;
use crate::device::dry::Dry;
use crate::device::profiled::{Profile, Profiles};
use crate::device::{Device, Source, Tree};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::launch::ladder::Summary;
use crate::op;
use crate::op::workload::Workload;
use crate::profile::report::Report;
use crate::profile::{Gpu, picture};

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    #[command(flatten)]
    subject: subject::Options,
    /// The GPU to judge by: H200, H100, A100, RTX 4090, L4 or T4
    #[arg(long, value_name = "NAME", default_value = "H200")]
    gpu: String,
    /// What runs them: host, or NVRTC's code in software (ptx, ptx:sm_80), which counts what that compiler made, beside the source
    #[arg(long, value_name = "NAME", default_value = "host")]
    device: Runner,
    /// Print JSON, with every place of the source
    #[arg(long)]
    json: bool,
    /// Write a picture of the GPU's roofline with the kernels in it
    #[arg(long, value_name = "FILE.png|FILE.svg")]
    picture: Option<PathBuf>,
}

/// What ran, and the files of the user's own.
pub(super) struct Profiled {
    pub(super) profiles: Vec<Profile>,
    tree: Tree,
    own: Option<Source>,
}

impl Profiled {
    /// The text that a kernel was compiled from.
    pub(super) fn source(&self, profile: &Profile) -> Result<Source> {
        match &self.own {
            Some(source) => Ok(source.clone()),
            None => self.tree.load(&profile.file, &profile.defines),
        }
    }
}

/// Runs what `options` name in profiled mode.
pub(super) fn profiled(options: &subject::Options, runner: &Runner, environment: &Environment) -> Result<Profiled> {
    let (profiles, tree) = (Profiles::default(), Tree::of(environment));
    let device = runner.profiled(profiles.clone(), environment)?;
    let name = match options.subject(&tree)? {
        Subject::File(plan, source) => {
            // SAFETY: a stray access ends the launch before it is made.
            unsafe { plan.prepare(&device, &source)?.launch(&device)? };
            return Ok(Profiled { profiles: profiles.list(), tree, own: Some(*source) });
        }
        Subject::Tree(name) => name,
    };
    for workload in subject::workloads(std::slice::from_ref(&name), &options.shape)? {
        match workload.rung() {
            Some(rung) => alone(&workload, rung, &device, options, &profiles)?,
            None => workload.run(&device, &options.shape, options.element)?,
        }
    }
    let mut found = profiles.list();
    // A function or a file means these alone, of what the workload launches.
    let meant = |profile: &Profile| {
        profile.kernel == name || profile.file == name || profile.file.starts_with(&format!("{name}/"))
    };
    if found.iter().any(meant) {
        found.retain(meant);
    }
    Ok(Profiled { profiles: found, tree, own: None })
}

/// Launches what a rung does of what `workload` does, on the problems that it poses.
fn alone(
    workload: &Workload,
    (ladder, rung): (&str, u32),
    device: &Device,
    options: &subject::Options,
    profiles: &Profiles,
) -> Result<()> {
    let dry = Device::new(Box::new(Dry::as_if(device.info().clone(), device.environment().clone())));
    workload.run(&dry, &options.shape, options.element)?;
    let posed = dry.choices().made().remove(ladder).unwrap_or_default();
    let ladder = Summary::find(&op::ladders(), ladder).map_err(Error::usage)?;
    for problem in posed.keys().filter(|problem| dry.choices().made_for(ladder.name, problem) == Some(rung)) {
        let job = profiles.without(|| ladder.job(device, problem))?;
        device.choices().forced(ladder.name, rung, &job.run)?;
    }
    Ok(())
}

pub(super) fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let gpu = Gpu::find(&options.gpu)?;
    let form = options.picture.as_deref().map(form).transpose()?;
    let ran = profiled(&options.subject, &options.device, environment)?;
    let sources = sources(&options, environment);
    let nvrtc = Nvrtc::find(environment).map_err(|e| e.to_string());
    let reports = ran.profiles.iter().map(|profile| {
        let source = ran.source(profile)?;
        let usage = nvrtc.as_ref().map_err(Clone::clone).and_then(|nvrtc| {
            let (usages, _) = nvrtc.resources(&source, gpu.sm.arch).map_err(|e| e.to_string())?;
            let found = usages.into_iter().find(|usage| usage.function == profile.kernel);
            found.ok_or_else(|| "NVRTC does not name the kernel".into())
        });
        let source = sources.as_ref().map(|sources| of_source(sources, profile));
        Ok(Report { profile, gpu, usage, source })
    });
    let reports = reports.collect::<Result<Vec<_>>>()?;
    if options.json {
        crate::cli::print(format_args!("{:#}", reports.iter().map(Report::json).collect::<serde_json::Value>()))?;
    } else {
        reports.iter().try_for_each(crate::cli::print)?;
    }
    if let (Some(path), Some(form)) = (&options.picture, form) {
        let points: Vec<_> = reports.iter().filter_map(Report::point).collect();
        let bytes = match form {
            Form::Png => picture::png(gpu, &points)?,
            Form::Svg => picture::svg(gpu, &points)?.into_bytes(),
        };
        std::fs::write(path, bytes).map_err(|e| Error::file(path, e))?;
    }
    Ok(())
}

/// The same launches as the source asks for them, which the host counts, if what runs is what a compiler made.
fn sources(options: &Options, environment: &Environment) -> Option<Result<Vec<Profile>, String>> {
    let made = options.device != Runner::Host;
    made.then(|| {
        profiled(&options.subject, &Runner::Host, environment).map(|ran| ran.profiles).map_err(|e| e.to_string())
    })
}

/// The one of them that is of the same kernel as `made`.
fn of_source(sources: &Result<Vec<Profile>, String>, made: &Profile) -> Result<Profile, String> {
    let all = sources.as_ref().map_err(Clone::clone)?;
    let found = all.iter().find(|source| source.kernel == made.kernel && source.defines == made.defines);
    found.cloned().ok_or_else(|| "the host launches other kernels".into())
}

enum Form {
    Png,
    Svg,
}

fn form(path: &Path) -> Result<Form> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => Ok(Form::Png),
        Some("svg") => Ok(Form::Svg),
        _ => Err(Error::usage(format!("--picture {}: name a .png or an .svg file", path.display()))),
    }
}
