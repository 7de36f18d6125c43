//! What a device can do: ceilings, measured by kernels that do nothing else, and peaks, which nothing can pass.

use serde::{Deserialize, Serialize};

use crate::device::{Device, Target};
use crate::error::{Error, Result};
use crate::launch::ladder::Job;
use crate::op::ceiling::{ROUNDS, copy, group, multiply_add, scale};
use crate::profile::Gpu;
use crate::tensor::{DType, Tensor};

/// A processor without a data sheet has its measured ceilings as peaks, with this much room for a bad moment.
const ROOM: f64 = 1.25;
/// Winograd's F(4×4, 3×3) makes four products of sixteen, so that useful operations may pass the peak of real ones.
const WINOGRAD: f64 = 4.0;
/// Runs of each ceiling; the best counts.
const RUNS: usize = 7;
/// Seconds that a clock of microseconds measures well.
const LONG_ENOUGH: f64 = 2e-3;
/// Passes of the multiply-adds that are tried first: a GPU in software takes a quarter of a second for them.
const SHORTEST_PASSES: usize = 1 << 4;
/// So many take the fastest device longer than is needed.
const MOST_PASSES: usize = 1 << 14;

/// Ceilings, operations and bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
    /// f32 multiply-adds in registers, two operations each.
    pub flops: f64,
    /// Bytes read and written, by a copy or by a change in place, whichever is faster.
    pub bytes: f64,
}

/// What it takes to empty a device's caches. It keeps a GPU busy for longer than the host takes to queue a few kernels
/// behind it, so that what is timed after it is the GPU's work and not the waiting for the host.
pub struct Flush {
    /// Capacity of the largest cache, bytes.
    cache: usize,
    filled: Tensor,
}

impl Flush {
    /// For the caches of `device`.
    ///
    /// # Errors
    /// No memory.
    pub fn new(device: &Device) -> Result<Self> {
        let cache = gpu(device).map_or_else(largest_cache, |gpu| gpu.l2 as usize);
        Ok(Self { cache, filled: Tensor::zeros(device, [2 * cache / 4], DType::F32)? })
    }

    /// Puts other things into the caches.
    ///
    /// # Errors
    /// Those of the device.
    pub fn queue(&self) -> Result<()> {
        self.filled.clear()
    }
}

/// A device's limits.
pub struct Limits {
    /// As they were measured.
    pub ceilings: Ceilings,
    /// Of the data sheet.
    peaks: Option<Ceilings>,
    /// Empties its caches.
    pub flush: Flush,
}

impl Limits {
    /// Measures the ceilings of `device`.
    ///
    /// # Errors
    /// Those of the device; a ceiling's kernel that computes nonsense.
    pub fn new(device: &Device) -> Result<Self> {
        let peaks = gpu(device).map(|gpu| Ceilings { flops: gpu.f32_peak(), bytes: gpu.dram });
        let flush = Flush::new(device)?;
        Ok(Self { ceilings: measured(device, flush.cache)?, peaks, flush })
    }

    /// The least time that the ceilings allow, seconds.
    pub fn least_seconds(&self, job: &Job) -> f64 {
        (job.flops / self.ceilings.flops).max(job.bytes / self.ceilings.bytes)
    }

    /// Why no kernel can have taken so short a time, if none can. Where the peaks are measured ones, they are measured
    /// again before that is said.
    ///
    /// # Errors
    /// Those of [`Limits::new`].
    pub fn impossible(&mut self, device: &Device, job: &Job, seconds: f64, winograd: bool) -> Result<Option<String>> {
        let verdict = self.beyond(job, seconds, winograd);
        if verdict.is_none() || self.peaks.is_some() {
            return Ok(verdict);
        }
        let again = measured(device, self.flush.cache)?;
        self.ceilings.flops = self.ceilings.flops.max(again.flops);
        self.ceilings.bytes = self.ceilings.bytes.max(again.bytes);
        Ok(self.beyond(job, seconds, winograd))
    }

    fn beyond(&self, job: &Job, seconds: f64, winograd: bool) -> Option<String> {
        let Ceilings { flops, bytes } = self.ceilings;
        let peaks = self.peaks.unwrap_or(Ceilings { flops: ROOM * flops, bytes: ROOM * bytes });
        let flops = peaks.flops * if winograd { WINOGRAD } else { 1.0 };
        // What is written last may still be in the cache.
        let moved = (job.bytes - self.flush.cache as f64).max(0.0);
        let (computed, moved) = (job.flops / seconds, moved / seconds);
        let told = |rate: f64, peak: f64, unit: &str| {
            Some(format!("{:.0} {unit} are above the device's peak of {:.0}", rate / 1e9, peak / 1e9))
        };
        match (computed > flops, moved > peaks.bytes) {
            (true, _) => told(computed, flops, "GFLOP/s"),
            (_, true) => told(moved, peaks.bytes, "GB/s"),
            _ => None,
        }
    }
}

/// The data sheet of `device`, if it is a GPU that has one.
fn gpu(device: &Device) -> Option<&'static Gpu> {
    known(&device.info().description).filter(|_| device.stream().is_some())
}

/// The GPU with a data sheet whose name stands in `description` as words of their own.
fn known(description: &str) -> Option<&'static Gpu> {
    let words = format!(" {} ", description.replace('-', " "));
    Gpu::ALL.iter().find(|gpu| words.contains(&format!(" {} ", gpu.name)))
}

/// The size of the CPU's last cache, or a large one's.
fn largest_cache() -> usize {
    let sizes = (0..8).filter_map(|index| {
        let file = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        let text = std::fs::read_to_string(file).ok()?;
        text.trim().strip_suffix('K')?.parse::<usize>().ok()
    });
    sizes.max().map_or(64 << 20, |kib| kib << 10)
}

fn measured(device: &Device, cache: usize) -> Result<Ceilings> {
    let best = |work: &dyn Fn() -> Result<Tensor>| -> Result<(f64, Tensor)> {
        let (mut best, mut last) = (f64::INFINITY, work()?);
        for _ in 0..RUNS {
            best = best.min(device.seconds(|| work().map(|tensor| last = tensor))?);
        }
        Ok((best, last))
    };
    // Long chains on few elements in registers
    let blocks = match device.target() {
        Target::Cuda => 16 * device.info().units,
        Target::Host { .. } => 8 * device.info().units,
    };
    let n = blocks * group(device.target());
    let x = Tensor::full(device, [n], 1.0)?;
    let mut passes = SHORTEST_PASSES;
    while device.seconds(|| multiply_add(&x, passes).map(drop))? < LONG_ENOUGH && passes < MOST_PASSES {
        passes *= 2;
    }
    let (seconds, y) = best(&|| multiply_add(&x, passes))?;
    let flops = 2.0 * (n * passes * ROUNDS) as f64 / seconds;
    let large = Tensor::full(device, [cache], 1.0)?;
    let (seconds, z) = best(&|| copy(&large))?;
    let (in_place, scaled) = best(&|| scale(&large, -1.0).map(|()| large.clone()))?;
    let bytes = 8.0 * large.elements() as f64 / seconds.min(in_place);
    let sign = (-1.0f32).powi(RUNS as i32 + 1); // one run more than those that count
    let wrong = |tensor: &Tensor, value: f32| Ok::<_, Error>(tensor.to_vec::<f32>()?.iter().any(|&x| x != value));
    if wrong(&y, 2.0)? || wrong(&z, 1.0)? || wrong(&scaled, sign)? {
        return Err(Error::Training("kernels/ceiling computes something else than its ceilings are made of".into()));
    }
    Ok(Ceilings { flops, bytes })
}
