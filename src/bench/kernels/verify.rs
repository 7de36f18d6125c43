//! Whether a result is right: samples of it against the f64 reference.

use crate::check::{magnitude, tolerance};
use crate::error::Result;
use crate::op::ladder::Job;
use crate::tensor::Tensor;

/// How the reason begins why a wrong result is no record.
pub(super) const WRONG: &str = "wrong: ";
/// The rounding of kernels that nothing is known about; as that of Winograd's large tiles.
pub(super) const UNKNOWN: f64 = 64.0;
/// Elements that are looked at.
const COUNT: usize = 97;

/// What some elements of a result should be, computed once for all who compute it.
#[derive(Default)]
pub(super) struct Samples {
    elements: usize,
    expected: Vec<(usize, f64)>,
    within: f64,
}

impl Samples {
    /// What is wrong with `result`, if anything.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) fn compare(&mut self, job: &Job, result: &Tensor, rounding: f64, when: &str) -> Result<Option<String>> {
        let found = result.to_vec::<f32>()?;
        if self.expected.is_empty() {
            // Spread over the whole result, its first and last elements among them, and over all remainders of tiles.
            let last = found.len().saturating_sub(1);
            let step = (found.len() as f64 / COUNT as f64).max(1.0);
            let mut places: Vec<usize> =
                (0..COUNT).map(|i| ((i as f64 * step) as usize).min(last)).chain([last]).collect();
            places.dedup();
            self.elements = found.len();
            self.expected = places.into_iter().map(|at| (at, (job.element)(at))).collect();
            let values: Vec<f64> = self.expected.iter().map(|(_, value)| *value).collect();
            self.within = tolerance(job.terms, magnitude(&values));
        }
        if found.len() != self.elements {
            return Ok(Some(format!("{WRONG}{} elements {when} timing, not {}", found.len(), self.elements)));
        }
        let within = rounding * self.within;
        // Written so that NaN fails: a comparison with NaN is never true.
        let off = self.expected.iter().find(|(at, value)| !((f64::from(found[*at]) - value).abs() <= within));
        Ok(off.map(|(at, value)| {
            format!("{WRONG}element {at} is {:e} {when} timing, not {value:e} ± {within:e}", found[*at])
        }))
    }
}
