//! Benches: how fast kernels and training steps are on this machine, beside PyTorch on the same machine, and the tables
//! made from what was measured.
//!
//! Contenders take turns: one run of ours, one of theirs, and again, so that a machine that slows down slows all of them.
//! The median counts. Results are verified before and after timing: what is fast but wrong is an error and not a record.

pub mod kernels;
pub mod machine;
pub mod output;
pub mod picture;
pub mod pytorch;
pub mod results;
pub mod tables;
pub mod train;
pub mod tune;
pub mod vendor;

/// The middle of `values`, the upper one of two.
///
/// # Panics
/// No values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Images in a batch of a training of `network`, as its users choose it on a GPU.
pub fn usual_batch(network: &str) -> usize {
    match network {
        "airbench94" => 2000,
        _ if network.starts_with("resnet") => 64,
        _ => 128,
    }
}
