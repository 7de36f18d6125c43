//! `warptape doctor`: what is there to compute with, and how to get what is not.

use super::settings::as_options;
use crate::device::checked::{Finding, Findings};
use crate::device::cuda::fit::Machine;
use crate::device::cuda::locate::{self, NVRTC};
use crate::device::cuda::{self, nvrtc::Nvrtc};
use crate::device::disk_cache::Cache;
use crate::device::host::{Host, Mode};
use crate::device::{Defines, Device, Function, Geometry, Source, host};
use crate::environment::Environment;
use crate::error::Error;
use crate::tensor::{DType, Tensor};

/// One thing that was looked for.
#[derive(Clone, Debug)]
pub struct Line {
    /// What: `NVRTC`, `C++ compiler`.
    pub what: &'static str,
    /// What was found and where, or how to get it.
    pub found: String,
    /// False if it is missing. Nothing is an error here: a machine without a GPU trains on its CPU.
    pub ok: bool,
}

impl Line {
    fn new(what: &'static str, found: Result<String, String>) -> Self {
        let ok = found.is_ok();
        Self { what, found: found.unwrap_or_else(|missing| missing), ok }
    }
}

/// Looks at everything that warptape uses of this machine.
pub fn report(environment: &Environment) -> Vec<Line> {
    let mut lines = vec![Line::new("NVIDIA driver", driver())];
    if lines[0].ok {
        lines.extend(gpus());
    }
    lines.push(Line::new("NVRTC", nvrtc(environment)));
    lines.push(Line::new("GPU in software", ptx(environment)));
    lines.push(Line::new("C++ compiler", compiler(environment)));
    lines.push(Line::new("checked mode", checked(environment)));
    lines.push(Line::new("kernel cache", cache(environment)));
    lines.push(Line::new("CPU", Ok(host::cpu::describe())));
    lines
}

/// The lines as an aligned table.
pub fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.what.len()).max().unwrap_or(0);
    let row = |line: &Line| format!("{}  {:<width$}  {}", if line.ok { "ok" } else { "--" }, line.what, line.found);
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// The sentence of an error without the device's name before it.
fn sentence(error: Error) -> String {
    as_options(&match error {
        Error::Device { what, .. } => what,
        other => other.to_string(),
    })
}

fn driver() -> Result<String, String> {
    let (major, minor) = cuda::version().map_err(sentence)?;
    // The kernel module tells the version that NVIDIA's download page counts in.
    let module = std::fs::read_to_string("/sys/module/nvidia/version").unwrap_or_default();
    let module = if module.is_empty() { String::new() } else { format!("{}, ", module.trim()) };
    Ok(format!("{module}for CUDA up to {major}.{minor}"))
}

fn gpus() -> Vec<Line> {
    let describe = |gpu: cuda::Gpu| {
        let (major, minor) = gpu.capability;
        let gib = gpu.memory as f64 / f64::from(1 << 30);
        let (ordinal, name, units) = (gpu.ordinal, gpu.name, gpu.units);
        format!("cuda:{ordinal} {name}, sm_{major}{minor}, {units} multiprocessors, {gib:.0} GiB")
    };
    match cuda::gpus() {
        Ok(gpus) => gpus.into_iter().map(|gpu| Line::new("GPU", Ok(describe(gpu)))).collect(),
        Err(error) => vec![Line::new("GPU", Err(sentence(error)))],
    }
}

/// The NVRTC that the first GPU would be served by; where there is none, the newest.
fn nvrtc(environment: &Environment) -> Result<String, String> {
    let machine =
        || Some(Machine { driver: cuda::version().ok()?, capability: cuda::gpus().ok()?.first()?.capability });
    let found = match machine() {
        Some(machine) => Nvrtc::find_for(environment, machine).map(|found| found.0),
        None => Nvrtc::find(environment),
    };
    let nvrtc = found.map_err(sentence)?;
    let ((major, minor), archs) = (nvrtc.version(), nvrtc.supported_archs());
    let (first, last) = (archs.first().unwrap_or(&0), archs.last().unwrap_or(&0));
    let headers = if nvrtc.brings_headers() { "" } else { " (without CUDA's headers, which 13.3 and newer bring)" };
    let others = match nvrtc.passed_over() {
        [] => String::new(),
        others => format!("; of no use on this machine: {}", others.join(", ")),
    };
    let place = locate::place(&NVRTC, environment, nvrtc.path());
    let path = format!("{} ({})", nvrtc.path().display(), place.unwrap_or("where the loader looks"));
    Ok(format!("{major}.{minor}{headers}, compiles for sm_{first} to sm_{last}, {path}{others}"))
}

