//! Devices by name.

use super::{Device, Tree, cuda, host, ptx};
use crate::environment::Environment;
use crate::error::{Error, Result};

impl Device {
    /// The name of a device in our spelling: any case, `cpu` for the host and `gpu` for CUDA.
    pub fn respell(name: &str) -> String {
        let lower = name.to_lowercase();
        let (kind, rest) = lower.split_at(lower.find(':').unwrap_or(lower.len()));
        let kind = match kind {
            "cpu" => "host",
            "gpu" => "cuda",
            other => other,
        };
        format!("{kind}{rest}")
    }

    /// Opens a device by its name, in any spelling that [`Device::respell`] knows: `auto` (the first GPU that works, else the
    /// host), `host`, `host:checked` (see [`checked`]), `cuda`, `cuda:N`, `ptx` (see [`ptx`]), `ptx:sm_80`, `ptx:checked`,
    /// `ptx:sm_80:checked`. [`Device::open_in`] does the same and prefers the kernels that `warptape tune` found to be fastest.
    ///
    /// # Errors
    /// An unknown name; a GPU that was asked for by name and is not there, with the reason.
    pub fn untuned(name: &str, environment: &Environment) -> Result<Self> {
        let spelled = Self::respell(name);
        let host = |mode| {
            let options = host::Options { mode, environment: environment.clone(), ..Default::default() };
            Self::new(Box::new(host::Host::new(options)))
        };
        Ok(match spelled.as_str() {
            "auto" => match cuda::Cuda::open(0, environment) {
                Ok(cuda) => Self::new(Box::new(cuda)),
                Err(_) => host(host::Mode::Fast),
            },
            "host" => host(host::Mode::Fast),
            "host:checked" => host(host::Mode::Checked),
            "cuda" => return Self::untuned("cuda:0", environment),
            "ptx" => return Self::untuned(&format!("ptx:{}", ptx::ARCH), environment),
            "ptx:checked" => return Self::untuned(&format!("ptx:{}:checked", ptx::ARCH), environment),
            _ if spelled.starts_with("ptx:sm_") => {
                let arch = &spelled["ptx:".len()..];
                let (arch, mode) = match arch.strip_suffix(":checked") {
                    Some(arch) => (arch.to_owned(), ptx::Mode::Checked(None)),
                    None => (arch.to_owned(), ptx::Mode::Fast),
                };
                let options =
                    ptx::Options { arch, order: host::Order::Forward, mode, environment: environment.clone() };
                Self::new(Box::new(ptx::Ptx::open(options)?))
            }
            _ => {
                let ordinal = spelled.strip_prefix("cuda:").and_then(|n| n.parse::<usize>().ok());
                let ordinal = ordinal.ok_or_else(|| {
                    Error::usage(format!(
                        "unknown device '{name}': use auto, host, host:checked, cuda, cuda:N, ptx, ptx:sm_80 or ptx:checked"
                    ))
                })?;
                Self::new(Box::new(cuda::Cuda::open(ordinal, environment)?))
            }
        })
    }

    /// The environment that the device was opened in.
    pub fn environment(&self) -> &Environment {
        self.0.backend.environment()
    }

    /// The kernels that ops launch here.
    pub fn tree(&self) -> Tree {
        Tree::of(self.environment())
    }
}
