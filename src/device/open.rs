//! Devices by name.

use super::{Device, choices, cuda, host};
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

    /// Opens a device by its command-line name, in any spelling that [`Device::respell`] knows: `auto` (the first GPU that works,
    /// else the host), `host`, `host:checked` (see [`host::checked`]), `cuda`, `cuda:N`. Kernels are chosen as `warptape tune` found best on it, if it ran.
    ///
    /// # Errors
    /// An unknown name; a GPU that was asked for by name and is not there, with the reason; a damaged table of choices.
    pub fn open(name: &str) -> Result<Self> {
        let device = Self::untuned(name)?;
        device.choices().prefer(&choices::tuned(device.info())?);
        Ok(device)
    }

    /// [`Device::open`] without what `warptape tune` found.
    ///
    /// # Errors
    /// An unknown name; a GPU that was asked for by name and is not there, with the reason.
    pub fn untuned(name: &str) -> Result<Self> {
        let spelled = Self::respell(name);
        Ok(match spelled.as_str() {
            "auto" => match cuda::Cuda::open(0) {
                Ok(cuda) => Self::new(Box::new(cuda)),
                Err(_) => return Self::untuned("host"),
            },
            "host" => Self::new(Box::new(host::Host::new(host::Options::default()))),
            "host:checked" => {
                let options = host::Options { mode: host::Mode::Checked, ..Default::default() };
                Self::new(Box::new(host::Host::new(options)))
            }
            "cuda" => return Self::untuned("cuda:0"),
            _ => {
                let ordinal = spelled.strip_prefix("cuda:").and_then(|n| n.parse::<usize>().ok());
                let ordinal = ordinal.ok_or_else(|| {
                    Error::usage(format!("unknown device '{name}': use auto, host, host:checked, cuda or cuda:N"))
                })?;
                Self::new(Box::new(cuda::Cuda::open(ordinal)?))
            }
        })
    }
}
