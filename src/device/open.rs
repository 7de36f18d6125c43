//! Devices by name.

use super::{Device, choices, cuda, host};
use crate::error::{Error, Result};

impl Device {
    /// Opens a device by its command-line name: `auto` (the first GPU that works, else the host), `host`, `host:checked`
    /// (see [`host::checked`]), `cuda`, `cuda:N`. Kernels are chosen as `warptape tune` found best on it, if it ran.
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
        Ok(match name {
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
                let ordinal = name.strip_prefix("cuda:").and_then(|n| n.parse::<usize>().ok());
                let ordinal = ordinal.ok_or_else(|| {
                    Error::usage(format!("unknown device '{name}': use auto, host, host:checked, cuda or cuda:N"))
                })?;
                Self::new(Box::new(cuda::Cuda::open(ordinal)?))
            }
        })
    }
}