/// Whether PTX can be made and run.
fn ptx(environment: &Environment) -> Result<String, String> {
    let device = Device::untuned("ptx", environment).map_err(sentence)?;
    Ok(format!("--device ptx runs what NVRTC makes for {}, without a GPU", device.info().arch))
}

fn compiler(environment: &Environment) -> Result<String, String> {
    let found = host::toolchain::find(environment).map_err(|e| e.to_string())?;
    let (command, vectors) = (found.command.join(" "), found.vectors.name());
    Ok(format!("{}, {command}, compiles for {vectors}, tiles of {} floats", found.version, found.lanes))
}

/// Looks for the race of a small kernel that has one.
fn checked(environment: &Environment) -> Result<String, String> {
    let text = "extern \"C\" __global__ void race(int* last) { *last = threadIdx.x; }";
    let found = || -> crate::Result<Vec<Finding>> {
        let findings = Findings::default();
        let environment = environment.clone();
        let options =
            host::Options { mode: Mode::Checked, findings: Some(findings.clone()), environment, ..Default::default() };
        let device = Device::new(Box::new(Host::new(options)));
        // SAFETY: the text above initialises nothing.
        let module = unsafe { device.compile(&Source::from_text("race.cu", text, &Defines::new())?)? };
        let last = Tensor::zeros(&device, [1], DType::I32)?;
        // SAFETY: the kernel above writes one int.
        unsafe { device.launch(&Function::of(&module, "race")?, Geometry::linear(1, 32), &[last.arg()])? };
        Ok(findings.list())
    };
    match found() {
        Ok(findings) if findings.is_empty() => Err("misses a race that is there: report this".into()),
        Ok(_) => Ok("finds races without a GPU: warptape kernels check".into()),
        Err(error) => Err(sentence(error).lines().next().unwrap_or_default().into()),
    }
}

fn cache(environment: &Environment) -> Result<String, String> {
    let cache = Cache::of(environment);
    let folder = &cache.folder().map_err(sentence)?;
    let writable = tempfile::tempfile_in(folder);
    let shown = folder.display();
    writable.map_err(|e| {
        format!("{shown} cannot be written to ({}): set WARPTAPE_CACHE to a folder that can", crate::error::plain(e))
    })?;
    if cache.is_private() {
        return Ok(format!(
            "{shown}, for this process alone, which removes it: set WARPTAPE_CACHE, or HOME, to keep kernels"
        ));
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes: Vec<u64> = entries.filter_map(|e| e.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).collect();
    let mib = sizes.iter().sum::<u64>() as f64 / f64::from(1 << 20);
    Ok(format!("{shown}, {} files, {mib:.1} MiB", sizes.len()))
}

/// What a machine may be asked to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Need {
    /// A driver, a GPU and an NVRTC for both.
    Cuda,
    /// A C++ compiler.
    Host,
}

/// What `report` lacks of `need`, in one line; nothing if all is there.
pub fn lacks(lines: &[Line], need: Need) -> Option<String> {
    let wanted: &[&str] = match need {
        Need::Cuda => &["NVIDIA driver", "GPU", "NVRTC"],
        Need::Host => &["C++ compiler"],
    };
    let missing = lines.iter().filter(|line| !line.ok && wanted.contains(&line.what));
    let named: Vec<String> = missing.map(|line| format!("{}: {}", line.what, line.found)).collect();
    (!named.is_empty()).then(|| named.join("; "))
}

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Fail unless everything is there that this device needs
    #[arg(long, value_name = "DEVICE")]
    require: Option<Need>,
}

/// Prints the report. Informs, so it fails only where something is required that is not there.
pub(super) fn run(options: &Options, environment: &Environment) -> anyhow::Result<()> {
    let lines = report(environment);
    super::print(table(&lines))?;
    match options.require.and_then(|need| lacks(&lines, need)) {
        Some(what) => Err(anyhow::anyhow!("{what}")),
        None => Ok(()),
    }
}
