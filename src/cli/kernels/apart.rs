//! A user's kernel on the host device, in a process of its own: what it does wrong ends that one, and this one tells.
//!
//! It runs twice, with the fence behind each buffer and then before it (see [`Fence`]); the second process shows the result.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use clap::ValueEnum;

use crate::device::disk_cache::{self, Cache};
use crate::device::host::faults::{self, Fault, Launch, Region};
use crate::device::host::fence::Fence;
use crate::device::host::{Host, Mode, Options as HostOptions};
use crate::device::{Device, Source};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::launch_plan::{Plan, Prepared};

/// What stands at the end of the report of a process that came to its own end.
const ENDED: &[u8] = b"ended";

/// What the process is told that a kernel runs in.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// The side of buffers that the fence stands on
    #[arg(long, hide = true, requires = "report")]
    fence: Option<Side>,
    /// The file to write to what was launched, and how it ended
    #[arg(long, hide = true, requires = "fence")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Start,
    End,
}

/// Runs this process's command in others. Returns the exit code that one of them ended with, having said why, or 0.
///
/// # Errors
/// What the kernel did wrong.
pub(super) fn run(file: &str, environment: &Environment) -> Result<i32> {
    for side in ["end", "start"] {
        let failed = |e: std::io::Error| Error::device("host", format!("a process for the kernel: {}", e));
        let mut report = tempfile::NamedTempFile::new().map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
        // After `kernels run`: at the end they could stand behind a `--`.
        args.splice(2..2, ["--fence".into(), side.into(), "--report".into(), report.path().into()]);
        command.args(args);
        // The lines of its code are looked up after its end, so a cache for one process alone has to be this one's.
        command.env(disk_cache::VARIABLE, Cache::of(environment).folder()?);
        if side == "end" {
            // What the kernel prints is printed by the second run.
            command.stdout(Stdio::null());
        }
        let status = command.status().map_err(failed)?;
        let mut text = Vec::new();
        report.rewind().and_then(|()| report.read_to_end(&mut text)).map_err(failed)?;
        match verdict(file, status, &text, side == "start") {
            Ok(0) => {}
            other => return other,
        }
    }
    Ok(0)
}

/// What a process's end means. A kernel that wants its buffers aligned is no mistake where the fence decides on that.
fn verdict(file: &str, status: ExitStatus, report: &[u8], aligned: bool) -> Result<i32> {
    if report.ends_with(ENDED)
        && let Some(code) = status.code()
    {
        return Ok(code);
    }
    let line = report.iter().position(|&byte| byte == b'\n').unwrap_or(report.len());
    let launch: Option<Launch> = serde_json::from_slice(&report[..line]).ok();
    let kernel = launch.as_ref().map_or(file, |launch| &launch.kernel).to_owned();
    let fault = report.get(line + 1..).and_then(|rest| Some(Fault::read(rest.first_chunk()?)));
    let what = match (&launch, fault) {
        (Some(_), Some(fault)) if fault.is_unaligned() && !aligned => return Ok(0),
        (Some(launch), Some(fault)) => fault.explain(launch),
        _ => match status.code() {
            Some(code) => format!("ends the process, with exit code {code}"),
            None => match std::os::unix::process::ExitStatusExt::signal(&status) {
                Some(libc::SIGKILL) => "was killed; by the system, if memory ran out".into(),
                Some(signal) => format!("was ended by signal {signal}"),
                None => "was ended".into(),
            },
        },
    };
    Err(Error::Kernel { kernel, what })
}

impl Options {
    /// Runs the kernel, if this is the process to run it in, and gives the result to `show`.
    ///
    /// # Errors
    /// What preparing and launching say.
    pub(super) fn run(
        &self,
        plan: &Plan,
        source: &Source,
        environment: &Environment,
        show: impl FnOnce(&Prepared, &Device) -> Result<()>,
    ) -> Option<Result<()>> {
        let (side, report) = (self.fence?, self.report.as_deref()?);
        let result = fenced(side, report, plan, source, environment, show);
        // Told here, or told by the command.
        let ended = std::fs::OpenOptions::new().append(true).open(report).and_then(|mut file| file.write_all(ENDED));
        Some(result.and(ended.map_err(|e| Error::file(report, e))))
    }
}

fn fenced(
    side: Side,
    report: &Path,
    plan: &Plan,
    source: &Source,
    environment: &Environment,
    show: impl FnOnce(&Prepared, &Device) -> Result<()>,
) -> Result<()> {
    // Not to be left behind by the process that waits for it.
    #[cfg(target_os = "linux")]
    // SAFETY: a number for this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    let fence = match side {
        Side::Start => Fence::Start,
        Side::End => Fence::End,
    };
    let options = HostOptions { mode: Mode::Fenced(fence), environment: environment.clone(), ..Default::default() };
    let device = Device::new(Box::new(Host::new(options)));
    let prepared = plan.prepare(&device, source)?;
    let region = |named: &crate::launch_plan::Named| Region {
        name: named.name.clone(),
        element: named.spec.element.name().into(),
        size: named.spec.element.bytes(),
        count: named.spec.count,
        address: named.buffer.address(),
    };
    let launch = Launch {
        kernel: prepared.function.to_string(),
        buffers: prepared.buffers.iter().map(region).collect(),
        code: faults::code_of(&prepared.function),
    };
    let failed = |e: std::io::Error| Error::file(report, e);
    let mut file = File::options().append(true).open(report).map_err(failed)?;
    let text = serde_json::to_string(&launch).expect("texts and numbers");
    writeln!(file, "{text}").map_err(failed)?;
    faults::report_to(file);
    // SAFETY: this process is there to be ended by what the kernel does wrong, and buffers stand between fences.
    unsafe { prepared.launch(&device)? };
    if fence == Fence::Start { show(&prepared, &device) } else { Ok(()) }
}
