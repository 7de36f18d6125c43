//! What a driver and a GPU can take: decisions over plain numbers, made before the driver is asked.

use std::sync::Mutex;

/// A version of CUDA, major and minor.
pub type Version = (u32, u32);

/// Shared memory that a block may have without the driver being told before, static and dynamic together, bytes.
const SHARED_FOR_ALL: u32 = 48 << 10;

/// The machine that machine code is for.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The newest CUDA that its driver knows.
    pub driver: Version,
    /// Compute capability of its GPU.
    pub capability: Version,
}

/// Why an NVRTC does not suit a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The driver cannot load what it makes.
    TooNew,
    /// It knows only GPUs from this compute capability on (75 for 7.5), and this one is older.
    GpuTooOld(u32),
}

/// The architecture to compile for on a GPU of compute capability `capability`, by an NVRTC that knows `archs`
/// (ascending): `sm_80`; from Hopper on with the features of that very chip (`sm_90a`: `wgmma`, TMA multicast,
/// `setmaxnreg`); PTX (`compute_121`) where the GPU is newer than this NVRTC; none where it is older.
pub fn arch(archs: &[u32], capability: Version) -> Option<String> {
    let wanted = 10 * capability.0 + capability.1;
    let known = *archs.iter().rfind(|&&known| known <= wanted)?;
    Some(if known == wanted { specific(known) } else { format!("compute_{known}") })
}

/// From compute capability 9.0 on, an `a` target has what only that chip has; NVRTC knows it wherever it knows the chip.
pub fn specific(arch: u32) -> String {
    if arch >= 90 { format!("sm_{arch}a") } else { format!("sm_{arch}") }
}

/// Whether a driver loads a cubin that a compiler of version `nvrtc` made: those of its own major version, whatever
/// their minor, and of all before ("minor version compatibility" in NVIDIA's *CUDA Compatibility*).
pub fn loads_cubins(driver: Version, nvrtc: Version) -> bool {
    nvrtc.0 <= driver.0
}

/// The architecture to compile for, if an NVRTC of version `nvrtc` that knows `archs` suits `machine`. PTX, which the
/// driver compiles itself, must not be newer than the driver.
///
/// # Errors
/// Why it does not suit.
pub fn fit(nvrtc: Version, archs: &[u32], machine: Machine) -> Result<String, Unfit> {
    let arch = arch(archs, machine.capability).ok_or(Unfit::GpuTooOld(archs.first().copied().unwrap_or(0)))?;
    let loads = if arch.starts_with("sm_") { loads_cubins(machine.driver, nvrtc) } else { nvrtc <= machine.driver };
    if loads { Ok(arch) } else { Err(Unfit::TooNew) }
}

/// The dynamic shared memory that launches of a kernel may ask for, bytes: as much as the driver was told, or what its
/// static shared memory leaves of the 48 KiB that every block may have.
#[derive(Debug)]
pub struct Allowance(Mutex<u32>);

impl Allowance {
    /// Of a kernel with so many bytes of static shared memory that nothing was told about.
    pub fn new(fixed: u32) -> Self {
        Self(Mutex::new(SHARED_FOR_ALL.saturating_sub(fixed)))
    }

    /// Sees to it that a launch may have `dynamic` bytes, by `raise` where they are more than were allowed so far.
    ///
    /// # Errors
    /// Those of `raise`; the allowance then is what it was.
    pub fn cover<E>(&self, dynamic: u32, raise: impl FnOnce(u32) -> Result<(), E>) -> Result<(), E> {
        // Held while the driver is told: another thread's smaller launch would take the allowance back.
        let mut allowed = self.0.lock().unwrap();
        if dynamic > *allowed {
            raise(dynamic)?;
            *allowed = dynamic;
        }
        Ok(())
    }
}
