//! The devices that observe kernels: the host, and a GPU in software.

use std::str::FromStr;

use crate::device::checked::Findings;
use crate::device::host::{self, Host, Order};
use crate::device::profiled::Profiles;
use crate::device::ptx::{self, Ptx};
use crate::device::{Backend, Device};
use crate::environment::Environment;
use crate::error::{Error, Result};

/// What runs kernels while they are observed: `--device`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// The C++ compiler's code.
    Host,
    /// NVRTC's, for this architecture, executed in software.
    Ptx(String),
}

impl FromStr for Runner {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let spelled = Device::respell(name);
        match (spelled.as_str(), spelled.strip_prefix("ptx:")) {
            ("host", _) => Ok(Self::Host),
            ("ptx", _) => Ok(Self::Ptx(ptx::ARCH.into())),
            (_, Some(arch)) if arch.starts_with("sm_") && !arch.contains(':') => Ok(Self::Ptx(arch.into())),
            _ => Err(Error::usage(format!("kernels are observed on host, ptx or ptx:sm_80, not on '{name}'"))),
        }
    }
}

impl Runner {
    /// A device in checked mode, which adds to `findings`.
    pub(super) fn checked(&self, order: Order, findings: Findings, environment: &Environment) -> Result<Device> {
        self.open(order, host::Mode::Checked, environment, Some(findings), Profiles::default())
    }

    /// A device in profiled mode, which counts into `profiles`.
    pub(super) fn profiled(&self, profiles: Profiles, environment: &Environment) -> Result<Device> {
        self.open(Order::Forward, host::Mode::Profiled, environment, None, profiles)
    }

    fn open(
        &self,
        order: Order,
        mode: host::Mode,
        environment: &Environment,
        findings: Option<Findings>,
        profiles: Profiles,
    ) -> Result<Device> {
        let environment = environment.clone();
        let backend: Box<dyn Backend> = match self {
            Self::Host => {
                let options = host::Options { mode, order, findings, profiles, environment, ..Default::default() };
                Box::new(Host::new(options))
            }
            Self::Ptx(arch) => {
                let mode = match mode {
                    host::Mode::Profiled => ptx::Mode::Profiled(profiles),
                    _ => ptx::Mode::Checked(findings),
                };
                Box::new(Ptx::open(ptx::Options { arch: arch.clone(), order, mode, environment })?)
            }
        };
        crate::cli::asked(Device::new(backend))
    }
}
