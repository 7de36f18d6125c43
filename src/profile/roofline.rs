//! The roofline model: a kernel is no faster than the GPU's arithmetic allows its FLOPs, and no faster than the GPU's
//! memory allows its bytes.
//!
//! S. Williams, A. Waterman, D. Patterson: "Roofline: An Insightful Visual Performance Model for Multicore
//! Architectures", Communications of the ACM 52 (4), 2009.
//!
//! The compute ceiling is that of f32 fused multiply-adds without tensor cores: a kernel that only adds reaches half of
//! it. The memory ceiling is the DRAM's; what stays in L2 from one kernel to the next is not counted in its favor.

use std::fmt;

use super::gpu::Gpu;

/// What a kernel has to do, however it goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// f32 operations; a fused multiply-add is two. Finite, not negative.
    pub flops: f64,
    /// Bytes that must move between DRAM and chip at the least: those of the distinct sectors touched. Finite, not
    /// negative.
    pub dram_bytes: f64,
}

/// What keeps a kernel from being faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The DRAM's bandwidth.
    Memory,
    /// The f32 units.
    Compute,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::Memory => "memory",
            Bound::Compute => "compute",
        })
    }
}

/// What a GPU allows a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// The kernel's arithmetic intensity, FLOP/byte.
    pub intensity: f64,
    /// Seconds that the f32 units need at the least.
    pub compute_s: f64,
    /// Seconds that the DRAM needs at the least.
    pub memory_s: f64,
    /// The ceiling that binds.
    pub bound: Bound,
}

impl Work {
    /// Arithmetic intensity, FLOP/byte: infinite without bytes, 0 without FLOPs.
    pub fn intensity(&self) -> f64 {
        if self.flops == 0.0 { 0.0 } else { self.flops / self.dram_bytes }
    }

    /// What `gpu` allows.
    pub fn on(&self, gpu: &Gpu) -> Roofline {
        let intensity = self.intensity();
        let bound = if intensity < ridge(gpu) { Bound::Memory } else { Bound::Compute };
        Roofline { intensity, compute_s: self.flops / gpu.f32_peak(), memory_s: self.dram_bytes / gpu.dram, bound }
    }
}

impl Roofline {
    /// Seconds at the least: those of the ceiling that binds.
    pub fn least_s(&self) -> f64 {
        self.compute_s.max(self.memory_s)
    }
}

/// The intensity, FLOP/byte, at which both ceilings of `gpu` meet: below it memory binds, from it on compute.
pub fn ridge(gpu: &Gpu) -> f64 {
    gpu.f32_peak() / gpu.dram
}

/// FLOP/s that `gpu` allows at most at an `intensity` in FLOP/byte: the roof.
pub fn roof(gpu: &Gpu, intensity: f64) -> f64 {
    gpu.f32_peak().min(intensity * gpu.dram)
}
