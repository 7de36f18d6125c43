//! Whether a result is right: samples of it against the f64 reference.

use crate::check::{magnitude, stored, tolerance};
use crate::error::Result;
use crate::launch::ladder::Job;
use crate::tensor::Tensor;

/// Elements that are looked at.
const COUNT: usize = 97;

/// What is wrong with `result`, if anything. The reference is asked anew each time: where a job goes on from what it left
/// (an optimizer's step), so does its reference.
///
/// # Errors
/// Those of the device.
pub(in crate::bench) fn compare(job: &Job, result: &Tensor, rounding: f64, when: &str) -> Result<Option<String>> {
    let found = result.floats()?;
    // Spread over the whole result, its first and last elements among them, and over all remainders of tiles.
    let last = found.len().saturating_sub(1);
    let step = (found.len() as f64 / COUNT as f64).max(1.0);
    let mut places: Vec<usize> = (0..COUNT).map(|i| ((i as f64 * step) as usize).min(last)).chain([last]).collect();
    places.dedup();
    let expected: Vec<f64> = places.iter().map(|&at| (job.element)(at)).collect();
    let scale = magnitude(&expected);
    let within = rounding * tolerance(job.terms, scale) + stored(result.dtype(), scale);
    // A difference that is NaN is not within anything.
    let close = |at: usize, value: f64| (f64::from(found[at]) - value).abs() <= within;
    let off = places.iter().zip(&expected).find(|&(&at, &value)| !close(at, value));
    Ok(off.map(|(&at, value)| format!("element {at} is {:e} {when} timing, not {value:e} ± {within:e}", found[at])))
}
