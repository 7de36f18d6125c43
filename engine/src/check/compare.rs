//! How far results may be from what is expected.

use crate::error::Result;
use crate::tensor::{DType, Tensor};

/// Elements that a device computed, and their type.
pub struct Found {
    /// As f32, which has them all.
    pub elements: Vec<f32>,
    dtype: DType,
}

impl Found {
    pub(super) fn of(tensor: &Tensor) -> Result<Self> {
        Ok(Self { elements: tensor.floats()?, dtype: tensor.dtype() })
    }

    pub(super) fn zeros(like: &Tensor) -> Self {
        Self { elements: vec![0.0; like.elements()], dtype: like.dtype() }
    }

    /// Compares with what was expected: exactly, once that is rounded to the type, or within what sums of `terms` terms with
    /// `rounding` times the usual errors and `slack` allow.
    pub(super) fn compare(&self, what: &str, expected: &[f64], rounds: Rounds) -> Result<(), String> {
        let dtype = self.dtype;
        let Rounds { exact, terms, rounding, slack } = rounds;
        if exact {
            let rounded: Vec<f64> = expected.iter().map(|&value| dtype.round(value)).collect();
            return compare(what, &self.elements, &rounded, 0.0);
        }
        let within = rounding * tolerance(terms, magnitude(expected)) + stored(dtype, magnitude(expected));
        compare(what, &self.elements, expected, within + slack)
    }
}

/// How far a result may be from what is expected.
pub(super) struct Rounds {
    pub exact: bool,
    pub terms: usize,
    pub rounding: f64,
    pub slack: f64,
}

/// The error that f32 arithmetic may make in a sum of `terms` terms of magnitude `scale`: each addition rounds once, and
/// rounding errors of random sign grow with the root of their number; 8 covers the tail.
pub fn tolerance(terms: usize, scale: f64) -> f64 {
    8.0 * f32::EPSILON as f64 * (terms as f64).sqrt() * scale.max(1.0)
}

/// The error that results of magnitude `scale` may have beside that of their sums because they, and what they were computed
/// from on the way, are stored as `dtype`: up to four roundings, as of a block that normalizes, adds and cuts off. None in
/// f32, which [`tolerance`] covers.
pub fn stored(dtype: DType, scale: f64) -> f64 {
    if dtype == DType::F32 { 0.0 } else { 4.0 * dtype.roundoff() * scale.max(1.0) }
}

/// Compares what a device computed with what was expected.
///
/// # Errors
/// One line naming the first element that differs by more than `tolerance` (its own absolute error), or that is not
/// finite where the expectation is, or another length.
pub fn compare(what: &str, got: &[f32], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{what}: {} elements, expected {}", got.len(), expected.len()));
    }
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let same_infinity = expected.is_infinite() && got as f64 == expected;
        let both_nan = expected.is_nan() && got.is_nan();
        // Written so that NaN fails: a comparison with NaN is never true.
        let close = (got as f64 - expected).abs() <= tolerance;
        if !(close || same_infinity || both_nan) {
            return Err(format!("{what}: element {i} is {got:e}, expected {expected:e} ± {tolerance:e}"));
        }
    }
    Ok(())
}

/// The largest magnitude in a slice (1 at least, so that tolerances never vanish).
pub fn magnitude(values: &[f64]) -> f64 {
    values.iter().fold(1.0, |m: f64, v| m.max(v.abs()))
}
