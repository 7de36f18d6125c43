//! What a launch may ask for of the GPU that kernels were compiled for, and of the kernel: what a driver refuses is refused here.

use super::module::Loaded;
use crate::device::Geometry;

/// Shared memory that a kernel may declare itself, bytes; more must be `extern __shared__`.
const STATIC_AT_MOST: u64 = 48 << 10;

/// Shared memory of a block at most, static and dynamic together, bytes (CUDA Programming Guide, "Compute Capabilities").
fn shared_at_most(arch: &str) -> u64 {
    let kib = match arch.trim_start_matches("sm_").trim_end_matches(|c: char| c.is_ascii_lowercase()) {
        "75" => 64,
        "80" | "87" => 163,
        "86" | "89" | "120" | "121" => 99,
        _ => 227,
    };
    kib << 10
}

/// Refuses a launch of `loaded` that a driver would refuse on a GPU of `arch`.
pub(super) fn allow(loaded: &Loaded, geometry: &Geometry, arch: &str) -> Result<(), String> {
    geometry.fits_a_gpu()?;
    let program = &loaded.module.program;
    let bounds = |directive: &str| {
        let mut axes = [1; 3];
        let numbers = program.directive(loaded.kernel, directive)?;
        axes.iter_mut().zip(numbers).for_each(|(axis, &number)| *axis = number);
        Some(axes)
    };
    let block = geometry.block;
    if let Some(needed) = bounds("reqntid").filter(|needed| *needed != block) {
        return Err(format!("was compiled for blocks of {needed:?} threads alone (.reqntid), not {block:?}"));
    }
    let most = bounds("maxntid").map(|axes| axes.iter().map(|&axis| axis as usize).product());
    if let Some(most) = most.filter(|&most: &usize| geometry.threads() > most) {
        let threads = geometry.threads();
        return Err(format!("was compiled for at most {most} threads in a block (__launch_bounds__), not {threads}"));
    }
    let (fixed, dynamic) = (program.static_bytes[loaded.kernel as usize], u64::from(geometry.shared));
    if fixed > STATIC_AT_MOST {
        let fix = "declare it extern __shared__, and give its size to the launch";
        return Err(format!("declares {fixed} bytes of shared memory, at most {STATIC_AT_MOST}: {fix}"));
    }
    let all = shared_at_most(arch);
    if fixed + dynamic > all {
        let both = format!("{} bytes of shared memory ({fixed} of its own, {dynamic} of the launch)", fixed + dynamic);
        return Err(format!("wants {both}, where a block of {arch} has at most {all}"));
    }
    Ok(())
}
