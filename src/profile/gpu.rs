//! The GPUs whose figures are built in.
//!
//! Sources: limits of an SM are from the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability";
//! allocation units and the memory the driver keeps for itself from NVIDIA's occupancy calculator (`cuda_occupancy.h`);
//! SMs, clocks, bandwidths and L2 sizes from the data sheets and architecture white papers (Hopper, Ampere, Ada, Turing).
//! The L2 size of the H200 is the one that its driver reports.

use crate::error::{Error, Result};

/// What one streaming multiprocessor of a compute capability holds and allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sm {
    /// What NVRTC compiles for: `sm_90a`.
    pub arch: &'static str,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// f32 results in a cycle.
    pub f32_lanes: u32,
    /// Resident warps at most.
    pub max_warps: u32,
    /// Resident blocks at most.
    pub max_blocks: u32,
    /// Bytes of shared memory at most.
    pub shared: u32,
    /// Bytes of shared memory that a block can ask for at most, once the kernel has opted in.
    pub max_shared_per_block: u32,
    /// Shared memory is handed out in multiples of so many bytes.
    pub shared_unit: u32,
    /// Bytes of shared memory that the driver keeps in every block.
    pub shared_reserved: u32,
}

impl Sm {
    /// Threads of a warp.
    pub const WARP: u32 = 32;
    /// Threads of a block at most.
    pub const MAX_THREADS_PER_BLOCK: u32 = 1024;
    /// 32-bit registers; also the most that one block can have.
    pub const REGISTERS: u32 = 65536;
    /// Registers of a thread at most.
    pub const MAX_REGISTERS_PER_THREAD: u32 = 255;
    /// A warp gets registers in multiples of so many.
    pub const REGISTER_UNIT: u32 = 256;
    /// Warps get their registers in so many separate parts of the SM.
    pub const PARTITIONS: u32 = 4;

    /// Resident threads at most.
    pub fn max_threads(&self) -> u32 {
        self.max_warps * Self::WARP
    }
}

const KIB: u32 = 1024;

const SM_75: Sm = Sm {
    arch: "sm_75",
    capability: (7, 5),
    f32_lanes: 64,
    max_warps: 32,
    max_blocks: 16,
    shared: 64 * KIB,
    max_shared_per_block: 64 * KIB,
    shared_unit: 256,
    shared_reserved: 0,
};

const SM_80: Sm = Sm {
    arch: "sm_80",
    capability: (8, 0),
    f32_lanes: 64,
    max_warps: 64,
    max_blocks: 32,
    shared: 164 * KIB,
    max_shared_per_block: 163 * KIB,
    shared_unit: 128,
    shared_reserved: KIB,
};

const SM_89: Sm = Sm {
    arch: "sm_89",
    capability: (8, 9),
    f32_lanes: 128,
    max_warps: 48,
    max_blocks: 24,
    shared: 100 * KIB,
    max_shared_per_block: 99 * KIB,
    ..SM_80
};

const SM_90: Sm = Sm {
    arch: "sm_90a",
    capability: (9, 0),
    f32_lanes: 128,
    shared: 228 * KIB,
    max_shared_per_block: 227 * KIB,
    ..SM_80
};

/// A GPU as its data sheet has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gpu {
    /// The product: `H200`, `RTX 4090`.
    pub name: &'static str,
    /// What each of its SMs holds and allows.
    pub sm: Sm,
    /// Streaming multiprocessors.
    pub sms: u32,
    /// Boost clock, Hz.
    pub clock: f64,
    /// Bandwidth of the DRAM, bytes a second.
    pub dram: f64,
    /// Capacity of the L2 cache, bytes.
    pub l2: u64,
}

const fn gpu(name: &'static str, sm: Sm, sms: u32, mhz: u32, gb_per_s: u32, l2_mib: u64) -> Gpu {
    Gpu { name, sm, sms, clock: mhz as f64 * 1e6, dram: gb_per_s as f64 * 1e9, l2: l2_mib << 20 }
}

impl Gpu {
    /// Every GPU that [`find`](Self::find) knows. H200 and H100 are the SXM modules, A100 the SXM module with 80 GB.
    pub const ALL: [Gpu; 6] = [
        gpu("H200", SM_90, 132, 1980, 4800, 60),
        gpu("H100", SM_90, 132, 1980, 3350, 50),
        gpu("A100", SM_80, 108, 1410, 2039, 40),
        gpu("RTX 4090", SM_89, 128, 2520, 1008, 72),
        gpu("L4", SM_89, 58, 2040, 300, 48),
        gpu("T4", SM_75, 40, 1590, 320, 4),
    ];

    /// The GPU called `name`; case, spaces, `-` and `_` make no difference.
    ///
    /// # Errors
    /// An unknown name, with the nearest and all there are.
    pub fn find(name: &str) -> Result<&'static Gpu> {
        let plain = |name: &str| name.replace([' ', '-', '_'], "").to_lowercase();
        let wanted = plain(name);
        if let Some(gpu) = Self::ALL.iter().find(|gpu| plain(gpu.name) == wanted) {
            return Ok(gpu);
        }
        let mut near = Self::ALL.map(|gpu| gpu.name);
        near.sort_by(|a, b| {
            let likeness = |name: &str| strsim::jaro_winkler(&plain(name), &wanted);
            likeness(b).total_cmp(&likeness(a))
        });
        Err(Error::usage(format!("no GPU is known as '{name}'; the known ones, nearest first: {}", near.join(", "))))
    }

    /// FLOP/s of f32 at the boost clock: a fused multiply-add counts as two, and every lane starts one each cycle.
    pub fn f32_peak(&self) -> f64 {
        2.0 * f64::from(self.sms * self.sm.f32_lanes) * self.clock
    }
}
