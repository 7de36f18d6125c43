//! How fast kernels run on devices that count their instructions: the GPU in software. Rungs of ladders run once each, and what is
//! measured is instructions of warps by seconds of processor time, so that neither other programs nor the number of cores count.

use serde::Serialize;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::{Summary, stem};

/// Ladders that are measured, each with a problem large enough to fill blocks and small enough for its slowest rung.
pub const PROBLEMS: [(&str, &str); 2] = [
    ("matmul_forward", "NN m256 n256 k256"),
    ("conv2d_forward", "n2 h16 w16 c32 k64 r3 s3 stride1,1 pad1,1 dilation1,1"),
];

/// What a rung takes.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its ladder.
    pub ladder: String,
    /// Its file, without folder and ending.
    pub rung: String,
    /// Instructions of warps.
    pub instructions: u64,
    /// Seconds of processor time, of all cores together.
    pub seconds: f64,
}

impl Row {
    /// Millions of instructions a second of processor time.
    pub fn speed(&self) -> f64 {
        self.instructions as f64 / self.seconds / 1e6
    }
}

/// Runs each rung of a ladder on a problem, `runs` times; the fastest counts.
///
/// # Errors
/// A device that does not count instructions; a rung that fails.
pub fn measure(device: &Device, ladder: &Summary, problem: &str, runs: usize) -> Result<Vec<Row>> {
    let count = || {
        let uncounted = || Error::device(&device.info().name, "does not count instructions: use ptx");
        device.instructions().ok_or_else(uncounted)
    };
    count()?;
    let job = ladder.job(device, problem)?;
    let mut rows = Vec::new();
    for (file, number) in ladder.files.iter().zip(ladder.numbers()) {
        let mut row = Row { ladder: ladder.name.into(), rung: stem(file).into(), instructions: 0, seconds: f64::MAX };
        // The first compiles.
        device.choices().forced(ladder.name, number, &job.run)?;
        for _ in 0..runs {
            let (before, started) = (count()?, processor_seconds());
            device.choices().forced(ladder.name, number, &job.run)?;
            let seconds = processor_seconds() - started;
            row.instructions = count()? - before;
            row.seconds = row.seconds.min(seconds);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Processor time that this process has taken, on all cores.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Where the system does not tell, the clock on the wall.
#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    static STARTED: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    STARTED.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}
