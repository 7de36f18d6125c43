//! Occupancy against NVIDIA's calculator, and what cannot be launched.

use warptape::profile::Gpu;
use warptape::profile::gpu::Sm;
use warptape::profile::occupancy::Limit::{Blocks, Registers, Shared, Warps};
use warptape::profile::occupancy::{Block, Limit, Occupancy};

use crate::data::files::{message, says};

fn gpu(name: &str) -> &'static Gpu {
    Gpu::find(name).unwrap()
}

fn of(name: &str, threads: u32, registers: u32, shared: u32) -> warptape::Result<Occupancy> {
    Occupancy::of(Block { threads, registers, shared }, gpu(name))
}

/// GPU; threads, registers, bytes; blocks, what binds. Answers of `cudaOccMaxActiveBlocksPerMultiprocessor` in CUDA 13's
/// `cuda_occupancy.h`, with the opted-in limit of shared memory.
type Answer = (&'static str, [u32; 3], u32, &'static [Limit]);
const ANSWERS: [Answer; 26] = [
    ("A100", [256, 32, 0], 8, &[Warps, Registers]),
    ("A100", [256, 255, 0], 1, &[Registers]),
    ("A100", [64, 255, 0], 4, &[Registers]),
    ("A100", [256, 32, 49152], 3, &[Shared]),
    ("A100", [96, 37, 0], 16, &[Registers]),
    ("A100", [832, 72, 0], 1, &[Registers]),
    // Blocks of one warp: their number binds, another on each capability.
    ("A100", [32, 16, 0], 32, &[Blocks]),
    ("RTX 4090", [32, 16, 0], 24, &[Blocks]),
    ("T4", [32, 16, 0], 16, &[Blocks]),
    ("H200", [32, 16, 0], 32, &[Blocks]),
    ("H200", [1024, 64, 0], 1, &[Registers]),
    ("H200", [128, 0, 0], 16, &[Warps]),
    ("H200", [65, 33, 1], 16, &[Registers]),
    ("H200", [128, 168, 101_024], 2, &[Shared]),
    // All that a block can have; where the driver keeps 1 KiB of each, half of an SM is too much for two.
    ("H200", [256, 128, 232_448], 1, &[Shared]),
    ("H200", [256, 64, 116_736], 1, &[Shared]),
    ("H200", [256, 64, 115_712], 2, &[Shared]),
    ("A100", [128, 40, 166_912], 1, &[Shared]),
    ("L4", [128, 40, 101_376], 1, &[Shared]),
    ("L4", [1024, 32, 0], 1, &[Warps]),
    ("T4", [128, 40, 65_536], 1, &[Shared]),
    ("T4", [128, 40, 32_768], 2, &[Shared]),
    ("T4", [64, 32, 4097], 15, &[Shared]),
    ("T4", [1024, 64, 0], 1, &[Warps, Registers]),
    ("T4", [256, 65, 4352], 3, &[Registers]),
    ("H100", [512, 32, 56_000], 4, &[Warps, Registers, Shared]),
];

#[test]
fn agrees_with_nvidias_calculator() {
    for (name, [threads, registers, shared], blocks, binding) in ANSWERS {
        let found = of(name, threads, registers, shared).unwrap();
        let told = format!("{name}, {threads} threads, {registers} registers, {shared} bytes");
        assert_eq!(found.blocks, blocks, "{told}");
        assert_eq!(found.binding().collect::<Vec<_>>(), binding, "{told}");
        assert_eq!(found.warps, blocks * threads.div_ceil(32), "{told}");
        let share = f64::from(found.warps) / f64::from(gpu(name).sm.max_warps);
        assert_eq!(found.share, share, "{told}");
        assert!(found.share <= 1.0, "{told}");
    }
    assert_eq!(of("A100", 256, 32, 0).unwrap().share, 1.0);
    assert_eq!(of("A100", 96, 37, 0).unwrap().share, 0.75);
    // What a block does not take at all cannot bind; the driver's own KiB does count.
    assert_eq!(
        of("T4", 64, 0, 0).unwrap().limits,
        [(Warps, Some(16)), (Registers, None), (Shared, None), (Blocks, Some(16))]
    );
    assert_eq!(of("L4", 64, 0, 0).unwrap().limits[2], (Shared, Some(100)));
}

#[test]
fn what_cannot_be_launched_is_told() {
    says(of("H200", 0, 32, 0), &["0 threads", "1 to 1024", "H200"]);
    says(of("H200", 1025, 32, 0), &["1025 threads", "1 to 1024"]);
    says(of("T4", 32, 256, 0), &["256 registers per thread", "at most 255"]);
    says(of("H200", 1024, 65, 0), &["1024 threads of 65 registers", "73728", "at most 65536"]);
    // 25 warps would fit; launches are checked as if they were 28.
    says(of("A100", 800, 80, 0), &["71680 registers per block", "at most 65536"]);
    for (name, most) in [("H200", 232_448), ("A100", 166_912), ("L4", 101_376), ("T4", 65_536)] {
        assert_eq!(of(name, 128, 40, most).unwrap().blocks, 1, "{name}");
        says(of(name, 128, 40, most + 1), &[&(most + 1).to_string(), &format!("at most {most}"), name]);
        says(of(name, u32::MAX, u32::MAX, u32::MAX), &["threads"]);
        says(of(name, 1, 1, u32::MAX), &["shared memory"]);
    }
}

/// Whatever may be launched fits at least once, never more than the SM has, and more registers never fit better.
#[test]
fn every_launch_fits() {
    for gpu in &Gpu::ALL {
        let mut launched = 0;
        for threads in (1..=1024).step_by(31) {
            let mut before = u32::MAX;
            for registers in 0..=255 {
                let Ok(found) = Occupancy::of(Block { threads, registers, shared: 0 }, gpu) else {
                    // And what has more does not, either.
                    before = 0;
                    continue;
                };
                launched += 1;
                assert!((1..=before).contains(&found.blocks), "{}: {threads} threads, {registers}", gpu.name);
                assert!(found.warps <= gpu.sm.max_warps && found.blocks <= gpu.sm.max_blocks);
                let taken = found.warps * (registers * 32).next_multiple_of(256);
                assert!(taken <= Sm::REGISTERS, "{}: {threads} threads, {registers} registers", gpu.name);
                assert!(found.binding().next().is_some());
                before = found.blocks;
            }
        }
        assert!(launched > 33 * 64, "{}: {launched}", gpu.name);
    }
}

#[test]
fn gpus_are_found_by_name() {
    for (asked, name) in [("H200", "H200"), ("h100", "H100"), ("rtx4090", "RTX 4090"), ("RTX-4090", "RTX 4090")] {
        assert_eq!(gpu(asked).name, name);
    }
    let unknown = message(Gpu::find("RTX 490"));
    assert!(unknown.contains("'RTX 490'") && unknown.contains("nearest first: RTX 4090, "), "{unknown}");
    for gpu in &Gpu::ALL {
        assert!(unknown.contains(gpu.name), "{unknown}");
        let (major, minor) = gpu.sm.capability;
        assert_eq!(gpu.sm.arch.trim_end_matches('a'), format!("sm_{major}{minor}"));
    }
    says(Gpu::find(""), &["no GPU is known as ''"]);
    assert_eq!(gpu("l4").sm.max_threads(), 1536);
}
