//! Which of the NVRTCs of a machine is used: the newest whose machine code the driver can load and that knows the GPU.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::fit::{self, Machine, Unfit, Version};
use super::locate::{self, NVRTC};
use super::nvrtc::{INSTALL, Nvrtc};
use crate::environment::Environment;
use crate::error::{Error, Result};

impl Nvrtc {
    /// Loads the newest NVRTC that there is; [`locate::candidates`] has the places, and of equal versions the first
    /// place counts.
    ///
    /// # Errors
    /// None is there, or none can be loaded; the message says how to get one.
    pub fn find(environment: &Environment) -> Result<Self> {
        let (found, ()) = search(environment, None, |_| Ok(()), |title, _, _| title.to_owned())?;
        Ok(found)
    }

    /// The newest NVRTC that suits `machine`, and the architecture to compile for.
    ///
    /// # Errors
    /// As [`Nvrtc::find`]; none suits, with what to install instead.
    pub fn find_for(environment: &Environment, machine: Machine) -> Result<(Self, String)> {
        let suits = |found: &Self| fit::fit(found.version, &found.archs, machine);
        search(environment, Some(machine.driver), suits, |title, version, why| unfit(title, version, why, machine))
    }
}

/// The newest that `suits`, with what that makes of it. What the names of files tell `driver` cannot load is not even
/// tried; `tell` says why one was refused.
fn search<T>(
    environment: &Environment,
    driver: Option<Version>,
    suits: impl Fn(&Nvrtc) -> Result<T, Unfit>,
    tell: impl Fn(&str, Version, Unfit) -> String,
) -> Result<(Nvrtc, T)> {
    let (mut first_failure, mut first_unfit, mut passed_over) = (None, None, Vec::new());
    let mut refuse = |title: String, version: Version, why: Unfit| {
        first_unfit.get_or_insert_with(|| Error::device("cuda", tell(&title, version, why)));
        passed_over.push(title);
    };
    for (file, told) in newest_first(locate::candidates(&NVRTC, environment)) {
        let has_path = file.components().count() > 1;
        if let (Some(driver), Some(version)) = (driver, told)
            && has_path
            && !fit::loads_cubins(driver, version)
        {
            refuse(title(version, &file), version, Unfit::TooNew);
            continue;
        }
        match Nvrtc::load(&file, environment) {
            Ok(mut found) => match suits(&found) {
                Ok(what) => {
                    found.passed_over = passed_over;
                    return Ok((found, what));
                }
                Err(why) => refuse(title(found.version, &file), found.version, why),
            },
            // A bare name that the loader does not know is no news; a file that is there and fails is.
            Err(error) if has_path => _ = first_failure.get_or_insert(error),
            Err(_) => {}
        }
    }
    let set = environment.path(NVRTC.variable);
    Err(match (first_unfit.or(first_failure), set) {
        (Some(error), _) => error,
        (None, Some(value)) => {
            Error::device("cuda", format!("WARPTAPE_NVRTC={} holds no libnvrtc.so", value.display()))
        }
        (None, None) => Error::device("cuda", format!("NVRTC is not installed: {INSTALL}")),
    })
}

/// How messages call an NVRTC: `NVRTC 13.0 at /usr/local/cuda/lib64/libnvrtc.so.13`.
fn title((major, minor): Version, file: &Path) -> String {
    format!("NVRTC {major}.{minor} at {}", file.display())
}

/// Candidates with the versions that their names tell, the newest first; then those whose names tell none, and last the
/// names that only the loader knows. Equal ones stay in order.
pub fn newest_first(candidates: Vec<PathBuf>) -> Vec<(PathBuf, Option<Version>)> {
    let mut all: Vec<_> = candidates.into_iter().map(|file| (told(&file), file)).map(|(v, file)| (file, v)).collect();
    all.sort_by_key(|(file, version)| (file.components().count() < 2, Reverse(*version)));
    all
}

/// The version of the NVRTC at `file`, by its own full name (`libnvrtc.so.13.0.88`), else by that of the builtins beside
/// it (`libnvrtc-builtins.so.13.0`); with minor version 0 where only the major one is told.
fn told(file: &Path) -> Option<Version> {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let numbers = |path: &Path, stem: &str| -> Option<(u32, Option<u32>)> {
        let mut parts = path.file_name()?.to_str()?.strip_prefix(stem)?.split('.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next().flatten()))
    };
    let (major, minor) = numbers(&real, "libnvrtc.so.").or_else(|| numbers(file, "libnvrtc.so."))?;
    let stem = "libnvrtc-builtins.so.";
    let beside = || {
        let all = locate::beside(file, stem);
        all.iter().filter_map(|path| numbers(path, stem)).filter(|found| found.0 == major).find_map(|found| found.1)
    };
    Some((major, minor.or_else(beside).unwrap_or(0)))
}

/// Why an NVRTC cannot be used on `machine` and what to do, in one line.
pub fn unfit(title: &str, version: Version, why: Unfit, machine: Machine) -> String {
    let (driver, (major, minor)) = (machine.driver, machine.capability);
    match why {
        Unfit::TooNew => {
            // Of the driver's own major version any will do, unless it makes PTX.
            let will_do =
                if version.0 > driver.0 { driver.0.to_string() } else { format!("{}.{}", driver.0, driver.1) };
            format!(
                "{title} is too new for this driver, which is for CUDA up to {}.{}: run scripts/install_nvrtc.sh {will_do}, or update the driver",
                driver.0, driver.1
            )
        }
        Unfit::GpuTooOld(oldest) => format!(
            "{title} knows GPUs from sm_{oldest} on and this one is sm_{major}{minor}: install an older NVRTC (scripts/install_nvrtc.sh 12 knows sm_50 and newer) or name it with WARPTAPE_NVRTC"
        ),
    }
}
